import { LockstepError } from '../errors.ts'

const textEncoder = new TextEncoder()
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Up to this many bytes a loop is faster than the encoder and the decoder. */
const shortText = 16
/** The characters of a short text while it is made, by their number: one call with all of them makes no texts in between. */
const characters = Array.from({ length: shortText + 1 }, (_, count) => new Array<number>(count).fill(0))

/** Appends little-endian values to a buffer that grows by itself. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  #length = 0

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  #reserve(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }

  get length(): number {
    return this.#length
  }

  byte(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  /** A whole number from 0 to 2^53 - 1, seven bits a byte. */
  unsigned(value: number): this {
    let rest = value
    while (rest >= 2 ** 31) {
      const next = Math.floor(rest / 0x80)
      this.byte((rest - next * 0x80) | 0x80)
      rest = next
    }
    for (; rest >= 0x80; rest >>>= 7) this.byte((rest & 0x7f) | 0x80)
    return this.byte(rest)
  }

  /** A safe integer of either sign. */
  signed(value: number): this {
    return value < 0 ? this.byte(1).unsigned(-value) : this.byte(0).unsigned(value)
  }

  float64(value: number): this {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, value, true)
    return this
  }

  int64(value: bigint): this {
    const at = this.#reserve(8)
    this.#view.setBigInt64(at, value, true)
    return this
  }

  /** The 64 bits of two integers, the highest first: unlike all else here, so that bytes sort as numbers from 0 up do. */
  ordered64(high: number, low: number): this {
    const at = this.#reserve(8)
    this.#view.setInt32(at, high)
    this.#view.setInt32(at + 4, low)
    return this
  }

  bytes(value: Uint8Array): this {
    this.unsigned(value.length)
    return this.raw(value)
  }

  raw(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#bytes.set(value, at)
    return this
  }

  /** Well-formed text as UTF-8 after its length in bytes. */
  string(value: string): this {
    return this.#ascii(value) ? this : this.bytes(textEncoder.encode(value))
  }

  /** Short ASCII text, which most values are, without the call into the encoder; false, and nothing written, for other text. */
  #ascii(value: string): boolean {
    const count = value.length
    if (count > shortText) return false
    const start = this.#reserve(count + 1)
    const bytes = this.#bytes
    bytes[start] = count
    for (let index = 0; index < count; index++) {
      const unit = value.charCodeAt(index)
      if (unit >= 0x80) {
        this.#length = start
        return false
      }
      bytes[start + 1 + index] = unit
    }
    return true
  }

  /** Forgets what was written but keeps the memory: one writer serves many values, as allocation costs more than writing. */
  clear(): this {
    this.#length = 0
    return this
  }

  /** The bytes written so far, without a copy; the writer begins anew in other memory. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.#length)
    this.#bytes = new Uint8Array(64)
    this.#view = new DataView(this.#bytes.buffer)
    this.#length = 0
    return bytes
  }

  /** The bytes written so far, as a copy. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }
}

let view: DataView = new DataView(new ArrayBuffer(0))

/** Values that are read one after the other mostly lie in the same memory: a view for each of them would take as long as reading it. */
function viewOf(memory: ArrayBufferLike): DataView {
  if (view.buffer !== memory) view = new DataView(memory)
  return view
}

/** Reads what `ByteWriter` wrote. Throws `STORE_CORRUPT` past the end. */
export class ByteReader {
  readonly #bytes: Uint8Array
  /** Made when it is first needed: what asks for the memory of bytes leaves compiled code. */
  #view: DataView | null = null
  #at: number

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes
    this.#at = offset
  }

  #numbers(): DataView {
    this.#view ??= viewOf(this.#bytes.buffer)
    return this.#view
  }

  get offset(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  #take(count: number): number {
    const at = this.#at
    if (count > this.#bytes.length - at)
      throw new LockstepError('STORE_CORRUPT', `A stored value ends after ${this.#bytes.length} bytes, ${count} more expected at ${at}`)
    this.#at = at + count
    return at
  }

  byte(): number {
    return this.#bytes[this.#take(1)] as number
  }

  unsigned(): number {
    const bytes = this.#bytes
    let at = this.#at
    let value = 0
    // Shifts take 32 bits.
    for (let shift = 0; shift < 28 && at < bytes.length; shift += 7) {
      const byte = bytes[at++] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.#at = at
        return value
      }
    }
    for (let scale = 2 ** 28; at < bytes.length; scale *= 0x80) {
      const byte = bytes[at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        this.#at = at
        return value
      }
    }
    this.#at = at
    return this.#take(1)
  }

  signed(): number {
    const negative = this.byte() === 1
    const value = this.unsigned()
    return negative ? -value : value
  }

  float64(): number {
    const at = this.#bytes.byteOffset + this.#take(8)
    return this.#numbers().getFloat64(at, true)
  }

  int64(): bigint {
    const at = this.#bytes.byteOffset + this.#take(8)
    return this.#numbers().getBigInt64(at, true)
  }

  bytes(): Uint8Array {
    return this.raw(this.unsigned())
  }

  /** A view, not a copy, of the next bytes. */
  raw(count: number): Uint8Array {
    const at = this.#take(count)
    return this.#bytes.subarray(at, at + count)
  }

  string(): string {
    const count = this.unsigned()
    const at = this.#take(count)
    if (count <= shortText) {
      const codes = characters[count] as number[]
      let all = 0
      for (let index = 0; index < count; index++) {
        const byte = this.#bytes[at + index] as number
        codes[index] = byte
        all |= byte
      }
      if (all < 0x80) return String.fromCharCode(...codes)
    }
    return textDecoder.decode(this.#bytes.subarray(at, at + count))
  }
}
