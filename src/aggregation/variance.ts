import type { Cell, TypeData } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { productError } from './double.ts'
import { IntegerSum } from './integer-sum.ts'
import { hasPlainSquare, Moments } from './moments.ts'
import { PrefixSums } from './prefix-sums.ts'
import { ratioToNumber } from './rational.ts'
import { decimalFactor, floatResult, numericKinds, oneInput, readParameters } from './signature.ts'

/** How many values the divisor leaves out: `n` for a population, `n - 1` for a sample. */
type Of = 'population' | 'sample'

/** The four functions that spread around the mean: variance or its square root, of a population or of a sample. */
export function spread(name: string, of: Of, shape: (variance: number) => number): AggregateFunction {
  return {
    name,
    inputs: 1,
    result(inputs, parameters) {
      readParameters(name, {}, parameters)
      return floatResult(oneInput(name, inputs, numericKinds), true)
    },
    create(inputs) {
      const type = oneInput(name, inputs, numericKinds)
      const freedom = of === 'sample' ? 1 : 0
      return type.kind === 'int64' ? ofInt64(freedom, shape) : ofNumbers(type, freedom, shape)
    },
  }
}

function ofNumbers(type: TypeData, freedom: number, shape: (variance: number) => number): Aggregate<Moments> {
  const unit = BigInt(decimalFactor(type)) ** 2n
  const finish = (state: Moments) => {
    const value = state.variance(freedom, unit)
    return value === null ? null : shape(value)
  }
  const sums = new PrefixSums()
  const productSums = new PrefixSums()
  const errorSums = new PrefixSums()
  const range = new Moments()
  let products = new Float64Array(1024)
  let productErrors = new Float64Array(1024)
  const between = (low: number, high: number) => {
    range.count = high - low
    sums.between(low, high, range.sum)
    productSums.between(low, high, range.squares)
    errorSums.between(low, high, range.errors)
    return finish(range)
  }
  return {
    zero: () => new Moments(),
    add(state, value) {
      state.add(value as number)
      return state
    },
    remove(state, value) {
      state.remove(value as number)
      return state
    },
    merge(state, other) {
      state.merge(other)
      return state
    },
    finish,
    encode: (state, writer) => state.encode(writer),
    decode: Moments.decode,
    ranges(values, count) {
      if (products.length < count) {
        products = new Float64Array(2 * count)
        productErrors = new Float64Array(2 * count)
      }
      for (let index = 0; index < count; index++) {
        const value = values[index] as number
        if (!hasPlainSquare(value)) return null
        const square = value * value
        products[index] = square
        productErrors[index] = productError(value, value, square)
      }
      const isExact = sums.build(values, count) && productSums.build(products, count) && errorSums.build(productErrors, count)
      return isExact ? between : null
    },
  }
}

interface IntegerMoments {
  count: number
  readonly sum: IntegerSum
  readonly squares: IntegerSum
}

function ofInt64(freedom: number, shape: (variance: number) => number): Aggregate<IntegerMoments> {
  const change = (state: IntegerMoments, value: Cell, sign: 1 | -1) => {
    const number = value as bigint
    state.count += sign
    state.sum.value += BigInt(sign) * number
    state.squares.value += BigInt(sign) * number * number
    return state
  }
  return {
    zero: () => ({ count: 0, sum: new IntegerSum(), squares: new IntegerSum() }),
    add: (state, value) => change(state, value, 1),
    remove: (state, value) => change(state, value, -1),
    merge(state, other) {
      state.count += other.count
      state.sum.merge(other.sum)
      state.squares.merge(other.squares)
      return state
    },
    finish({ count, sum, squares }) {
      if (count <= freedom) return null
      const numerator = BigInt(count) * squares.value - sum.value * sum.value
      return shape(ratioToNumber(numerator, BigInt(count) * BigInt(count - freedom)))
    },
    encode(state, writer) {
      state.sum.encode(writer.unsigned(state.count))
      state.squares.encode(writer)
    },
    decode: (reader) => ({ count: reader.unsigned(), sum: IntegerSum.decode(reader), squares: IntegerSum.decode(reader) }),
  }
}
