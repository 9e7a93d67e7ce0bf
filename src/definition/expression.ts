import { LockstepError } from '../errors.ts'
import { type Cell, type Kind, type TypeData, toCell } from '../schema/index.ts'
import { type FunctionName, resultType } from './functions.ts'
import type { WindowData } from './window.ts'

/** An expression as data: what definitions store, hash, evaluate and lower to SQL. */
export type ExpressionNode = ColumnNode | LiteralNode | CallNode | AggregateNode | AsOfNode

/** A column of the source. */
export interface ColumnNode {
  readonly node: 'column'
  readonly name: string
  readonly type: TypeData
}
export interface LiteralNode {
  readonly node: 'literal'
  readonly value: Cell
  readonly type: TypeData
}
export interface CallNode {
  readonly node: 'call'
  readonly function: FunctionName
  readonly arguments: readonly ExpressionNode[]
  readonly type: TypeData
}
/** An aggregate of the events of a key in a window. */
export interface AggregateNode {
  readonly node: 'aggregate'
  readonly function: string
  readonly inputs: readonly ExpressionNode[]
  readonly parameters: Readonly<Record<string, number | string | boolean>>
  readonly filter: ExpressionNode | null
  readonly window: WindowData
  readonly type: TypeData
}
/** The moment that the value is asked for. */
export interface AsOfNode {
  readonly node: 'asOf'
  readonly type: TypeData
}

export type NumericKind = 'integer' | 'int64' | 'float' | 'decimal'
export type TextKind = 'string' | 'oneOf'
export type OrderedKind = NumericKind | TextKind | 'boolean' | 'timestamp' | 'date'
export type TemporalKind = 'timestamp' | 'date'

/** The public value of the kinds that have only one. */
export type PlainValue<K extends Kind> = K extends 'integer' | 'float'
  ? number
  : K extends 'int64'
    ? bigint
    : K extends 'decimal' | 'string' | 'timestamp' | 'date'
      ? string
      : K extends 'boolean'
        ? boolean
        : unknown

type PeerKind<K extends Kind> = K extends NumericKind ? NumericKind : K extends TextKind ? TextKind : K
type LiteralOf<K extends Kind, V> = K extends 'timestamp'
  ? string | Date
  : K extends 'int64'
    ? bigint | number
    : K extends 'decimal'
      ? string | number
      : V
/** What an expression of kind K and value V can be compared with: a literal, or an expression of a like kind. */
export type Operand<K extends Kind, V> = LiteralOf<K, V> | Expression<PeerKind<K>, boolean, unknown>

type Either<A extends boolean, B extends boolean> = true extends A | B ? true : false
type NumberOperand = Expression<NumericKind, boolean, unknown> | number | bigint
type KindOf<O> = O extends Expression<infer K, boolean, unknown> ? K : O extends bigint ? 'int64' : 'integer' | 'float'
type NullableOf<O> = O extends Expression<Kind, infer N, unknown> ? N : false
/** Whole-number literals keep the kind of the other side; the exact kind is decided, and checked, at definition time. */
type SumKind<A extends Kind, B> = B extends number
  ? A extends NumericKind
    ? A
    : never
  : 'float' extends A | KindOf<B>
    ? 'float'
    : 'decimal' extends A | KindOf<B>
      ? 'decimal'
      : 'int64' extends A | KindOf<B>
        ? 'int64'
        : 'integer'
type Arithmetic<A extends Kind, N extends boolean, B> = Expression<SumKind<A, B>, Either<N, NullableOf<B>>, PlainValue<SumKind<A, B>>>

/**
 * A value computed from a row of a source, or from features: immutable, typed by kind, nullability and public value.
 * Null follows SQL: it passes through functions and comparisons, `and`/`or` are three-valued, a null filter is false.
 */
export class Expression<K extends Kind = Kind, N extends boolean = boolean, V = unknown> {
  declare readonly kind: K
  declare readonly nullability: N
  declare readonly publicValue: V
  readonly node: ExpressionNode

  constructor(node: ExpressionNode) {
    Object.freeze(node)
    this.node = node
  }

