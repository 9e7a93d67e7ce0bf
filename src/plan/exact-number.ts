import { LockstepError } from '../errors.ts'

/** The number itself where it is a safe integer. Throws `NUMBER_OUT_OF_RANGE` for any other, and NaN. */
export function safeInteger(value: number): number {
  if (value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER) return value
  throw new LockstepError('NUMBER_OUT_OF_RANGE', `An exact result, about ${value}, is beyond ±(2^53 - 1)`)
}

/** The bigint itself where 64 bits hold it. Throws `NUMBER_OUT_OF_RANGE`. */
export function int64(value: bigint): bigint {
  if (BigInt.asIntN(64, value) === value) return value
  throw new LockstepError('NUMBER_OUT_OF_RANGE', `An exact result, ${value}, does not fit 64 bits`)
}

/** `a * aFactor + b * bFactor` exactly, although a product alone may pass 2^53. Throws `NUMBER_OUT_OF_RANGE`. */
export function scaledSum(a: number, aFactor: number, b: number, bFactor: number): number {
  const left = a * aFactor
  const right = b * bFactor
  if (Number.isSafeInteger(left) && Number.isSafeInteger(right)) return safeInteger(left + right)
  return safeInteger(Number(BigInt(a) * BigInt(aFactor) + BigInt(b) * BigInt(bFactor)))
}

/** `value * factor` exactly: a number where that is safe, else a bigint; so equal products are identical, and `<` orders them. */
export function exactProduct(value: number, factor: number): number | bigint {
  const product = value * factor
  return Number.isSafeInteger(product) ? product : BigInt(value) * BigInt(factor)
}

/** The double nearest to `numerator / denominator`, ties to even: one rounding. The denominator is not 0. */
export function exactQuotient(numerator: number | bigint, denominator: number | bigint): number {
  if (typeof numerator === 'number' && typeof denominator === 'number') return numerator / denominator + 0
  return roundedQuotient(BigInt(numerator), BigInt(denominator))
}

/**
 * Scales the quotient to more than 60 bits and sets the last of them where something is left over, so that the one rounding,
 * of bigint to double, falls on the right side. For quotients well within the range of doubles, as those of cells are.
 */
function roundedQuotient(numerator: bigint, denominator: bigint): number {
  const shift = 66 + 4 * (hexDigits(denominator) - hexDigits(numerator))
  const dividend = magnitude(numerator) << BigInt(Math.max(shift, 0))
  const divisor = magnitude(denominator) << BigInt(Math.max(-shift, 0))
  const quotient = dividend / divisor
  const rounded = Number(dividend === quotient * divisor ? quotient : quotient | 1n) / 2 ** shift
  return numerator < 0n === denominator < 0n ? rounded : -rounded + 0
}

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value)
const hexDigits = (value: bigint): number => magnitude(value).toString(16).length

/** The largest whole number not above `value / divisor`, for a safe `value` and `divisor` above 0; a quotient of doubles could be rounded up to it. */
export function floorDivide(value: number, divisor: number): number {
  const remainder = value % divisor
  const truncated = (value - remainder) / divisor
  return remainder < 0 ? truncated - 1 : truncated
}

/** What `floorDivide` leaves: from 0 to below the divisor. */
export function floorRemainder(value: number, divisor: number): number {
  const remainder = value % divisor
  return remainder < 0 ? remainder + divisor : remainder + 0
}
