import type { Cell } from '../schema/index.ts'
import type { ExactSum } from './exact-sum.ts'

/**
 * The sums of the first 0, 1, 2, ... numbers of a list, each exactly as an unevaluated pair of doubles: every step is
 * proved error-free. Any range is then the difference of two of them. The arrays serve one list after the other.
 */
export class PrefixSums {
  #high = new Float64Array(1024)
  #low = new Float64Array(1024)

  /** Takes the first `count` values; false where pairs of doubles cannot hold their sums. */
  build(values: ArrayLike<Cell>, count: number): boolean {
    if (count >= this.#high.length) {
      this.#high = new Float64Array(count * 2)
      this.#low = new Float64Array(count * 2)
    }
    const highs = this.#high
    const lows = this.#low
    let high = 0
    let low = 0
    for (let index = 0; index < count; index++) {
      const value = values[index] as number
      let sum = high + value
      let part = sum - high
      let error = high - (sum - part) + (value - part)
      let lowSum = low + error
      part = lowSum - low
      if (low - (lowSum - part) + (error - part) !== 0) {
        // The pair overlaps; once it does not, it may have room.
        sum = high + low
        part = sum - high
        low = high - (sum - part) + (low - part)
        high = sum
        sum = high + value
        part = sum - high
        error = high - (sum - part) + (value - part)
        lowSum = low + error
        part = lowSum - low
        if (low - (lowSum - part) + (error - part) !== 0) return false
      }
      high = sum
      low = lowSum
      highs[index + 1] = high
      lows[index + 1] = low
    }
    return true
  }

  /** Makes `sum` the sum of the values from `from` (included) to `to` (excluded). */
  between(from: number, to: number, sum: ExactSum): ExactSum {
    const low = this.#low
    sum.assign(this.#high[to] as number, low[to] as number)
    sum.add(-(this.#high[from] as number))
    sum.add(-(low[from] as number))
    return sum
  }
}
