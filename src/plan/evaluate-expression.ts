import type { CallNode, ExpressionNode, FunctionName, LiteralNode } from '../definition/index.ts'
import type { TypeData } from '../schema/index.ts'
import { absolute, arithmetic, divide, floor, negate, toFloat } from './evaluate-arithmetic.ts'
import { day, dayOfWeek, daysAfter, hour, minute, month, secondsAfter, year } from './evaluate-calendar.ts'
import { comparison, isIn } from './evaluate-comparison.ts'
import { and, choose, coalesce, isNotNull, isNull, not, or } from './evaluate-logic.ts'
import { concat, contains, endsWith, length, lower, startsWith, trim, upper } from './evaluate-text.ts'
import { literalOperand, type Operand, type RowFunction } from './operand.ts'

/** What an expression reads rather than computes. */
export type LeafNode = Exclude<ExpressionNode, LiteralNode | CallNode>

/** As many operands as `resultType` has checked the function to have. */
type Compile = (operands: readonly [Operand, Operand, Operand, ...Operand[]], result: TypeData) => RowFunction

/** The one meaning of every function; `docs/reference/expressions.md` tells it in words, `expression-sql.ts` in SQL. */
const functions: Record<FunctionName, Compile> = {
  eq: comparison('eq'),
  ne: comparison('ne'),
  lt: comparison('lt'),
  lte: comparison('lte'),
  gt: comparison('gt'),
  gte: comparison('gte'),
  isIn,
  isNull,
  isNotNull,
  coalesce,
  case: choose,
  and,
  or,
  not,
  add: arithmetic('add'),
  subtract: arithmetic('subtract'),
  multiply: arithmetic('multiply'),
  divide,
  negate,
  absolute,
  floor,
  toFloat,
  lower,
  upper,
  trim,
  length,
  startsWith,
  endsWith,
  contains,
  concat,
  year,
  month,
  day,
  dayOfWeek,
  hour,
  minute,
  secondsAfter,
  daysAfter,
}

/**
 * Compiles an expression to a function of the row, `leaf` giving the cells that it reads. Called for millions of rows.
 * The function throws `NUMBER_OUT_OF_RANGE` where an exact result passes 2^53 (int64: 64 bits).
 */
export function compileExpression(node: ExpressionNode, leaf: (node: LeafNode) => RowFunction): RowFunction {
  return operandOf(node, leaf).value
}

/**
 * Compiles a filter: whether the condition is true in a row, null being false. The parts of a conjunction are evaluated
 * from left to right, and only while all before are true; so a part may guard those behind it against `NUMBER_OUT_OF_RANGE`.
 */
export function compileFilter(node: ExpressionNode, leaf: (node: LeafNode) => RowFunction): (row: number) => boolean {
  const parts = conjuncts(node).map((part) => compileExpression(part, leaf))
  const [first, second] = parts
  if (first && !second) return (row) => first(row) === true
  if (first && second && parts.length === 2) return (row) => first(row) === true && second(row) === true
  return (row) => parts.every((part) => part(row) === true)
}

/** The parts of a conjunction, from left to right. */
export function conjuncts(node: ExpressionNode): readonly ExpressionNode[] {
  return node.node === 'call' && node.function === 'and' ? node.arguments.flatMap(conjuncts) : [node]
}

function operandOf(node: ExpressionNode, leaf: (node: LeafNode) => RowFunction): Operand {
  switch (node.node) {
    case 'literal':
      return literalOperand(node.type, node.value)
    case 'call': {
      const operands = node.arguments.map((argument) => operandOf(argument, leaf))
      return { type: node.type, value: functions[node.function](operands as unknown as Parameters<Compile>[0], node.type) }
    }
    default:
      return { type: node.type, value: leaf(node) }
  }
}
