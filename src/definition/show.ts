import { formatDuration } from '../lib/duration.ts'
import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import type { AggregateNode, CallNode, ExpressionNode } from './expression.ts'
import type { FunctionName } from './functions.ts'
import type { Refresh } from './refresh.ts'
import type { WindowData } from './window.ts'

/** How tightly a text holds together: one of a lower level is put in brackets where a higher one is needed. */
const level = { choice: 1, orElse: 2, or: 3, and: 4, not: 5, comparison: 6, elapsed: 7, sum: 8, product: 9, sign: 10, atom: 11 } as const
type Level = (typeof level)[keyof typeof level]

interface Text {
  readonly text: string
  readonly level: Level
  /** The condition with which an aggregate ends. What follows must not read as a part of it. */
  readonly condition?: ExpressionNode | null
}

/**
 * An expression in one line, as its author would say it: `sum(total) where kind = 'purchased' over 90d`,
 * `last(at) -> seconds since`. Equal nodes give equal texts. For people; nothing reads it back.
 */
export const showExpression = (node: ExpressionNode): string => textOf(node).text

/** A window in a few words: `over 90d`, `tumbling 1d last delay 1h`, `since kind = 'purchased'`, `lifetime`. */
export function showWindow(window: WindowData): string {
  const delay = window.delay === 0 ? '' : ` delay ${formatDuration(window.delay)}`
  switch (window.kind) {
    case 'lifetime':
      return `lifetime${delay}`
    case 'sliding':
      return `over ${formatDuration(window.length)}${window.resolution === 0 ? '' : ` resolution ${formatDuration(window.resolution)}`}${delay}`
    case 'tumbling':
      return `tumbling ${formatDuration(window.length)}${window.part === 'last' ? ' last' : ''}${delay}`
    case 'session':
      return `session ${formatDuration(window.gap)}${delay}`
    case 'since':
      return `since ${showCondition(window.condition)}${delay}`
  }
}

/** `live`, or `every 1d delay 2h`. */
export function showRefresh(refresh: Refresh): string {
  if (refresh.kind === 'live') return 'live'
  return `every ${formatDuration(refresh.every)}${refresh.delay === 0 ? '' : ` delay ${formatDuration(refresh.delay)}`}`
}

/** A value type as it is declared: `decimal(12, 2)`, `oneOf('a', 'b') or null`, `float from 0 to 5`. */
export function showType(type: TypeData): string {
  const from = type.minimum === undefined ? '' : ` from ${type.minimum}`
  const to = type.maximum === undefined ? '' : ` to ${type.maximum}`
  return `${typeName(type)}${from}${to}${type.allowNaN ? ' or NaN' : ''}${type.nullable ? ' or null' : ''}`
}

function typeName(type: TypeData): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'oneOf':
      return `oneOf(${type.values?.map(quoted).join(', ')})`
    case 'list':
      return `list(${showType(type.element as TypeData)})`
    case 'vector':
      return `vector(${type.length})`
    default:
      return type.kind
  }
}

function textOf(node: ExpressionNode): Text {
  switch (node.node) {
    case 'column':
      return atom(node.name)
    case 'literal': {
      const text = showLiteral(node.type, node.value)
      return { text, level: text.startsWith('-') ? level.sign : level.atom }
    }
    case 'asOf':
      return atom('as-of moment')
    case 'aggregate':
      return aggregateText(node)
    case 'call':
      return callText(node)
  }
}

const atom = (text: string): Text => ({ text, level: level.atom })

/** A text that needs at least this level, in brackets where it has less. */
function within(node: ExpressionNode, needed: Level): string {
  const { text, level: own, condition } = textOf(node)
  const unclear = condition && needed > level.orElse && (needed < level.sum || calculates(condition))
  return own < needed || unclear ? `(${text})` : text
}

const showCondition = (node: ExpressionNode): string => within(node, level.or)

/** Whether an arithmetic sign may stand in the text. */
function calculates(node: ExpressionNode): boolean {
  if (node.node !== 'call') return false
  return calculating.has(node.function) || node.arguments.some(calculates)
}

const calculating: ReadonlySet<FunctionName> = new Set<FunctionName>([
  'add',
  'subtract',
  'multiply',
  'divide',
  'negate',
  'secondsAfter',
  'daysAfter',
])

