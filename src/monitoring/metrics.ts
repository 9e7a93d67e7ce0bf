import cluster from 'node:cluster'
import type { Counter, Gauge, LabelValues, Registry } from 'prom-client'
import { PairMap } from '../lib/pair-map.ts'
import { type Latencies, LatencyHistogram } from './latency-histogram.ts'
import type { ReadRecord } from './read-record.ts'
import { StatusCounts } from './status-counts.ts'

/** What is asked for when metrics are, as it costs something to find out. What cannot be found out is left out. */
export interface MetricSources {
  /** Of each group, the seconds since the newest event that its state holds, or since it was materialized. */
  readonly freshness?: () => Promise<Readonly<Record<string, number>>> | Readonly<Record<string, number>>
  /** Of each group, the events of its topics that are not yet in its state. */
  readonly streamLag?: () => Promise<Readonly<Record<string, number>>> | Readonly<Record<string, number>>
  /** Reads that the feature log dropped so far. */
  readonly featureLogDropped?: () => number
  /** The apply that is served (0: none), when it was adopted (microseconds; null: at the start), and whether a newer one cannot be. */
  readonly definitions?: () => { readonly apply: number; readonly adopted: number | null; readonly waiting: boolean }
}

/** Different selections of features that are told apart; values of others are not counted. */
const mostSelections = 2_000
/** Values of a label that are told apart; the others are one. */
const mostLabels = 1_000

/**
 * What a server tells Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). What is counted for every value
 * is counted in arrays and made text when it is asked for. Labels are names of definitions, routes and codes: never what callers send.
 */
export class ServerMetrics {
  readonly #registry: Registry
  /** By route and view. */
  readonly #requests = new PairMap<string, string, RequestCounts>()
  readonly #seconds: LatencyHistogram
  readonly #rejected: Counter<'reason'>
  /** By view and version. */
  readonly #vectors = new PairMap<string, number, Count<'view' | 'version'>>()
  readonly #store: LatencyHistogram
  /** By store and operation. */
  readonly #storeLatencies = new PairMap<string, string, Latencies>()
  readonly #onDemand: LatencyHistogram
  /** By view. */
  readonly #onDemandLatencies = new Map<string, Latencies>()
  readonly #labels: Labels
  readonly #selections = new Map<string, StatusCounts>()
  readonly #byFeatures = new WeakMap<readonly string[], StatusCounts>()

  private constructor(client: typeof import('prom-client'), sources: MetricSources) {
    const registry = new client.Registry()
    // Of several processes that share a port any may be asked: their counts must not be taken for one another's.
    if (cluster.isWorker) registry.setDefaultLabels({ process: String(process.pid) })
    const registers = [registry]
    this.#registry = registry
    this.#labels = new Labels(mostLabels)
    client.collectDefaultMetrics({ register: registry })
    addCounts(
      client,
      registers,
      'lockstep_requests_total',
      'Requests answered, by route, view and HTTP status.',
      ['route', 'view', 'code'],
      () => requestCounts(this.#requests.values()),
    )
    this.#seconds = new LatencyHistogram('lockstep_request_seconds', 'How long requests took, by route and view.', registry)
    this.#rejected = new client.Counter({
      name: 'lockstep_rejected_requests_total',
      help: 'Requests that were refused, by reason.',
      labelNames: ['reason'],
      registers,
    })
    addCounts(client, registers, 'lockstep_vectors_total', 'Vectors served, by view.', ['view', 'version'], () => this.#vectors.values())
    this.#store = new LatencyHistogram('lockstep_store_seconds', 'How long the online store took, by store and operation.', registry)
    this.#onDemand = new LatencyHistogram(
      'lockstep_on_demand_seconds',
      'How long on-demand code took for the rows of a read, by view.',
      registry,
    )
    this.#addStatuses(client, registers)
    addGauge(client, registers, 'lockstep_group_freshness_seconds', 'Seconds that the state of a group is behind.', sources.freshness)
    addGauge(client, registers, 'lockstep_stream_lag_events', 'Events of a group that are not yet in its state.', sources.streamLag)
    const { featureLogDropped, definitions } = sources
    if (definitions) addDefinitions(client, registers, definitions)
    if (featureLogDropped)
      addTotal(client, registers, 'lockstep_feature_log_dropped_total', 'Reads that the feature log dropped.', featureLogDropped)
  }

  /** Loads what metrics need, which nothing else does. */
  static async open(sources: MetricSources = {}): Promise<ServerMetrics> {
    const { default: client } = await import('prom-client')
    return new ServerMetrics(client, sources)
  }

  /** A request was answered. `route`: as it is declared, not as it was called; `view`: of a definition, empty where there is none. */
  requested({ route, view = '', code, seconds }: { route: string; view?: string; code: number; seconds: number }): void {
    const { codes, latencies } = this.#requests.get(route, view) ?? this.#requestsOf(route, this.#labels.bounded(view))
    codes.set(code, (codes.get(code) ?? 0) + 1)
    latencies.observe(seconds)
  }

  /** A request was refused: `token`, `scope`, `rate`, `overload`, `invalid`, `too_large`. */
  rejected(reason: string): void {
    this.#rejected.inc({ reason: this.#labels.bounded(reason) })
  }

  /** The online store was asked. */
  stored({ store, operation, seconds }: { store: string; operation: 'read' | 'write'; seconds: number }): void {
    const latencies =
      this.#storeLatencies.get(store, operation) ?? this.#storeLatencies.set(store, operation, this.#store.add({ store, operation }))
    latencies.observe(seconds)
  }

  /** On-demand code ran for all rows of a read. */
  onDemand({ view, seconds }: { view: string; seconds: number }): void {
    let latencies = this.#onDemandLatencies.get(view)
    if (!latencies) {
      latencies = this.#onDemand.add({ view })
      this.#onDemandLatencies.set(view, latencies)
    }
    latencies.observe(seconds)
  }

  /** Vectors were served: what each of their values was worth. `statuses`: places in `featureStatuses`, row by row. */
  read(record: ReadRecord, statuses: Uint8Array): void {
    const { view, version, keys } = record
    const vectors =
      this.#vectors.get(view, version) ?? this.#vectors.set(view, version, { labels: { view, version: String(version) }, value: 0 })
    vectors.value += keys.length
    this.#countsOf(record)?.add(statuses)
  }

  #requestsOf(route: string, view: string): RequestCounts {
    return (
      this.#requests.get(route, view) ??
      this.#requests.set(route, view, { labels: { route, view }, codes: new Map(), latencies: this.#seconds.add({ route, view }) })
    )
  }

  /** All of it, in the text format of Prometheus. */
  async text(): Promise<string> {
    return await this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  #countsOf(record: ReadRecord): StatusCounts | undefined {
    const { view, version, features } = record
    const known = this.#byFeatures.get(features)
    if (known && known.view === view && known.version === version) return known
    const key = `${view}\0${version}\0${features.join('\0')}`
    let counts = this.#selections.get(key)
    if (counts === undefined) {
      if (this.#selections.size === mostSelections) return
      counts = new StatusCounts(record)
      this.#selections.set(key, counts)
    }
    this.#byFeatures.set(features, counts)
    return counts
  }

  /** Coverage: how often each feature of each view had each status. */
  #addStatuses(client: typeof import('prom-client'), registers: Registry[]): void {
    const selections = this.#selections
    new client.Counter({
      name: 'lockstep_feature_values_total',
      help: 'Values served, by view, feature and status: what share is PRESENT, DEFAULTED, NOT_FOUND.',
      labelNames: ['view', 'version', 'feature', 'status'],
      registers,
      collect() {
        this.reset()
        for (const counts of selections.values()) {
          const { view, version } = counts
          for (const { count, ...labels } of counts) this.inc({ view, version: String(version), ...labels }, count)
        }
      },
    })
  }
}

