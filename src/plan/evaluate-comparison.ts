import { comparable, type Operand, type RowFunction } from './operand.ts'

/**
 * Comparisons order every value: -0 equals 0, NaN equals NaN and comes after every other number (as in DuckDB),
 * false comes before true, texts go by UTF-16 code unit. Null where an argument is null.
 */
export type Comparison = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte'

const mirrored = { eq: 'eq', ne: 'ne', lt: 'gt', lte: 'gte', gt: 'lt', gte: 'lte' } as const

export function comparison(name: Comparison): (operands: readonly [Operand, Operand, ...Operand[]]) => RowFunction {
  return ([left, right]) => compare(name, ...comparable(left, right))
}

function compare(name: Comparison, a: Operand, b: Operand): RowFunction {
  if (isPlain(b)) return withLiteral[name](a.value as Values, b.literal as number)
  if (isPlain(a)) return withLiteral[mirrored[name]](b.value as Values, a.literal as number)
  return betweenValues[name](a.value as Values, b.value as Values)
}

const isPlain = ({ literal }: Operand): boolean => literal !== undefined && literal !== null && !Number.isNaN(literal)

/** The values may also be bigints, texts or booleans: JavaScript compares those of one kind, and numbers with bigints, by value. */
type Values = (row: number) => number | null

/** The hot path: one closure each, so that each has its own type feedback. `!(value <= literal)` is true of NaN, `>` is not. */
const withLiteral: Record<Comparison, (values: Values, literal: number) => RowFunction> = {
  eq: (values, literal) => (row) => {
    const value = values(row)
    return value === null ? null : value === literal
  },
  ne: (values, literal) => (row) => {
    const value = values(row)
    return value === null ? null : value !== literal
  },
  lt: (values, literal) => (row) => {
    const value = values(row)
    return value === null ? null : value < literal
  },
  lte: (values, literal) => (row) => {
    const value = values(row)
    return value === null ? null : value <= literal
  },
  gt: (values, literal) => (row) => {
    const value = values(row)
    return value === null ? null : !(value <= literal)
  },
  gte: (values, literal) => (row) => {
    const value = values(row)
    return value === null ? null : !(value < literal)
  },
}

const betweenValues: Record<Comparison, (left: Values, right: Values) => RowFunction> = {
  eq: (left, right) => compareWith(left, right, same),
  ne: (left, right) => compareWith(left, right, (a, b) => !same(a, b)),
  lt: (left, right) => compareWith(left, right, before),
  lte: (left, right) => compareWith(left, right, (a, b) => !before(b, a)),
  gt: (left, right) => compareWith(left, right, (a, b) => before(b, a)),
  gte: (left, right) => compareWith(left, right, (a, b) => !before(a, b)),
}

const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))
const before = (a: number, b: number): boolean => a < b || (Number.isNaN(b) && !Number.isNaN(a))

function compareWith(left: Values, right: Values, holds: (a: number, b: number) => boolean): RowFunction {
  return (row) => {
    const a = left(row)
    const b = right(row)
    return a === null || b === null ? null : holds(a, b)
  }
}

/** True where a candidate equals the value, else null where one of them or the value is null, else false. */
export function isIn([value, ...candidates]: readonly [Operand, ...Operand[]]): RowFunction {
  const pairs = candidates.map((candidate) => comparable(value, candidate))
  if (pairs.every(([a, b]) => a === value && isPlain(b))) {
    const set = new Set(pairs.map(([, candidate]) => candidate.literal))
    return (row) => {
      const cell = value.value(row)
      return cell === null ? null : set.has(cell)
    }
  }
  const equals = pairs.map(([a, b]) => compare('eq', a, b))
  return (row) => {
    let result: boolean | null = false
    for (const equal of equals) {
      const holds = equal(row)
      if (holds === true) return true
      if (holds === null) result = null
    }
    return result
  }
}
