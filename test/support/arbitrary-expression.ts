import fc from 'fast-check'
import { type CallNode, call, type ExpressionNode } from '../../src/definition/expression.ts'
import type { FunctionName } from '../../src/definition/functions.ts'
import { LockstepError } from '../../src/errors.ts'
import { type Cell, type Kind, type TypeData, t } from '../../src/schema/index.ts'
import { arbitraryCell } from './arbitrary-cell.ts'

/** Columns of every scalar kind, some under names that SQL must quote. */
export const columnTypes: Readonly<Record<string, TypeData>> = {
  at: t.timestamp().data,
  order: t.timestamp().nullable().data,
  'the "text"': t.string().nullable().data,
  select: t.string().data,
  choice: t.oneOf('b', 'a', '', 'Ä', '😀').nullable().data,
  flag: t.boolean().nullable().data,
  sure: t.boolean().data,
  whole: t.integer().nullable().data,
  count: t.integer().data,
  big: t.int64().nullable().data,
  bigger: t.int64().data,
  float: t.float().nullable().data,
  any: t.float().allowNaN().data,
  price: t.decimal(12, 2).nullable().data,
  fine: t.decimal(15, 15).data,
  coarse: t.decimal(15, 0).nullable().data,
  date: t.date().nullable().data,
  day: t.date().data,
}

type Kinds = readonly Kind[]
const numeric: Kinds = ['integer', 'int64', 'float', 'decimal']
const text: Kinds = ['string', 'oneOf']
const temporal: Kinds = ['timestamp', 'date']
const families: readonly Kinds[] = [numeric, text, ['boolean'], ['timestamp'], ['date']]

/** What each function takes, wide: combinations that `resultType` refuses are drawn again. */
function argumentKinds(name: FunctionName): fc.Arbitrary<readonly Kinds[]> {
  const family = fc.constantFrom(...families)
  switch (name) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return family.map((kinds) => [kinds, kinds])
    case 'isIn':
      return fc
        .tuple(family, fc.integer({ min: 1, max: 3 }))
        .map(([kinds, count]) => [kinds, ...Array.from({ length: count }, () => kinds)])
    case 'isNull':
    case 'isNotNull':
      return family.map((kinds) => [kinds])
    case 'coalesce':
      return family.map((kinds) => [kinds, kinds])
    case 'case':
      return family.map((kinds) => [['boolean'], kinds, kinds])
    case 'and':
    case 'or':
      return fc.constant([['boolean'], ['boolean']])
    case 'not':
      return fc.constant([['boolean']])
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
      return fc.constant([numeric, numeric])
    case 'negate':
    case 'absolute':
    case 'toFloat':
      return fc.constant([numeric])
    case 'floor':
      return fc.constant([['float', 'decimal']])
    case 'lower':
    case 'upper':
    case 'trim':
    case 'length':
      return fc.constant([text])
    case 'startsWith':
    case 'endsWith':
    case 'contains':
    case 'concat':
      return fc.constant([text, text])
    case 'year':
    case 'month':
    case 'day':
    case 'dayOfWeek':
      return fc.constant([temporal])
    case 'hour':
    case 'minute':
      return fc.constant([['timestamp']])
    case 'secondsAfter':
    case 'daysAfter':
      return fc.constant([['timestamp'], ['timestamp']])
  }
}

const logic: readonly FunctionName[] = [
  'eq',
  'ne',
  'lt',
  'gte',
  'isIn',
  'isNull',
  'and',
  'or',
  'not',
  'contains',
  'startsWith',
  'coalesce',
  'case',
]
const number: readonly FunctionName[] = ['add', 'multiply', 'subtract', 'negate', 'absolute', 'coalesce', 'case']
const functionsFor: Readonly<Partial<Record<Kind, readonly FunctionName[]>>> = {
  boolean: logic,
  integer: [...number, 'floor', 'length', 'year', 'dayOfWeek', 'hour', 'daysAfter'],
  int64: number,
  float: [...number, 'divide', 'toFloat', 'secondsAfter'],
  decimal: number,
  string: ['lower', 'upper', 'trim', 'concat', 'coalesce', 'case'],
  oneOf: ['coalesce', 'case'],
  timestamp: ['coalesce', 'case'],
  date: ['coalesce', 'case'],
}

const isKind = (kind: Kind) => (node: ExpressionNode) => node.type.kind === kind

/** A call of this function over columns, literals and, down to `depth`, other calls. */
export function arbitraryCall(name: FunctionName, depth = 2): fc.Arbitrary<CallNode> {
  return argumentKinds(name)
    .chain((kinds) => fc.tuple(...kinds.map((allowed) => fc.constantFrom(...allowed).chain((kind) => arbitraryNode(kind, depth - 1)))))
    .map((nodes) => {
      try {
        return call(name, nodes).node as CallNode
      } catch (error) {
        if (error instanceof LockstepError && error.code === 'INVALID_DEFINITION') return null
        throw error
      }
    })
    .filter((node) => node !== null)
}

function arbitraryNode(kind: Kind, depth: number): fc.Arbitrary<ExpressionNode> {
  const names = Object.keys(columnTypes).filter((name) => columnTypes[name]?.kind === kind)
  const column = fc.constantFrom(...names).map((name): ExpressionNode => ({ node: 'column', name, type: columnTypes[name] as TypeData }))
  const literal = fc
    .constantFrom(...names)
    .map((name): TypeData => ({ ...(columnTypes[name] as TypeData), nullable: false }))
    .chain((type) => arbitraryCell(type).map((value: Cell): ExpressionNode => ({ node: 'literal', value, type })))
  const leaves = [
    { weight: 3, arbitrary: column },
    { weight: 2, arbitrary: literal },
  ]
  if (depth <= 0) return fc.oneof(...leaves)
  const nested = fc.constantFrom(...(functionsFor[kind] ?? [])).chain((name) => arbitraryCall(name, depth).filter(isKind(kind)))
  return fc.oneof(...leaves, { weight: 2, arbitrary: nested })
}
