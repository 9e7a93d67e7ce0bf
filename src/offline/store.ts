import type { Micros } from '../lib/moment.ts'
import type { TypeData } from '../schema/index.ts'
import type { Batch } from './batch.ts'
import type { RowMatch } from './erase-rows.ts'

/**
 * The port of offline stores: the values of feature groups as of moments, written interval by interval and never changed.
 * Values are plain rows; which group, version and interval they belong to, and what the columns mean, is the caller's affair.
 */
export interface OfflineStore {
  /** The name of the driver, as messages give it: `parquet`. */
  readonly name: string
  readonly capabilities: OfflineStoreCapabilities

  /**
   * Writes all rows of one interval, at once: a reader sees none of them or all, also where the writer is killed, and its
   * leftovers are cleared by the next one. The order of the rows does not matter.
   *
   * The interval written before with equal content is `unchanged`, and nothing is written. Throws `IMMUTABLE_VERSION` where it
   * holds other content, or where any interval of this version was written from another definition or with other columns;
   * `INVALID_ARGUMENT` where it overlaps a written one, or a moment lies outside it; `STORE_LOCKED` while another writer is at work
   * on the same group and version.
   */
  write(target: StoredGroup, interval: IntervalValues): Promise<IntervalWritten>

  /** What is written, in order of time. No two intervals overlap. */
  intervals(target: StoredGroup): Promise<StoredInterval[]>

  /** The rows whose moments lie in `range` (all by default), in order of moments and then of the columns as they stand. */
  read(target: StoredGroup, range?: Interval): AsyncIterable<Batch>

  /** A SELECT of the same rows, in any order, for the batch engine, where the store can give one: see `capabilities.sql`. */
  scanSql?(target: StoredGroup, range?: Interval): Promise<string>

  /** All groups and versions of which something is written, by name and version. */
  groups(): Promise<StoredGroup[]>

  /** Reads everything of a group again and compares it with what was recorded; resolves to what is wrong, one text for each. */
  verify(target: StoredGroup): Promise<string[]>

  /**
   * Erases the rows that match, in every interval of the group and version, where the store can: each interval is as it was or
   * without them, also where the work is killed, and what held them is removed. With `dryRun` it only looks.
   */
  erase?(target: StoredGroup, match: RowMatch, dryRun?: boolean): Promise<ErasedRows>

  close(): Promise<void>
}

export interface ErasedRows {
  readonly rows: number
  /** The files that held them. */
  readonly files: readonly string[]
}

/** What a driver promises beyond the port. The conformance suite tests a driver by these. */
export interface OfflineStoreCapabilities {
  /** Values are there after `close` and after the process is killed. */
  readonly durable: boolean
  /** Several processes may use the same values at the same time. */
  readonly sharedByProcesses: boolean
  /** `scanSql` gives SQL that DuckDB can run. */
  readonly sql: boolean
}

export interface StoredGroup {
  readonly group: string
  readonly version: number
}

/** Moments from `from` (included) to `to` (not included). */
export interface Interval {
  readonly from: Micros
  readonly to: Micros
}

/** What is written of an interval. */
export interface IntervalValues extends Interval {
  /** The hash of the definition that the values were computed by. */
  readonly definitionHash: string
  /** Name and type of each column, keys first; an interval may have no rows, but has columns. */
  readonly columns: Readonly<Record<string, TypeData>>
  /** The column that holds the moment as of which a row is; a timestamp that is never null. */
  readonly moment: string
  readonly rows: AsyncIterable<Batch> | Iterable<Batch>
  /** What the values were made from, such as the files of the source; recorded, and not compared. Must be JSON. */
  readonly made?: Readonly<Record<string, unknown>>
}

export interface IntervalWritten {
  readonly status: 'written' | 'unchanged'
  readonly rows: number
}

/** What is recorded of an interval. */
export interface StoredInterval extends Interval {
  readonly definitionHash: string
  readonly columns: Readonly<Record<string, TypeData>>
  readonly moment: string
  readonly rows: number
  /** How many values of each column are null. */
  readonly nulls: Readonly<Record<string, number>>
  /** Equal where, and only where, the rows are equal. */
  readonly contentHash: string
  readonly files: readonly StoredFile[]
  /** When it was written. */
  readonly written: Micros
  readonly made: Readonly<Record<string, unknown>>
}

/** A file that holds rows of an interval; none where the store keeps no files. */
export interface StoredFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

/** The parts of `range` that none of the intervals covers, in order. */
export function missingIntervals(written: readonly Interval[], range: Interval): Interval[] {
  const missing: Interval[] = []
  let from = range.from
  for (const interval of [...written].sort((a, b) => a.from - b.from)) {
    if (interval.to <= from || interval.from >= range.to) continue
    if (interval.from > from) missing.push({ from, to: interval.from })
    from = Math.max(from, interval.to)
  }
  if (from < range.to) missing.push({ from, to: range.to })
  return missing
}
