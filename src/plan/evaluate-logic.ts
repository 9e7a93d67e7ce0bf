import type { TypeData } from '../schema/index.ts'
import { converted, lift, type Operand, type RowFunction } from './operand.ts'

type One = readonly [Operand, ...Operand[]]
type Two = readonly [Operand, Operand, ...Operand[]]
type Three = readonly [Operand, Operand, Operand, ...Operand[]]

/** False where one side is false, else null where one is null. The right side is not evaluated where the left is false. */
export function and([left, right]: Two): RowFunction {
  const first = left.value
  const second = right.value
  return (row) => {
    const a = first(row)
    if (a === false) return false
    const b = second(row)
    return a === null && b === true ? null : b
  }
}

/** True where one side is true, else null where one is null. The right side is not evaluated where the left is true. */
export function or([left, right]: Two): RowFunction {
  const first = left.value
  const second = right.value
  return (row) => {
    const a = first(row)
    if (a === true) return true
    const b = second(row)
    return a === null && b === false ? null : b
  }
}

export const not = ([value]: One): RowFunction => lift<boolean>(value, (a) => !a)

export function isNull([{ value }]: One): RowFunction {
  return (row) => value(row) === null
}

export function isNotNull([{ value }]: One): RowFunction {
  return (row) => value(row) !== null
}

export function coalesce([value, other]: Two, result: TypeData): RowFunction {
  const first = converted(value, result)
  const second = converted(other, result)
  return (row) => first(row) ?? second(row)
}

/** The branch that is not taken is not evaluated. */
export function choose([condition, then, otherwise]: Three, result: TypeData): RowFunction {
  const holds = condition.value
  const first = converted(then, result)
  const second = converted(otherwise, result)
  return (row) => (holds(row) === true ? first(row) : second(row))
}