  eq(other: Operand<K, V>): Expression<'boolean', N, boolean> {
    return call('eq', [this.node, operandNode(this.node.type, other)])
  }
  ne(other: Operand<K, V>): Expression<'boolean', N, boolean> {
    return call('ne', [this.node, operandNode(this.node.type, other)])
  }
  lt(this: Expression<OrderedKind, boolean, unknown>, other: Operand<K, V>): Expression<'boolean', N, boolean> {
    return call('lt', [this.node, operandNode(this.node.type, other)])
  }
  lte(this: Expression<OrderedKind, boolean, unknown>, other: Operand<K, V>): Expression<'boolean', N, boolean> {
    return call('lte', [this.node, operandNode(this.node.type, other)])
  }
  gt(this: Expression<OrderedKind, boolean, unknown>, other: Operand<K, V>): Expression<'boolean', N, boolean> {
    return call('gt', [this.node, operandNode(this.node.type, other)])
  }
  gte(this: Expression<OrderedKind, boolean, unknown>, other: Operand<K, V>): Expression<'boolean', N, boolean> {
    return call('gte', [this.node, operandNode(this.node.type, other)])
  }
  /** Whether the value is one of these. */
  isIn(...values: readonly [LiteralOf<K, V>, ...LiteralOf<K, V>[]]): Expression<'boolean', N, boolean> {
    return call('isIn', [this.node, ...values.map((value) => operandNode(this.node.type, value))])
  }
  isNull(): Expression<'boolean', false, boolean> {
    return call('isNull', [this.node])
  }
  isNotNull(): Expression<'boolean', false, boolean> {
    return call('isNotNull', [this.node])
  }
  /** The value, or `other` where it is null. */
  orElse<O extends LiteralOf<K, V> | Expression<K, boolean, unknown>>(other: O): Expression<K, NullableOf<O>, V> {
    return call('coalesce', [this.node, operandNode(this.node.type, other)])
  }

  and<M extends boolean>(
    this: Expression<'boolean', boolean, unknown>,
    other: Expression<'boolean', M, boolean>,
  ): Expression<'boolean', Either<N, M>, boolean> {
    return call('and', [this.node, other.node])
  }
  or<M extends boolean>(
    this: Expression<'boolean', boolean, unknown>,
    other: Expression<'boolean', M, boolean>,
  ): Expression<'boolean', Either<N, M>, boolean> {
    return call('or', [this.node, other.node])
  }
  not(this: Expression<'boolean', boolean, unknown>): Expression<'boolean', N, boolean> {
    return call('not', [this.node])
  }

  plus<B extends NumberOperand>(this: Expression<NumericKind, boolean, unknown>, other: B): Arithmetic<K, N, B> {
    return call('add', [this.node, operandNode(this.node.type, other)])
  }
  minus<B extends NumberOperand>(this: Expression<NumericKind, boolean, unknown>, other: B): Arithmetic<K, N, B> {
    return call('subtract', [this.node, operandNode(this.node.type, other)])
  }
  times<B extends NumberOperand>(this: Expression<NumericKind, boolean, unknown>, other: B): Arithmetic<K, N, B> {
    return call('multiply', [this.node, operandNode(this.node.type, other)])
  }
  /** The quotient as a float, rounded once; null where the divisor is 0. */
  dividedBy(this: Expression<NumericKind, boolean, unknown>, other: NumberOperand): Expression<'float', true, number> {
    return call('divide', [this.node, operandNode(this.node.type, other)])
  }
  negated(this: Expression<NumericKind, boolean, unknown>): Expression<K, N, V> {
    return call('negate', [this.node])
  }
  absolute(this: Expression<NumericKind, boolean, unknown>): Expression<K, N, V> {
    return call('absolute', [this.node])
  }
  /** The largest whole number not above the value. */
  floor(this: Expression<'float' | 'decimal', boolean, unknown>): Expression<'integer', N, number> {
    return call('floor', [this.node])
  }
  /** The value as a float, rounded once. */
  toFloat(this: Expression<NumericKind, boolean, unknown>): Expression<'float', N, number> {
    return call('toFloat', [this.node])
  }

  /** Letters A to Z in lower case; others are left as they are, so that no locale matters. */
  lower(this: Expression<TextKind, boolean, unknown>): Expression<'string', N, string> {
    return call('lower', [this.node])
  }
  /** Letters a to z in upper case; others are left as they are. */
  upper(this: Expression<TextKind, boolean, unknown>): Expression<'string', N, string> {
    return call('upper', [this.node])
  }
  /** Without spaces (U+0020) at both ends. */
  trim(this: Expression<TextKind, boolean, unknown>): Expression<'string', N, string> {
    return call('trim', [this.node])
  }
  /** Number of Unicode code points. */
  length(this: Expression<TextKind, boolean, unknown>): Expression<'integer', N, number> {
    return call('length', [this.node])
  }
  startsWith(this: Expression<TextKind, boolean, unknown>, text: string): Expression<'boolean', N, boolean> {
    return call('startsWith', [this.node, textNode(text)])
  }
  endsWith(this: Expression<TextKind, boolean, unknown>, text: string): Expression<'boolean', N, boolean> {
    return call('endsWith', [this.node, textNode(text)])
  }
  contains(this: Expression<TextKind, boolean, unknown>, text: string): Expression<'boolean', N, boolean> {
    return call('contains', [this.node, textNode(text)])
  }
  concat<O extends string | Expression<TextKind, boolean, unknown>>(
    this: Expression<TextKind, boolean, unknown>,
    other: O,
  ): Expression<'string', Either<N, NullableOf<O>>, string> {
    return call('concat', [this.node, typeof other === 'string' ? textNode(other) : other.node])
  }

