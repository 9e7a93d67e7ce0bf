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
  #series: Series = noSeries
  #start = 0
  #end = 0
  #prefixes: ((low: number, high: number) => Cell) | null | undefined
  #levels: unknown[][] = []

  constructor(aggregate: Aggregate) {
    this.aggregate = aggregate
  }

  /** Takes other values. */
  bind(series: Series): void {
    this.#series = series
  }

  /** Goes to the key whose values are at `[start, end)` of the series. */
  load(start: number, end: number): void {
    this.#start = start
    this.#end = end
    this.#prefixes = undefined
    if (this.#levels.length > 0) this.#levels = []
  }

  /** The value of a range straight from prefixes, or undefined where the aggregate has none. */
  value(low: number, high: number): Cell | undefined {
    if (this.#prefixes === undefined) {
      this.#prefixes = this.aggregate.ranges?.(this.#own(), this.#end - this.#start) ?? null
    }
    return this.#prefixes === null ? undefined : this.#prefixes(low - this.#start, high - this.#start)
  }

  /** The values of the key, from the first on; those of a block's first key without a copy, and what follows them too. */
  #own(): ArrayLike<Cell> {
    const { values } = this.#series
    if (this.#start === 0) return values
    return values instanceof Float64Array
      ? values.subarray(this.#start, this.#end)
      : (values as readonly Cell[]).slice(this.#start, this.#end)
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
      while ((i - this.#start) % (size * fanOut) === 0 && i + size * fanOut <= high) {
        size *= fanOut
        level++
      }
      state = level === 0 ? this.add(state, i) : this.aggregate.merge(state, this.#summary(level, (i - this.#start) / size))
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
      ids ? (ids[position] as string) : position,
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
      ids ? (ids[position] as string) : position,
      weights ? (weights[i] as Cell) : null,
    )
  }

  #summary(level: number, index: number): unknown {
    this.#levels[level] ??= []
    const summaries = this.#levels[level]
    let summary = summaries[index]
    if (summary === undefined) {
      if (level === 1) {
        const from = this.#start + index * fanOut
        summary = this.fold(from, from + fanOut)
      } else {
        summary = this.aggregate.zero()
        for (let child = index * fanOut; child < (index + 1) * fanOut; child++)
          summary = this.aggregate.merge(summary, this.#summary(level - 1, child))
      }
      summaries[index] = summary
    }
    return summary
  }
}
