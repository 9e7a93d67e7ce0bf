import { type Cell, isFloat64Kind, type TypeData } from '../schema/index.ts'

/**
 * One column of a batch. Integer, float, decimal (scaled), timestamp (microseconds), date (days) and boolean (0 or 1) come as
 * a Float64Array, whose elements are undefined where the value is null; the other kinds as cells.
 */
export interface BatchColumn {
  readonly values: Float64Array | readonly Cell[]
  /** 1 where the value is null; null when none is. */
  readonly nulls: Uint8Array | null
}

/** Rows, column by column. `count` says how many; arrays may be longer. */
export interface Batch {
  readonly count: number
  readonly columns: readonly BatchColumn[]
}

/** The cell in a row of a column. */
export function cellAt(type: TypeData, column: BatchColumn, row: number): Cell {
  if (column.nulls !== null && column.nulls[row] === 1) return null
  const value = column.values[row] as Cell
  return type.kind === 'boolean' && typeof value === 'number' ? value === 1 : value
}

/** Whether a kind travels as a Float64Array. */
export const isNumeric = (type: TypeData): boolean => isFloat64Kind(type.kind)

/** Cells as a column of a batch. */
export function columnOf(type: TypeData, cells: readonly Cell[]): BatchColumn {
  let nulls: Uint8Array | null = null
  cells.forEach((cell, row) => {
    if (cell !== null) return
    nulls ??= new Uint8Array(cells.length)
    nulls[row] = 1
  })
  return { values: isNumeric(type) ? Float64Array.from(cells, Number) : cells, nulls }
}
