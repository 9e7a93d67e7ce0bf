import type { CallNode, ExpressionNode, FunctionName } from '../definition/index.ts'
import { formatDate, formatMoment } from '../lib/moment.ts'
import { type Cell, formatDecimal, sqlType, type TypeData } from '../schema/index.ts'
import { mayRaise } from './may-raise.ts'
import { scaleOf } from './operand.ts'

/**
 * A row expression as DuckDB SQL with exactly the meaning of `compileExpression`, or null where that cannot be promised.
 * It raises no error in any row. Columns have the types of `sqlType`; `column` gives the (quoted) SQL of one.
 */
export function expressionSql(node: ExpressionNode, column: (name: string) => string): string | null {
  switch (node.node) {
    case 'column':
      return column(node.name)
    case 'literal':
      return literalSql(node.type, node.value)
    case 'call': {
      if (mayRaise(node)) return null
      const operands: SqlOperand[] = []
      for (const argument of node.arguments) {
        const sql = expressionSql(argument, column)
        if (sql === null) return null
        operands.push({ sql, type: argument.type, ...(argument.node === 'literal' ? { literal: argument.value } : {}) })
      }
      return functions[node.function](operands as unknown as Operands, node)
    }
    default:
      return null
  }
}

interface SqlOperand {
  readonly sql: string
  readonly type: TypeData
  readonly literal?: Cell
}
type Operands = readonly [SqlOperand, SqlOperand, SqlOperand, ...SqlOperand[]]
type Lower = (operands: Operands, node: CallNode) => string | null

const functions: Record<FunctionName, Lower> = {
  eq: comparison('='),
  ne: comparison('<>'),
  lt: comparison('<'),
  lte: comparison('<='),
  gt: comparison('>'),
  gte: comparison('>='),
  isIn,
  isNull: ([a]) => `(${a.sql} IS NULL)`,
  isNotNull: ([a]) => `(${a.sql} IS NOT NULL)`,
  coalesce: ([a, b], { type }) => combine((x, y) => `COALESCE(${x}, ${y})`, as(a, type), as(b, type)),
  case: ([condition, a, b], { type }) => combine((x, y) => `CASE WHEN ${condition.sql} THEN ${x} ELSE ${y} END`, as(a, type), as(b, type)),
  and: ([a, b]) => `(${a.sql} AND ${b.sql})`,
  or: ([a, b]) => `(${a.sql} OR ${b.sql})`,
  not: ([a]) => `(NOT ${a.sql})`,
  add: ([a, b]) => `(${double(a)} + ${double(b)})`,
  subtract: ([a, b]) => `(${double(a)} - ${double(b)})`,
  multiply: ([a, b]) => `(${double(a)} * ${double(b)})`,
  divide,
  negate: ([a]) => `(-${widened(a)})`,
  absolute: ([a]) => `abs(${widened(a)})`,
  floor: ([a]) => `CAST(floor(${a.sql}) AS BIGINT)`,
  toFloat: ([a]) => double(a),
  lower: ([a]) => `translate(${a.sql}, '${upperLetters}', '${lowerLetters}')`,
  upper: ([a]) => `translate(${a.sql}, '${lowerLetters}', '${upperLetters}')`,
  trim: ([a]) => `trim(${a.sql}, ' ')`,
  length: ([a]) => `length(${a.sql})`,
  startsWith: ([a, b]) => `starts_with(${a.sql}, ${b.sql})`,
  endsWith: ([a, b]) => `ends_with(${a.sql}, ${b.sql})`,
  contains: ([a, b]) => `contains(${a.sql}, ${b.sql})`,
  concat: ([a, b]) => `(${a.sql} || ${b.sql})`,
  year: ([a]) => `year(${a.sql})`,
  month: ([a]) => `month(${a.sql})`,
  day: ([a]) => `day(${a.sql})`,
  dayOfWeek: ([a]) => `isodow(${a.sql})`,
  hour: ([a]) => `hour(${a.sql})`,
  minute: ([a]) => `minute(${a.sql})`,
  secondsAfter: ([a, b]) => `((CAST(epoch_us(${a.sql}) AS DOUBLE) - CAST(epoch_us(${b.sql}) AS DOUBLE)) / CAST(1000000 AS DOUBLE))`,
  daysAfter: ([a, b]) => `(date_diff('day', ${b.sql}, ${a.sql}) - CASE WHEN ${timeOfDay(a)} < ${timeOfDay(b)} THEN 1 ELSE 0 END)`,
}

const upperLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const lowerLetters = upperLetters.toLowerCase()

/** Both sides brought to types that DuckDB compares exactly; null where it would round, or order texts by another rule. */
function comparison(operator: '=' | '<>' | '<' | '<=' | '>' | '>='): Lower {
  const ordering = operator !== '=' && operator !== '<>'
  return ([a, b]) => {
    if (ordering && isText(a) && !isBelowSurrogates(a) && !isBelowSurrogates(b)) return null
    return combine((x, y) => `(${x} ${operator} ${y})`, ...comparable(a, b))
  }
}

