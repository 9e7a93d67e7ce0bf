import {
  type AnyView,
  type Definition,
  type FeatureGroup,
  type FeatureGroupData,
  type FeatureView,
  type History,
  type KeysOf,
  type RequestOf,
  type SourceData,
  selectionsOf,
  type TrainingRowOf,
  type VectorOf,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { segmentsEventLog } from '../eventlog/drivers/segments.ts'
import type { RecordPosition } from '../eventlog/index.ts'
import type { Comparison, ForgetOptions, ForgetReport } from '../governance/index.ts'
import { systemClock } from '../lib/clock.ts'
import { type Moment, momentMicros } from '../lib/moment.ts'
import type { BackfillResult, MaterializeResult } from '../materialize/index.ts'
import type { OfflineStore, SourcePlaces } from '../offline/index.ts'
import { lmdbOnlineStore } from '../online/drivers/lmdb.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import {
  checkParity,
  checkServedParity,
  type ParityOptions,
  type ParityReport,
  type ServedParityOptions,
  type ServedParityReport,
} from '../parity/index.ts'
import { type ExplainOptions, type Explanation, explainFeature, type TrainingSet } from '../pointintime/index.ts'
import type { FeatureStatistics, Registry } from '../registry/index.ts'
import { type Answer, onlineTable, runTable, type Vector } from '../serving/index.ts'
import type { StreamEngine, StreamStatus } from '../stream/index.ts'
import type { Adopted } from './adopted.ts'
import { compareInStore, type StoreCompareOptions } from './compare.ts'
import { forgetIn } from './forget.ts'
import { answerFromHistory, type HistoryRequest } from './history-answer.ts'
import {
  type BackfillWork,
  groupsOf,
  HistoryWork,
  type HistoryWorkParts,
  type LongWork,
  type MaterializeWork,
  type TrainingWork,
} from './history-work.ts'
import { LivePath, type PushOptions, type StreamOptions } from './live-path.ts'
import { OnlineReads, type OnlineRequest } from './online-reads.ts'
import type { ReadCounter } from './read-counter.ts'
import type { Stores } from './stores.ts'

type Request<View extends AnyView> =
  Record<never, never> extends RequestOf<View> ? { readonly request?: RequestOf<View> } : { readonly request: RequestOf<View> }
export type ReadOptions<View extends AnyView> = { readonly asOf?: Moment } & Request<View>
type ReadArguments<View extends AnyView> =
  Record<never, never> extends RequestOf<View> ? [options?: ReadOptions<View>] : [options: ReadOptions<View>]
export type ExplainReadOptions<View extends AnyView> = Omit<ExplainOptions, 'asOf' | 'request' | keyof SourcePlaces> & {
  readonly asOf?: Moment
  readonly request?: Partial<RequestOf<View>>
}
/** The names of a view's features, where the compiler knows them. */
type FeatureNameOf<View extends AnyView> = unknown extends VectorOf<View> ? string : keyof VectorOf<View> & string
/** Makes ready for other definitions, and gives what changes to them. */
export type Adopting = (next: Adopted) => Promise<() => void>

interface StoreParts extends Pick<HistoryWorkParts, 'stores' | 'by' | 'warn' | 'statistics' | 'openLineage'> {
  readonly history: Readonly<Record<string, History>>
  readonly clock: () => Date
  /** Counts the reads of `vector` and `vectors`, where the process names itself. */
  readonly counter: ReadCounter | null
}

/** A feature store: definitions, and the stores that hold their values. Close it when done, or use `await using`. */
export class Store implements AsyncDisposable {
  readonly #stores: Stores
  readonly #history: Readonly<Record<string, History>>
  readonly #clock: () => Date
  readonly #by: () => string
  readonly #live: LivePath
  readonly #reads: OnlineReads
  readonly #counter: ReadCounter | null
  readonly #work: HistoryWork
  readonly #adopting = new Set<Adopting>()
  #adopted: Adopted

