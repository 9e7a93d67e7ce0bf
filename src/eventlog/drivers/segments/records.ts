import type { LogRecord, RecordHeader } from '../../log.ts'
import { type BlockHeader, headerBytes } from './block.ts'

const noHeaders: readonly RecordHeader[] = []

/** Goes through the records of one block, which is known to be whole. Their parts are views of its bytes, not copies. */
export class BlockRecords {
  readonly #chunk: Buffer
  readonly #partition: number
  #at: number
  #offset: number
  #taken: number
  /** How many are still to come. */
  remaining: number

  constructor(chunk: Buffer, at: number, { offset, taken, count }: BlockHeader, partition: number) {
    this.#chunk = chunk
    this.#partition = partition
    this.#at = at + headerBytes
    this.#offset = offset
    this.#taken = taken
    this.remaining = count
  }

  next(): LogRecord {
    const key = this.#part()
    const value = this.#part()
    const count = this.#unsigned()
    const headers = count === 0 ? noHeaders : Array.from({ length: count }, () => this.#header())
    this.remaining--
    return { partition: this.#partition, offset: this.#offset++, key, value, headers, taken: this.#taken++ }
  }

  /** Skips the records before an offset. */
  skipTo(offset: number): void {
    while (this.remaining > 0 && this.#offset < offset) this.next()
  }

  #header(): RecordHeader {
    const length = this.#unsigned()
    const name = this.#chunk.toString('utf8', this.#at, this.#at + length)
    this.#at += length
    return { name, value: this.#raw(this.#unsigned()) }
  }

  #part(): Uint8Array | null {
    const length = this.#unsigned()
    return length === 0 ? null : this.#raw(length - 1)
  }

  #unsigned(): number {
    const chunk = this.#chunk
    let byte = chunk[this.#at++] as number
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = chunk[this.#at++] as number
      value |= (byte & 0x7f) << shift
    }
    return value
  }

  #raw(length: number): Uint8Array {
    const { buffer, byteOffset } = this.#chunk
    const at = this.#at
    this.#at += length
    return new Uint8Array(buffer, byteOffset + at, length)
  }
}
