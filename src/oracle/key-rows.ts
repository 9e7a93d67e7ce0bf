import type { SourceData } from '../definition/index.ts'
import { type OracleRow, timeOf } from './oracle.ts'

/** The rows of one key in order of time, so that the oracle need not be given those of the far future. */
export interface KeyRows {
  readonly rows: readonly OracleRow[]
  readonly times: Float64Array
  /** Whether an event comes in several versions: a later one, moved in time, then unmakes an earlier one. */
  readonly versions: boolean
}

export function keyRows(source: SourceData, rows: readonly OracleRow[]): KeyRows {
  const sorted = rows.toSorted((a, b) => timeOf(source, source.time, a) - timeOf(source, source.time, b))
  const ids = new Set(rows.map((row) => JSON.stringify(source.id.map((column) => String(row[column])))))
  return {
    rows: sorted,
    times: Float64Array.from(sorted, (row) => timeOf(source, source.time, row)),
    versions: source.id.length > 0 && ids.size < rows.length,
  }
}

/** The rows up to the moment itself, at which the oracle decides; all of them where there are several versions of an event. */
export function rowsUntil({ rows, times, versions }: KeyRows, moment: number): readonly OracleRow[] {
  if (versions) return rows
  let end = 0
  let after = rows.length
  while (end < after) {
    const middle = (end + after) >>> 1
    if ((times[middle] as number) <= moment) end = middle + 1
    else after = middle
  }
  return rows.slice(0, end)
}
