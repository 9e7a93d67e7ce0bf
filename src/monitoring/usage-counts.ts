import type { Micros } from '../lib/moment.ts'
import type { ReadRecord } from './read-record.ts'

/** How often, and from when to when, a caller read some features of a view together. */
export interface UsageCount {
  readonly caller: string
  readonly model: string
  readonly view: string
  readonly version: number
  readonly features: readonly string[]
  /** Requests, and vectors in all of them. */
  requests: number
  vectors: number
  first: Micros
  last: Micros
}

/** Callers name themselves: beyond so many counts a day the others are counted together, without their names. */
const mostCounts = 10_000

/** The counts of one day. */
export class UsageCounts {
  readonly #counts = new Map<string, UsageCount>()
  /** Views mostly hand on the same array of features. */
  readonly #keys = new WeakMap<readonly string[], string>()

  get size(): number {
    return this.#counts.size
  }

  [Symbol.iterator](): IterableIterator<UsageCount> {
    return this.#counts.values()
  }

  /** Counts a read. */
  count({ caller, model, view, version, features, keys, knownAt }: ReadRecord): void {
    const key = this.#keyOf(caller, model, view, version, features)
    const count = this.#counts.get(key)
    if (count !== undefined) {
      count.requests++
      count.vectors += keys.length
      if (knownAt < count.first) count.first = knownAt
      if (knownAt > count.last) count.last = knownAt
      return
    }
    this.add({ caller, model, view, version, features, requests: 1, vectors: keys.length, first: knownAt, last: knownAt })
  }

  /** Adds what was counted elsewhere. */
  add(more: UsageCount): void {
    const { view, version, features } = more
    const key = this.#keyOf(more.caller, more.model, view, version, features)
    const known = this.#counts.get(key)
    if (known !== undefined) {
      known.requests += more.requests
      known.vectors += more.vectors
      known.first = Math.min(known.first, more.first)
      known.last = Math.max(known.last, more.last)
    } else if (this.#counts.size < mostCounts || (more.caller === others && more.model === others)) this.#counts.set(key, { ...more })
    else this.add({ ...more, caller: others, model: others })
  }

  #keyOf(caller: string, model: string, view: string, version: number, features: readonly string[]): string {
    let named = this.#keys.get(features)
    if (named === undefined) {
      named = features.join('\0')
      this.#keys.set(features, named)
    }
    return `${view}\0${version}\0${caller}\0${model}\0\0${named}`
  }
}

/** The name of all callers, and of all models, beyond those that are told apart. */
export const others = '(others)'
