import type { Cell } from '../schema/index.ts'
import type { Aggregate } from './aggregate.ts'
import type { Series } from './series.ts'

/** Values under one summary of the tree below, and summaries under one of the next level. */
const fanOut = 32

const noSeries: Series = { values: [], weights: null, positions: null, rank: null, times: new Float64Array(0), ids: null }

/**
 * Folds any range of one key's values into a state of one aggregate, and keeps what makes the next fold cheap:
 * the aggregate's own prefixes where it has them, else a tree of sealed summaries. All ways give the same bits.
 */
export class SeriesFold {
  readonly aggregate: Aggregate
  readonly #lasting: boolean
  #series: Series = noSeries
  #start = 0
  #end = 0
  /** The first value under the first summary of each level. */
  #origin = 0
  /** The event from which positions count that stand for ids: the key's own, so that its states tell nothing of other keys. */
  #firstEvent = 0
  /** The value that is the first to the prefixes. */
  #first = 0
  #prefixes: ((low: number, high: number) => Cell) | null | undefined
  #levels: unknown[][] = []

  /** `lasting`: keys are read in between, so nothing can stand in memory that all keys share. */
  constructor(aggregate: Aggregate, lasting: boolean) {
    this.aggregate = aggregate
    this.#lasting = lasting
  }

  /** How far a fold may be slid rather than made anew: from lasting summaries of bounded size that takes about as long as this. */
  get mostSteps(): number {
    return this.#lasting && this.aggregate.ranges ? 512 : Number.POSITIVE_INFINITY
  }

  /** Takes other values. */
  bind(series: Series): void {
    this.#series = series
  }

  /** Goes to the key whose values are at `[start, end)` of the series. */
  load(start: number, end: number): void {
    this.#start = start
    this.#end = end
    this.#origin = start
    this.#firstEvent = this.#series.positions?.[start] ?? start
    this.#prefixes = undefined
    if (this.#levels.length > 0) this.#levels = []
  }

  /** Goes on with the loaded key after its values have changed from position `from` on: it now has `[start, end)`. */
  extend(series: Series, start: number, from: number, end: number): void {
    this.#series = series
    this.#start = start
    this.#end = end
    this.#prefixes = undefined
    let size = 1
    for (const summaries of this.#levels) {
      const whole = Math.max(Math.floor((from - this.#origin) / size), 0)
      if (summaries && summaries.length > whole) summaries.length = whole
      size *= fanOut
    }
  }

  /** The events have moved to the front by so many positions, and the values by so many; none of them has changed. */
  shift(events: number, values: number): void {
    this.#start -= values
    this.#end -= values
    this.#origin -= values
    this.#firstEvent -= events
    this.#prefixes = undefined
    // Summaries that stand before the key leave, as many at each level as stand under whole ones of the highest.
    const highest = fanOut ** Math.max(this.#levels.length - 1, 1)
    const gone = Math.floor((this.#start - this.#origin) / highest) * highest
    this.#origin += gone
    let size = 1
    for (const summaries of this.#levels) {
      summaries?.splice(0, gone / size)
      size *= fanOut
    }
  }

  /** The value of a range straight from prefixes, or undefined where the aggregate has none. */
  value(low: number, high: number): Cell | undefined {
    if (this.#prefixes === undefined) this.#prefixes = this.#makePrefixes()
    return this.#prefixes === null ? undefined : this.#prefixes(low - this.#first, high - this.#first)
  }

  #makePrefixes(): ((low: number, high: number) => Cell) | null {
    const { aggregate } = this
    const { values } = this.#series
    // Those of a block's first key without a copy, and what follows them too.
    this.#first = this.#lasting ? 0 : this.#start
    if (this.#lasting) return aggregate.rangesAtOnce && aggregate.ranges ? aggregate.ranges(values, this.#end) : null
    const own =
      this.#start === 0
        ? values
        : values instanceof Float64Array
          ? values.subarray(this.#start, this.#end)
          : (values as readonly Cell[]).slice(this.#start, this.#end)
    return aggregate.ranges?.(own, this.#end - this.#start) ?? null
  }

  /** A new state of the values at `[low, high)`. */
  fold(low: number, high: number): unknown {
    let state = this.aggregate.zero()
    for (let i = low; i < high; i++) state = this.add(state, i)
    return state
  }

  /** As `fold`, through summaries that later calls find ready: folds the ragged ends, merges what lies between. */
  climb(low: number, high: number): unknown {
    let state = this.aggregate.zero()
    let i = low
    while (i < high) {
      let level = 0
      let size = 1
      while ((i - this.#origin) % (size * fanOut) === 0 && i + size * fanOut <= high) {
        size *= fanOut
        level++
      }
      state = level === 0 ? this.add(state, i) : this.aggregate.merge(state, this.#summary(level, (i - this.#origin) / size))
      i += size
    }
    return state
  }

  add(state: unknown, i: number): unknown {
    const { values, weights, times, ids, positions } = this.#series
    const position = positions ? (positions[i] as number) : i
    return this.aggregate.add(
      state,
      values[i] as Cell,
      times[position] as number,
      ids ? (ids[position] as string) : position - this.#firstEvent,
      weights ? (weights[i] as Cell) : null,
    )
  }

  /** Only where the aggregate has `remove`. */
  remove(state: unknown, i: number): unknown {
    const { values, weights, times, ids, positions } = this.#series
    const position = positions ? (positions[i] as number) : i
    const remove = this.aggregate.remove as NonNullable<Aggregate['remove']>
    return remove.call(
      this.aggregate,
      state,
      values[i] as Cell,
      times[position] as number,
      ids ? (ids[position] as string) : position - this.#firstEvent,
      weights ? (weights[i] as Cell) : null,
    )
  }

  #summary(level: number, index: number): unknown {
    this.#levels[level] ??= []
    const summaries = this.#levels[level]
    let summary = summaries[index]
    if (summary === undefined) {
      if (level === 1) {
        const from = this.#origin + index * fanOut
        summary = this.fold(from, from + fanOut)
      } else {
        summary = this.aggregate.zero()
        for (let child = index * fanOut; child < (index + 1) * fanOut; child++)
          summary = this.aggregate.merge(summary, this.#summary(level - 1, child))
      }
      // Without gaps, which would make it a table of hashes.
      while (summaries.length < index) summaries.push(undefined)
      summaries[index] = summary
    }
    return summary
  }
}
