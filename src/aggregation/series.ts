import type { Cell } from '../schema/index.ts'
import type { EventId } from './aggregate.ts'

/**
 * The values that one aggregate sees: of the events that pass its filter and whose value is not null, key after key, in
 * event order. `positions[i]` is the event of value i, and `rank[p]` the number of values before event p (one entry
 * more than events); both are null where every event has a value.
 */
export interface Series {
  readonly values: ArrayLike<Cell>
  readonly weights: ArrayLike<Cell> | null
  readonly positions: Int32Array | null
  readonly rank: Int32Array | null
  /** Of the events, by position. */
  readonly times: Float64Array
  /** Of the events; null where positions stand for them, as within one block they are in the same order. */
  readonly ids: ArrayLike<EventId> | null
}
