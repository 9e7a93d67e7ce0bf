import type { Cell } from '../schema/index.ts'
import type { Aggregate } from './aggregate.ts'
import { powerOfTwo } from './double.ts'
import { ExactSum } from './exact-sum.ts'
import { halfPowerOfTwo } from './exp2.ts'
import type { NumberParameter } from './signature.ts'

/** Microseconds, up to 200 years. */
export const halfLifeParameter: NumberParameter = { minimum: 1, maximum: 200 * 365 * 86_400_000_000, whole: true }

/** By the number of half-lives from the epoch to the event, rounded down: the exact sum of the weighted values. */
type Buckets = Map<number, ExactSum>

/**
 * A sum in which an event of time t has the weight 2^(-(asOf - t) / halfLife).
 *
 * Forward decay (G. Cormode, V. Shkapenyuk, D. Srivastava, B. Xu, ICDE 2009): with t = (k + f) half-lives since the
 * epoch, k whole, an event adds `value * 2^(f - 1)`, rounded once, to the exact sum of bucket k, which no later moment
 * changes. At (K + F) half-lives the value is the exact sum of all buckets, each times 2^(k - K), over 2^(F - 1). So it
 * is a function of the set of events, and scaling by powers of two loses nothing above the subnormals. Buckets more than
 * 1074 half-lives old, whose factor is below the smallest double, count nothing.
 */
export function decaying(halfLife: number, numberOf: (cell: Cell) => number, factor: number): Aggregate<Buckets> {
  const change = (state: Buckets, cell: Cell, time: number, sign: 1 | -1) => {
    const fraction = phase(time, halfLife)
    const bucket = (time - fraction) / halfLife
    const sum = state.get(bucket) ?? new ExactSum()
    const weighted = numberOf(cell) * halfPowerOfTwo(fraction / halfLife)
    if (sign === 1) sum.add(weighted)
    else sum.remove(weighted)
    return state.set(bucket, sum)
  }
  return {
    zero: () => new Map(),
    add: (state, value, time) => change(state, value, time, 1),
    remove: (state, value, time) => change(state, value, time, -1),
    merge(state, other) {
      for (const [bucket, sum] of other) {
        const own = state.get(bucket) ?? new ExactSum()
        own.merge(sum)
        state.set(bucket, own)
      }
      return state
    },
    finish(state, asOf) {
      const fraction = phase(asOf, halfLife)
      const current = (asOf - fraction) / halfLife
      const total = new ExactSum()
      for (const [bucket, sum] of state) {
        const scale = powerOfTwo(bucket - current)
        if (scale === 0) continue
        if (sum.special !== 0) total.add(sum.special)
        for (const component of sum.components() ?? [sum.toNumber()]) total.add(component * scale)
      }
      return total.toNumber() / halfPowerOfTwo(fraction / halfLife) / factor + 0
    },
    encode(state, writer) {
      const buckets = [...state].filter(([, sum]) => !sum.isZero).sort(([a], [b]) => a - b)
      writer.unsigned(buckets.length)
      for (const [bucket, sum] of buckets) sum.encode(writer.signed(bucket))
    },
    decode: (reader) => new Map(Array.from({ length: reader.unsigned() }, () => [reader.signed(), ExactSum.decode(reader)] as const)),
  }
}

/** Microseconds since the last whole number of half-lives. */
function phase(time: number, halfLife: number): number {
  const rest = time % halfLife
  return rest < 0 ? rest + halfLife : rest + 0
}
