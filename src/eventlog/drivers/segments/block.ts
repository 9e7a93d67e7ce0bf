import { crc32 } from 'node:zlib'
import type { Micros } from '../../../lib/moment.ts'
import type { NewRecord } from '../../log.ts'

/**
 * Records are written in blocks, so that small ones share a checksum. All numbers are little-endian:
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 4 | `LSB1` |
 * | 4 | 4 | how many bytes of records follow the header |
 * | 8 | 4 | CRC-32 of all that follows, of header and records |
 * | 12 | 4 | how many records |
 * | 16 | 8 | offset of the first one, a double |
 * | 24 | 8 | when the log took the first one, in microseconds, a double; each later one a microsecond after the one before |
 * | 32 | 8 | up to which position the segment was on the disk when the block was written, a double |
 * | 40 | | the records |
 *
 * A record is its key, its value, the number of its headers, and of each the name and the value. A length stands before each
 * part, seven bits a byte; that of a key or a value is one more, and zero for null.
 */
export const headerBytes = 40
const magic = 0x3142534c
/** A block that has reached this takes no more records. */
const blockBytes = 64 * 1024
/** A buffer that has grown beyond this is not kept. */
const keptBytes = 4 * 1024 * 1024

export interface BlockHeader {
  readonly bodyBytes: number
  readonly count: number
  readonly offset: number
  readonly taken: Micros
  readonly durable: number
}

/** The header at a place of a chunk; null where none can be. */
export function readHeader(chunk: Uint8Array, at: number): BlockHeader | null {
  if (chunk.length - at < headerBytes) return null
  const view = new DataView(chunk.buffer, chunk.byteOffset + at, headerBytes)
  if (view.getUint32(0, true) !== magic) return null
  return {
    bodyBytes: view.getUint32(4, true),
    count: view.getUint32(12, true),
    offset: view.getFloat64(16, true),
    taken: view.getFloat64(24, true),
    durable: view.getFloat64(32, true),
  }
}

/** Whether the block that begins here is all there, as it was written. */
export function isWhole(chunk: Uint8Array, at: number, { bodyBytes }: BlockHeader): boolean {
  const end = at + headerBytes + bodyBytes
  if (end > chunk.length) return false
  const written = new DataView(chunk.buffer, chunk.byteOffset + at, headerBytes).getUint32(8, true)
  return crc32(chunk.subarray(at + 12, end)) === written
}

/** Where the next header may begin, from a place of a chunk on; -1 where none does. */
export function findMagic(chunk: Uint8Array, from: number): number {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).indexOf('LSB1', from, 'latin1')
}

/** Records on their way into one partition, encoded as they come. Where they lie is known only when they are written. */
export class BlockBuffer {
  #bytes = Buffer.allocUnsafeSlow(4096)
  #length = 0
  readonly #starts: number[] = []
  readonly #counts: number[] = []
  count = 0

  /** Takes a record, at the end of all. */
  add({ key, value, headers }: NewRecord): void {
    const last = this.#starts.length - 1
    if (last < 0 || this.#length - (this.#starts[last] as number) >= blockBytes) this.#begin()
    else this.#counts[last] = (this.#counts[last] as number) + 1
    this.count++
    this.#part(key)
    this.#part(value)
    this.#unsigned(headers?.length ?? 0)
    if (headers === undefined) return
    for (const header of headers) {
      this.#text(header.name)
      this.#unsigned(header.value.length)
      this.#raw(header.value)
    }
  }

  /** The bytes of all blocks, as they are written behind `position`. They are good until the buffer is cleared. */
  finish(offset: number, taken: Micros, position: number): Uint8Array {
    const bytes = this.#bytes
    let before = 0
    for (const [index, start] of this.#starts.entries()) {
      const end = this.#starts[index + 1] ?? this.#length
      const count = this.#counts[index] as number
      bytes.writeUInt32LE(magic, start)
      bytes.writeUInt32LE(end - start - headerBytes, start + 4)
      bytes.writeUInt32LE(count, start + 12)
      bytes.writeDoubleLE(offset + before, start + 16)
      bytes.writeDoubleLE(taken + before, start + 24)
      bytes.writeDoubleLE(position, start + 32)
      bytes.writeUInt32LE(crc32(bytes.subarray(start + 12, end)), start + 8)
      before += count
    }
    return bytes.subarray(0, this.#length)
  }

  /** Where the blocks begin, and how many records lie before each. */
  *blocks(): Generator<{ start: number; before: number }> {
    let before = 0
    for (const [index, start] of this.#starts.entries()) {
      yield { start, before }
      before += this.#counts[index] as number
    }
  }

  clear(): void {
    if (this.#bytes.length > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(4096)
    this.#length = 0
    this.count = 0
    this.#starts.length = 0
    this.#counts.length = 0
  }

  #begin(): void {
    this.#starts.push(this.#reserve(headerBytes))
    this.#counts.push(1)
  }

  #reserve(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, at))
      this.#bytes = larger
    }
    return at
  }

  #part(bytes: Uint8Array | null): void {
    this.#unsigned(bytes === null ? 0 : bytes.length + 1)
    if (bytes !== null) this.#raw(bytes)
  }

  #unsigned(value: number): void {
    let at = this.#reserve(5)
    let rest = value
    while (rest >= 0x80) {
      this.#bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[at++] = rest
    this.#length = at
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    // For a few bytes a loop is faster than the call.
    if (bytes.length > 24) this.#bytes.set(bytes, at)
    else for (let index = 0; index < bytes.length; index++) this.#bytes[at + index] = bytes[index] as number
  }

  #text(text: string): void {
    const length = Buffer.byteLength(text)
    this.#unsigned(length)
    const at = this.#reserve(length)
    this.#bytes.write(text, at, length, 'utf8')
  }
}
