import type { AggregateNode, CallNode, ExpressionNode } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { compareCells, exactCell, floorOf, nearestDouble, toFloat, unitsOf, unitsOfOne } from './number.ts'

/** What an expression can refer to. */
export interface Scope {
  readonly row: Readonly<Record<string, Cell>>
  readonly asOf: number
  readonly aggregate: (node: AggregateNode) => Cell
}

/** The value of an expression, read straight off its tree. */
export function interpret(node: ExpressionNode, scope: Scope): Cell {
  switch (node.node) {
    case 'column':
      return scope.row[node.name] ?? null
    case 'literal':
      return node.value
    case 'asOf':
      return scope.asOf
    case 'aggregate':
      return scope.aggregate(node)
    case 'call':
      return interpretCall(node, scope)
  }
}

/** Whether a condition holds; null does not. */
export const holds = (condition: ExpressionNode | null, scope: Scope): boolean => condition === null || interpret(condition, scope) === true

/** The functions that can give a value where an argument is null; all others give null there. */
function interpretCall(node: CallNode, scope: Scope): Cell {
  const value = (index: number) => interpret(node.arguments[index] as ExpressionNode, scope)
  const asResult = (index: number) => convert((node.arguments[index] as ExpressionNode).type, node.type, value(index))
  switch (node.function) {
    case 'isNull':
      return value(0) === null
    case 'isNotNull':
      return value(0) !== null
    case 'coalesce':
      return asResult(0) ?? asResult(1)
    case 'case':
      return value(0) === true ? asResult(1) : asResult(2)
    case 'and':
      return decided(false, node.arguments.length, value)
    case 'or':
      return decided(true, node.arguments.length, value)
    case 'isIn':
      return decided(true, node.arguments.length - 1, (index) => isEqual(node, value(0), index + 1, value(index + 1)))
    default: {
      const values = node.arguments.map((_, index) => value(index))
      return values.includes(null) ? null : apply(node, values)
    }
  }
}

function isEqual(node: CallNode, value: Cell, index: number, other: Cell): Cell {
  const [type, otherType] = [node.arguments[0]?.type, node.arguments[index]?.type] as [TypeData, TypeData]
  return value === null || other === null ? null : compare(type, value, otherType, other) === 0
}

/** The first part that is `decisive` decides, and what stands behind it is not looked at; else null where one is null. */
function decided(decisive: boolean, count: number, part: (index: number) => Cell): Cell {
  let isUnknown = false
  for (let index = 0; index < count; index++) {
    const cell = part(index)
    if (cell === decisive) return decisive
    if (cell === null) isUnknown = true
  }
  return isUnknown ? null : !decisive
}

/** A value of one type as a value of the type that a choice between both has. */
function convert(from: TypeData, to: TypeData, cell: Cell): Cell {
  if (cell === null || !isNumeric(to)) return cell
  return to.kind === 'float' ? toFloat(from, cell) : exactCell(to, (unitsOf(from, cell) * unitsOfOne(to)) / unitsOfOne(from))
}

const isNumeric = ({ kind }: TypeData) => kind === 'integer' || kind === 'int64' || kind === 'float' || kind === 'decimal'

