/**
 * The binary64 format (IEEE 754) seen from inside, and the error-free transformations on it. Nothing here depends on
 * the engine's mathematics: only on additions, multiplications and bits.
 */

const view = new DataView(new ArrayBuffer(8))

/** The upper 32 bits: sign, exponent and 20 bits of the fraction. */
export function upperWord(value: number): number {
  view.setFloat64(0, value)
  return view.getUint32(0)
}

/** The number with these upper 32 bits and zeros below. */
export function fromUpperWord(word: number): number {
  view.setUint32(0, word)
  view.setUint32(4, 0)
  return view.getFloat64(0)
}

/** 2^exponent; 0 below the smallest subnormal (2^-1074) and Infinity from 2^1024. */
export function powerOfTwo(exponent: number): number {
  if (exponent > 1023) return Infinity
  if (exponent >= -1022) return fromUpperWord((exponent + 1023) * 2 ** 20)
  if (exponent < -1074) return 0
  view.setBigUint64(0, 1n << BigInt(exponent + 1074))
  return view.getFloat64(0)
}

/** A finite double as `mantissa * 2^exponent`, exactly; the mantissa is odd, or 0. */
export function decompose(value: number): { mantissa: bigint; exponent: number } {
  if (value === 0) return { mantissa: 0n, exponent: 0 }
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const field = Number((bits >> 52n) & 0x7ffn)
  let mantissa = bits & 0xf_ffff_ffff_ffffn
  let exponent = -1074
  if (field > 0) {
    mantissa |= 1n << 52n
    exponent = field - 1075
  }
  const zeros = trailingZeros(mantissa)
  mantissa >>= BigInt(zeros)
  return { mantissa: value < 0 ? -mantissa : mantissa, exponent: exponent + zeros }
}

/** Of a mantissa, which is not 0 and has at most 53 bits. */
function trailingZeros(mantissa: bigint): number {
  const low = Number(mantissa & 0xffff_ffffn)
  return low === 0 ? 32 + trailingZeros(mantissa >> 32n) : 31 - Math.clz32(low & -low)
}

/** What `sum = a + b` lost: `a + b = sum + error` exactly (Knuth's TwoSum); not finite where the sum overflows. */
export function sumError(a: number, b: number, sum: number): number {
  const part = sum - a
  return a - (sum - part) + (b - part)
}

const splitter = 2 ** 27 + 1

/**
 * What `product = a * b` lost: `a * b = product + error` exactly (Dekker's product, Veltkamp's splitting), as long as
 * both factors stay below 2^990 and the product is 0 or stays above 2^-960.
 */
export function productError(a: number, b: number, product: number): number {
  const aScaled = a * splitter
  const aHigh = aScaled - (aScaled - a)
  const aLow = a - aHigh
  const bScaled = b * splitter
  const bHigh = bScaled - (bScaled - b)
  const bLow = b - bHigh
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
}
