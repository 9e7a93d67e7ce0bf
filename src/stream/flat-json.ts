import type { SourceData } from '../definition/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { type CellReader, columnReaders, needsText, Refusal } from './cell-reader.ts'
import { plainMoment } from './moment-text.ts'

/** Reads the bytes of a payload as the cells of the declared columns; null for one that has to be read the general way. */
export type FlatJsonReader = (bytes: Uint8Array) => Cell[] | null

interface Column {
  readonly name: Uint8Array
  readonly read: CellReader
  /** Its texts are read where they lie, as moments. */
  readonly isMoment: boolean
}

const codeOf = (character: string): number => character.charCodeAt(0)
const [quote, backslash, comma, colon] = [codeOf('"'), codeOf('\\'), codeOf(','), codeOf(':')]
const [open, close, minus, point, zero, nine] = [codeOf('{'), codeOf('}'), codeOf('-'), codeOf('.'), codeOf('0'), codeOf('9')]

/**
 * Reads what nearly all payloads are: one flat object of ASCII without escapes, all of it valid. It gives what the general reader
 * gives, in a fifth of the time, as it makes no text of the whole, no object, and no text of a moment. At anything else it gives up.
 */
export function flatJsonReader(source: SourceData): FlatJsonReader {
  const readers = columnReaders(source, 'json')
  const columns = Object.entries<TypeData>(source.columns).map(
    ([name, { kind, minimum, maximum }], place): Column => ({
      name: Buffer.from(name),
      read: readers[place] as CellReader,
      isMoment: kind === 'timestamp' && minimum === undefined && maximum === undefined,
    }),
  )
  const scanner = new Scanner()
  return (bytes) => {
    scanner.begin(bytes)
    const cells = new Array<Cell>(columns.length)
    for (let place = 0; place < columns.length; place++) cells[place] = absent
    if (!scanner.take(open)) return null
    if (!scanner.take(close)) {
      let place = 0
      do {
        place = placeOf(columns, scanner, place)
        const cell = cellOf(columns[place], scanner)
        if (cell === unread) return null
        if (place >= 0) cells[place] = cell
        // Members come in the same order again and again.
        place = (place + 1) % columns.length
      } while (scanner.take(comma))
      if (!scanner.take(close)) return null
    }
    if (!scanner.isAtEnd) return null
    for (let place = 0; place < columns.length; place++) {
      if (cells[place] !== absent) continue
      const cell = (columns[place] as Column).read(undefined)
      if (cell === needsText || cell instanceof Refusal) return null
      cells[place] = cell
    }
    return cells
  }
}

/** No cell is undefined. */
const absent = undefined as unknown as Cell
/** What has to be read the general way. */
const unread = Symbol('unread')

/** The column whose name comes, looked for from a place on; -1 for another name. */
function placeOf(columns: readonly Column[], scanner: Scanner, from: number): number {
  for (let step = 0, place = from; step < columns.length; step++, place = (place + 1) % columns.length)
    if (scanner.name((columns[place] as Column).name)) return place
  return -1
}

/** The cell of a column from the value that comes; of no column, anything but `unread`. */
function cellOf(column: Column | undefined, scanner: Scanner): Cell | typeof unread {
  if (column === undefined) return scanner.otherName() && scanner.value() !== unread ? null : unread
  if (column.isMoment) {
    const moment = scanner.moment()
    if (!Number.isNaN(moment)) return moment
  }
  const value = scanner.value()
  if (value === unread) return unread
  const cell = column.read(value)
  return cell === needsText || cell instanceof Refusal ? unread : cell
}

/** A double has so many digits without loss, and dividing by such a power of ten rounds once (Clinger, 1990). */
const mostDigits = 15
const powers = Array.from({ length: mostDigits + 1 }, (_, exponent) => 10 ** exponent)
const literals = [true, false, null].map((value) => ({ value, bytes: Buffer.from(String(value)) }))
const shortText = 16

