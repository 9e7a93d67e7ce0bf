import type { Micros } from '../lib/moment.ts'

/**
 * The port of event logs: records of bytes in topics, each topic cut into partitions, each partition in the order in which it
 * took the records. What keys and values mean is the caller's affair.
 */
export interface EventLog {
  /** The name of the driver, as messages give it: `segments`, `kafka`. */
  readonly name: string
  readonly capabilities: EventLogCapabilities

  /** Makes the topic unless it is there. Throws `INVALID_ARGUMENT` where it is there with another number of partitions. */
  createTopic(topic: string, partitions: number): Promise<void>

  /** The names of the topics that are there, in order; of a broker also those of others. */
  topics(): Promise<string[]>

  /** How many partitions the topic has; null where there is no such topic. */
  partitions(topic: string): Promise<number | null>

  /**
   * Appends records and resolves, in their order, to where each one lies, once all of them are durable. Records of one key go to
   * one partition and keep their order, which is that of the calls, also of calls under way at once. When it rejects, or its
   * process dies, any of them may have been appended: sending them again is safe where the reader tells events by an id. What is
   * refused with `INVALID_ARGUMENT` is refused before anything is appended.
   */
  append(topic: string, records: readonly NewRecord[]): Promise<RecordPosition[]>

  /** Joins the readers of a topic that share its partitions under a group's name. Partitions come later, by `assigned`. */
  consume(topic: string, options: ConsumeOptions): Promise<Consumer>

  /** By partition, the offset of the first record that is still there and of the next one to come. */
  offsets(topic: string): Promise<readonly PartitionOffsets[]>

  /**
   * Erases the records of which the test says so, where the log can: they keep their places, and nothing of what they said is on the
   * disk any more (`isErased`). Readers that are at work may still give what they have read ahead. With `dryRun` it only looks.
   */
  erase?(topic: string, test: (record: LogRecord) => boolean | Promise<boolean>, dryRun?: boolean): Promise<ErasedRecords>

  /**
   * Removes all records before these offsets, by partition, where the log cannot erase single ones: nobody can read them any more. The
   * log's files may hold them until it removes them.
   */
  truncate?(topic: string, before: ReadonlyMap<number, number>): Promise<void>

  /** Waits for what is under way, closes the readers and lets go of everything. What is called later throws `INVALID_ARGUMENT`. */
  close(): Promise<void>
}

export interface ErasedRecords {
  readonly records: number
  /** The files that held them. */
  readonly files: readonly string[]
}

/** What a driver promises beyond the port. The conformance suite tests a driver by these. */
export interface EventLogCapabilities {
  /** Records are there after `close` and after the process is killed. */
  readonly durable: boolean
  /** Several processes may use the same log at the same time. */
  readonly sharedByProcesses: boolean
}

export interface NewRecord {
  /** Decides the partition; records without a key are spread. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
  /** Overrides the partition that the key would give. */
  readonly partition?: number
}

export interface RecordHeader {
  readonly name: string
  readonly value: Uint8Array
}

export interface RecordPosition {
  readonly partition: number
  readonly offset: number
}

/** Its bytes may be views of what was read in one go: who keeps one for long copies it (`value.slice()`). */
export interface LogRecord extends RecordPosition {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
  /** When the log took the record, in microseconds; never less than that of the record before it in the partition. */
  readonly taken: Micros
}

export interface PartitionOffsets {
  readonly partition: number
  /** Of the first record that is still there; `next` where there is none. */
  readonly first: number
  /** Of the next record to come. */
  readonly next: number
}

export interface ConsumeOptions {
  /** Readers of one group share the partitions: each is read by one of them at a time. */
  readonly group: string
  /**
   * Called when partitions come to this reader; gives the offset to go on from for each. Nothing of these partitions is read before
   * it resolves. One call of `assigned` or `revoked` ends before the next begins. What either throws, or an offset beyond the end
   * (`INVALID_ARGUMENT`), comes out of `read`, and the reader leaves the group.
   */
  readonly assigned: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>
  /**
   * Called when partitions go to another reader. It has not got them before this resolves, unless this reader is taken for dead:
   * then both may read for a while, and what they write has to be fenced by its store.
   */
  readonly revoked: (partitions: readonly number[]) => Promise<void>
  /** How long a reader may be silent before it is taken for dead, in milliseconds. Default: 10,000. */
  readonly sessionTimeout?: number
}

/**
 * One reader of a group. It is pulled: nothing is fetched beyond a bounded buffer while the caller is busy, which is the
 * back-pressure. Membership is kept up by itself as long as the process runs.
 */
export interface Consumer {
  /**
   * Some records of the partitions that are assigned, in order within each partition, at most `limit`; those that there are
   * as soon as there are any, none after `wait` milliseconds or when the reader is closed. An offset below the first one kept goes on
   * from the first one. Throws `STORE_CORRUPT` where what the log holds is not what was appended.
   */
  read(limit: number, wait: number): Promise<readonly LogRecord[]>

  /** The partitions that this reader has now. */
  readonly assignment: readonly number[]

  /** Tells the log how far the group has come, for reports of lag only: where to go on from is `assigned`'s to say. */
  report(positions: ReadonlyMap<number, number>): Promise<void>

  /** Leaves the group after `revoked`; others take the partitions at once. */
  close(): Promise<void>
}
