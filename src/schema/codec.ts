import { LockstepError } from '../errors.ts'
import { type ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { Cell } from './cell.ts'
import { orderEncoder } from './order-bytes.ts'
import type { TypeData } from './type.ts'

export type CellEncoder = (cell: Cell, writer: ByteWriter) => void
export type CellDecoder = (reader: ByteReader) => Cell
interface Codec {
  readonly encode: CellEncoder
  readonly decode: CellDecoder
}

/**
 * The bytes of a cell: self-delimiting, little-endian, and canonical: two cells of one type are equal exactly where their
 * bytes are. A nullable type has a byte before the value (0 null, 1 present). Then
 * boolean 1 byte; integer, decimal, date a variable number of bytes (see `writeInteger`); timestamp, float 8 (IEEE 754,
 * one NaN, no -0); int64 8 (two's complement); string, struct UTF-8 after its length; oneOf the place of its value among
 * the declared ones; list its length and elements; vector 4 bytes an element.
 * Cells must fit their type (see `toCell`); of bytes that no encoder wrote the decoder throws `STORE_CORRUPT` where it notices.
 */
export const cellEncoder = (type: TypeData): CellEncoder => codecOf(type).encode
export const cellDecoder = (type: TypeData): CellDecoder => codecOf(type).decode

export const encodeCell = (type: TypeData, cell: Cell, writer: ByteWriter): void => codecOf(type).encode(cell, writer)
export const decodeCell = (type: TypeData, reader: ByteReader): Cell => codecOf(type).decode(reader)

/**
 * Appends the bytes of a composite key: different keys of the same types give different bytes, and keys in their order give
 * bytes in theirs, so that a store whose rows lie by key can be filled from end to end. A value added to a oneOf changes no key.
 */
export function keyEncoder(types: readonly TypeData[]): (cells: readonly Cell[], writer: ByteWriter) => void {
  const encoders = types.map(orderEncoder)
  return (cells, writer) => {
    for (let index = 0; index < encoders.length; index++) (encoders[index] as CellEncoder)(cells[index] as Cell, writer)
  }
}

export function encodeKey(types: readonly TypeData[], cells: readonly Cell[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter()
  keyEncoder(types)(cells, writer)
  return writer.finish()
}

const codecs = new WeakMap<TypeData, Codec>()

function codecOf(type: TypeData): Codec {
  let codec = codecs.get(type)
  if (!codec) {
    codec = type.nullable ? nullable(plainCodec(type)) : plainCodec(type)
    codecs.set(type, codec)
  }
  return codec
}

const nullable = ({ encode, decode }: Codec): Codec => ({
  encode: (cell, writer) => {
    if (cell === null) writer.byte(0)
    else encode(cell, writer.byte(1))
  },
  decode: (reader) => (flag(reader) ? decode(reader) : null),
})

const integer: Codec = { encode: (cell, writer) => writeInteger(writer, cell as number), decode: readInteger }
const text: Codec = { encode: (cell, writer) => void writer.string(cell as string), decode: (reader) => reader.string() }
const float: Codec = {
  encode: (cell, writer) => void writer.float64(Number.isNaN(cell) ? Number.NaN : (cell as number) + 0),
  decode: (reader) => reader.float64(),
}

function plainCodec(type: TypeData): Codec {
  switch (type.kind) {
    case 'string':
    case 'struct':
      return text
    case 'boolean':
      return { encode: (cell, writer) => void writer.byte(cell === true ? 1 : 0), decode: flag }
    case 'integer':
    case 'decimal':
    case 'date':
      return integer
    case 'int64':
      return { encode: (cell, writer) => void writer.int64(cell as bigint), decode: (reader) => reader.int64() }
    case 'float':
    case 'timestamp':
      return float
    case 'oneOf':
      return oneOf(type.values ?? [])
    case 'list':
      return list(codecOf(type.element as TypeData))
    case 'vector':
      return vector(type.length ?? 0)
  }
}

/** Sign and six bits in the first byte, then seven bits a byte, as zig-zag would pass 2^53: one byte up to ±63, two up to ±8191. */
function writeInteger(writer: ByteWriter, value: number): void {
  const magnitude = Math.abs(value)
  const sign = value < 0 ? 0x40 : 0
  if (magnitude < 0x40) {
    writer.byte(sign | magnitude)
  } else {
    const rest = Math.floor(magnitude / 0x40)
    writer.byte(0x80 | sign | (magnitude - rest * 0x40)).unsigned(rest)
  }
}

function readInteger(reader: ByteReader): number {
  const first = reader.byte()
  const magnitude = first < 0x80 ? first & 0x3f : (first & 0x3f) + reader.unsigned() * 0x40
  return first & 0x40 ? -magnitude : magnitude
}

function flag(reader: ByteReader): boolean {
  const byte = reader.byte()
  if (byte > 1) throw new LockstepError('STORE_CORRUPT', `A stored value has ${byte} where 0 or 1 must stand, before byte ${reader.offset}`)
  return byte === 1
}

function oneOf(values: readonly string[]): Codec {
  const places = new Map(values.map((value, place) => [value, place]))
  return {
    encode: (cell, writer) => {
      const place = places.get(cell as string)
      if (place === undefined) throw new LockstepError('INVALID_VALUE', `${JSON.stringify(cell)} is none of ${values.join(', ')}`)
      writer.unsigned(place)
    },
    decode: (reader) => {
      const value = values[reader.unsigned()]
      if (value === undefined) throw new LockstepError('STORE_CORRUPT', `A stored value is none of ${values.join(', ')}`)
      return value
    },
  }
}

const list = ({ encode, decode }: Codec): Codec => ({
  encode: (cell, writer) => {
    const items = cell as readonly Cell[]
    writer.unsigned(items.length)
    for (const item of items) encode(item, writer)
  },
  decode: (reader) => {
    const count = reader.unsigned()
    const items: Cell[] = []
    while (items.length < count) items.push(decode(reader))
    return items
  },
})

/** The elements as they lie in memory: little-endian on every processor that the embedded stores run on. */
const vector = (length: number): Codec => ({
  encode: (cell, writer) => {
    const canonical = new Float32Array(length)
    for (let index = 0; index < length; index++) canonical[index] = ((cell as Float32Array)[index] as number) + 0
    writer.raw(new Uint8Array(canonical.buffer))
  },
  // A copy of its own: a view over a pooled Buffer would give the whole pool.
  decode: (reader) => new Float32Array(new Uint8Array(reader.raw(length * 4)).buffer),
})
