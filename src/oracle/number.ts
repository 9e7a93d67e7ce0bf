import { LockstepError } from '../errors.ts'
import type { Cell, TypeData } from '../schema/index.ts'

/*
 * Exact arithmetic for the oracle. A number is a whole count of units: an integer or a decimal of its last digit, a
 * float of 2^-1074, of which every finite double is a multiple. Results are rounded once, here, at the end.
 */

const floatUnit = 1n << 1074n

/** How many units make 1. */
export function unitsOfOne(type: TypeData): bigint {
  return type.kind === 'float' ? floatUnit : 10n ** BigInt(type.scale ?? 0)
}

/** A finite number as a count of units. */
export function unitsOf(type: TypeData, cell: Cell): bigint {
  return type.kind === 'float' ? unitsOfDouble(cell as number) : BigInt(cell as number | bigint)
}

/** Takes the double apart: sign, eleven bits of exponent, 52 bits of mantissa (IEEE 754). */
function unitsOfDouble(value: number): bigint {
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  const pattern = bits.getBigUint64(0)
  const exponent = (pattern >> 52n) & 0x7ffn
  const mantissa = pattern & 0xfffffffffffffn
  const magnitude = exponent === 0n ? mantissa : (mantissa | (1n << 52n)) << (exponent - 1n)
  return pattern >> 63n === 1n ? -magnitude : magnitude
}

/** The double nearest to the fraction, of two equally near ones the even; Infinity beyond the doubles. Zero is 0, never -0. */
export function nearestDouble(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0
  if (numerator < 0n) return 0 - nearestDouble(-numerator, denominator)
  for (let exponent = Math.max(digits(numerator) - digits(denominator) - 54, -1074); ; exponent++) {
    const above = exponent < 0 ? numerator << BigInt(-exponent) : numerator
    const below = exponent < 0 ? denominator : denominator << BigInt(exponent)
    let quotient = above / below
    if (quotient >= 1n << 53n) continue
    const twiceTheRest = 2n * (above - quotient * below)
    if (twiceTheRest > below || (twiceTheRest === below && quotient % 2n === 1n)) quotient++
    return Number(quotient) * 2 ** exponent
  }
}

/** How many binary digits a positive number has. */
const digits = (value: bigint) => value.toString(2).length

/** The number as a float, rounded once. */
export function toFloat(type: TypeData, cell: Cell): number {
  return type.kind === 'float' ? (cell as number) : nearestDouble(unitsOf(type, cell), unitsOfOne(type))
}

/** The cell of an exact whole number (of a decimal: of units of its last digit). Throws `NUMBER_OUT_OF_RANGE`. */
export function exactCell(type: TypeData, value: bigint): Cell {
  const fits = type.kind === 'int64' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(Number(value))
  if (!fits) throw new LockstepError('NUMBER_OUT_OF_RANGE', `${value} passes the range of ${type.kind}`)
  return type.kind === 'int64' ? value : Number(value)
}

/** The largest whole number not above the fraction; the denominator is above 0. */
export function floorOf(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator
  return numerator < quotient * denominator ? quotient - 1n : quotient
}

/** By value: null first, false before true, NaN last, texts by code unit, lists by their first difference and then the shorter first. */
export function compareCells(a: Cell, b: Cell): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null)
  if (typeof a === 'object' && typeof b === 'object') {
    for (let index = 0; index < Math.min(a.length, b.length); index++) {
      const order = compareCells(a[index] ?? null, b[index] ?? null)
      if (order !== 0) return order
    }
    return a.length - b.length
  }
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a < b ? -1 : a > b ? 1 : 0
}
