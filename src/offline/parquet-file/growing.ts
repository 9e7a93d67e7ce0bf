/** Bytes at the end of which values are written. */
export class GrowingBytes {
  #bytes = Buffer.allocUnsafeSlow(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The bytes so far, valid until more are added. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** A text as UTF-8 behind its length in four bytes. */
  text(value: string): void {
    const start = this.#reserve(4 + value.length * 3)
    const bytes = this.#bytes
    let at = start + 4
    // Short ASCII, which most texts are, without a call.
    const short = value.length <= 32
    for (let index = 0; short && index < value.length; index++) {
      const unit = value.charCodeAt(index)
      if (unit >= 0x80) break
      bytes[at++] = unit
    }
    if (at - start - 4 !== value.length) at = start + 4 + bytes.write(value, start + 4)
    bytes.writeInt32LE(at - start - 4, start)
    this.#length = at
  }

  float32(value: number): void {
    this.#length = this.#bytes.writeFloatLE(value, this.#reserve(4))
  }

  #reserve(count: number): number {
    const at = this.#length
    if (at + count > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(at + count, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}

/** Numbers of one width, at the end of which more are written. */
export class GrowingNumbers<T extends Float64Array | BigInt64Array | Int32Array | Uint8Array> {
  #items: T
  #length = 0
  readonly #make: (length: number) => T

  constructor(make: (length: number) => T, first?: T) {
    this.#make = make
    this.#items = make(Math.max(1024, 2 * (first?.length ?? 0)))
    if (first === undefined) return
    this.#items.set(first as never)
    this.#length = first.length
  }

  get length(): number {
    return this.#length
  }

  /** The items so far, valid until more are added. */
  get items(): T {
    return this.#items.subarray(0, this.#length) as T
  }

  get bytes(): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.items
    return new Uint8Array(buffer, byteOffset, byteLength)
  }

  push(value: T[number]): void {
    if (this.#length === this.#items.length) {
      const larger = this.#make(this.#length * 2)
      larger.set(this.#items as never)
      this.#items = larger
    }
    this.#items[this.#length++] = value as never
  }
}
