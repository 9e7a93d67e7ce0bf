import { ByteWriter } from '../lib/bytes.ts'
import type { OnlineRow } from '../online/index.ts'

/** What is given to a store at once: some ten milliseconds of its work. What is packed is then written while it is in the cache. */
const fullRows = 4096
const fullBytes = 4 * 1024 * 1024

/**
 * Rows on their way to a store, packed one behind the other: memory of its own for each part of each row would cost more than
 * all that is written into it.
 */
export class PackedRows {
  /** Takes the key of a row, then its version, then its value; `end` closes each of them. */
  readonly writer = new ByteWriter()
  #ends: number[] = []

  end(): void {
    this.#ends.push(this.writer.length)
  }

  get full(): boolean {
    return this.#ends.length >= fullRows * 3 || this.writer.length >= fullBytes
  }

  /** The rows since the last call. */
  take(): OnlineRow[] {
    const { buffer } = this.writer.finish()
    const rows: OnlineRow[] = []
    let start = 0
    for (let part = 0; part < this.#ends.length; part += 3) {
      const [keyEnd, versionEnd, end] = [this.#ends[part], this.#ends[part + 1], this.#ends[part + 2]] as [number, number, number]
      rows.push({
        key: new Uint8Array(buffer, start, keyEnd - start),
        version: new Uint8Array(buffer, keyEnd, versionEnd - keyEnd),
        value: new Uint8Array(buffer, versionEnd, end - versionEnd),
      })
      start = end
    }
    this.writer.clear()
    this.#ends = []
    return rows
  }
}
