import { LockstepError } from '../errors.ts'
import { formatMoment, type Micros } from '../lib/moment.ts'
import type { FeatureStatistics, Registry, Run, RunKind, TrainingSetRecord, ValueStatistics } from '../registry/index.ts'

export interface WorkLogOptions {
  /** Opened when there is something to write. */
  readonly registry: () => Registry
  readonly environment: string
  readonly by: string
  readonly now: () => Micros
  /** Told where the registry could not take what was done: the work itself goes on. */
  readonly warn: (error: unknown) => void
}

export interface WorkAmount {
  readonly rows: number
  /** Written; 0 where that is not known. */
  readonly bytes: number
}

export interface RunningWork {
  done(amount: WorkAmount): Promise<void>
  failed(error: unknown): Promise<void>
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

  constructor(options: WorkLogOptions) {
    this.#options = options
  }

  /** Work that begins now: to be told how it ended. */
  begin(kind: RunKind, subject: string): RunningWork {
    const [started, clock] = [this.#options.now(), performance.now()]
    const record = async (ended: Pick<Run, 'rows' | 'bytes' | 'outcome' | 'error'>) => {
      const { environment, by } = this.#options
      const seconds = (performance.now() - clock) / 1000
      await this.#tell((registry) =>
        registry.runs.record(started, { kind, environment, subject, by, started: formatMoment(started), seconds, ...ended }),
      )
    }
    return {
      done: (amount) => record({ ...amount, outcome: 'done', error: null }),
      failed: (error) => {
        const code = error instanceof LockstepError ? error.code : 'INTERNAL'
        const message = error instanceof Error ? error.message : String(error)
        return record({ rows: 0, bytes: 0, outcome: code === 'INTERRUPTED' ? 'stopped' : 'failed', error: { code, message } })
      },
    }
  }

  /** Does work, and records when and by whom, how much it was, and how it ended. Throws as the work does. */
  async run<T>(kind: RunKind, subject: string, work: () => Promise<T>, amountOf: (result: T) => WorkAmount): Promise<T> {
    const running = this.begin(kind, subject)
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
  async trainingSet(set: Omit<TrainingSetRecord, 'id' | 'live' | 'environment' | 'by' | 'created'>): Promise<string | null> {
    const { environment, by, now } = this.#options
    const created = now()
    return await this.#tell((registry) =>
      registry.trainingSets.record(created, { ...set, environment, by, created: formatMoment(created) }),
    )
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

  async #tell<T>(write: (registry: Registry) => Promise<T>): Promise<T | null> {
    try {
      return await write(this.#options.registry())
    } catch (error) {
      this.#options.warn(error)
      return null
    }
  }
}
