import { formatDecimal } from './decimal.ts'
import { formatDate } from './moment.ts'

/** Scratch memory beyond this is given away with what was written rather than kept. */
const mostKept = 1 << 20
/** Up to this many characters a loop is faster than leaving compiled code. */
const shortText = 256
/** The whole numbers that the processor has, but the one without an opposite. */
const largest = 2 ** 31 - 1
const smallest = -(2 ** 31)
const powers = Array.from({ length: 10 }, (_, digits) => 10 ** digits)

/**
 * Writes JSON as UTF-8 bytes: numbers and texts as `JSON.stringify` writes them, without a string for each. One writer serves many
 * answers, one after the other.
 */
export class JsonWriter {
  #bytes = Buffer.allocUnsafeSlow(4096)
  #length = 0

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#length + count, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }

  /** One character of ASCII, by its code. */
  byte(code: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = code
    return this
  }

  /** What is JSON already. */
  raw(json: string): this {
    const count = json.length
    this.#reserve(count * 3)
    const start = this.#length
    if (count <= shortText) {
      const bytes = this.#bytes
      let index = 0
      for (; index < count; index++) {
        const unit = json.charCodeAt(index)
        if (unit >= 0x80) break
        bytes[start + index] = unit
      }
      if (index === count) {
        this.#length = start + count
        return this
      }
    }
    this.#length = start + this.#bytes.write(json, start)
    return this
  }

  /** As `raw`, of text that was made bytes before, or of the beginning of it. */
  fragment(json: Uint8Array, length = json.length): this {
    this.#reserve(length)
    this.#bytes.set(length === json.length ? json : json.subarray(0, length), this.#length)
    this.#length += length
    return this
  }

  /** A text in quotes. */
  text(value: string): this {
    const count = value.length
    this.#reserve(count + 2)
    const bytes = this.#bytes
    let at = this.#length
    bytes[at++] = 0x22
    for (let index = 0; index < count; index++) {
      const unit = value.charCodeAt(index)
      // Few texts have what is escaped, or takes several bytes.
      if (unit < 0x20 || unit >= 0x80 || unit === 0x22 || unit === 0x5c) return this.raw(JSON.stringify(value))
      bytes[at++] = unit
    }
    bytes[at++] = 0x22
    this.#length = at
    return this
  }

  /** A finite number. */
  number(value: number): this {
    if ((value | 0) === value && value !== smallest) return this.#fixed(value | 0, 0)
    // Most fractions have few digits. No two decimals of fifteen digits or fewer are one double: what gives it back is its shortest.
    const rounded = Math.round(value * 1000)
    if (rounded <= largest && rounded >= -largest && rounded / 1000 === value) {
      const thousandths = rounded | 0
      if (thousandths % 10 !== 0) return this.#fixed(thousandths, 3)
      return thousandths % 100 !== 0 ? this.#fixed((thousandths / 10) | 0, 2) : this.#fixed((thousandths / 100) | 0, 1)
    }
    // Not `String(value)`, which puts every text into a cache: half as long again.
    return this.raw(JSON.stringify(value))
  }

  /** `1250` with scale 2 is 12.50. */
  decimal(scaled: number, scale: number): this {
    return (scaled | 0) === scaled && scaled !== smallest && scale < powers.length
      ? this.#fixed(scaled | 0, scale)
      : this.raw(formatDecimal(scaled, scale))
  }

  /** The moment at so many microseconds, in quotes, as `formatMoment` gives it. */
  moment(micros: number): this {
    const second = Math.floor(micros / 1_000_000)
    const day = Math.floor(second / 86_400)
    const inDay = second - day * 86_400
    const fraction = micros - second * 1_000_000
    this.byte(0x22).raw(formatDate(day))
    this.#reserve(18)
    this.#mark(0x54)
    this.#padded(Math.floor(inDay / 3600), 2)
    this.#mark(0x3a)
    this.#padded(Math.floor(inDay / 60) % 60, 2)
    this.#mark(0x3a)
    this.#padded(inDay % 60, 2)
    if (fraction !== 0) {
      this.#mark(0x2e)
      if (fraction % 1000 === 0) this.#padded(fraction / 1000, 3)
      else this.#padded(fraction, 6)
    }
    this.#mark(0x5a)
    this.#mark(0x22)
    return this
  }

  /** A whole number of 32 bits, so many of its digits behind the point. */
  #fixed(whole: number, scale: number): this {
    this.#reserve(14)
    let size = whole
    if (whole < 0) {
      this.#mark(0x2d)
      size = -whole
    }
    const unit = powers[scale] as number
    const before = scale === 0 ? size : (size / unit) | 0
    let count = 1
    while (count < powers.length && before >= (powers[count] as number)) count++
    this.#padded(before, count)
    if (scale === 0) return this
    this.#mark(0x2e)
    this.#padded(size - before * unit, scale)
    return this
  }

  /** The last `count` digits of a whole number from 0 up. Room for them is there. */
  #padded(whole: number, count: number): void {
    const bytes = this.#bytes
    // Known to have 32 bits, it is divided as a whole number rather than as a double.
    let rest = whole | 0
    for (let at = this.#length + count - 1; at >= this.#length; at--) {
      const next = (rest / 10) | 0
      bytes[at] = 0x30 + rest - next * 10
      rest = next
    }
    this.#length += count
  }

  /** A character that there is room for. */
  #mark(code: number): void {
    this.#bytes[this.#length++] = code
  }

  /** Forgets what was written. */
  clear(): this {
    this.#length = 0
    return this
  }

  /** What was written since `clear`, in memory of its own. */
  finish(): Buffer {
    const written = this.#bytes.subarray(0, this.#length)
    if (this.#bytes.length <= mostKept) return Buffer.from(written)
    this.#bytes = Buffer.allocUnsafeSlow(4096)
    this.#length = 0
    return written
  }
}