/** So many values of labels as they are, and one for all others. */
class Labels {
  readonly #most: number
  readonly #known = new Set<string>()

  constructor(most: number) {
    this.#most = most
  }

  bounded(label: string): string {
    if (this.#known.has(label)) return label
    if (this.#known.size >= this.#most) return 'other'
    this.#known.add(label)
    return label
  }
}

interface Count<Label extends string> {
  readonly labels: Readonly<Record<Label, string>>
  value: number
}

/** Of a route and view. */
interface RequestCounts {
  readonly labels: { readonly route: string; readonly view: string }
  /** How many there were of each HTTP status. */
  readonly codes: Map<number, number>
  readonly latencies: Latencies
}

function* requestCounts(all: Iterable<RequestCounts>): Generator<Count<'route' | 'view' | 'code'>> {
  for (const { labels, codes } of all) for (const [code, value] of codes) yield { labels: { ...labels, code: String(code) }, value }
}

/** A counter whose counts are kept elsewhere until it is asked for. */
function addCounts<Label extends string>(
  client: typeof import('prom-client'),
  registers: Registry[],
  name: string,
  help: string,
  labelNames: Label[],
  counts: () => Iterable<Count<Label>>,
): void {
  new client.Counter<Label>({
    name,
    help,
    labelNames,
    registers,
    collect() {
      this.reset()
      for (const { labels, value } of counts()) this.inc(labels as LabelValues<Label>, value)
    },
  })
}

type NumbersByGroup = NonNullable<MetricSources['freshness']>

function addGauge(
  client: typeof import('prom-client'),
  registers: Registry[],
  name: string,
  help: string,
  numbers: NumbersByGroup | undefined,
): Gauge<'group'> | undefined {
  if (numbers === undefined) return
  return new client.Gauge({
    name,
    help,
    labelNames: ['group'],
    registers,
    async collect() {
      // A store that is down must not hide the other metrics.
      const found = await Promise.resolve()
        .then(numbers)
        .catch(() => ({}))
      this.reset()
      for (const [group, value] of Object.entries(found)) this.set({ group }, value)
    },
  })
}

function addDefinitions(
  client: typeof import('prom-client'),
  registers: Registry[],
  definitions: NonNullable<MetricSources['definitions']>,
): void {
  const add = (name: string, help: string, value: () => number) =>
    new client.Gauge({
      name: `lockstep_definitions_${name}`,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  add('apply', 'The number of the apply whose definitions are served; 0: those of files.', () => definitions().apply)
  add('adopted_timestamp_seconds', 'When they were adopted; 0: at the start.', () => (definitions().adopted ?? 0) / 1e6)
  add('waiting', 'Whether a newer apply cannot be served yet; /ready says why.', () => Number(definitions().waiting))
}

function addTotal(client: typeof import('prom-client'), registers: Registry[], name: string, help: string, total: () => number): void {
  new client.Counter({
    name,
    help,
    registers,
    collect() {
      this.reset()
      this.inc(total())
    },
  })
}
