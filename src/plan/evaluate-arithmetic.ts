import type { TypeData } from '../schema/index.ts'
import { exactProduct, exactQuotient, floorDivide, int64, safeInteger, scaledSum } from './exact-number.ts'
import { lift, lift2, type Operand, type RowFunction, scaleOf, toDouble } from './operand.ts'

type One = readonly [Operand, ...Operand[]]
type Two = readonly [Operand, Operand, ...Operand[]]
type Numbers = (row: number) => number | null
type Arithmetic = 'add' | 'subtract' | 'multiply'

/**
 * Exact kinds give exact results or `NUMBER_OUT_OF_RANGE`; where a float takes part, both sides become doubles and the
 * result is rounded once by IEEE 754, which may overflow to an infinity.
 */
export function arithmetic(name: Arithmetic): (operands: Two, result: TypeData) => RowFunction {
  return ([left, right], result) => {
    switch (result.kind) {
      case 'float':
        return ofFloats[name](toDouble(left).value as Numbers, toDouble(right).value as Numbers)
      case 'int64':
        return lift2<number | bigint, number | bigint>(left, right, ofBigints[name])
      case 'decimal':
        return name === 'multiply' ? ofIntegers.multiply(left.value as Numbers, right.value as Numbers) : decimalSum(left, right, name)
      default:
        return ofIntegers[name](left.value as Numbers, right.value as Numbers)
    }
  }
}

/** No operand is -0 and a sum of such is never -0; a product that underflows may be. */
const ofFloats: Record<Arithmetic, (left: Numbers, right: Numbers) => RowFunction> = {
  add: (left, right) => (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : a + b
  },
  subtract: (left, right) => (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : a - b
  },
  multiply: (left, right) => (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : a * b + 0
  },
}

const ofIntegers: Record<Arithmetic, (left: Numbers, right: Numbers) => RowFunction> = {
  add: (left, right) => (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : safeInteger(a + b)
  },
  subtract: (left, right) => (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : safeInteger(a - b)
  },
  multiply: (left, right) => (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : safeInteger(a * b) + 0
  },
}

const ofBigints: Record<Arithmetic, (a: number | bigint, b: number | bigint) => bigint> = {
  add: (a, b) => int64(BigInt(a) + BigInt(b)),
  subtract: (a, b) => int64(BigInt(a) - BigInt(b)),
  multiply: (a, b) => int64(BigInt(a) * BigInt(b)),
}

function decimalSum(left: Operand, right: Operand, name: 'add' | 'subtract'): RowFunction {
  if (scaleOf(left.type) === scaleOf(right.type)) return ofIntegers[name](left.value as Numbers, right.value as Numbers)
  const [leftFactor, rightFactor] = commonFactors(scaleOf(left.type), scaleOf(right.type))
  const signed = name === 'add' ? rightFactor : -rightFactor
  return lift2<number, number>(left, right, (a, b) => scaledSum(a, leftFactor, b, signed))
}

/** What brings scaled integers of two scales to the larger one. */
function commonFactors(leftScale: number, rightScale: number): readonly [number, number] {
  const scale = Math.max(leftScale, rightScale)
  return [10 ** (scale - leftScale), 10 ** (scale - rightScale)]
}

/** The quotient as a double; of exact kinds that nearest to the exact quotient. Null where the divisor is 0. */
export function divide([left, right]: Two): RowFunction {
  const kinds = [left.type.kind, right.type.kind]
  if (kinds.includes('float')) return quotient(toDouble(left), toDouble(right))
  const [leftFactor, rightFactor] = commonFactors(scaleOf(left.type), scaleOf(right.type))
  if (leftFactor === rightFactor && !kinds.includes('int64')) return quotient(left, right)
  const numerator = scaled(leftFactor)
  const denominator = scaled(rightFactor)
  return lift2<number | bigint, number | bigint>(left, right, (a, b) =>
    b === 0 || b === 0n ? null : exactQuotient(numerator(a), denominator(b)),
  )
}

const quotient = (left: Operand, right: Operand): RowFunction => lift2<number, number>(left, right, (a, b) => (b === 0 ? null : a / b + 0))

/** A bigint that a number can hold becomes one, as doubles divide faster. */
const scaled =
  (factor: number) =>
  (value: number | bigint): number | bigint => {
    if (typeof value === 'number') return exactProduct(value, factor)
    const product = value * BigInt(factor)
    const number = Number(product)
    return Number.isSafeInteger(number) ? number : product
  }

export function negate([value]: One, result: TypeData): RowFunction {
  return result.kind === 'int64' ? lift<bigint>(value, (a) => int64(-a)) : lift<number>(value, (a) => 0 - a)
}

export function absolute([value]: One, result: TypeData): RowFunction {
  return result.kind === 'int64' ? lift<bigint>(value, (a) => (a < 0n ? int64(-a) : a)) : lift<number>(value, Math.abs)
}

/** Throws `NUMBER_OUT_OF_RANGE` for a float beyond 2^53, infinite or NaN. */
export function floor([value]: One): RowFunction {
  if (value.type.kind === 'float') return lift<number>(value, (a) => safeInteger(Math.floor(a)))
  const unit = 10 ** scaleOf(value.type)
  return lift<number>(value, (scaledValue) => floorDivide(scaledValue, unit))
}

export const toFloat = ([value]: One): RowFunction => toDouble(value).value