function apply(node: CallNode, values: readonly Cell[]): Cell {
  const types = node.arguments.map((argument) => argument.type)
  const type = types[0] as TypeData
  const otherType = types[1] as TypeData
  const first = values[0] as Cell
  const second = values[1] as Cell
  const [text, otherText] = [first as string, second as string]
  const [moment, earlier] = [first as number, second as number]
  switch (node.function) {
    case 'eq':
      return compare(type, first, otherType, second) === 0
    case 'ne':
      return compare(type, first, otherType, second) !== 0
    case 'lt':
      return compare(type, first, otherType, second) < 0
    case 'lte':
      return compare(type, first, otherType, second) <= 0
    case 'gt':
      return compare(type, first, otherType, second) > 0
    case 'gte':
      return compare(type, first, otherType, second) >= 0
    case 'not':
      return !first

    case 'add':
    case 'subtract':
    case 'multiply':
      return arithmetic(node.function, node.type, types, values)
    case 'divide':
      return divide(type, first, otherType, second)
    case 'negate':
      return type.kind === 'float' ? 0 - (first as number) : exactCell(type, -unitsOf(type, first))
    case 'absolute':
      return type.kind === 'float' ? Math.abs(first as number) : exactCell(type, magnitude(unitsOf(type, first)))
    case 'floor':
      return floor(type, first)
    case 'toFloat':
      return toFloat(type, first)

    case 'lower':
      return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    case 'upper':
      return text.replace(/[a-z]/g, (letter) => letter.toUpperCase())
    case 'trim':
      return text.replace(/^ +/, '').replace(/ +$/, '')
    case 'length':
      return [...text].length
    case 'startsWith':
      return text.startsWith(otherText)
    case 'endsWith':
      return text.endsWith(otherText)
    case 'contains':
      return text.includes(otherText)
    case 'concat':
      return text + otherText

    case 'year':
      return calendar(type, moment).getUTCFullYear()
    case 'month':
      return calendar(type, moment).getUTCMonth() + 1
    case 'day':
      return calendar(type, moment).getUTCDate()
    case 'dayOfWeek':
      return calendar(type, moment).getUTCDay() || 7
    case 'hour':
      return calendar(type, moment).getUTCHours()
    case 'minute':
      return calendar(type, moment).getUTCMinutes()
    case 'secondsAfter':
      return (moment - earlier) / 1_000_000
    case 'daysAfter':
      return Number(floorOf(BigInt(moment) - BigInt(earlier), 86_400_000_000n))
    default:
      throw new LockstepError('INVALID_DEFINITION', `The oracle does not know ${node.function}`)
  }
}

/** Numbers by their exact values, but a decimal beside a float is the float that it reads as: 0.10 is 0.1. */
function compare(type: TypeData, a: Cell, otherType: TypeData, b: Cell): number {
  if (!isNumeric(type)) return compareCells(a, b)
  if (type.kind === 'float') return compareCells(a, otherType.kind === 'decimal' ? toFloat(otherType, b) : b)
  if (otherType.kind === 'float') return compareCells(type.kind === 'decimal' ? toFloat(type, a) : a, b)
  return compareCells(unitsOf(type, a) * unitsOfOne(otherType), unitsOf(otherType, b) * unitsOfOne(type))
}

/** In floating point where one is a float (IEEE 754, never -0), else exact. */
function arithmetic(
  operation: 'add' | 'subtract' | 'multiply',
  result: TypeData,
  types: readonly TypeData[],
  values: readonly Cell[],
): Cell {
  if (result.kind === 'float') {
    const [a, b] = types.map((type, index) => toFloat(type, values[index] as Cell)) as [number, number]
    return (operation === 'add' ? a + b : operation === 'subtract' ? a - b : a * b) + 0
  }
  if (operation === 'multiply')
    return exactCell(
      result,
      types.reduce((product, type, index) => product * unitsOf(type, values[index] as Cell), 1n),
    )
  const [a, b] = types.map((type, index) => (unitsOf(type, values[index] as Cell) * unitsOfOne(result)) / unitsOfOne(type)) as [
    bigint,
    bigint,
  ]
  return exactCell(result, operation === 'add' ? a + b : a - b)
}

/** Null over 0. In floating point where one is a float, else the nearest double to the exact quotient. */
function divide(type: TypeData, a: Cell, otherType: TypeData, b: Cell): Cell {
  const [dividend, divisor] = [toFloat(type, a), toFloat(otherType, b)]
  if (divisor === 0) return null
  if (type.kind === 'float' || otherType.kind === 'float') return dividend / divisor + 0
  const sign = divisor < 0 ? -1n : 1n
  return nearestDouble(sign * unitsOf(type, a) * unitsOfOne(otherType), sign * unitsOf(otherType, b) * unitsOfOne(type))
}

function floor(type: TypeData, cell: Cell): Cell {
  if (!Number.isFinite(cell)) throw new LockstepError('NUMBER_OUT_OF_RANGE', `${String(cell)} has no whole number below it`)
  return exactCell({ kind: 'integer', nullable: false }, floorOf(unitsOf(type, cell), unitsOfOne(type)))
}

const magnitude = (value: bigint) => (value < 0n ? -value : value)

/** Timestamps are microseconds, dates days since 1970. */
function calendar(type: TypeData, value: number): Date {
  return new Date(type.kind === 'date' ? value * 86_400_000 : Math.floor(value / 1000))
}
