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
  /** Numbers for lists of features: a short key is found several times as fast. Views mostly hand on the same array. */
  readonly #lists = new Map<string, number>()
  readonly #numbers = new WeakMap<readonly string[], number>()

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
    if (known !== undefined) merge(known, more)
    else if (this.#counts.size < mostCounts) this.#counts.set(key, { ...more })
    else for (const feature of features) this.#addToOthers({ ...more, caller: others, model: others, features: [feature] })
  }

  /** There are as many of these as there are features, whatever callers ask for. */
  #addToOthers(one: UsageCount): void {
    const { view, version, features } = one
    const key = `${view}\0${version}\0${others}\0${features[0]}`
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, one)
    else merge(known, one)
  }

  #keyOf(caller: string, model: string, view: string, version: number, features: readonly string[]): string {
    const list = this.#numbers.get(features) ?? this.#numberOf(features)
    return `${view}\0${version}\0${caller}\0${model}\0${list}`
  }

  /** -1 beyond so many lists: nothing has that. */
  #numberOf(features: readonly string[]): number {
    const names = features.join('\0')
    const number = this.#lists.get(names) ?? (this.#lists.size < mostCounts ? this.#lists.size : -1)
    if (number < 0) return number
    this.#lists.set(names, number)
    this.#numbers.set(features, number)
    return number
  }
}

function merge(into: UsageCount, { requests, vectors, first, last }: UsageCount): void {
  into.requests += requests
  into.vectors += vectors
  into.first = Math.min(into.first, first)
  into.last = Math.max(into.last, last)
}

/** The name of all callers, and of all models, beyond those that are told apart. */
export const others = '(others)'
