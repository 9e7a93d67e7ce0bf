import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { readBigint, writeBigint } from './bigint-codec.ts'
import { decompose, powerOfTwo, productError, sumError } from './double.ts'
import { compareNumbers } from './order.ts'
import { type Dyadic, ratioToNumber } from './rational.ts'

/** From here on a term leaves floating point for `Rare.huge`, long before sums of such terms could overflow. */
const hugeFrom = powerOfTwo(1000)
/** Every double of at least 2^1000 is a multiple of 2^948. */
const hugeExponent = 948
const hugeUnit = powerOfTwo(hugeExponent)

/** What most sums never need. */
interface Rare {
  /** Terms whose errors did not fit: non-overlapping, of increasing magnitude, below 2^1001 (Shewchuk's expansion). */
  partials: number[]
  /** The sum of the huge terms, in units of 2^948. */
  huge: bigint
  nan: number
  positiveInfinity: number
  negativeInfinity: number
}

/**
 * The exact sum of a multiset of doubles, as a group: `add`, `remove`, `merge`. Its value is the correctly rounded
 * exact sum (as Python's `math.fsum`), whatever the order, the grouping and the removals on the way; intermediate
 * results do not overflow. NaN and infinities are counted, so that they can be removed again.
 *
 * The state is a pair of doubles as long as every addition to it is error-free, which TwoSum proves at each step; what
 * does not fit goes to an expansion after J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust
 * Geometric Predicates" (1997).
 */
export class ExactSum {
  #high = 0
  #low = 0
  #rare: Rare | null = null

  /** Starts again from `high + low`, both finite. */
  assign(high: number, low: number): this {
    this.#high = high + 0
    this.#low = low + 0
    this.#rare = null
    return this
  }

  add(value: number): void {
    const high = this.#high
    const sum = high + value
    const part = sum - high
    const error = high - (sum - part) + (value - part)
    if (error === 0) {
      this.#high = sum
      return
    }
    const low = this.#low
    const lowSum = low + error
    const lowPart = lowSum - low
    if (low - (lowSum - lowPart) + (error - lowPart) === 0) {
      this.#high = sum
      this.#low = lowSum
      return
    }
    this.#addRarely(value)
  }

  /** Undoes one `add` of the value. */
  remove(value: number): void {
    if (Number.isFinite(value)) this.add(-value)
    else this.#countSpecial(value, -1)
  }

  merge(other: ExactSum): void {
    this.add(other.#high)
    this.add(other.#low)
    const rare = other.#rare
    if (rare === null) return
    for (const partial of rare.partials) this.add(partial)
    const own = this.#makeRare()
    own.huge += rare.huge
    own.nan += rare.nan
    own.positiveInfinity += rare.positiveInfinity
    own.negativeInfinity += rare.negativeInfinity
  }

  #subtract(other: ExactSum): void {
    this.add(-other.#high)
    this.add(-other.#low)
    const rare = other.#rare
    if (rare === null) return
    for (const partial of rare.partials) this.add(-partial)
    this.#makeRare().huge -= rare.huge
  }

  #makeRare(): Rare {
    this.#rare ??= { partials: [], huge: 0n, nan: 0, positiveInfinity: 0, negativeInfinity: 0 }
    return this.#rare
  }

  /** Moves the pair and the value to where no bit of them is lost. */
  #addRarely(value: number): void {
    if (!Number.isFinite(value)) {
      this.#countSpecial(value, 1)
      return
    }
    const rare = this.#makeRare()
    const { partials } = rare
    for (const term of [this.#low, this.#high, value]) {
      if (Math.abs(term) < hugeFrom) grow(partials, term)
      else rare.huge += BigInt(term / hugeUnit)
    }
    while (Math.abs(partials.at(-1) ?? 0) >= hugeFrom) rare.huge += BigInt((partials.pop() as number) / hugeUnit)
    this.#high = 0
    this.#low = 0
  }

  #countSpecial(value: number, count: number): void {
    const rare = this.#makeRare()
    if (value === Infinity) rare.positiveInfinity += count
    else if (value === -Infinity) rare.negativeInfinity += count
    else rare.nan += count
  }

  /** NaN or ±Infinity where values that are not finite decide the sum, else 0. */
  get special(): number {
    const rare = this.#rare
    if (rare === null) return 0
    if (rare.nan > 0 || (rare.positiveInfinity > 0 && rare.negativeInfinity > 0)) return NaN
    return rare.positiveInfinity > 0 ? Infinity : rare.negativeInfinity > 0 ? -Infinity : 0
  }

  get #hasSpecials(): boolean {
    const rare = this.#rare
    return rare !== null && (rare.nan !== 0 || rare.positiveInfinity !== 0 || rare.negativeInfinity !== 0)
  }

