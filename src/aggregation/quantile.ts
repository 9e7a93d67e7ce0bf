import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { decimalFactor, floatResult, type NumberParameter, numericKinds, oneInput, readParameters } from './signature.ts'
import { SortedNumbers } from './sorted-numbers.ts'

export const percentileParameter: NumberParameter = { minimum: 0, maximum: 1, whole: false }

/**
 * The value below which the share `percentile` of the values lies, interpolated linearly between its two neighbours
 * (type 7 of R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages", 1996; the default of NumPy, in its
 * order of operations). Null of nothing.
 */
export const quantile: AggregateFunction = {
  name: 'quantile',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('quantile', { percentile: percentileParameter }, parameters)
    return floatResult(oneInput('quantile', inputs, numericKinds), true)
  },
  create(inputs, parameters): Aggregate<SortedNumbers> {
    const factor = decimalFactor(oneInput('quantile', inputs, numericKinds))
    const { percentile } = readParameters('quantile', { percentile: percentileParameter }, parameters)
    return {
      zero: () => new SortedNumbers(),
      add(state, value) {
        state.add(Number(value))
        return state
      },
      remove(state, value) {
        state.remove(Number(value))
        return state
      },
      merge(state, other) {
        state.merge(other)
        return state
      },
      finish: (state) => (state.size === 0 ? null : interpolate(state.inOrder(), percentile) / factor + 0),
      encode: (state, writer) => state.encode(writer),
      decode: SortedNumbers.decode,
    }
  },
}

function interpolate(sorted: readonly number[], percentile: number): number {
  const rank = (sorted.length - 1) * percentile
  const below = Math.floor(rank)
  const share = rank - below
  const a = sorted[below] as number
  const b = sorted[Math.min(below + 1, sorted.length - 1)] as number
  if (share === 0 || a === b) return a
  const distance = b - a
  // Two finite neighbours may be farther apart than the largest double.
  if (distance === Infinity) return a * (1 - share) + b * share
  return share < 0.5 ? a + distance * share : b - distance * (1 - share)
}
