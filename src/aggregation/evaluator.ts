import type { Cell } from '../schema/index.ts'
import type { Aggregate } from './aggregate.ts'
import { RangeFold } from './range-fold.ts'
import type { Series } from './series.ts'
import { SeriesFold } from './series-fold.ts'
import { type BoundWindow, WindowCursor } from './window.ts'

/** One aggregate of a group: which series, in which window. Those of one series and function share one `Aggregate`. */
export interface BoundAggregate {
  readonly aggregate: Aggregate
  readonly series: number
  readonly window: number
}

/**
 * value(q) = f(the events of a key that are visible at q), for every aggregate of a group: the one evaluation that
 * training sets, backfill, live state and serving call. Load a key, then ask for moments; ascending ones are cheap.
 */
export class Evaluator {
  /** The values at the moment asked for last, one an aggregate. */
  readonly values: Cell[]
  readonly #series: readonly Series[]
  readonly #aggregates: readonly BoundAggregate[]
  readonly #cursors: readonly WindowCursor[]
  readonly #sources: readonly { readonly fold: SeriesFold; readonly rank: Int32Array | null }[]
  readonly #folds: readonly RangeFold[]

  constructor(times: Float64Array, series: readonly Series[], windows: readonly BoundWindow[], aggregates: readonly BoundAggregate[]) {
    this.#series = series
    this.#aggregates = aggregates
    this.#cursors = windows.map((window) => new WindowCursor(window, times))
    const sources = new Map<Aggregate, { fold: SeriesFold; rank: Int32Array | null }>()
    this.#folds = aggregates.map(({ aggregate, series: index }) => {
      const own = series[index] as Series
      const source = sources.get(aggregate) ?? { fold: new SeriesFold(aggregate, own), rank: own.rank }
      sources.set(aggregate, source)
      return new RangeFold(source.fold)
    })
    this.#sources = [...sources.values()]
    this.values = new Array<Cell>(aggregates.length).fill(null)
  }

  /**
   * Goes to the key whose events are at `[start, end)`. `reuse`: more than one moment will be asked for.
   * `baselines`: by aggregate, the state of the key's earlier events that are no longer among them.
   */
  load(start: number, end: number, reuse: boolean, baselines?: readonly unknown[]): void {
    for (const cursor of this.#cursors) cursor.load(start, end)
    for (const { fold, rank } of this.#sources) {
      if (rank) fold.load(rank[start] as number, rank[end] as number)
      else fold.load(start, end)
    }
    for (let i = 0; i < this.#folds.length; i++) (this.#folds[i] as RangeFold).load(reuse, baselines?.[i])
  }

  /** Computes `values` as of q. */
  seek(q: number): void {
    for (const cursor of this.#cursors) cursor.seek(q)
    for (let i = 0; i < this.#aggregates.length; i++) {
      const { series, window } = this.#aggregates[i] as BoundAggregate
      const { rank } = this.#series[series] as Series
      const { low, high, asOf } = this.#cursors[window] as WindowCursor
      const fold = this.#folds[i] as RangeFold
      this.values[i] = rank ? fold.at(rank[low] as number, rank[high] as number, asOf) : fold.at(low, high, asOf)
    }
  }
}
