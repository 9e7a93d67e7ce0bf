import type { EventId } from '../aggregation/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'

/** The cells of one column; `nulls[row]` is 1 where there is none. Numbers, and booleans as 0 and 1, may lie in a Float64Array. */
export interface CellColumn {
  readonly values: Float64Array | readonly Cell[]
  readonly nulls: Uint8Array | null
}

/** Events of one key after the other, those of a key in order of `(event time, id)`. */
export interface EventBlock {
  readonly times: Float64Array
  /** Only where the ids leave the block, as in stored state; within it, positions are in the same order. */
  readonly ids: ArrayLike<EventId> | null
  readonly columns: ReadonlyMap<string, CellColumn>
  /** Position of the first event of each key, and at last the number of events. */
  readonly keyStarts: ArrayLike<number>
}

/** Reads a column as a function of the row. */
export function cellReader(type: TypeData, { values, nulls }: CellColumn): (row: number) => Cell {
  const read: (row: number) => Cell =
    type.kind === 'boolean' && values instanceof Float64Array ? (row) => values[row] === 1 : (row) => values[row] as Cell
  return nulls ? (row) => (nulls[row] === 1 ? null : read(row)) : read
}
