import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { ExactSum } from './exact-sum.ts'
import { PrefixSums } from './prefix-sums.ts'
import { decimalFactor, floatResult, numericKinds, oneInput, readParameters } from './signature.ts'
import { type Total, totalOf } from './total.ts'

interface Mean {
  count: number
  readonly total: Total
}

/** The arithmetic mean: the double nearest to the exact sum over the count. Null of nothing. */
export const average: AggregateFunction = {
  name: 'average',
  inputs: 1,
  result(inputs, parameters) {
    readParameters('average', {}, parameters)
    return floatResult(oneInput('average', inputs, numericKinds), true)
  },
  create(inputs): Aggregate<Mean> {
    const type = oneInput('average', inputs, numericKinds)
    const kind = totalOf(type)
    const factor = decimalFactor(type)
    const mean = (total: Total, count: number) => {
      if (count === 0) return null
      const divisor = count * factor
      return total.dividedBy(Number.isSafeInteger(divisor) ? divisor : BigInt(count) * BigInt(factor))
    }
    const prefixes = new PrefixSums()
    const range = new ExactSum()
    const between = (low: number, high: number) => mean(prefixes.between(low, high, range), high - low)
    return {
      zero: () => ({ count: 0, total: new kind() }),
      add(state, value) {
        state.count++
        state.total.add(value)
        return state
      },
      remove(state, value) {
        state.count--
        state.total.remove(value)
        return state
      },
      merge(state, other) {
        state.count += other.count
        state.total.merge(other.total)
        return state
      },
      finish: (state) => mean(state.total, state.count),
      encode: (state, writer) => state.total.encode(writer.unsigned(state.count)),
      decode: (reader) => ({ count: reader.unsigned(), total: kind.decode(reader) }),
      ranges: (values, count) => (type.kind !== 'int64' && prefixes.build(values, count) ? between : null),
    }
  },
}
