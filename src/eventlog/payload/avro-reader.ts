import { LockstepError } from '../../errors.ts'
import { formatDate, formatMoment } from '../../lib/moment.ts'
import type { AvroLogical, AvroRecord, AvroType } from './avro-schema.ts'

/** Reads one value of a type. */
export type AvroRead = (input: AvroInput) => unknown

/** Records within records, so that no payload can exhaust the stack. */
const deepest = 200
/** Of elements that take no bytes, such as nulls. */
const mostEmptyElements = 100_000
const millisPerSecond = 1000
const microsPerSecond = 1_000_000
const nanosPerMicro = 1000n

export const badPayload = (why: string): LockstepError => new LockstepError('INVALID_VALUE', `The Avro payload ${why}`)

/** The bytes of a payload. What it says of lengths and counts is believed only as far as there are bytes. */
export class AvroInput {
  readonly bytes: Buffer
  position: number
  depth = 0

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
  }

  get left(): number {
    return this.bytes.length - this.position
  }

  /** The place of the next so many bytes, which are passed over. */
  skip(length: number): number {
    if (!(length >= 0 && length <= this.left)) throw badPayload('is cut short')
    const start = this.position
    this.position += length
    return start
  }

  byte(): number {
    return this.bytes[this.skip(1)] as number
  }

  int(): number {
    const value = this.long()
    if (typeof value === 'bigint' || (value | 0) !== value) throw badPayload('has an int beyond 32 bits')
    return value
  }

  /** A number where it is exact, else a bigint. */
  long(): number | bigint {
    let byte = this.byte()
    let value = byte & 0x7f
    let scale = 0x80
    for (let more = 0; byte >= 0x80; more++) {
      if (more === 6) return this.#wideLong(value)
      byte = this.byte()
      value += (byte & 0x7f) * scale
      scale *= 0x80
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** The rest of a long after its first 49 bits. */
  #wideLong(low: number): number | bigint {
    let value = BigInt(low)
    for (let shift = 49n; ; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
      if (shift >= 63n) throw badPayload('has a long beyond 64 bits')
    }
    const signed = (value >> 1n) ^ -(value & 1n)
    if (BigInt.asIntN(64, signed) !== signed) throw badPayload('has a long beyond 64 bits')
    const number = Number(signed)
    return Number.isSafeInteger(number) ? number : signed
  }

  blob(): Buffer {
    const length = Number(this.long())
    const start = this.skip(length)
    return this.bytes.subarray(start, this.position)
  }

  text(): string {
    const start = this.skip(Number(this.long()))
    const text = this.bytes.toString('utf8', start, this.position)
    // What cannot be read becomes this character, which may have been there as well.
    if (text.includes('\ufffd') && !Buffer.from(text).equals(this.bytes.subarray(start, this.position))) {
      throw badPayload('has a text that is not UTF-8')
    }
    return text
  }

  /** Calls `read` for each element of the blocks of an array or a map. */
  elements(smallest: number, read: () => void): void {
    let empty = 0
    for (;;) {
      let count = Number(this.long())
      if (count === 0) return
      if (count < 0) {
        count = -count
        this.long() // the size of the block in bytes
      }
      if (smallest === 0) empty += count
      if (count * smallest > this.left || empty > mostEmptyElements) throw badPayload('is cut short')
      for (; count > 0; count--) read()
    }
  }
}

/** The fewest bytes that a value takes; for a type within itself, 0. */
function smallestOf(type: AvroType, known = new Map<AvroType, number>()): number {
  switch (type.kind) {
    case 'null':
      return 0
    case 'fixed':
      return type.size
    case 'float':
      return 4
    case 'double':
      return 8
    case 'record': {
      const before = known.get(type)
      if (before !== undefined) return before
      known.set(type, 0)
      const bytes = type.fields.reduce((sum, field) => sum + smallestOf(field.type, known), 0)
      known.set(type, bytes)
      return bytes
    }
    default:
      return 1
  }
}

