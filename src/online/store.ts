/**
 * The port of online stores: rows of bytes by table and key, the newest version of each, read one by one or many at once.
 * A table is one version of a feature group; what keys, versions and values mean is the caller's affair.
 * `docs/guide/new-online-store.md` says how to write a driver.
 */
export interface OnlineStore {
  /** The name of the driver, as messages and metrics give it: `lmdb`. */
  readonly name: string
  readonly capabilities: OnlineStoreCapabilities

  /**
   * The values of all keys of all reads, in their order; null where no row is stored, whatever the reason. One call is one round
   * trip where the store is remote. Each value is whole: that of one write, never half of it. Values are copies that stay as they are.
   */
  read(reads: readonly OnlineRead[]): Promise<OnlineValues[]>

  /** `read` without waiting, where the store is in the process. All values of one call are those of one moment. */
  readSync?(reads: readonly OnlineRead[]): OnlineValues[]

  /**
   * Stores each row unless a newer version of it is stored. A row replaces the stored one iff its version is equal or comes later
   * in byte order (`compareBytes`), so the newest wins in whatever order rows are written, and writing again changes nothing. The
   * check holds against all other writers. Of rows with equal key and version in one call the last one wins.
   *
   * Resolves when all rows are visible to every reader, and durable where the store is. When it rejects, or its process dies, any of
   * the rows may be stored and the others not: write them again. Rows are not to be changed before it settles. Large calls are faster.
   */
  write(table: string, rows: readonly OnlineRow[]): Promise<WriteResult>

  /** Removes the rows of these keys; resolves to how many there were. Nothing remains of them: an older write would be accepted. */
  delete(table: string, keys: readonly Uint8Array[]): Promise<number>

  /** After rows of these tables were deleted: overwrites what is left of them in the store's files, where deleting does not. */
  scrub?(tables: readonly string[]): Promise<void>

  /** Every row that is there from the first step to the last, once, in any order. Rows written or removed meanwhile may be missing. */
  scan(table: string): AsyncIterable<OnlineRow>

  /** The tables that hold a row or a text, in alphabetical order. */
  tables(): Promise<string[]>

  /** Removes all rows of the table and its text. A table that holds nothing is dropped as well as one that never did. */
  drop(table: string): Promise<void>

  /** The text that was written beside the rows of the table, for what describes them; null when there is none. */
  readMeta(table: string): Promise<string | null>

  /** Replaces the text of the table at once: a reader sees the old or the new one. */
  writeMeta(table: string, text: string): Promise<void>

  /**
   * One step, whole or not at all, where the store is capable of `transactions`: iff each text is what its `expected` says (null:
   * there is none), replaces all of them and stores all rows. Resolves to whether it did; to false when nothing was stored because
   * a text is another. The check holds against all other writers, so of two that expect the same text one succeeds. Without texts
   * it always does. No text may be named twice.
   *
   * The texts decide and not the versions: a row replaces whatever is stored, and of rows with equal key in one call the last one
   * stays. Resolves when all of it is visible to every reader, and durable where the store is; a reader sees all of it or none.
   * When it rejects, nothing is stored, unless the error or the end of its process came after the last step: read the texts to know.
   */
  commit?(texts: readonly TextChange[], writes: readonly TableRows[]): Promise<boolean>

  /** Waits for the writes under way and lets go of what the store holds. Whatever else is called later throws `INVALID_ARGUMENT`. */
  close(): Promise<void>
}

/** What a driver promises beyond the port. The conformance suite tests a driver by these. */
export interface OnlineStoreCapabilities {
  /** Rows are there after `close` and after the process is killed. */
  readonly durable: boolean
  /** Several processes may use the same rows at the same time. */
  readonly sharedByProcesses: boolean
  /** It has `commit`. */
  readonly transactions: boolean
  /**
   * Which tables one `commit` may name: any, or those of one family (`tableFamily`); more are refused with `INVALID_ARGUMENT`.
   * Default: `store`.
   */
  readonly transactionsWithin?: 'store' | 'family'
  /** Longer keys are never stored: `write` refuses them with `INVALID_ARGUMENT`, to the others they are keys without a row. */
  readonly maxKeyBytes: number
}

export interface OnlineRead {
  readonly table: string
  readonly keys: readonly Uint8Array[]
}

export type OnlineValues = (Uint8Array | null)[]

export interface OnlineRow {
  /** Any bytes, none at all included. */
  readonly key: Uint8Array
  /** Decides which of two rows is newer, by byte order; at most 65,535 bytes. */
  readonly version: Uint8Array
  readonly value: Uint8Array
}

/** What the text of a table has to be, and what it becomes. */
export interface TextChange {
  readonly table: string
  /** Null: there is none. */
  readonly expected: string | null
  readonly text: string
}

export interface TableRows {
  readonly table: string
  readonly rows: readonly OnlineRow[]
}

export interface WriteResult {
  /** How many rows were stored. */
  readonly written: number
  /** How many were not, because a newer version was there. */
  readonly older: number
}
