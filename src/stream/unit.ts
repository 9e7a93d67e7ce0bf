import type { OnlineRow } from '../online/index.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'
import type { TextChange, UnitRecord } from './unit-text.ts'

/** What a unit wants stored, all or nothing. */
export interface PreparedCommit {
  readonly text: TextChange
  readonly writes: readonly { readonly table: string; readonly rows: readonly OnlineRow[] }[]
}

/**
 * What is done with the records of one partition of a feed, committed by itself: the state of a group, the history of the
 * source, or a router to an internal topic.
 */
export interface Unit {
  readonly record: UnitRecord
  /** The offset of the next record that it has not taken; those before are skipped. */
  readonly position: number
  /** Takes records in order of their offsets, up to (not including) `next`. Where it throws, it took none and may be asked again. */
  take(events: readonly StreamEvent[], poison: readonly PoisonRecord[], next: number): Promise<void>
  /** What has changed since what was prepared last; null where nothing has. `all`: also what would better wait for more. */
  prepare(all: boolean): PreparedCommit | null | Promise<PreparedCommit | null>
  /** What was prepared last is stored. */
  committed(prepared: PreparedCommit): void
}
