import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { readBigint, writeBigint } from './bigint-codec.ts'
import { decompose, powerOfTwo, productError, sumError } from './double.ts'
import { ExactSum } from './exact-sum.ts'
import { ratioToNumber } from './rational.ts'

const smallSquared = powerOfTwo(-480)
const largeSquared = powerOfTwo(480)

/** Whether the square is the sum of a double and of its error, another double. */
export function hasPlainSquare(value: number): boolean {
  const magnitude = Math.abs(value)
  return (magnitude > smallSquared && magnitude < largeSquared) || value === 0
}

/** The square of a value that has no plain one, in units of 2^-2148; what is not finite decides by the sum of the values. */
function outlyingSquare(value: number): bigint {
  if (!Number.isFinite(value)) return 0n
  const { mantissa, exponent } = decompose(value)
  return (mantissa * mantissa) << BigInt(2 * exponent + 2148)
}

/** The exact sums of the values and of their squares. */
export class Moments {
  count = 0
  readonly sum: ExactSum
  /** The sum of the squares is that of the rounded squares, of their errors, and of the outlying ones. */
  readonly squares: ExactSum
  readonly errors = new ExactSum()
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
      this.errors.add(productError(value, value, square))
    } else this.outlying += outlyingSquare(value)
  }

  remove(value: number): void {
    this.count--
    this.sum.remove(value)
    if (hasPlainSquare(value)) {
      const square = value * value
      this.squares.remove(square)
      this.errors.remove(productError(value, value, square))
    } else this.outlying -= outlyingSquare(value)
  }

  merge(other: Moments): void {
    this.count += other.count
    this.sum.merge(other.sum)
    this.squares.merge(other.squares)
    this.errors.merge(other.errors)
    this.outlying += other.outlying
  }

  #plainSquares(): ExactSum {
    const sum = new ExactSum()
    sum.merge(this.squares)
    sum.merge(this.errors)
    return sum
  }

  /**
   * `(n * sum of squares - square of the sum) / (n * (n - freedom) * unit)`, rounded once; NaN where a value is not
   * finite, null where there are no more values than `freedom`.
   */
  variance(freedom: number, unit: bigint): number | null {
    const { count } = this
    if (count <= freedom) return null
    if (this.sum.special !== 0) return NaN
    const divisor = count * (count - freedom) * Number(unit)
    const quick = Number.isSafeInteger(divisor) && this.outlying === 0n ? this.#quickVariance(divisor) : null
    if (quick !== null) return quick
    const first = this.sum.exact()
    const second = this.#plainSquares().exact()
    // All in units of 2^(2 * exponent), an exponent that leaves no fraction anywhere.
    const exponent = this.outlying === 0n ? Math.min(first.exponent, second.exponent >> 1) : -1074
    const total = first.numerator << BigInt(first.exponent - exponent)
    const totalOfSquares = (second.numerator << BigInt(second.exponent - 2 * exponent)) + this.outlying
    const numerator = BigInt(count) * totalOfSquares - total * total
    return ratioToNumber(numerator, BigInt(count) * BigInt(count - freedom) * unit, 2 * exponent)
  }

  /**
   * The same in pairs of doubles; null where they cannot tell how it rounds. Either no step before the division rounds,
   * as for small whole numbers, or the ends of its error round to one double, as in `ExactSum.dividedBy`.
   */
  #quickVariance(divisor: number): number | null {
    const { count } = this
    const [first = 0, firstLow = 0] = this.sum.components(2) ?? [Infinity]
    const [second = 0, secondLow = 0] = this.squares.components(2) ?? [Infinity]
    const errors = this.errors.toNumber()
    if (!hasPlainSquare(first) || !hasPlainSquare(second)) return null
    const a = count * second
    const aError = productError(count, second, a)
    const b = first * first
    const bError = productError(first, first, b)
    const difference = a - b
    const differenceError = sumError(a, -b, difference)
    const quotient = difference / divisor
    if ([firstLow, secondLow, errors, aError, bError, differenceError].every((part) => part === 0)) return quotient
    const low = differenceError + (aError + count * (secondLow + errors) - (bError + 2 * first * firstLow))
    const product = quotient * divisor
    const remainder = difference - product - productError(quotient, divisor, product)
    const correction = (remainder + low) / divisor
    const error = (a / divisor) * pairError + Math.abs(correction) * correctionError
    const upper = quotient + (correction + error)
    return upper === quotient + (correction - error) ? upper : null
  }

  encode(writer: ByteWriter): void {
    writer.unsigned(this.count)
    this.sum.encode(writer)
    this.#plainSquares().encode(writer)
    writeBigint(writer, this.outlying)
  }

  static decode(reader: ByteReader): Moments {
    const count = reader.unsigned()
    const moments = new Moments(ExactSum.decode(reader), ExactSum.decode(reader), readBigint(reader))
    moments.count = count
    return moments
  }
}

/** Generous: each of the two products is right to 2^-101 of itself, and the square of the sum is the smaller one. */
const pairError = powerOfTwo(-98)
/** Generous: three roundings of 2^-53. */
const correctionError = powerOfTwo(-50)
