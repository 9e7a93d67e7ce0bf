import { powerOfTwo } from './double.ts'

/** A dyadic rational, exactly: `numerator * 2^exponent`. */
export interface Dyadic {
  readonly numerator: bigint
  readonly exponent: number
}

function bitLength(positive: bigint): number {
  const digits = positive.toString(16)
  return digits.length * 4 - (Math.clz32(Number.parseInt(digits[0] as string, 16)) - 28)
}

/**
 * The double nearest to `numerator / denominator * 2^exponent`, ties to even: one rounding, also among the subnormals;
 * ±Infinity where IEEE 754 rounds to it. The denominator is above 0. Zero is 0, and so is what rounds to zero.
 */
export function ratioToNumber(numerator: bigint, denominator: bigint, exponent = 0): number {
  if (numerator === 0n) return 0
  const magnitude = numerator < 0n ? -numerator : numerator
  const quotientBits = bitLength(magnitude) - bitLength(denominator)
  // The quotient has quotientBits or quotientBits + 1 bits: with 53 behind its leading one or two, and never finer than 2^-1074.
  const unit = Math.max(quotientBits + exponent - 53, -1074)
  if (unit > 971) return numerator < 0n ? -Infinity : Infinity
  const shift = BigInt(exponent - unit)
  const dividend = shift >= 0n ? magnitude << shift : magnitude
  const divisor = shift >= 0n ? denominator : denominator << -shift
  let quotient = dividend / divisor
  let remainder = dividend - quotient * divisor
  let modulus = divisor
  let scale = unit
  if (quotient >> 53n !== 0n) {
    remainder += (quotient & 1n) * divisor
    modulus <<= 1n
    quotient >>= 1n
    scale++
  }
  const twice = remainder * 2n
  if (twice > modulus || (twice === modulus && (quotient & 1n) === 1n)) quotient++
  const rounded = Number(quotient) * powerOfTwo(scale)
  return (numerator < 0n ? -rounded : rounded) + 0
}
