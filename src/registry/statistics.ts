import { LockstepError } from '../errors.ts'
import type { Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
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
}

const table = 'statistics'
/** Kept of each feature. */
const mostOfFeature = 100

/** What values of features were like, by the time that they are of. */
export class Statistics {
  readonly #documents: DocumentStore

  constructor(documents: DocumentStore) {
    this.#documents = documents
  }

  /** Keeps statistics; those of the same feature, end of the time and origin are replaced. The oldest beyond 100 of a feature go. */
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
      const others = known.filter(({ key }) => !texts.has(key))
      const room = Math.max(0, mostOfFeature - puts.filter(({ key }) => key.startsWith(prefix)).length)
      deletes.push(...others.slice(room).map(({ key }) => ({ table, key })))
    }
    await this.#documents.commit({ puts, deletes })
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
   * Takes the values themselves out of the statistics of a group: extremes, quantiles, ranges and frequent values. Counts and means stay.
   * Gives of how many; nothing is changed by a dry run.
   */
  async withhold(environment: string, group: string, { dryRun = false }: { readonly dryRun?: boolean } = {}): Promise<number> {
    const found = (await this.#documents.list(table, { prefix: `${environment}/${group}/` })).filter((document) =>
      Object.keys(withheld).some((name) => statisticsOf(document)[name as keyof typeof withheld] !== null),
    )
    if (dryRun || found.length === 0) return found.length
    const done = await this.#documents.commit({
      conditions: found.map(({ key, revision }) => ({ table, key, revision })),
      puts: found.map((document) => ({ table, key: document.key, text: JSON.stringify({ ...statisticsOf(document), ...withheld }) })),
    })
    return done === null ? await this.withhold(environment, group) : found.length
  }
}

const withheld = { minimum: null, maximum: null, quantiles: null, histogram: null, top: null } as const

const prefixOf = (environment: string, group: string, feature: string): string => `${environment}/${group}/${feature}/`

function statisticsOf(document: Document): FeatureStatistics {
  const found = readDocument<FeatureStatistics>(table, document)
  if (typeof found.count === 'number') return found
  throw new LockstepError('STORE_CORRUPT', 'Statistics have no count', { where: `${table}/${document.key}` })
}
