import type { Cell, TypeData } from '../schema/index.ts'
import { exactProduct, safeInteger } from './exact-number.ts'

/** The value of an expression in a row. */
export type RowFunction = (row: number) => Cell

/** An argument of a function, made ready to run; `literal` is its value where that is the same in every row. */
export interface Operand {
  readonly type: TypeData
  readonly value: RowFunction
  readonly literal?: Cell
}

export const literalOperand = (type: TypeData, literal: Cell): Operand => ({ type, literal, value: () => literal })

/** A function of one argument that maps null to null. */
export function lift<A extends Cell>({ value }: Operand, f: (a: A) => Cell): RowFunction {
  return (row) => {
    const a = value(row)
    return a === null ? null : f(a as A)
  }
}

/** A function of two arguments that is null where one of them is. */
export function lift2<A extends Cell, B extends Cell>(left: Operand, right: Operand, f: (a: A, b: B) => Cell): RowFunction {
  const first = left.value
  const second = right.value
  return (row) => {
    const a = first(row)
    const b = second(row)
    return a === null || b === null ? null : f(a as A, b as B)
  }
}

/** The operand with each value mapped; once, where it is a literal. */
export function mapOperand<A extends Cell>(operand: Operand, type: TypeData, f: (a: A) => Cell): Operand {
  if (operand.literal === undefined) return { type, value: lift(operand, f) }
  return literalOperand(type, operand.literal === null ? null : f(operand.literal as A))
}

export const scaleOf = (type: TypeData): number => type.scale ?? 0

/** The operand as doubles, each the one nearest to the exact value. */
export function toDouble(operand: Operand): Operand {
  const type: TypeData = { kind: 'float', nullable: operand.type.nullable }
  switch (operand.type.kind) {
    case 'int64':
      return mapOperand<bigint>(operand, type, Number)
    case 'decimal': {
      const unit = 10 ** scaleOf(operand.type)
      return mapOperand<number>(operand, type, (scaled) => scaled / unit)
    }
    default:
      return operand
  }
}

/** Whether bringing a value to this type multiplies it, which may pass 2^53. */
export const needsScaling = (from: TypeData, to: TypeData): boolean => to.kind === 'decimal' && scaleOf(from) < scaleOf(to)

/** The values of the operand as the type that a choice between it and another has. */
export function converted(operand: Operand, to: TypeData): RowFunction {
  const from = operand.type
  if (to.kind === 'float') return toDouble(operand).value
  if (to.kind === 'int64' && from.kind === 'integer') return mapOperand<number>(operand, to, BigInt).value
  if (!needsScaling(from, to)) return operand.value
  const factor = 10 ** (scaleOf(to) - scaleOf(from))
  return lift<number>(operand, (scaled) => safeInteger(scaled * factor))
}

/**
 * Two operands whose values JavaScript compares exactly, and identically where they are equal: numbers, bigints or texts
 * as they are, decimals brought to one scale, a decimal beside a float as the nearest double.
 */
export function comparable(a: Operand, b: Operand): readonly [Operand, Operand] {
  const kinds = [a.type.kind, b.type.kind]
  if (kinds.includes('decimal')) {
    if (kinds.includes('float')) return [toDouble(a), toDouble(b)]
    const scale = Math.max(scaleOf(a.type), scaleOf(b.type))
    if (kinds.includes('int64')) return [bigScaled(a, scale), bigScaled(b, scale)]
    return [scaled(a, scale), scaled(b, scale)]
  }
  if (kinds.includes('int64')) return [wholeAsBigint(a), wholeAsBigint(b)]
  return [a, b]
}

function scaled(operand: Operand, scale: number): Operand {
  const factor = 10 ** (scale - scaleOf(operand.type))
  return factor === 1 ? operand : mapOperand<number>(operand, operand.type, (value) => exactProduct(value, factor))
}

function bigScaled(operand: Operand, scale: number): Operand {
  const factor = 10n ** BigInt(scale - scaleOf(operand.type))
  return mapOperand<number | bigint>(operand, operand.type, (value) => BigInt(value) * factor)
}

function wholeAsBigint(operand: Operand): Operand {
  if (operand.type.kind === 'int64') return operand
  return mapOperand<number>(operand, operand.type, (value) => (Number.isInteger(value) ? BigInt(value) : value))
}
