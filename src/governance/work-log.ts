import { LockstepError } from '../errors.ts'
import { formatMoment, type Micros } from '../lib/moment.ts'
import {
  type FeatureStatistics,
  type Registry,
  type Run,
  type RunKind,
  seenEvery,
  type TrainingSetRecord,
  type ValueStatistics,
} from '../registry/index.ts'
import type { LineageDatasets } from './lineage-datasets.ts'
import { type LineageEventType, OpenLineage, type OpenLineageOptions } from './open-lineage.ts'
import { refuseRemoved } from './removed.ts'

export interface WorkLogOptions {
  /** Opened when there is something to write. */
  readonly registry: () => Registry
  readonly environment: string
  readonly by: () => string
  readonly now: () => Micros
  /** Told where the registry could not take what was done: the work itself goes on. */
  readonly warn: (error: unknown) => void
  /** Where others are told of runs, too. */
  readonly openLineage?: OpenLineageOptions | undefined
}

export interface WorkAmount {
  readonly rows: number
  /** Written; 0 where that is not known. */
  readonly bytes: number
}

export interface RunningWork {
  /** `datasets`, where only the end tells where it was written to. */
  done(amount: WorkAmount, datasets?: () => LineageDatasets): Promise<void>
  failed(error: unknown): Promise<void>
}

/** What is told of work beside how it ended. */
export interface WorkDetails {
  /** What it reads and writes. */
  readonly datasets?: (() => LineageDatasets) | undefined
  /** Who has it done; who opened the store by default. */
  readonly by?: string | undefined
}

/** Features with the moments that their values are of. */
export interface StatisticsOf {
  readonly from: Micros
  readonly to: Micros
  readonly origin: FeatureStatistics['origin']
  readonly trainingSet?: string | null
  readonly sampledKeys?: number | null
  readonly features: Iterable<{ readonly group: string; readonly feature: string; readonly values: ValueStatistics }>
}

/** Tells the registry of the work of a store. A registry that is away fails nothing. */
export class WorkLog {
  readonly #options: WorkLogOptions
  readonly #lineage: OpenLineage | null

  constructor(options: WorkLogOptions) {
    this.#options = options
    this.#lineage = options.openLineage ? new OpenLineage(options.openLineage, options.environment) : null
  }

  /** Work that begins now: to be told how it ended. */
  async begin(kind: RunKind, subject: string, { datasets, by = this.#options.by() }: WorkDetails = {}): Promise<RunningWork> {
    const [started, clock] = [this.#options.now(), performance.now()]
    const { environment } = this.#options
    const id = this.#lineage?.newRun() ?? ''
    const told = (type: LineageEventType, more: Partial<Pick<Run, 'rows' | 'bytes' | 'error'>> = {}, what = datasets) =>
      this.aside(async () => {
        if (this.#lineage && what)
          await this.#lineage.emit(type, { id, kind, subject, at: formatMoment(this.#options.now()), error: null, ...more }, what())
      })
    const run = { kind, environment, subject, by, started: formatMoment(started) }
    // Where the registry is away, the end tells of it.
    const running = await this.#quietly((registry) => registry.runs.begin(started, run))
    let saying: Promise<unknown> = Promise.resolve()
    const timer = setInterval(() => {
      if (running) saying = this.#quietly((registry) => registry.runs.seen(running, run))
    }, seenEvery).unref()
    const record = async (ended: Pick<Run, 'rows' | 'bytes' | 'outcome' | 'error'>) => {
      clearInterval(timer)
      await saying
      const seconds = (performance.now() - clock) / 1000
      await this.#tell((registry) => registry.runs.record(started, { ...run, seconds, ...ended }, running ?? undefined))
    }
    await told('START')
    return {
      done: async (amount, what) => {
        await record({ ...amount, outcome: 'done', error: null })
        await told('COMPLETE', amount, what)
      },
      failed: async (thrown) => {
        const code = thrown instanceof LockstepError ? thrown.code : 'INTERNAL'
        const error = { code, message: thrown instanceof Error ? thrown.message : String(thrown) }
        const isStopped = code === 'INTERRUPTED'
        await record({ rows: 0, bytes: 0, outcome: isStopped ? 'stopped' : 'failed', error })
        await told(isStopped ? 'ABORT' : 'FAIL', { error })
      },
    }
  }

  /** Does work, and records when and by whom, how much it was, and how it ended. Throws as the work does. */
  async run<T>(
    kind: RunKind,
    subject: string,
    work: () => Promise<T>,
    amountOf: (result: T) => WorkAmount,
    details: WorkDetails = {},
  ): Promise<T> {
    const running = await this.begin(kind, subject, details)
    try {
      const result = await work()
      await running.done(amountOf(result))
      return result
    } catch (error) {
      await running.failed(error)
      throw error
    }
  }

  /** Does what nothing fails for. */
  async aside(work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => this.#options.warn(error))
  }

  /** Records a training set, and gives its id; null where the registry could not take it. */
  async trainingSet(set: Omit<TrainingSetRecord, 'id' | 'live' | 'machine' | 'environment' | 'by' | 'created'>): Promise<string | null> {
    const { environment, by, now } = this.#options
    const created = now()
    return await this.#tell(async (registry) => {
      await refuseRemoved(registry, environment, { ...set, name: set.view })
      return await registry.trainingSets.record(created, { ...set, environment, by: by(), created: formatMoment(created) })
    })
  }

  /** Keeps what the values of features are like. */
  async statistics({ from, to, origin, trainingSet = null, sampledKeys = null, features }: StatisticsOf): Promise<FeatureStatistics[]> {
    const { environment, now } = this.#options
    const about = {
      environment,
      from: formatMoment(from),
      to: formatMoment(to),
      origin,
      trainingSet,
      sampledKeys,
      computed: formatMoment(now()),
    }
    const all = [...features].map(({ group, feature, values }) => ({ ...about, group, feature, ...values }))
    await this.#tell((registry) => registry.statistics.keep(all.map((one) => ({ ...one, toMicros: to }))))
    return all
  }

  async #quietly<T>(write: (registry: Registry) => Promise<T>): Promise<T | null> {
    try {
      return await write(this.#options.registry())
    } catch {
      return null
    }
  }

  async #tell<T>(write: (registry: Registry) => Promise<T>): Promise<T | null> {
    try {
      return await write(this.#options.registry())
    } catch (error) {
      this.#options.warn(error)
      return null
    }
  }
}
