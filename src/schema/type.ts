import { LockstepError } from '../errors.ts'

export type Kind =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'int64'
  | 'float'
  | 'decimal'
  | 'timestamp'
  | 'date'
  | 'oneOf'
  | 'list'
  | 'vector'
  | 'struct'

/**
 * A value type as data: what a definition stores, hashes and shows.
 * Inside the engine a value is a `Cell` (see `cell.ts`); outside it has the TypeScript type of its `ColumnType`.
 */
export interface TypeData {
  readonly kind: Kind
  readonly nullable: boolean
  /** decimal: digits in all (1 to 15; results of sums 18) and behind the point. */
  readonly precision?: number
  readonly scale?: number
  /** oneOf: the allowed values. */
  readonly values?: readonly string[]
  /** list: the type of its elements. */
  readonly element?: TypeData
  /** vector: the number of its float32 elements. */
  readonly length?: number
  /** Smallest and largest allowed value, both included, as public values (numbers, or texts for decimal, timestamp and date). */
  readonly minimum?: number | string
  readonly maximum?: number | string
  /** float: NaN is a value rather than an error. */
  readonly allowNaN?: boolean
}

declare const publicValue: unique symbol

/** The declared type of a column: `t.float().nullable().range(0, 5)`. `V` is its public TypeScript type without null. */
export class ColumnType<K extends Kind = Kind, V = unknown, N extends boolean = boolean> {
  declare readonly [publicValue]: V
  readonly data: TypeData & { readonly kind: K; readonly nullable: N }

  constructor(data: TypeData & { readonly kind: K; readonly nullable: N }) {
    Object.freeze(data)
    this.data = data
  }

  /** The value may be missing. */
  nullable(): ColumnType<K, V, true> {
    return new ColumnType<K, V, true>({ ...this.data, nullable: true })
  }

  /** Allowed values, both ends included; rows outside are invalid. */
  range(minimum: number | string, maximum: number | string): ColumnType<K, V, N> {
    if (Number(minimum) > Number(maximum)) throw new LockstepError('INVALID_TYPE', `The range ${minimum} to ${maximum} is empty`)
    return new ColumnType<K, V, N>({ ...this.data, minimum, maximum })
  }

  /** float only: accept NaN instead of refusing the row. */
  allowNaN(this: ColumnType<'float', V, N>): ColumnType<'float', V, N> {
    return new ColumnType<'float', V, N>({ ...this.data, allowNaN: true })
  }
}

/** The public value of a column type, null included where it is nullable. */
export type ValueOf<T> = T extends ColumnType<Kind, infer V, infer N> ? (N extends true ? V | null : V) : never

function whole(value: number, smallest: number, largest: number, name: string): number {
  if (!Number.isInteger(value) || value < smallest || value > largest) {
    throw new LockstepError('INVALID_TYPE', `${name} must be a whole number from ${smallest} to ${largest}, not ${value}`)
  }
  return value
}

const plain = <K extends Kind, V>(kind: K) => new ColumnType<K, V, false>({ kind, nullable: false })

/** The value types. Public forms: decimals, timestamps and dates are strings (exact), int64 is a bigint. */
export const t = {
  string: () => plain<'string', string>('string'),
  boolean: () => plain<'boolean', boolean>('boolean'),
  /** A whole number within ±(2^53 - 1). */
  integer: () => plain<'integer', number>('integer'),
  /** A whole number of 64 bits, as a bigint. */
  int64: () => plain<'int64', bigint>('int64'),
  float: () => plain<'float', number>('float'),
  /** An exact decimal, such as money: `t.decimal(12, 2)`; public form `'12.50'`. */
  decimal: (precision: number, scale: number) => {
    whole(precision, 1, 15, 'The precision of a decimal')
    whole(scale, 0, precision, 'The scale of a decimal')
    return new ColumnType<'decimal', string, false>({ kind: 'decimal', nullable: false, precision, scale })
  },
  /** A moment to the microsecond; public form an ISO 8601 string in UTC. */
  timestamp: () => plain<'timestamp', string>('timestamp'),
  /** A calendar date; public form `YYYY-MM-DD`. */
  date: () => plain<'date', string>('date'),
  oneOf: <const V extends string>(...values: readonly [V, ...V[]]) => {
    if (new Set(values).size !== values.length) throw new LockstepError('INVALID_TYPE', 'oneOf names a value twice')
    return new ColumnType<'oneOf', V, false>({ kind: 'oneOf', nullable: false, values })
  },
  list: <K extends Kind, V, N extends boolean>(element: ColumnType<K, V, N>) =>
    new ColumnType<'list', readonly (N extends true ? V | null : V)[], false>({ kind: 'list', nullable: false, element: element.data }),
  /** A fixed number of float32 values, such as an embedding. */
  vector: (length: number) =>
    new ColumnType<'vector', Float32Array, false>({
      kind: 'vector',
      nullable: false,
      length: whole(length, 1, 65_536, 'The length of a vector'),
    }),
  /** Any JSON object. */
  struct: <V extends object = Record<string, unknown>>() => plain<'struct', V>('struct'),
} as const

const float64Kinds: ReadonlySet<Kind> = new Set<Kind>(['integer', 'float', 'decimal', 'timestamp', 'date', 'boolean'])

/** Whether columns of a kind lie in a Float64Array: numbers as they are, booleans as 0 and 1. */
export const isFloat64Kind = (kind: Kind): boolean => float64Kinds.has(kind)
