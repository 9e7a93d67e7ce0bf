import { LockstepError } from '../errors.ts'
import type { TypeData } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { ExactSum } from './exact-sum.ts'
import { IntegerSum } from './integer-sum.ts'
import { PrefixSums } from './prefix-sums.ts'
import { floatResult, numericKinds, oneInput, readParameters } from './signature.ts'
import { totalling } from './total.ts'

/** The exact sum; of floats its nearest double. 0 of nothing. */
export const sum: AggregateFunction = {
  name: 'sum',
  inputs: 1,
  result(inputs, parameters) {
    const type = oneInput('sum', inputs, numericKinds)
    readParameters('sum', {}, parameters)
    if (type.kind === 'float') return floatResult(type, false)
    return type.kind === 'decimal'
      ? { kind: 'decimal', nullable: false, precision: 18, scale: type.scale ?? 0 }
      : { kind: type.kind, nullable: false }
  },
  create(inputs) {
    const type = oneInput('sum', inputs, numericKinds)
    return type.kind === 'int64' ? sumOfInt64() : sumOfNumbers(type)
  },
}

const sumOfInt64 = (): Aggregate<IntegerSum> => ({
  ...totalling(IntegerSum),
  finish({ value }) {
    if (BigInt.asIntN(64, value) === value) return value
    throw new LockstepError('NUMBER_OUT_OF_RANGE', `A sum of int64 values passes 2^63: ${value}`)
  },
})

function sumOfNumbers({ kind }: TypeData): Aggregate<ExactSum> {
  const finish = (state: ExactSum) => {
    const value = state.toNumber()
    if (kind === 'float' || Number.isSafeInteger(value)) return value
    throw new LockstepError(
      'NUMBER_OUT_OF_RANGE',
      `A sum of ${kind} values passes 2^53${kind === 'decimal' ? ' units of its last digit' : ''}: about ${value}`,
    )
  }
  const prefixes = new PrefixSums()
  const range = new ExactSum()
  const between = (low: number, high: number) => finish(prefixes.between(low, high, range))
  return {
    ...totalling(ExactSum),
    finish,
    ranges: (values, count) => (prefixes.build(values, count) ? between : null),
  }
}
