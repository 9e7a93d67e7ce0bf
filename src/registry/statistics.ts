import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { type Micros, momentMicros } from '../lib/moment.ts'
import type { Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
import { keptOf } from './retention.ts'
import { timePrefix } from './time-key.ts'

/** What the values of a feature are like. What a type has not, such as the mean of a text, is null. */
export interface ValueStatistics {
  readonly count: number
  readonly nulls: number
  /** Values that are 0; of floats those that are no number. */
  readonly zeros: number | null
  readonly notNumbers: number | null
  /** Different values that are not null: exact up to 10,000, within some percent beyond. */
  readonly distinct: number
  /** As public values are written; null of nothing. */
  readonly minimum: string | number | null
  readonly maximum: string | number | null
  readonly mean: number | null
  /** Of the population. */
  readonly deviation: number | null
  /** By share: `0.5` is the median. Each is one of the values. */
  readonly quantiles: Readonly<Record<string, number>> | null
  /** Values by ranges of equal width from the minimum to the maximum; the last one includes its end. */
  readonly histogram: { readonly from: number; readonly to: number; readonly counts: readonly number[] } | null
  /** The most frequent values of what is no number, most frequent first. */
  readonly top: readonly { readonly value: string; readonly count: number }[] | null
}

export type StatisticsOrigin = 'backfill' | 'materialize' | 'train' | 'request'

/** Statistics of a feature over a time, with what they were computed from. */
export interface FeatureStatistics extends ValueStatistics {
  readonly environment: string
  /** Group or on-demand view and version: `user_orders@1`. */
  readonly group: string
  readonly feature: string
  /** The moments that the values are as of: first and last, ISO 8601, UTC. */
  readonly from: string
  readonly to: string
  readonly origin: StatisticsOrigin
  /** The training set that they describe; or how many keys were sampled, where not all were looked at. */
  readonly trainingSet: string | null
  readonly sampledKeys: number | null
  /** When they were computed, ISO 8601, UTC. */
  readonly computed: string
  /** Why extremes, quantiles, ranges and frequent values are not told any more. */
  readonly withheld?: string
}

const table = 'statistics'
/** Kept of each feature. */
const mostOfFeature = 100

/** What values of features were like, by the time that they are of. */
export class Statistics {
  readonly #documents: DocumentStore
  readonly #clock: Clock
  readonly #keep: Micros

  constructor(documents: DocumentStore, clock: Clock, { statistics: keep } = keptOf()) {
    this.#documents = documents
    this.#clock = clock
    this.#keep = keep
  }

  /**
   * Keeps statistics; those of the same feature, end of the time and origin are replaced. Of the others of these features those go that
   * are too old, and the oldest beyond 100.
   */
  async keep(all: readonly (FeatureStatistics & { readonly toMicros: number })[]): Promise<void> {
    const texts = new Map(
      all.map(({ toMicros, ...one }) => [
        `${prefixOf(one.environment, one.group, one.feature)}${timePrefix(toMicros)}/${one.origin}`,
        JSON.stringify(one),
      ]),
    )
    const puts = [...texts].map(([key, text]) => ({ table, key, text }))
    const deletes: { table: string; key: string }[] = []
    for (const prefix of new Set(all.map((one) => prefixOf(one.environment, one.group, one.feature)))) {
      const known = await this.#documents.list(table, { prefix, descending: true })
      const others = known.filter((document) => !texts.has(document.key) && !this.#isPast(document))
      const room = Math.max(0, mostOfFeature - puts.filter(({ key }) => key.startsWith(prefix)).length)
      const kept = new Set(others.slice(0, room).map(({ key }) => key))
      deletes.push(...known.flatMap(({ key }) => (texts.has(key) || kept.has(key) ? [] : [{ table, key }])))
    }
    await this.#documents.commit({ puts, deletes })
  }

  /** Removes what is too old of all features, those that are long gone too; gives how many. */
  async trim(): Promise<number> {
    const since = timePrefix(this.#clock.now() - this.#keep)
    let removed = 0
    for (let after: string | undefined; ; ) {
      // The oldest of the next feature: what values were like at a time was not computed before it.
      const [first] = await this.#documents.list(table, { limit: 1, ...(after === undefined ? {} : { after }) })
      if (first === undefined) return removed
      const [environment = '', group = '', feature = '', time = ''] = first.key.split('/')
      const prefix = prefixOf(environment, group, feature)
      if (time < since) {
        const past = (await this.#documents.list(table, { prefix })).filter((document) => this.#isPast(document))
        if (past.length > 0) await this.#documents.commit({ deletes: past.map(({ key }) => ({ table, key })) })
        removed += past.length
      }
      after = `${prefix}\u{10ffff}`
    }
  }

  #isPast(document: Document): boolean {
    return momentMicros(statisticsOf(document).computed) < this.#clock.now() - this.#keep
  }

  /** Of one feature or of all of a group, the newest first, at most `limit` of each feature. */
  async list(
    environment: string,
    group: string,
    { feature, limit = 1 }: { feature?: string; limit?: number } = {},
  ): Promise<FeatureStatistics[]> {
    const prefix = feature === undefined ? `${environment}/${group}/` : prefixOf(environment, group, feature)
    const counts = new Map<string, number>()
    return (await this.#documents.list(table, { prefix, descending: true })).map(statisticsOf).filter(({ feature: name }) => {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      return (counts.get(name) as number) <= limit
    })
  }

  /**
   * Takes the values themselves out of those statistics of an environment for which a reason is given: extremes, quantiles, ranges and
   * frequent values. Counts and means stay. Gives those that it does it to; nothing is changed by a dry run.
   */
  async withhold(
    environment: string,
    reasonOf: (one: FeatureStatistics) => Promise<string | null>,
    { dryRun = false }: { readonly dryRun?: boolean } = {},
  ): Promise<readonly FeatureStatistics[]> {
    const found: { readonly document: Document; readonly after: FeatureStatistics }[] = []
    for (const document of await this.#documents.list(table, { prefix: `${environment}/` })) {
      const before = statisticsOf(document)
      if (Object.keys(none).every((name) => before[name as keyof typeof none] === null)) continue
      const reason = await reasonOf(before)
      if (reason !== null) found.push({ document, after: { ...before, ...none, withheld: reason } })
    }
    if (found.length === 0 || dryRun) return found.map(({ after }) => after)
    const done = await this.#documents.commit({
      conditions: found.map(({ document: { key, revision } }) => ({ table, key, revision })),
      puts: found.map(({ document: { key }, after }) => ({ table, key, text: JSON.stringify(after) })),
    })
    return done === null ? await this.withhold(environment, reasonOf) : found.map(({ after }) => after)
  }
}

const none = { minimum: null, maximum: null, quantiles: null, histogram: null, top: null } as const

const prefixOf = (environment: string, group: string, feature: string): string => `${environment}/${group}/${feature}/`

function statisticsOf(document: Document): FeatureStatistics {
  const found = readDocument<FeatureStatistics>(table, document)
  if (typeof found.count === 'number') return found
  throw new LockstepError('STORE_CORRUPT', 'Statistics have no count', { where: `${table}/${document.key}` })
}