  /** Whether it cannot be told from the sum of nothing. */
  get isZero(): boolean {
    return !this.#hasSpecials && this.components()?.length === 0
  }

  /** The double nearest to the exact sum, ties to even; never -0. */
  toNumber(): number {
    if (this.#rare === null) return this.#high + this.#low
    if (this.special !== 0) return this.special
    const expansion = this.#expansion()
    if (expansion !== null) return roundExpansion(expansion)
    const { numerator, exponent } = this.exact()
    return ratioToNumber(numerator, 1n, exponent)
  }

  /** The double nearest to the exact sum over a whole number above 0: one rounding, never -0. */
  dividedBy(divisor: number | bigint): number {
    if (this.special !== 0) return this.special
    if (this.#rare === null && typeof divisor === 'number') {
      const high = this.#high + this.#low
      const quotient = divide(high, sumError(this.#high, this.#low, high), divisor)
      if (quotient !== null) return quotient + 0
    }
    const { numerator, exponent } = this.exact()
    return ratioToNumber(numerator, BigInt(divisor), exponent)
  }

  /** The exact sum of the finite values. */
  exact(): Dyadic {
    const terms = [this.#high, this.#low, ...(this.#rare?.partials ?? [])].map(decompose).filter((term) => term.mantissa !== 0n)
    const huge = this.#rare?.huge ?? 0n
    if (huge !== 0n) terms.push({ mantissa: huge, exponent: hugeExponent })
    if (terms.length === 0) return { numerator: 0n, exponent: 0 }
    const exponent = terms.reduce((least, term) => Math.min(least, term.exponent), Infinity)
    const numerator = terms.reduce((sum, term) => sum + (term.mantissa << BigInt(term.exponent - exponent)), 0n)
    return { numerator, exponent }
  }

  /** By the exact sums; NaN comes last. */
  compare(other: ExactSum): number {
    const order = compareNumbers(this.toNumber(), other.toNumber())
    if (order !== 0) return order
    if (this.special !== 0 || other.special !== 0) return compareNumbers(this.special, other.special)
    const difference = new ExactSum()
    difference.merge(this)
    difference.#subtract(other)
    return Math.sign(difference.toNumber())
  }

  /**
   * The exact sum of the finite values as doubles of falling magnitude: the nearest to the sum, the nearest to what it
   * leaves, and so on, at least up to `limit`. Equal sums have equal components. Null where the sum itself is beyond the doubles.
   */
  components(limit = Infinity): number[] | null {
    if (this.#rare === null) {
      const high = this.#high + this.#low
      if (Math.abs(high) < largest) return [high, sumError(this.#high, this.#low, high)].filter((component) => component !== 0)
    }
    const expansion = this.#expansion()
    if (expansion === null) return componentsOf(this.exact())
    const components: number[] = []
    for (let component = roundExpansion(expansion); component !== 0; component = roundExpansion(expansion)) {
      components.push(component)
      if (components.length === limit) break
      grow(expansion, -component)
    }
    return components
  }

  /** The sum of the finite values as one non-overlapping expansion, or null where it is too large to round as such. */
  #expansion(): number[] | null {
    const rare = this.#rare
    if (rare !== null && rare.huge !== 0n) return null
    const expansion = rare === null ? [] : [...rare.partials]
    grow(expansion, this.#low)
    grow(expansion, this.#high)
    return Math.abs(expansion.at(-1) ?? 0) < largest ? expansion : null
  }

  /** Canonical: multisets of one exact sum (and of the same NaN and infinities) give equal bytes. */
  encode(writer: ByteWriter): void {
    const rare = this.#hasSpecials ? this.#rare : null
    const components = this.components()
    writer.byte((components?.length ?? beyondFlag) | (rare ? specialsFlag : 0))
    if (components === null) writeBigint(writer, inSmallestUnits(this.exact()))
    else for (const component of components) writer.float64(component)
    if (rare) writer.signed(rare.nan).signed(rare.positiveInfinity).signed(rare.negativeInfinity)
  }

  static decode(reader: ByteReader): ExactSum {
    const sum = new ExactSum()
    const head = reader.byte()
    if ((head & beyondFlag) !== 0) sum.#addExact({ numerator: readBigint(reader), exponent: -1074 })
    for (let rest = head & 0x3f; rest > 0; rest--) sum.add(reader.float64())
    if ((head & specialsFlag) !== 0) {
      const rare = sum.#makeRare()
      rare.nan = reader.signed()
      rare.positiveInfinity = reader.signed()
      rare.negativeInfinity = reader.signed()
    }
    return sum
  }

  #addExact({ numerator, exponent }: Dyadic): void {
    const shift = BigInt(hugeExponent - exponent)
    const huge = numerator >> shift
    this.#makeRare().huge += huge
    for (const component of componentsOf({ numerator: numerator - (huge << shift), exponent }) ?? []) this.add(component)
  }
}

const specialsFlag = 0x40
const beyondFlag = 0x80

/** Below this, sums of two doubles and of their errors stay finite, and the nearest double is a finite one. */
const largest = powerOfTwo(1020)

/** Adds a term to a non-overlapping expansion of increasing magnitude, in place (Shewchuk's Grow-Expansion, zeros dropped). */
function grow(expansion: number[], term: number): void {
  let sum = term
  let kept = 0
  for (const partial of expansion) {
    const next = sum + partial
    const error = sumError(sum, partial, next)
    if (error !== 0) expansion[kept++] = error
    sum = next
  }
  expansion.length = kept
  if (sum !== 0) expansion.push(sum)
}

/** The double nearest to the sum of a non-overlapping expansion, ties to even (the last step of `math.fsum`). */
function roundExpansion(expansion: readonly number[]): number {
  let index = expansion.length - 1
  if (index < 0) return 0
  let high = expansion[index] as number
  let low = 0
  while (index > 0 && low === 0) {
    const term = expansion[--index] as number
    const sum = high + term
    low = term - (sum - high)
    high = sum
  }
  // An exact half was rounded to even; what lies below it may say that it was no half.
  if (low !== 0 && index > 0 && Math.sign(low) === Math.sign(expansion[index - 1] as number)) {
    const twice = low * 2
    const next = high + twice
    if (next - high === twice) return next
  }
  return high
}

function inSmallestUnits({ numerator, exponent }: Dyadic): bigint {
  return numerator << BigInt(exponent + 1074)
}

function componentsOf(value: Dyadic): number[] | null {
  const components: number[] = []
  let rest = inSmallestUnits(value)
  while (rest !== 0n) {
    const component = ratioToNumber(rest, 1n, -1074)
    if (!Number.isFinite(component)) return null
    components.push(component)
    const { mantissa, exponent } = decompose(component)
    rest -= inSmallestUnits({ numerator: mantissa, exponent })
  }
  return components
}

/**
 * The double nearest to `(high + low) / divisor`, where `high` is the nearest to `high + low`; or null where double
 * arithmetic cannot tell. It divides, takes the exact remainder, corrects, and accepts the correction if it rounds to
 * one double at both ends of its error (A. Ziv, "Fast Evaluation of Elementary Mathematical Functions with Correctly
 * Rounded Last Bit", 1991).
 */
function divide(high: number, low: number, divisor: number): number | null {
  const quotient = high / divisor
  if (low === 0) return quotient
  const magnitude = Math.abs(quotient)
  if (!(magnitude > smallQuotient && magnitude < largeQuotient)) return null
  const product = quotient * divisor
  const remainder = high - product - productError(quotient, divisor, product)
  const correction = (remainder + low) / divisor
  const upper = quotient + correction * (1 + correctionError)
  return upper === quotient + correction * (1 - correctionError) ? upper : null
}

const smallQuotient = powerOfTwo(-900)
const largeQuotient = powerOfTwo(900)
/** A generous bound: the remainder is exact, the correction takes three roundings of 2^-53. */
const correctionError = powerOfTwo(-50)
