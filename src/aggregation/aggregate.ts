import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { Cell, TypeData } from '../schema/index.ts'

/** What tells events of one moment apart; strings compare by code unit, numbers and bigints by value. One source uses one form. */
export type EventId = string | number | bigint

/** Parameters of an aggregate: plain data, part of the definition and of its hash (`k`, `percentile`, `precision`, ...). */
export type AggregateParameters = Readonly<Record<string, number | string | boolean>>

/**
 * The algebra of one aggregate over one column: a commutative monoid of states and a final function.
 * A state is a function of the set of events added, whatever their order and grouping; aggregates that depend on the
 * order of events (first, last) keep `(time, id)` in the state, so that this holds for them too. Null values never
 * reach `add`. `add`, `remove` and `merge` may change and return their first argument; `merge` leaves the second alone.
 */
export interface Aggregate<State = unknown> {
  zero(): State
  /** `weight` is the second column of the aggregates that take two (topK by sum; an event without either does not count), else null. */
  add(state: State, value: Cell, time: number, id: EventId, weight: Cell): State
  /** Undoes `add` of the same event; absent where the state forgets (maximum, sketches). */
  remove?(state: State, value: Cell, time: number, id: EventId, weight: Cell): State
  merge(state: State, other: State): State
  /** The value at `asOf` (microseconds), which no event added comes after. Does not change the state. */
  finish(state: State, asOf: number): Cell
  /** Canonical bytes: equal states give equal bytes. */
  encode(state: State, writer: ByteWriter): void
  decode(reader: ByteReader): State
  /**
   * Optional fast path: answers any range `[low, high)` of `values` (the non-null values of one key in event order,
   * those before `count`) without a fold, equal to the fold to the bit; or null where it cannot promise that.
   * The answer holds until the next call of `ranges`, which uses its memory again.
   */
  ranges?(values: ArrayLike<Cell>, count: number): ((low: number, high: number) => Cell) | null
  /** Whether `ranges` looks at no value before a range is asked for, and keeps none. */
  readonly rangesAtOnce?: true
}

/** One aggregate function: its name in definitions, what it takes, and its algebra for a column type. */
export interface AggregateFunction {
  readonly name: string
  /** How many columns it takes: none (counts, which also take one and skip its nulls), one, or two (value and weight). */
  readonly inputs: 0 | 1 | 2
  /** The type of its value; throws `INVALID_DEFINITION` for a column type or parameters that it cannot take. */
  result(inputs: readonly TypeData[], parameters: AggregateParameters): TypeData
  /** A new algebra, with its own working memory, for inputs and parameters that `result` accepts. */
  create(inputs: readonly TypeData[], parameters: AggregateParameters): Aggregate
}
