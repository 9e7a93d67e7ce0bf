import { crc32 } from 'node:zlib'
import type { Disk, DiskFile } from '../../../lib/disk.ts'
import type { Micros } from '../../../lib/moment.ts'

/** Where a partition ends: what is behind it was not acknowledged and is not there for readers. */
export interface End {
  /** The offset of the first record that is kept. */
  readonly first: number
  /** The offset of the next record to come. */
  readonly next: number
  /** The segment that is written, by its first offset. */
  readonly segment: number
  /** Where the next block of it begins. */
  readonly position: number
  /** Up to where it is known to be on the disk. */
  readonly durable: number
  /** When the log took the last record. */
  readonly taken: Micros
}

export const nothingYet: End = { first: 0, next: 0, segment: 0, position: 0, durable: 0, taken: 0 }

const slotBytes = 64
const crcAt = 48

/**
 * The file that tells the processes of a topic where its partitions end, a slot for each. It is written after the records are on
 * the disk and is itself never waited for: after a loss of power it may be old or broken, and the segments tell the rest.
 */
export class EndsFile {
  readonly #file: DiskFile
  readonly #partitions: number

  constructor(file: DiskFile, partitions: number) {
    this.#file = file
    this.#partitions = partitions
  }

  static async open(disk: Disk, path: string, partitions: number): Promise<EndsFile> {
    return new EndsFile(await disk.create(path), partitions)
  }

  /** By partition; null for a slot that was never written or is broken. */
  async read(): Promise<(End | null)[]> {
    const bytes = new Uint8Array(this.#partitions * slotBytes)
    await this.#file.read(0, bytes)
    return Array.from({ length: this.#partitions }, (_, partition) => decode(bytes, partition * slotBytes))
  }

  /** Writes the slots of all partitions. */
  async write(ends: readonly End[]): Promise<void> {
    const bytes = new Uint8Array(ends.length * slotBytes)
    for (const [partition, end] of ends.entries()) encode(end, bytes, partition * slotBytes)
    await this.#file.write(0, bytes)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

function encode({ first, next, segment, position, durable, taken }: End, bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, at, slotBytes)
  for (const [index, value] of [first, next, segment, position, durable, taken].entries()) view.setFloat64(index * 8, value, true)
  view.setUint32(crcAt, crc32(bytes.subarray(at, at + crcAt)), true)
}

function decode(bytes: Uint8Array, at: number): End | null {
  const view = new DataView(bytes.buffer, at, slotBytes)
  const values = Array.from({ length: 6 }, (_, index) => view.getFloat64(index * 8, true))
  const [first = 0, next = 0, segment = 0, position = 0, durable = 0, taken = 0] = values
  // The CRC of zeros is not zero, so a slot that was never written is not mistaken for one.
  return view.getUint32(crcAt, true) === crc32(bytes.subarray(at, at + crcAt)) ? { first, next, segment, position, durable, taken } : null
}
