import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { formatDate, type Micros } from '../lib/moment.ts'
import type { Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
import { keptOf } from './retention.ts'

/** How often, and from when to when, a caller read some features of a view together. */
export interface ReadCount {
  readonly caller: string
  readonly model: string
  readonly view: string
  readonly version: number
  readonly features: readonly string[]
  /** Requests, and vectors in all of them. */
  readonly requests: number
  readonly vectors: number
  readonly first: Micros
  readonly last: Micros
}

/** How often a caller read a feature of a view. */
export type FeatureRead = Omit<ReadCount, 'features'> & { readonly feature: string }

/** Lists of features stand there once each; of a count the number of its list. */
interface StoredCounts {
  readonly features: readonly (readonly string[])[]
  readonly counts: readonly (Omit<ReadCount, 'features'> & { readonly list: number })[]
}

const table = 'usage'
const dayMicros = 86_400_000_000
export const dayOf = (moment: Micros): number => Math.floor(moment / dayMicros)

/** Documents of one day that are made one at a time. */
const mostMerged = 500
const merged = 'merged'

/** Who read which features, by day, as every process that serves says. */
export class Usage {
  readonly #documents: DocumentStore
  readonly #clock: Clock
  /** Days after which counts are forgotten. */
  readonly #days: number
  /** The last day on which this process merged what is over. */
  #merged = Number.NEGATIVE_INFINITY

  constructor(documents: DocumentStore, clock: Clock, { usage: keep } = keptOf()) {
    this.#documents = documents
    this.#clock = clock
    this.#days = Math.ceil(keep / dayMicros)
  }

  /**
   * Says what a process (of a name of its own) has counted on a day (since 1970), all of it: what it said of that day before is
   * replaced. Counts of days that are over are merged now and then, so a process says nothing new of a day two days after it.
   */
  async write(environment: string, day: number, process: string, counts: Iterable<ReadCount>): Promise<void> {
    await this.#documents.commit({ puts: [{ table, key: `${environment}/${formatDate(day)}/${process}`, text: textOf(counts) }] })
    const today = dayOf(this.#clock.now())
    if (this.#merged === today) return
    this.#merged = today
    await this.merge(environment)
  }

  /** Who read what in an environment since the day of a moment, or ever; of one view where it is given. */
  async read(
    environment: string,
    { since, view }: { readonly since?: Micros | undefined; readonly view?: string | undefined } = {},
  ): Promise<FeatureRead[]> {
    const prefix = `${environment}/`
    const after = since === undefined ? {} : { after: `${prefix}${formatDate(dayOf(since))}` }
    const totals = new Map<string, FeatureRead>()
    for (const document of await this.#documents.list(table, { prefix, ...after })) {
      for (const { features, ...count } of countsOf(document)) {
        if (view !== undefined && count.view !== view) continue
        for (const feature of features) {
          const key = [count.view, count.version, feature, count.caller, count.model].join('\0')
          const known = totals.get(key)
          totals.set(key, known ? sum(known, count) : { ...count, feature })
        }
      }
    }
    return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, read]) => read)
  }

  /** Makes one document of each day that is over, and forgets days that are long over; gives how many documents went. */
  async merge(environment: string): Promise<number> {
    let removed = 0
    const today = dayOf(this.#clock.now())
    const days = new Map<string, Document[]>()
    for (const document of await this.#documents.list(table, { prefix: `${environment}/` })) {
      const [, day] = document.key.split('/') as [string, string]
      if (day < formatDate(today - 1)) days.set(day, [...(days.get(day) ?? []), document])
    }
    for (const [day, documents] of days) {
      const key = `${environment}/${day}/${merged}`
      const isOver = day < formatDate(today - this.#days)
      if (!isOver && documents.length === 1 && documents[0]?.key === key) continue
      const own = documents.slice(0, mostMerged)
      const deletes = own.filter((document) => isOver || document.key !== key).map((document) => ({ table, key: document.key }))
      // Where another process merges at the same time, one of them wins; the day is looked at again tomorrow.
      const made = await this.#documents.commit({
        conditions: own.map((document) => ({ table, key: document.key, revision: document.revision })),
        puts: isOver ? [] : [{ table, key, text: textOf(own.flatMap((document) => countsOf(document))) }],
        deletes,
      })
      if (made !== null) removed += deletes.length
    }
    return removed
  }
}

function textOf(counts: Iterable<ReadCount>): string {
  const lists = new Map<string, number>()
  const totals = new Map<string, StoredCounts['counts'][number]>()
  for (const { features, ...count } of counts) {
    const names = JSON.stringify(features)
    const list = lists.get(names) ?? lists.size
    lists.set(names, list)
    const key = [count.view, count.version, list, count.caller, count.model].join('\0')
    const known = totals.get(key)
    totals.set(key, known ? sum(known, count) : { ...count, list })
  }
  return JSON.stringify({ features: [...lists.keys()].map((names) => JSON.parse(names) as string[]), counts: [...totals.values()] })
}

function countsOf(document: Document): ReadCount[] {
  const { features, counts } = readDocument<StoredCounts>(table, document)
  return counts.map(({ list, ...count }) => {
    const names = features[list]
    if (names === undefined)
      throw new LockstepError('STORE_CORRUPT', 'Counted reads name a list of features that is not there', {
        where: `${table}/${document.key}`,
      })
    return { ...count, features: names }
  })
}

type Counted = Pick<ReadCount, 'requests' | 'vectors' | 'first' | 'last'>

const sum = <T extends Counted>(one: T, other: Counted): T => ({
  ...one,
  requests: one.requests + other.requests,
  vectors: one.vectors + other.vectors,
  first: Math.min(one.first, other.first),
  last: Math.max(one.last, other.last),
})