function isIn([value, ...candidates]: Operands): string | null {
  const pairs = candidates.map((candidate) => comparable(value, candidate))
  const lefts = new Set(pairs.map(([left]) => left))
  const rights = pairs.map(([, right]) => right)
  if (lefts.has(null) || rights.includes(null)) return null
  if (lefts.size === 1) return `(${[...lefts][0]} IN (${rights.join(', ')}))`
  return `(${pairs.map(([left, right]) => `${left} = ${right}`).join(' OR ')})`
}

function comparable(a: SqlOperand, b: SqlOperand): readonly [string | null, string | null] {
  const kinds = [a.type.kind, b.type.kind]
  if (kinds.includes('float')) {
    if (kinds.includes('int64')) return [null, null]
    return [double(a), double(b)]
  }
  if (kinds.includes('decimal') && (a.type.kind !== b.type.kind || scaleOf(a.type) !== scaleOf(b.type))) {
    const scale = Math.max(scaleOf(a.type), scaleOf(b.type))
    return [decimal(a, scale), decimal(b, scale)]
  }
  return [a.sql, b.sql]
}

const isText = ({ type }: SqlOperand): boolean => type.kind === 'string' || type.kind === 'oneOf'

/**
 * DuckDB orders texts by UTF-8 bytes, so by code point; we order by UTF-16 code unit. They differ only where a surrogate meets
 * a unit from U+E000 on; so not where one side has neither.
 */
const isBelowSurrogates = ({ literal }: SqlOperand): boolean => typeof literal === 'string' && !/[\u{d800}-\u{10ffff}]/u.test(literal)

/** The quotient of doubles; of exact kinds only where both are exact as doubles, for one rounding. */
function divide([a, b]: Operands): string | null {
  const kinds = [a.type.kind, b.type.kind]
  const exact = kinds.includes('float') || kinds.every((kind) => kind === 'integer')
  return exact ? `(${double(a)} / NULLIF(${double(b)}, CAST(0 AS DOUBLE)))` : null
}

/** The nearest double: of a decimal of up to 15 digits DuckDB divides two exact doubles, as we do. */
function double({ sql, type, literal }: SqlOperand): string {
  if (type.kind === 'float') return sql
  if (typeof literal === 'number') return doubleLiteral(literal / 10 ** scaleOf(type))
  return `CAST(${sql} AS DOUBLE)`
}

/** Exact: 19 digits of 64 bits and 15 behind the point. Literals are written with the digits of the scale, so that a column needs no cast. */
function decimal({ sql, type, literal }: SqlOperand, scale: number): string {
  if (typeof literal === 'number' && scaleOf(type) === 0) return scale === 0 ? sql : `(${literal}.${'0'.repeat(scale)})`
  if (literal !== undefined) return sql
  return scaleOf(type) === scale && type.kind === 'decimal' ? sql : `CAST(${sql} AS DECIMAL(38, ${scale}))`
}

/** Microseconds since midnight; a cast to TIME would fail for a stored infinity. */
const timeOfDay = ({ sql }: SqlOperand): string => `((epoch_us(${sql}) % 86400000000 + 86400000000) % 86400000000)`

/** Wide enough that the sign of any stored BIGINT can change, even of one that the declared type refuses. */
const widened = ({ sql, type }: SqlOperand): string => (type.kind === 'integer' ? `CAST(${sql} AS HUGEINT)` : sql)

/** One branch of a choice as the type of the choice. */
function as(operand: SqlOperand, type: TypeData): string | null {
  if (type.kind === 'list' || type.kind === 'vector' || type.kind === 'struct') return null
  return type.kind === 'float' ? double(operand) : operand.sql
}

function combine(join: (a: string, b: string) => string, a: string | null, b: string | null): string | null {
  return a === null || b === null ? null : join(a, b)
}

/** A cell as a SQL literal; null for texts that SQL cannot hold and for lists, vectors and structs. */
function literalSql(type: TypeData, value: Cell): string | null {
  if (value === null) return `CAST(NULL AS ${sqlType(type)})`
  switch (type.kind) {
    case 'string':
    case 'oneOf': {
      const text = value as string
      return text.includes('\0') || !text.isWellFormed() ? null : `'${text.replaceAll("'", "''")}'`
    }
    case 'boolean':
      return value === true ? 'TRUE' : 'FALSE'
    case 'integer':
      return `(${value})`
    case 'int64':
      // A small literal alone would be an INTEGER.
      return `CAST(${value} AS BIGINT)`
    case 'float':
      return doubleLiteral(value as number)
    case 'decimal':
      return `(${formatDecimal(value as number, scaleOf(type))})`
    case 'timestamp':
      return `TIMESTAMP '${formatMoment(value as number)
        .replace('T', ' ')
        .slice(0, -1)}'`
    case 'date':
      return `DATE '${formatDate(value as number)}'`
    default:
      return null
  }
}

const doubleLiteral = (value: number): string => `CAST('${value}' AS DOUBLE)`