/** Compiles the reader of a type once. Texts, numbers, booleans, bytes, arrays and objects; logical types as `t.*` takes them. */
export function avroReader(type: AvroType, known = new Map<AvroRecord, AvroRead>()): AvroRead {
  switch (type.kind) {
    case 'null':
      return () => null
    case 'boolean':
      return (input) => input.byte() !== 0
    case 'int':
      return type.logical?.name === 'date' ? (input) => formatDate(input.int()) : (input) => input.int()
    case 'long': {
      const { logical } = type
      return logical?.name === 'timestamp' ? (input) => momentOf(input.long(), logical) : (input) => input.long()
    }
    case 'float':
      return (input) => input.bytes.readFloatLE(input.skip(4))
    case 'double':
      return (input) => input.bytes.readDoubleLE(input.skip(8))
    case 'bytes': {
      const { logical } = type
      return logical?.name === 'decimal' ? (input) => decimalText(input.blob(), logical.scale) : (input) => input.blob()
    }
    case 'string':
      return (input) => input.text()
    case 'fixed':
      return fixedReader(type.size, type.logical)
    case 'enum':
      return (input) => picked(type.symbols, input)
    case 'union': {
      const branches = type.branches.map((branch) => avroReader(branch, known))
      return (input) => picked(branches, input)(input)
    }
    case 'array':
      return arrayReader(avroReader(type.items, known), smallestOf(type.items))
    case 'map':
      return mapReader(avroReader(type.values, known), 1 + smallestOf(type.values))
    case 'record':
      return recordReader(type, known)
  }
}

function picked<T>(choices: readonly T[], input: AvroInput): T {
  const index = input.int()
  const choice = choices[index]
  if (choice === undefined) throw badPayload(`has ${index} where there are ${choices.length} choices`)
  return choice
}

function fixedReader(size: number, logical: AvroLogical | null): AvroRead {
  const bytes = (input: AvroInput) => input.bytes.subarray(input.skip(size), input.position)
  if (logical?.name === 'decimal') return (input) => decimalText(bytes(input), logical.scale)
  if (logical?.name === 'uuid') return (input) => uuidText(bytes(input))
  return bytes
}

function arrayReader(read: AvroRead, smallest: number): AvroRead {
  return (input) => {
    const items: unknown[] = []
    input.elements(smallest, () => items.push(read(input)))
    return items
  }
}

function mapReader(read: AvroRead, smallest: number): AvroRead {
  return (input) => {
    const entries: [string, unknown][] = []
    input.elements(smallest, () => entries.push([input.text(), read(input)]))
    return Object.fromEntries(entries)
  }
}

function recordReader(type: AvroRecord, known: Map<AvroRecord, AvroRead>): AvroRead {
  const before = known.get(type)
  if (before !== undefined) return before
  const fields: { readonly name: string; readonly read: AvroRead }[] = []
  const read: AvroRead = (input) => {
    if (++input.depth > deepest) throw badPayload(`is deeper than ${deepest} records`)
    const record: Record<string, unknown> = {}
    for (const field of fields) record[field.name] = field.read(input)
    input.depth--
    return record
  }
  known.set(type, read)
  for (const field of type.fields) fields.push({ name: field.name, read: avroReader(field.type, known) })
  return read
}

/** What is exact to the millisecond is a Date, which is read in a tenth of the time of a text. */
function momentOf(value: number | bigint, { perSecond, zoned }: Extract<AvroLogical, { name: 'timestamp' }>): Date | string {
  const micros = microsOf(value, perSecond)
  if (zoned) return perSecond === millisPerSecond ? new Date(micros / 1000) : formatMoment(micros)
  return formatMoment(micros).slice(0, -1)
}

function microsOf(value: number | bigint, perSecond: number): number {
  // Nanoseconds of today are beyond 2^53.
  const fine = perSecond > microsPerSecond
  const micros = fine ? Number(BigInt(value) / nanosPerMicro) : Number(value) * (microsPerSecond / perSecond)
  if (fine && BigInt(value) % nanosPerMicro !== 0n) throw badPayload(`has the moment ${value}, finer than a microsecond`)
  if (!Number.isSafeInteger(micros)) throw badPayload(`has the moment ${value}, outside the years 1684 to 2255`)
  return micros
}

/** A whole number in two's complement, the highest byte first, as a decimal with `scale` digits behind the point. */
function decimalText(bytes: Buffer, scale: number): string {
  const unscaled = bytes.length > 0 && bytes.length <= 6 ? bytes.readIntBE(0, bytes.length) : wideWhole(bytes)
  const text = String(unscaled)
  if (scale === 0) return text
  const sign = text.startsWith('-') ? '-' : ''
  const digits = text.slice(sign.length).padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const wideWhole = (bytes: Buffer) => (bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`)))

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