  /** Parts of the calendar, in UTC. */
  year(this: Expression<TemporalKind, boolean, unknown>): Expression<'integer', N, number> {
    return call('year', [this.node])
  }
  /** 1 to 12. */
  month(this: Expression<TemporalKind, boolean, unknown>): Expression<'integer', N, number> {
    return call('month', [this.node])
  }
  /** 1 to 31. */
  day(this: Expression<TemporalKind, boolean, unknown>): Expression<'integer', N, number> {
    return call('day', [this.node])
  }
  /** 1 (Monday) to 7 (Sunday), as ISO 8601. */
  dayOfWeek(this: Expression<TemporalKind, boolean, unknown>): Expression<'integer', N, number> {
    return call('dayOfWeek', [this.node])
  }
  /** 0 to 23. */
  hour(this: Expression<'timestamp', boolean, unknown>): Expression<'integer', N, number> {
    return call('hour', [this.node])
  }
  /** 0 to 59. */
  minute(this: Expression<'timestamp', boolean, unknown>): Expression<'integer', N, number> {
    return call('minute', [this.node])
  }
  /** Seconds from `earlier` to this moment, as a float. */
  secondsAfter<M extends boolean>(
    this: Expression<'timestamp', boolean, unknown>,
    earlier: Expression<'timestamp', M, unknown>,
  ): Expression<'float', Either<N, M>, number> {
    return call('secondsAfter', [this.node, earlier.node])
  }
  /** Whole days of 24 hours from `earlier` to this moment, rounded down. */
  daysAfter<M extends boolean>(
    this: Expression<'timestamp', boolean, unknown>,
    earlier: Expression<'timestamp', M, unknown>,
  ): Expression<'integer', Either<N, M>, number> {
    return call('daysAfter', [this.node, earlier.node])
  }
}

/** An expression of `function` over argument nodes, its type derived and its arguments checked (`INVALID_DEFINITION`). */
export function call<K extends Kind, N extends boolean, V>(name: FunctionName, nodes: readonly ExpressionNode[]): Expression<K, N, V> {
  const type = resultType(
    name,
    nodes.map((node) => node.type),
  )
  return new Expression({ node: 'call', function: name, arguments: Object.freeze([...nodes]), type })
}

const textNode = (text: string): LiteralNode => ({
  node: 'literal',
  value: toCell({ kind: 'string', nullable: false }, text),
  type: { kind: 'string', nullable: false },
})

/** The node of an operand: an expression's own, or a literal read as the type of the other side where that can hold it. */
export function operandNode(peer: TypeData, operand: unknown): ExpressionNode {
  if (operand instanceof Expression) return operand.node
  const type = literalType(peer, operand)
  return { node: 'literal', value: toCell(type, operand, 'a literal in an expression'), type }
}

function literalType(peer: TypeData, value: unknown): TypeData {
  if (value === undefined || value === null) {
    throw new LockstepError('INVALID_DEFINITION', `An expression was given ${value} where a value is needed`, {
      remedy: 'Use isNull() to ask for null; an undefined value often means a circular import.',
    })
  }
  const { minimum: _minimum, maximum: _maximum, nullable: _nullable, ...plain } = peer
  if (peer.kind === 'oneOf') return { ...plain, nullable: false }
  if (peer.kind === 'decimal' && (typeof value === 'string' || isShortDecimal(value))) {
    return { kind: 'decimal', nullable: false, precision: 15, scale: Math.min(String(value).split('.')[1]?.length ?? 0, 15) }
  }
  if (typeof value === 'number')
    return {
      kind: Number.isInteger(value) && peer.kind !== 'float' ? 'integer' : 'float',
      nullable: false,
      ...(Number.isFinite(value) ? {} : { allowNaN: true }),
    }
  if (typeof value === 'bigint') return { kind: 'int64', nullable: false }
  return { ...plain, nullable: false }
}

/** Whether a number with a fraction reads as a decimal of at most 15 digits, as 0.9 beside a price is meant; others stay floats. */
function isShortDecimal(value: unknown): boolean {
  const [, whole = '', fraction = ''] = /^-?0*(\d*)\.(\d+)$/.exec(String(value)) ?? []
  return fraction !== '' && fraction.length <= 15 && whole.length + fraction.length <= 15
}

/** A literal as an expression, for the places where no column stands beside it. */
export function literal<const V extends string | number | boolean>(
  value: V,
): Expression<
  V extends string ? 'string' : V extends boolean ? 'boolean' : 'float' | 'integer',
  false,
  V extends string ? string : V extends boolean ? boolean : number
> {
  const kind: Kind = typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'boolean' : 'float'
  return new Expression(operandNode({ kind: kind === 'float' && Number.isInteger(value) ? 'integer' : kind, nullable: false }, value))
}

/** `then` where the condition is true, else `otherwise` (also where the condition is null). */
export function when<K extends Kind, V, N extends boolean, O extends LiteralOf<K, V> | Expression<K, boolean, unknown>>(
  condition: Expression<'boolean', boolean, boolean>,
  then: Expression<K, N, V>,
  otherwise: O,
): Expression<K, Either<N, NullableOf<O>>, V> {
  return call('case', [condition.node, then.node, operandNode(then.node.type, otherwise)])
}
