import type { LogRecord, RecordPosition } from '../eventlog/index.ts'
import type { Micros } from '../lib/moment.ts'
import type { Cell } from '../schema/index.ts'

/** A valid record of a feed, decoded once for all units of its partition. */
export interface StreamEvent extends RecordPosition {
  /** The record as the log gave it. */
  readonly record: LogRecord
  /** Where and when the source's own topic took it; the same as the record's, but for records of internal topics. */
  readonly origin: RecordPosition & { readonly taken: Micros }
  /** In order of the source's declared columns. */
  readonly cells: readonly Cell[]
  readonly time: Micros
  /** From when it counts as known: the declared column, or else when the log took it. */
  readonly known: Micros
}

/** A record that is no event of its source, and why. */
export interface PoisonRecord {
  readonly record: LogRecord
  readonly reason: string
}
