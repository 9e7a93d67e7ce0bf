import type { Micros } from '../lib/moment.ts'
import { PairMap } from '../lib/pair-map.ts'
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

/** Features of a view that are read together. */
interface Selection {
  readonly view: string
  readonly version: number
  /** By caller and model. */
  readonly counts: PairMap<string, string, UsageCount>
}

/** The counts of one day. */
export class UsageCounts {
  readonly #counts: UsageCount[] = []
  readonly #selections = new Map<string, Selection>()
  /** Views mostly hand on the same array: it is found sooner than its names. */
  readonly #byFeatures = new WeakMap<readonly string[], Selection>()

  get size(): number {
    return this.#counts.length
  }

  [Symbol.iterator](): IterableIterator<UsageCount> {
    return this.#counts.values()
  }

  /** Counts a read. */
  count({ caller, model, view, version, features, keys, knownAt }: ReadRecord): void {
    const count = this.#selectionOf(view, version, features)?.counts.get(caller, model)
    if (count === undefined) {
      this.add({ caller, model, view, version, features, requests: 1, vectors: keys.length, first: knownAt, last: knownAt })
      return
    }
    count.requests++
    count.vectors += keys.length
    if (knownAt < count.first) count.first = knownAt
    if (knownAt > count.last) count.last = knownAt
  }

  /** Adds what was counted elsewhere. */
  add(more: UsageCount): void {
    if (this.#addToKnown(more)) return
    if (this.#counts.length < mostCounts) {
      this.#insert({ ...more })
      return
    }
    // There are as many of these as there are features, whatever callers ask for.
    for (const feature of more.features) {
      const one = { ...more, caller: others, model: others, features: [feature] }
      if (!this.#addToKnown(one)) this.#insert(one)
    }
  }

  #addToKnown(more: UsageCount): boolean {
    const known = this.#selectionOf(more.view, more.version, more.features)?.counts.get(more.caller, more.model)
    if (known !== undefined) merge(known, more)
    return known !== undefined
  }

  #insert(count: UsageCount): void {
    const { caller, model, view, version, features } = count
    let selection = this.#selectionOf(view, version, features)
    if (selection === undefined) {
      selection = { view, version, counts: new PairMap() }
      this.#selections.set(selectionKey(view, version, features), selection)
    }
    selection.counts.set(caller, model, count)
    this.#counts.push(count)
  }

  #selectionOf(view: string, version: number, features: readonly string[]): Selection | undefined {
    const known = this.#byFeatures.get(features)
    if (known !== undefined && known.view === view && known.version === version) return known
    const found = this.#selections.get(selectionKey(view, version, features))
    if (found !== undefined) this.#byFeatures.set(features, found)
    return found
  }
}

const selectionKey = (view: string, version: number, features: readonly string[]): string => [view, version, ...features].join('\0')

function merge(into: UsageCount, { requests, vectors, first, last }: UsageCount): void {
  into.requests += requests
  into.vectors += vectors
  into.first = Math.min(into.first, first)
  into.last = Math.max(into.last, last)
}

/** The name of all callers, and of all models, beyond those that are told apart. */
export const others = '(others)'
