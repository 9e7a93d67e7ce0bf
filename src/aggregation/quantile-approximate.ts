import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { fromUpperWord, upperWord } from './double.ts'
import { percentileParameter } from './quantile.ts'
import { decimalFactor, floatResult, type NumberParameter, numericKinds, oneInput, readParameters } from './signature.ts'
import { type Tally, tallying } from './tally.ts'

const known: Readonly<Record<'percentile' | 'error', NumberParameter>> = {
  percentile: percentileParameter,
  error: { minimum: 0.00001, maximum: 0.25, whole: false, otherwise: 0.01 },
}

/**
 * The value of rank `floor(percentile * (n - 1))`, within the relative `error`. Null of nothing.
 *
 * A log-bucket sketch in the manner of DDSketch (C. Masson, J. E. Rim, H. K. Lee, VLDB 2019), whose buckets are read off
 * the bits of the double: its sign, its exponent and the first bits of its fraction. Buckets are even within a power of
 * two, at most 2^-bits of their lower end wide, and stand for their middle. Numbers below 2^-1022 count as 0.
 */
export const quantileApproximate: AggregateFunction = {
  name: 'quantileApproximate',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('quantileApproximate', known, parameters)
    return floatResult(oneInput('quantileApproximate', inputs, numericKinds), true)
  },
  create(inputs, parameters): Aggregate<Tally> {
    const factor = decimalFactor(oneInput('quantileApproximate', inputs, numericKinds))
    const { percentile, error } = readParameters('quantileApproximate', known, parameters)
    let bits = 1
    while (2 ** -(bits + 1) > error) bits++
    const shift = 20 - bits
    /** Buckets are numbered in the order of their values: negative ones below 0, zero at 0, positive ones above, NaN last. */
    const bucketOf = (value: number): number => {
      const magnitude = Math.abs(value)
      if (magnitude < smallestNormal) return 0
      const bucket = Number.isNaN(value) ? notANumber : upperWord(magnitude) >>> shift
      return value < 0 ? -bucket : bucket
    }
    const middleOf = (bucket: number): number => {
      if (bucket === 0) return 0
      if (bucket === notANumber) return NaN
      const start = Math.abs(bucket) << shift
      const middle = fromUpperWord(start === infinite ? start : start | (1 << (shift - 1)))
      return bucket < 0 ? -middle : middle
    }
    const buckets = tallying({ kind: 'integer', nullable: false }, (tally) => {
      if (tally.size === 0) return null
      let size = 0
      for (const count of tally.values()) size += count
      let rest = Math.floor(percentile * (size - 1))
      const found = Float64Array.from(tally.keys() as Iterable<number>)
        .sort()
        .find((bucket) => {
          rest -= tally.get(bucket) as number
          return rest < 0
        })
      return middleOf(found as number) / factor
    })
    return {
      ...buckets,
      add: (state, value, time, id, weight) => buckets.add(state, bucketOf(Number(value)), time, id, weight),
      remove: (state, value, time, id, weight) => buckets.remove(state, bucketOf(Number(value)), time, id, weight),
    }
  },
}

const smallestNormal = fromUpperWord(0x0010_0000)
/** The upper word of Infinity. */
const infinite = 0x7ff0_0000
/** Above the bucket of Infinity at any width. */
const notANumber = 2 ** 31