/** Goes through the tokens of a payload. What does not match is not passed. */
class Scanner {
  #bytes: Uint8Array = new Uint8Array()
  #at = 0

  begin(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#at = 0
  }

  get isAtEnd(): boolean {
    this.#skipSpace()
    return this.#at === this.#bytes.length
  }

  take(token: number): boolean {
    this.#skipSpace()
    if (this.#bytes[this.#at] !== token) return false
    this.#at++
    return true
  }

  /** The name of a member and the colon. */
  name(name: Uint8Array): boolean {
    this.#skipSpace()
    const bytes = this.#bytes
    const start = this.#at + 1
    if (bytes[start + name.length] !== quote || bytes[this.#at] !== quote) return false
    for (let index = 0; index < name.length; index++) if (bytes[start + index] !== name[index]) return false
    this.#at = start + name.length + 1
    return this.take(colon)
  }

  otherName(): boolean {
    this.#skipSpace()
    const end = this.#textEnd()
    if (end < 0) return false
    this.#at = end + 1
    return this.take(colon)
  }

  /** A moment as nearly all are written; NaN where none comes. */
  moment(): number {
    this.#skipSpace()
    const end = this.#textEnd()
    if (end < 0) return Number.NaN
    const moment = plainMoment(this.#bytes, this.#at + 1, end)
    if (!Number.isSafeInteger(moment)) return Number.NaN
    this.#at = end + 1
    return moment
  }

  /** A text, a number or a literal. */
  value(): string | number | boolean | null | typeof unread {
    this.#skipSpace()
    const first = this.#bytes[this.#at] as number
    if (first === quote) return this.#text()
    return first === minus || isDigit(first) ? this.#number() : this.#literal()
  }

  #text(): string | typeof unread {
    const end = this.#textEnd()
    if (end < 0) return unread
    const start = this.#at + 1
    this.#at = end + 1
    const bytes = this.#bytes
    if (end - start > shortText) return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
    let text = ''
    for (let index = start; index < end; index++) text += String.fromCharCode(bytes[index] as number)
    return text
  }

  /** Where the text that begins here has its last quotation mark; -1 where it has to be read the general way. */
  #textEnd(): number {
    const bytes = this.#bytes
    if (bytes[this.#at] !== quote) return -1
    for (let at = this.#at + 1; at < bytes.length; at++) {
      const byte = bytes[at] as number
      if (byte === quote) return at
      if (byte < 0x20 || byte >= 0x80 || byte === backslash) return -1
    }
    return -1
  }

  #number(): number | typeof unread {
    const bytes = this.#bytes
    const sign = bytes[this.#at] === minus ? -1 : 1
    const start = sign < 0 ? this.#at + 1 : this.#at
    let at = start
    let value = 0
    for (; isDigit(bytes[at]); at++) value = value * 10 + (bytes[at] as number) - zero
    if (at === start || (bytes[start] === zero && at > start + 1)) return unread
    let digits = at - start
    let fraction = 0
    if (bytes[at] === point) {
      for (at++; isDigit(bytes[at]); at++, fraction++) value = value * 10 + (bytes[at] as number) - zero
      if (fraction === 0) return unread
      digits += fraction
    }
    // An exponent, or what is no JSON, is seen as what follows is neither a comma nor a brace.
    if (digits > mostDigits) return unread
    this.#at = at
    return (sign * value) / (powers[fraction] as number)
  }

  #literal(): boolean | null | typeof unread {
    for (const { value, bytes } of literals) {
      if (!bytes.every((byte, index) => this.#bytes[this.#at + index] === byte)) continue
      this.#at += bytes.length
      return value
    }
    return unread
  }

  #skipSpace(): void {
    while ((this.#bytes[this.#at] as number) <= 0x20 && spaces.has(this.#bytes[this.#at])) this.#at++
  }
}

const spaces: ReadonlySet<number | undefined> = new Set(Buffer.from(' \t\n\r'))
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= nine
