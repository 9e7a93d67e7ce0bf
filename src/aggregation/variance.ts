import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { Aggregate, AggregateFunction } from './aggregate.ts'
import { readBigint, writeBigint } from './bigint-codec.ts'
import { decompose, powerOfTwo, productError, sumError } from './double.ts'
import { ExactSum } from './exact-sum.ts'
import { IntegerSum } from './integer-sum.ts'
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

/** Squares of numbers in between are error-free pairs of doubles. */
const smallSquared = powerOfTwo(-480)
const largeSquared = powerOfTwo(480)

/** Exact sums of the values and of their squares. */
class Moments {
  count = 0
  readonly sum: ExactSum
  readonly squares: ExactSum
  /** The sum of those squares that pairs of doubles cannot hold, in units of 2^-2148. */
  outlying: bigint

  constructor(sum = new ExactSum(), squares = new ExactSum(), outlying = 0n) {
    this.sum = sum
    this.squares = squares
    this.outlying = outlying
  }

  add(value: number): void {
    this.count++
    this.sum.add(value)
    if (hasPlainSquare(value)) {
      const square = value * value
      this.squares.add(square)
      this.squares.add(productError(value, value, square))
    } else this.outlying += outlyingSquare(value)
  }

  remove(value: number): void {
    this.count--
    this.sum.remove(value)
    if (hasPlainSquare(value)) {
      const square = value * value
      this.squares.add(-square)
      this.squares.add(-productError(value, value, square))
    } else this.outlying -= outlyingSquare(value)
  }

  merge(other: Moments): void {
    this.count += other.count
    this.sum.merge(other.sum)
    this.squares.merge(other.squares)
    this.outlying += other.outlying
  }

  encode(writer: ByteWriter): void {
    writer.unsigned(this.count)
    this.sum.encode(writer)
    this.squares.encode(writer)
    writeBigint(writer, this.outlying)
  }

  static decode(reader: ByteReader): Moments {
    const count = reader.unsigned()
    const moments = new Moments(ExactSum.decode(reader), ExactSum.decode(reader), readBigint(reader))
    moments.count = count
    return moments
  }
}

function hasPlainSquare(value: number): boolean {
  const magnitude = Math.abs(value)
  return (magnitude > smallSquared && magnitude < largeSquared) || value === 0
}

function outlyingSquare(value: number): bigint {
  if (!Number.isFinite(value)) return 0n
  const { mantissa, exponent } = decompose(value)
  return (mantissa * mantissa) << BigInt(2 * exponent + 2148)
}

/** `(n * sum of squares - square of the sum) / (n * (n - freedom) * unit)`, rounded once. */
function variance(moments: Moments, freedom: number, unit: bigint): number | null {
  const { count, sum, squares, outlying } = moments
  if (count <= freedom) return null
  if (sum.special !== 0) return NaN
  const divisor = count * (count - freedom) * Number(unit)
  const quick = Number.isSafeInteger(divisor) && outlying === 0n ? quickVariance(count, sum, squares, divisor) : null
  if (quick !== null) return quick
  const first = sum.exact()
  const second = squares.exact()
  // All in units of 2^(2 * exponent), an exponent that leaves no fraction anywhere.
  const exponent = outlying === 0n ? Math.min(first.exponent, second.exponent >> 1) : -1074
  const total = first.numerator << BigInt(first.exponent - exponent)
  const totalOfSquares = (second.numerator << BigInt(second.exponent - 2 * exponent)) + outlying
  const numerator = BigInt(count) * totalOfSquares - total * total
  return ratioToNumber(numerator, BigInt(count) * BigInt(count - freedom) * unit, 2 * exponent)
}

/**
 * The same in pairs of doubles; null where they cannot tell how it rounds. Either no step before the division rounds, as
 * for small whole numbers, or the ends of its error round to one double, as in `ExactSum.dividedBy`.
 */
function quickVariance(count: number, sum: ExactSum, squares: ExactSum, divisor: number): number | null {
  const [first = 0, firstLow = 0] = sum.components(2) ?? [Infinity]
  const [second = 0, secondLow = 0] = squares.components(2) ?? [Infinity]
  if (!hasPlainSquare(first) || !hasPlainSquare(second)) return null
  const a = count * second
  const aLow = productError(count, second, a) + count * secondLow
  const b = first * first
  const bLow = productError(first, first, b) + 2 * first * firstLow
  const difference = a - b
  const differenceLow = sumError(a, -b, difference) + (aLow - bLow)
  const quotient = difference / divisor
  if (aLow === 0 && bLow === 0 && differenceLow === 0) return quotient
  const product = quotient * divisor
  const remainder = difference - product - productError(quotient, divisor, product)
  const correction = (remainder + differenceLow) / divisor
  const error = (a / divisor) * pairError + Math.abs(correction) * correctionError
  const upper = quotient + (correction + error)
  return upper === quotient + (correction - error) ? upper : null
}

/** Generous: each of the two products is right to 2^-101 of itself, and the square of the sum is the smaller one. */
const pairError = powerOfTwo(-98)
/** Generous: three roundings of 2^-53. */
const correctionError = powerOfTwo(-50)

function ofNumbers(type: TypeData, freedom: number, shape: (variance: number) => number): Aggregate<Moments> {
  const unit = BigInt(decimalFactor(type)) ** 2n
  const finish = (state: Moments) => {
    const value = variance(state, freedom, unit)
    return value === null ? null : shape(value)
  }
  const sums = new PrefixSums()
  const productSums = new PrefixSums()
  const errorSums = new PrefixSums()
  const range = new Moments()
  const errors = new ExactSum()
  let products = new Float64Array(1024)
  let productErrors = new Float64Array(1024)
  const between = (low: number, high: number) => {
    range.count = high - low
    sums.between(low, high, range.sum)
    productSums.between(low, high, range.squares)
    range.squares.merge(errorSums.between(low, high, errors))
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