const infix: Partial<Record<FunctionName, readonly [sign: string, level: Level]>> = {
  or: ['or', level.or],
  and: ['and', level.and],
  eq: ['=', level.comparison],
  ne: ['!=', level.comparison],
  lt: ['<', level.comparison],
  lte: ['<=', level.comparison],
  gt: ['>', level.comparison],
  gte: ['>=', level.comparison],
  startsWith: ['starts with', level.comparison],
  endsWith: ['ends with', level.comparison],
  contains: ['contains', level.comparison],
  add: ['+', level.sum],
  subtract: ['-', level.sum],
  multiply: ['*', level.product],
  divide: ['/', level.product],
}

function callText({ function: name, arguments: all }: CallNode): Text {
  const [first, second, third] = all as readonly [ExpressionNode, ExpressionNode, ExpressionNode]
  const known = infix[name]
  if (known) {
    const [sign, own] = known
    const left = own === level.comparison ? level.elapsed : own
    return { text: `${within(first, left)} ${sign} ${within(second, (own + 1) as Level)}`, level: own }
  }
  switch (name) {
    case 'isIn':
      return { text: `${within(first, level.elapsed)} in (${all.slice(1).map(showExpression).join(', ')})`, level: level.comparison }
    case 'isNull':
      return { text: `${within(first, level.elapsed)} is null`, level: level.comparison }
    case 'isNotNull':
      return { text: `${within(first, level.elapsed)} is not null`, level: level.comparison }
    case 'not':
      return { text: `not ${within(first, level.not)}`, level: level.not }
    case 'negate':
      return { text: `-${within(first, level.atom)}`, level: level.sign }
    case 'coalesce':
      return { text: `${within(first, level.orElse)} or else ${within(second, level.or)}`, level: level.orElse }
    case 'case': {
      const otherwise = third.node === 'call' && third.function === 'case' ? showExpression(third) : within(third, level.or)
      return { text: `if ${within(first, level.or)} then ${within(second, level.or)} else ${otherwise}`, level: level.choice }
    }
    case 'secondsAfter':
      return elapsed(first, second, 'seconds')
    case 'daysAfter':
      return elapsed(first, second, 'days')
    default:
      return atom(`${name}(${all.map(showExpression).join(', ')})`)
  }
}

function elapsed(later: ExpressionNode, earlier: ExpressionNode, unit: string): Text {
  const end = later.node === 'asOf' ? `${unit} since` : `${unit} until ${within(later, level.sum)}`
  return { text: `${within(earlier, level.sum)} -> ${end}`, level: level.elapsed }
}

/** Functions that users know by one name and a word. */
const variants: Readonly<Record<string, readonly [name: string, word?: string]>> = {
  variancePopulation: ['variance'],
  varianceSample: ['variance', 'sample'],
  deviationPopulation: ['deviation'],
  deviationSample: ['deviation', 'sample'],
}

/** Every parameter of an aggregate, in the order in which its function takes them. */
const parameterOrder = ['n', 'limit', 'k', 'percentile', 'error', 'precision', 'halfLife']

function aggregateText({ function: own, inputs, parameters, filter, window }: AggregateNode): Text {
  const [name, word] = variants[own] ?? [own === 'topKBySum' ? 'topK' : own]
  const [value, by] = inputs.map(showExpression)
  const values = parameterOrder
    .filter((parameter) => parameter in parameters)
    .map((parameter) => (parameter === 'halfLife' ? formatDuration(parameters[parameter] as number) : String(parameters[parameter])))
  const inside = [value, ...values, word, by === undefined ? undefined : `by ${by}`].filter((part) => part !== undefined).join(', ')
  const where = filter === null ? '' : ` where ${showCondition(filter)}`
  const over = window.kind === 'lifetime' && window.delay === 0 ? '' : ` ${showWindow(window)}`
  return { text: `${name}(${inside})${where}${over}`, level: level.atom, condition: window.kind === 'since' ? window.condition : filter }
}

function showLiteral(type: TypeData, value: Cell): string {
  if (value === null) return 'null'
  const shown = fromCell(type, value)
  if (typeof shown === 'string' && type.kind !== 'decimal') return quoted(shown)
  if (shown instanceof Float32Array) return JSON.stringify([...shown])
  return typeof shown === 'object' ? JSON.stringify(shown) : String(shown)
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
