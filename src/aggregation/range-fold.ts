import type { Cell } from '../schema/index.ts'
import type { SeriesFold } from './series-fold.ts'

/** Ranges longer than this are folded through summaries when a key is asked more than once. */
const longRange = 128

/** The value of one aggregate in one window: from prefixes, or from the range asked before by adding what entered and removing what left. */
export class RangeFold {
  readonly #source: SeriesFold
  #reuse = false
  #baseline: unknown
  #state: unknown
  #low = -1
  #high = -1

  constructor(source: SeriesFold) {
    this.#source = source
  }

  load(reuse: boolean, baseline: unknown): void {
    this.#reuse = reuse
    this.#baseline = baseline
    this.#low = -1
  }

  get hasBaseline(): boolean {
    return this.#baseline !== undefined
  }

  /** The values have moved to the front by so many positions. */
  shift(values: number): void {
    this.#low = Math.max(this.#low - values, -1)
    this.#high -= values
  }

  /** Goes on after the values have changed from a position on. */
  extend(from: number, baseline: unknown): void {
    this.#reuse = true
    this.#baseline = baseline
    if (this.#high > from) this.#low = -1
  }

  at(low: number, high: number, asOf: number): Cell {
    const source = this.#source
    const { aggregate } = source
    if (this.#baseline === undefined) {
      if (!this.#reuse) return aggregate.finish(source.fold(low, high), asOf)
      const value = source.value(low, high)
      return value !== undefined ? value : aggregate.finish(this.#slide(low, high), asOf)
    }
    const before = aggregate.merge(aggregate.zero(), this.#baseline)
    return aggregate.finish(aggregate.merge(before, this.#reuse ? this.#slide(low, high) : source.fold(low, high)), asOf)
  }

  /** The state of the values at `[low, high)`. */
  state(low: number, high: number): unknown {
    return this.#source.fold(low, high)
  }

  #slide(low: number, high: number): unknown {
    const source = this.#source
    const leaving = low - this.#low
    const forward = this.#low >= 0 && leaving >= 0 && high >= this.#high && low <= this.#high
    const steps = leaving + high - this.#high
    if (forward && (leaving === 0 || source.aggregate.remove) && steps <= high - low && steps <= source.mostSteps) {
      for (let i = this.#low; i < low; i++) this.#state = source.remove(this.#state, i)
      for (let i = this.#high; i < high; i++) this.#state = source.add(this.#state, i)
    } else {
      this.#state = high - low > longRange ? source.climb(low, high) : source.fold(low, high)
    }
    this.#low = low
    this.#high = high
    return this.#state
  }
}
