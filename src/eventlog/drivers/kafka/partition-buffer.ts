import type { LogRecord } from '../../log.ts'

/** What was fetched of one partition and not read yet. */
export class PartitionBuffer {
  readonly partition: number
  /** The offset to be fetched next. */
  position: number
  /** The moment of the newest record, in microseconds. */
  taken = 0
  /** Of the batches that the waiting records are views of. */
  bytes = 0
  readonly #chunks: { readonly records: readonly LogRecord[]; readonly bytes: number; at: number }[] = []

  constructor(partition: number, position: number) {
    this.partition = partition
    this.position = position
  }

  get empty(): boolean {
    return this.#chunks.length === 0
  }

  put(records: readonly LogRecord[], bytes: number): void {
    if (records.length === 0) return
    this.taken = records.at(-1)?.taken ?? this.taken
    this.bytes += bytes
    this.#chunks.push({ records, bytes, at: 0 })
  }

  /** Moves the next records to the end of `target`, until that has `limit`. */
  take(target: LogRecord[], limit: number): void {
    for (let chunk = this.#chunks[0]; chunk !== undefined && target.length < limit; chunk = this.#chunks[0]) {
      const end = Math.min(chunk.records.length, chunk.at + limit - target.length)
      for (; chunk.at < end; chunk.at++) target.push(chunk.records[chunk.at] as LogRecord)
      if (end < chunk.records.length) return
      this.bytes -= chunk.bytes
      this.#chunks.shift()
    }
  }
}