  constructor(adopted: Adopted, parts: StoreParts) {
    this.#adopted = adopted
    this.#stores = parts.stores
    this.#history = parts.history
    this.#clock = parts.clock
    this.#by = parts.by
    this.#live = new LivePath(parts.stores, this.groups, parts.history, {
      ...systemClock,
      now: () => parts.clock().getTime() * 1000,
    })
    this.#reads = new OnlineReads(
      () => parts.stores.ownOnline('read'),
      (group, key) => this.#live.find(group, key),
    )
    this.#counter = parts.counter
    this.#work = new HistoryWork({ ...parts, now: () => this.now(), places: (groups) => this.places(groups) })
  }

  /** What it works with now. */
  get adopted(): Adopted {
    return this.#adopted
  }

  get definitions(): readonly Definition[] {
    return this.#adopted.definitions
  }

  get views(): readonly FeatureView[] {
    return this.#adopted.views
  }

  get groups(): readonly FeatureGroup[] {
    return this.#adopted.groups
  }

  /** A view by its name: unless a version is given, in the one that is current, else in the highest. Throws `UNKNOWN_NAME`. */
  view(name: string, version?: number): FeatureView {
    return this.#adopted.view(name, version)
  }

  group(name: string, version?: number): FeatureGroup {
    return this.#adopted.group(name, version)
  }

  /**
   * Works with other definitions from now on, in one step once all of them are ready; what is under way ends with those it began
   * with. Throws `DEFINITION_MISMATCH` where the online store holds rows of another definition, and stays as it was.
   */
  async adopt(next: Adopted): Promise<void> {
    const before = new Set(this.views)
    await this.#reads.open(next.views.filter((view) => !before.has(view)))
    const swaps: (() => void)[] = []
    for (const prepare of this.#adopting) swaps.push(await prepare(next))
    this.#adopted = next
    for (const swap of swaps) swap()
    this.#reads.keep(next.views)
    this.#live.adopt(next.groups)
  }

  /** Has others change together with the store: what `prepare` gives is called when it works with the other definitions. */
  whenAdopting(prepare: Adopting): () => void {
    this.#adopting.add(prepare)
    return () => this.#adopting.delete(prepare)
  }

  /** The view's values as of each label's moment. `labels`: a file (Parquet, CSV, NDJSON) or rows. Close the result when done. */
  async trainingSet<View extends AnyView, const Label = Record<string, unknown>>(
    view: View,
    labels: string | readonly Label[],
    options: TrainingWork = {},
  ): Promise<TrainingSet<TrainingRowOf<View, Label>>> {
    return await this.#work.trainingSet<View, Label>(view, labels, options)
  }

  /** Writes what the online store needs of these groups (all by default) to answer at any moment from `asOf` (now by default) on. */
  async materialize(groups: readonly FeatureGroupData[] = this.groups, options: MaterializeWork = {}): Promise<MaterializeResult[]> {
    const results = await this.#work.materialize(groups, options)
    this.#reads.forget()
    return results
  }

  /** Writes the group's values at its ticks from `from` to before `to` into the offline store; only the intervals that are missing. */
  async backfill(group: FeatureGroupData, options: BackfillWork): Promise<BackfillResult> {
    return await this.#work.backfill(group, options)
  }

  /** What the values of a group are like, now or as of a moment, for a sample of its keys; kept in the registry. */
  async statistics(group: FeatureGroupData, options: LongWork & { readonly asOf?: Moment } = {}): Promise<FeatureStatistics[]> {
    return await this.#work.statistics(group, options)
  }

  /** The stored values of groups as of their ticks. */
  get offline(): OfflineStore {
    return this.#stores.offline
  }

  get registry(): Registry {
    return this.#stores.registry
  }

  /** The name under which the registry keeps what it knows of this store. */
  get environment(): string {
    return this.#stores.environment
  }

  /** The values of a view for one entity row, now or as of a moment, with what each is worth. */
  async vector<View extends AnyView>(view: View, keys: KeysOf<View>, ...[options]: ReadArguments<View>): Promise<Vector<VectorOf<View>>> {
    const [vector] = await this.vectors(view, [keys], options as ReadOptions<View>)
    return vector as Vector<VectorOf<View>>
  }

  /** As `vector`, for many entity rows in one read; one request for all of them. */
  async vectors<View extends AnyView>(
    view: View,
    keys: readonly KeysOf<View>[],
    ...[options]: ReadArguments<View>
  ): Promise<Vector<VectorOf<View>>[]> {
    const reader = await this.#reads.reader(view)
    const { asOf, request } = (options ?? {}) as { asOf?: Moment; request?: Readonly<Record<string, unknown>> }
    const rows = keys as readonly Readonly<Record<string, unknown>>[]
    const vectors = await reader.read(rows, [request ?? {}], this.#moment(asOf))
    this.#counter?.count(view, vectors.length)
    return vectors as Vector<VectorOf<View>>[]
  }

  /**
   * As `vectors`, as cells, within limits of time and age: what a server needs. Throws as `vectors`, and `INVALID_ARGUMENT` for
   * requests that are neither one for all rows nor one for each.
   */
  answer(view: AnyView, request: OnlineRequest): Promise<Answer> {
    return this.#reads.answer(view, request)
  }

  /** As `answer`, as of a moment and as known then, from history: what came late does not count. Takes seconds. */
  async answerFromHistory(view: AnyView, request: HistoryRequest): Promise<Answer> {
    return await answerFromHistory(view, request, (stored, labels, options) =>
      this.#work.compute(stored, labels, { ...options, asKnown: true }),
    )
  }

  /** Throws `DEFINITION_MISMATCH` where the online store holds rows of a view, all by default, that another definition computed. */
  async checkStored(view?: AnyView): Promise<void> {
    if (view) await this.#reads.checkStored(view)
    else await this.#reads.checkGroups(new Set(this.views.flatMap(groupsOf)))
  }

  /** Resolves if the online store answers. Throws `STORE_UNAVAILABLE`. */
  async checkOnline(): Promise<void> {
    await this.#stores.online.readMeta('ready')
  }

  /** What time it is by the store's clock, in microseconds. */
  now(): number {
    return this.#moment(undefined)
  }

  /** Of each of these groups the seconds since the moment up to which its history was read; of one that a stream keeps, how far that is behind. */
  async freshness(groups: readonly FeatureGroupData[] = this.groups): Promise<Record<string, number>> {
    const found: Record<string, number> = {}
    const streamed = this.streamedGroups(groups)
    for (const group of groups) {
      if (streamed.some(({ name, version }) => name === group.name && version === group.version)) continue
      const run = await this.#stores.online.readMeta(runTable(group))
      if (run !== null) found[onlineTable(group)] = (this.now() - (JSON.parse(run) as { upto: number }).upto) / 1e6
    }
    if (streamed.length === 0) return found
    for (const { group, version, lag, watermark } of (await this.streamStatus(streamed)).groups)
      if (watermark !== null) found[`${group}@${version}`] = lag === 0 ? 0 : Math.max(0, (this.now() - watermark) / 1e6)
    return found
  }

  /** The name of the driver that answers reads, as metrics and explanations give it. */
  get onlineName(): string {
    return this.#stores.online.name
  }

  /** Where the embedded stores keep their files. */
  get folder(): string {
    return this.#stores.folder
  }

  /**
   * Why a feature of a view has its value for an entity key, now or as of a moment: the events or rows of its history that
   * the value comes from, and those nearby that it does not. Only the keys and request values that the feature needs.
   */
  async explain<View extends AnyView>(
    view: View,
    feature: FeatureNameOf<View>,
    keys: Partial<KeysOf<View>>,
    options: ExplainReadOptions<View> = {},
  ): Promise<Explanation> {
    const asOf = this.#moment(options.asOf)
    await this.#live.land(groupsOf(view), asOf)
    const places = await this.places(groupsOf(view))
    return await explainFeature(view, feature, keys as Readonly<Record<string, unknown>>, { ...options, asOf, ...places })
  }

  /**
   * Computes the view's values by every path from the same events, in stores of its own, and compares them as bytes: the proof
   * that a model sees in serving what it saw in training. `topics`: sources whose events are those that their topics hold now.
   */
  async parity(view: AnyView, options: ParityOptions & { readonly topics?: readonly string[] } = {}): Promise<ParityReport> {
    const { topics = [], ...rest } = options
    const held: Record<string, History> = {}
    const notes: string[] = []
    for (const topic of topics) {
      const source = selectionsOf(view).find(({ group }) => group.source.name === topic)?.group.source
      if (!source) throw new LockstepError('UNKNOWN_NAME', `The view ${view.name} reads no source ${topic}`)
      const { history, invalid } = await this.#live.topicHistory(source)
      held[topic] = history
      if (invalid > 0) notes.push(`The topic of ${topic} holds records that are no events: ${invalid}.`)
    }
    const stores = {
      online: (path: string) => lmdbOnlineStore({ path }),
      memory: memoryOnlineStore,
      // Nothing is proven of a loss of power.
      log: (path: string) => segmentsEventLog({ path, fsync: 'never' }),
    }
    const report = await checkParity(view, stores, { ...rest, history: { ...this.#history, ...rest.history, ...held } })
    return { ...report, notes: [...notes, ...report.notes] }
  }

  /** Computes the values of a feature log again from history, as of their moments and as known when they were served. */
  async parityOfServed(view: AnyView, folder: string, options: ServedParityOptions = {}): Promise<ServedParityReport> {
    return await checkServedParity(view, folder, await this.places(groupsOf(view)), options)
  }

  /** The live groups, of these or of all, that a stream keeps up to date. */
  streamedGroups(groups?: readonly FeatureGroupData[]): readonly FeatureGroupData[] {
    return this.#live.streamed(groups)
  }

  /**
   * Starts a worker in this process that keeps live groups (all by default) up to date with the events of their topics. While it
   * runs, an event that was pushed through this store is in the next read. Close it when done, or use `await using`.
   */
  async stream(groups?: readonly FeatureGroupData[], options: StreamOptions = {}): Promise<StreamEngine> {
    return await this.#live.start(groups, options)
  }

  /** A source with a stream by its name. Throws `UNKNOWN_NAME`. */
  streamedSource(name: string): SourceData {
    return this.#live.source(name)
  }

  /** Appends events, as public values, to the topic of a source; resolves when they are durable. Throws `INVALID_VALUE`, and appends none. */
  async push(source: string, events: readonly Readonly<Record<string, unknown>>[], options: PushOptions = {}): Promise<RecordPosition[]> {
    return await this.#live.push(source, events, options)
  }

  /** How far the live groups have come, whichever process keeps them. */
  async streamStatus(groups?: readonly FeatureGroupData[]): Promise<StreamStatus> {
    return await this.#live.status(groups)
  }

  /** Builds the live state of groups again from history and goes on to the end of their topics. */
  async replay(groups: readonly FeatureGroupData[], options: StreamOptions = {}): Promise<void> {
    const subject = groups.map(({ name, version }) => `${name}@${version}`).join(' ')
    await this.#work.recorded('replay', subject, () => this.#live.replay(groups, options))
  }

  /** The groups that a view reads and that were never materialized: of these the online store may know no key at all. */
  async unmaterialized(view: AnyView): Promise<FeatureGroupData[]> {
    return await this.unmaterializedOf(groupsOf(view))
  }

  /** The same of some groups. */
  async unmaterializedOf(groups: readonly FeatureGroupData[]): Promise<FeatureGroupData[]> {
    const streamed = this.streamedGroups(groups)
    const { groups: kept } = streamed.length === 0 ? { groups: [] } : await this.streamStatus(streamed)
    const filled = new Set(kept.flatMap((one) => (one.filled ? [`${one.group}@${one.version}`] : [])))
    const runs = await Promise.all(groups.map((group) => this.#stores.online.readMeta(runTable(group))))
    return groups.filter((group, index) => runs[index] === null && !filled.has(onlineTable(group)))
  }

  /** What two versions of a view give for a sample of real keys. */
  async compare(before: AnyView, after: AnyView, options: StoreCompareOptions = {}): Promise<Comparison> {
    return await compareInStore([before, after], options, {
      moment: this.now(),
      read: (view, rows, features, moment) => this.answer(view, { rows, features, moment }),
      places: (groups) => this.places(groups),
    })
  }

  /** Erases one subject, an entity's key, from all that the store keeps. */
  async forget(entity: string, keys: Readonly<Record<string, unknown>>, options: ForgetOptions = {}): Promise<ForgetReport> {
    const by = this.#by()
    const work = () => forgetIn(this.#stores, this.definitions, ({ groups }) => this.places(groups), { entity, keys, options, by })
    return await (options.dryRun ? work() : this.#work.forgetting(entity, work))
  }

  async close(): Promise<void> {
    await this.#live.close()
    await this.#counter?.close()
    await this.#stores.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Where the sources of groups are read: as declared or moved, and what has landed of their streams. */
  async places(groups: readonly FeatureGroupData[]): Promise<SourcePlaces> {
    return { history: this.#history, landed: await this.#live.landed(groups.map(({ source }) => source)) }
  }

  #moment(asOf: Moment | undefined): number {
    return momentMicros(asOf ?? this.#clock(), 'asOf')
  }
}
