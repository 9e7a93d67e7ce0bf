import { join } from 'node:path'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { FeatureLog, type FeatureLogOptions, type ReadRecord, ServerMetrics, UsageLog } from '../monitoring/index.ts'
import type { ReadCount } from '../registry/index.ts'
import type { Answer } from '../serving/index.ts'
import type { Follower, Store } from '../store/index.ts'
import { publicError } from './error-response.ts'
import { type ReadSink, Reporting } from './reporting.ts'
import type { RouteRequest } from './route.ts'
import { Tracing } from './tracing.ts'

/** What is seen of a server from outside: metrics, usage by callers, the feature log, traces. */
export class Observation {
  readonly metrics: ServerMetrics
  readonly #store: Store
  readonly #usage: UsageLog
  readonly #features: FeatureLog | null
  readonly #tracing: Tracing | null
  readonly #reporting: Reporting

  private constructor(
    store: Store,
    parts: { metrics: ServerMetrics; usage: UsageLog; features: FeatureLog | null; tracing: Tracing | null; log: FastifyBaseLogger },
  ) {
    const { metrics, usage, features, log } = parts
    this.metrics = metrics
    this.#store = store
    this.#usage = usage
    this.#features = features
    this.#tracing = parts.tracing
    const sinks: ReadSink[] = [(record) => usage.count(record), (record, answer) => metrics.read(record, answer.statuses)]
    if (features) sinks.push((record) => features.record(record))
    this.#reporting = new Reporting(sinks, (error) => log.error(error))
  }

  static async open(
    store: Store,
    featureLog: FeatureLogOptions | undefined,
    follower: Follower | null,
    log: FastifyBaseLogger,
  ): Promise<Observation> {
    const warn = (error: unknown) => log.warn(error)
    const tracing = await Tracing.open(log)
    const share = (process: string, day: number, counts: Iterable<ReadCount>) =>
      store.registry.usage.write(store.environment, day, process, counts)
    const usage = await UsageLog.open(join(store.folder, 'usage'), undefined, { warn, share })
    const features = featureLog ? await FeatureLog.open({ ...featureLog, warn }) : null
    const metrics = await ServerMetrics.open({
      freshness: () => store.freshness(),
      streamLag: () => streamLag(store),
      ...(features ? { featureLogDropped: () => features.dropped } : {}),
      ...(follower ? { definitions: () => adoptedBy(follower) } : {}),
    })
    return new Observation(store, { metrics, usage, features, tracing, log })
  }

  /** Traces every request of an app, where the server is traced. */
  watch(app: FastifyInstance): void {
    app.decorateRequest('span', null)
    app.decorateRequest('view', '')
    app.addHook('onRequest', (request, _reply, done) => {
      this.#tracing?.begin(request)
      done()
    })
    app.addHook('onError', (_request, _reply, thrown, done) => {
      this.refused(thrown)
      done()
    })
  }

  get traces(): boolean {
    return this.#tracing !== null
  }

  /** A request was answered, or cut off. */
  answered(request: RouteRequest, { route, code, seconds }: { route: string; code: number; seconds: number }): void {
    this.metrics.requested({ route, view: request.view, code, seconds })
    this.#tracing?.end(request, code)
  }

  /** A request is answered with an error. */
  refused(thrown: unknown): void {
    const { status, error } = publicError(thrown)
    if (status < 500) this.metrics.rejected(error.code)
  }

  /** A read of the online store was answered. */
  read(record: ReadRecord, answer: Answer): void {
    this.metrics.stored({ store: this.#store.onlineName, operation: 'read', seconds: answer.storeTime / 1000 })
    if (answer.plan.steps.length > 0) this.metrics.onDemand({ view: record.view, seconds: answer.onDemandTime / 1000 })
    this.#reporting.read(record, answer)
  }

  /** A read was answered from history: it counts as use of its features. */
  used(record: ReadRecord): void {
    this.#usage.count(record)
  }

  async close(): Promise<void> {
    this.#reporting.flush()
    await this.#usage.close()
    await this.#features?.close()
    await this.#tracing?.close()
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The view that it reads, once it is known to be one. */
    view: string
  }
}

async function streamLag(store: Store): Promise<Record<string, number>> {
  if (store.streamedGroups().length === 0) return {}
  const { groups } = await store.streamStatus()
  return Object.fromEntries(groups.map(({ group, version, lag }) => [`${group}@${version}`, lag]))
}

function adoptedBy({ following: { apply, adopted, waiting } }: Follower) {
  return { apply: apply ?? 0, adopted, waiting: waiting !== null }
}
