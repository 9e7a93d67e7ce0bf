import type { Cell } from '../schema/index.ts'
import type { Aggregate } from './aggregate.ts'
import { RangeFold } from './range-fold.ts'
import type { Series } from './series.ts'
import { SeriesFold } from './series-fold.ts'
import { type BoundWindow, WindowCursor } from './window.ts'

/** One aggregate of a group: which series, in which window. Those of one series and function share one `Aggregate`. */
export interface EvaluatedAggregate {
  readonly aggregate: Aggregate
  readonly series: number
  readonly window: number
}

/**
 * value(q) = f(the events of a key that are visible at q), for every aggregate of a group: the one evaluation that
 * training sets, backfill, live state and serving call. Bind events, load a key, then ask for moments; ascending ones
 * are cheap. `lasting`: one key stays loaded while it grows and other evaluators of the same aggregates are asked.
 */
export class Evaluator {
  /** The values at the moment asked for last, one an aggregate. */
  readonly values: Cell[]
  readonly #aggregates: readonly EvaluatedAggregate[]
  readonly #cursors: readonly WindowCursor[]
  readonly #sources: readonly { readonly fold: SeriesFold; readonly series: number }[]
  readonly #folds: readonly RangeFold[]
  #series: readonly Series[] = []

  constructor(windows: number, aggregates: readonly EvaluatedAggregate[], lasting = false) {
    this.#aggregates = aggregates
    this.#cursors = Array.from({ length: windows }, () => new WindowCursor())
    const sources = new Map<Aggregate, { fold: SeriesFold; series: number }>()
    this.#folds = aggregates.map(({ aggregate, series }) => {
      const source = sources.get(aggregate) ?? { fold: new SeriesFold(aggregate, lasting), series }
      sources.set(aggregate, source)
      return new RangeFold(source.fold)
    })
    this.#sources = [...sources.values()]
    this.values = new Array<Cell>(aggregates.length).fill(null)
  }

  /** Takes other events: their times, and the series and windows over them. */
  bind(times: Float64Array, series: readonly Series[], windows: readonly BoundWindow[]): void {
    this.#series = series
    for (let i = 0; i < windows.length; i++) (this.#cursors[i] as WindowCursor).bind(windows[i] as BoundWindow, times)
    for (const { fold, series: place } of this.#sources) fold.bind(series[place] as Series)
  }

  /**
   * Goes to the key whose events are at `[start, end)`. `reuse`: more than one moment will be asked for.
   * `baselines`: by aggregate, the state of the key's earlier events that are no longer among them.
   */
  load(start: number, end: number, reuse: boolean, baselines?: readonly unknown[]): void {
    for (const cursor of this.#cursors) cursor.load(start, end)
    for (const { fold, series } of this.#sources) {
      const { rank } = this.#series[series] as Series
      if (rank) fold.load(rank[start] as number, rank[end] as number)
      else fold.load(start, end)
    }
    for (let i = 0; i < this.#folds.length; i++) (this.#folds[i] as RangeFold).load(reuse, baselines?.[i])
  }

  /**
   * Goes on with the loaded key after its events have changed from position `from` on: it now has `[start, end)`. What was
   * made of the events before is kept.
   */
  extend(
    times: Float64Array,
    series: readonly Series[],
    windows: readonly BoundWindow[],
    { start, from, end }: { readonly start: number; readonly from: number; readonly end: number },
    baselines?: readonly unknown[],
  ): void {
    this.#series = series
    for (let i = 0; i < windows.length; i++) (this.#cursors[i] as WindowCursor).extend(windows[i] as BoundWindow, times, start, end)
    const placeOf = (place: number, position: number) => (series[place] as Series).rank?.[position] ?? position
    for (const { fold, series: place } of this.#sources)
      fold.extend(series[place] as Series, placeOf(place, start), placeOf(place, from), placeOf(place, end))
    for (let i = 0; i < this.#folds.length; i++)
      (this.#folds[i] as RangeFold).extend(placeOf((this.#aggregates[i] as EvaluatedAggregate).series, from), baselines?.[i])
  }

  /**
   * The events of the loaded key have moved to the front by so many positions, and by series so many values; `extend` brings
   * the arrays in which they lie now.
   */
  shift(events: number, values: readonly number[]): void {
    for (const cursor of this.#cursors) cursor.shift(events)
    for (const { fold, series } of this.#sources) fold.shift(events, values[series] as number)
    for (let i = 0; i < this.#folds.length; i++)
      (this.#folds[i] as RangeFold).shift(values[(this.#aggregates[i] as EvaluatedAggregate).series] as number)
  }

  /** Computes `values` as of q. */
  seek(q: number): void {
    for (const cursor of this.#cursors) cursor.seek(q)
    for (let i = 0; i < this.#aggregates.length; i++) {
      const { series, window } = this.#aggregates[i] as EvaluatedAggregate
      const { rank } = this.#series[series] as Series
      const { low, high, asOf } = this.#cursors[window] as WindowCursor
      const fold = this.#folds[i] as RangeFold
      this.values[i] = rank ? fold.at(rank[low] as number, rank[high] as number, asOf) : fold.at(low, high, asOf)
    }
  }

  /**
   * What a store has to keep of the loaded key, events `[start, end)` in order of `times`, to answer any moment from `q` on:
   * the events from a position on, and by aggregate over the lifetime the state of those before. No moment is cut in two.
   */
  keep(start: number, q: number, times: Float64Array): { readonly from: number; readonly baselines: readonly unknown[] } {
    let from = Number.POSITIVE_INFINITY
    for (const cursor of this.#cursors) from = Math.min(from, cursor.keepFrom(q))
    const end = this.#cursors[0]?.end ?? start
    while (from > start && from < end && times[from - 1] === times[from]) from--
    const baselines = this.#aggregates.map(({ series, window }, i) => {
      if (!(this.#cursors[window] as WindowCursor).isLifetime) return undefined
      const { rank } = this.#series[series] as Series
      return (this.#folds[i] as RangeFold).state(rank ? (rank[start] as number) : start, rank ? (rank[from] as number) : from)
    })
    return { from, baselines }
  }

  /** Whether any event counts in the value of an aggregate as of the moment sought. */
  counts(place: number): boolean {
    const { series, window } = this.#aggregates[place] as EvaluatedAggregate
    const { rank } = this.#series[series] as Series
    const { low, high } = this.#cursors[window] as WindowCursor
    return (this.#folds[place] as RangeFold).hasBaseline || (rank ? (rank[low] as number) < (rank[high] as number) : low < high)
  }

  /** The next moment after the one sought at which other events count in an aggregate, if none comes; Infinity for never. */
  nextChange(place: number): number {
    const { series, window } = this.#aggregates[place] as EvaluatedAggregate
    const { rank, positions } = this.#series[series] as Series
    const cursor = this.#cursors[window] as WindowCursor
    const { low, high, end } = cursor
    if (!rank || !positions) return cursor.nextChange(low < high ? low : -1, high < end ? high : -1)
    const [first, next, last] = [rank[low], rank[high], rank[end]] as [number, number, number]
    return cursor.nextChange(first < next ? (positions[first] as number) : -1, next < last ? (positions[next] as number) : -1)
  }

  /** The moment from which on events of the loaded key may still change, once `keep(start, q, times)` is all that is kept of it. */
  openFrom(q: number): number {
    let from = Number.POSITIVE_INFINITY
    for (const cursor of this.#cursors) from = Math.min(from, cursor.openFrom(q))
    return from
  }
}
