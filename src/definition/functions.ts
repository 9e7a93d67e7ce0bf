import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { Kind, TypeData } from '../schema/index.ts'

/** The functions of expressions; `plan/evaluate-expression.ts` holds their meaning, `plan/expression-sql.ts` their SQL. */
export const functionNames = [
  'eq',
  'ne',
  'lt',
  'lte',
  'gt',
  'gte',
  'isIn',
  'isNull',
  'isNotNull',
  'coalesce',
  'case',
  'and',
  'or',
  'not',
  'add',
  'subtract',
  'multiply',
  'divide',
  'negate',
  'absolute',
  'floor',
  'toFloat',
  'lower',
  'upper',
  'trim',
  'length',
  'startsWith',
  'endsWith',
  'contains',
  'concat',
  'year',
  'month',
  'day',
  'dayOfWeek',
  'hour',
  'minute',
  'secondsAfter',
  'daysAfter',
] as const
export type FunctionName = (typeof functionNames)[number]

const numeric: readonly Kind[] = ['integer', 'int64', 'float', 'decimal']
const text: readonly Kind[] = ['string', 'oneOf']
const families: readonly (readonly Kind[])[] = [numeric, text]

const sameFamily = (a: Kind, b: Kind) => a === b || families.some((family) => family.includes(a) && family.includes(b))

/** The result type of a function over argument types. Throws `INVALID_DEFINITION` where it cannot take them. */
export function resultType(name: FunctionName, types: readonly TypeData[]): TypeData {
  const first = types[0] as TypeData
  const second = types[1] as TypeData
  const nullable = types.some((type) => type.nullable)
  const refuse = (why: string): never => {
    throw new LockstepError('INVALID_DEFINITION', `${name}(${types.map((type) => type.kind).join(', ')}) ${why}`)
  }
  const takes = (allowed: readonly Kind[]) =>
    types.every((type) => allowed.includes(type.kind)) || refuse(`takes ${allowed.join(', ')} only`)
  const plain = (kind: Kind, isNullable = nullable): TypeData => ({ kind, nullable: isNullable })
  const float = (isNullable = nullable): TypeData => ({ ...plain('float', isNullable), ...nanOf(types) })
  switch (name) {
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      if (['list', 'vector', 'struct'].includes(first.kind)) refuse('has no order')
      if (!sameFamily(first.kind, second.kind)) refuse('compares unlike kinds')
      return plain('boolean')
    case 'eq':
    case 'ne':
    case 'isIn':
      if (['list', 'vector', 'struct'].includes(first.kind)) refuse('cannot be compared')
      if (!types.every((type) => sameFamily(first.kind, type.kind))) refuse('compares unlike kinds')
      return plain('boolean')
    case 'isNull':
    case 'isNotNull':
      return plain('boolean', false)
    case 'coalesce':
      return common(first, second, second.nullable, refuse)
    case 'case':
      if (first.kind !== 'boolean') refuse('needs a boolean condition')
      return common(second, types[2] as TypeData, second.nullable || (types[2] as TypeData).nullable, refuse)
    case 'and':
    case 'or':
    case 'not':
      takes(['boolean'])
      return plain('boolean')
    case 'add':
    case 'subtract':
    case 'multiply': {
      takes(numeric)
      if (first.kind === 'float' || second.kind === 'float') return float()
      if (first.kind === 'decimal' || second.kind === 'decimal') {
        if (first.kind === 'int64' || second.kind === 'int64') refuse('mixes decimal and int64')
        const scales = [first.scale ?? 0, second.scale ?? 0] as const
        const scale = name === 'multiply' ? scales[0] + scales[1] : Math.max(...scales)
        if (scale > 15) refuse('needs more than 15 digits behind the point')
        return { kind: 'decimal', nullable, precision: 18, scale }
      }
      return plain(first.kind === 'int64' || second.kind === 'int64' ? 'int64' : 'integer')
    }
    case 'divide':
      takes(numeric)
      return float(true)
    case 'negate':
    case 'absolute': {
      takes(numeric)
      const { minimum: _minimum, maximum: _maximum, ...type } = first
      return type
    }
    case 'floor':
      takes(['float', 'decimal'])
      return plain('integer')
    case 'toFloat':
      takes(numeric)
      return float()
    case 'lower':
    case 'upper':
    case 'trim':
    case 'concat':
      takes(text)
      return plain('string')
    case 'length':
      takes(text)
      return plain('integer')
    case 'startsWith':
    case 'endsWith':
    case 'contains':
      takes(text)
      return plain('boolean')
    case 'year':
    case 'month':
    case 'day':
    case 'dayOfWeek':
      takes(['timestamp', 'date'])
      return plain('integer')
    case 'hour':
    case 'minute':
      takes(['timestamp'])
      return plain('integer')
    case 'secondsAfter':
      takes(['timestamp'])
      return plain('float')
    case 'daysAfter':
      takes(['timestamp'])
      return plain('integer')
  }
}

/** NaN comes out only where it may go in, or where a result overflows. */
const nanOf = (types: readonly TypeData[]) => (types.some((type) => type.allowNaN) ? { allowNaN: true } : {})

/** The one type that both branches of a choice have: that of the first, wide enough for the second. */
function common(a: TypeData, b: TypeData, nullable: boolean, refuse: (why: string) => never): TypeData {
  const { minimum: _minimum, maximum: _maximum, ...range } = a
  const type: TypeData = { ...range, nullable }
  switch (a.kind) {
    case 'float':
      if (numeric.includes(b.kind)) return { ...type, ...nanOf([a, b]) }
      break
    case 'int64':
      if (b.kind === 'int64' || b.kind === 'integer') return type
      break
    case 'decimal':
      if (b.kind === 'decimal' || b.kind === 'integer') return { ...type, precision: 18, scale: Math.max(a.scale ?? 0, b.scale ?? 0) }
      break
    case 'string':
      if (text.includes(b.kind)) return type
      break
    case 'oneOf':
      if (b.kind === 'oneOf') return { ...type, values: [...new Set([...(a.values ?? []), ...(b.values ?? [])])] }
      break
    case 'list':
      if (b.kind === 'list' && canonicalJson(a.element) !== canonicalJson(b.element)) refuse('has lists of unlike elements')
      if (b.kind === 'list') return type
      break
    case 'vector':
      if (b.kind === 'vector' && a.length !== b.length) refuse(`has vectors of ${a.length} and ${b.length} elements`)
      if (b.kind === 'vector') return type
      break
    default:
      if (a.kind === b.kind) return type
  }
  return refuse('has branches of unlike kinds')
}
