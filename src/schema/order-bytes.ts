import { ByteWriter } from '../lib/bytes.ts'
import type { Cell } from './cell.ts'
import type { CellEncoder } from './codec.ts'
import type { TypeData } from './type.ts'

/**
 * Bytes that sort as cells do: compared as unsigned bytes, the shorter first, they stand in the order of `compareCell`,
 * and are equal where the cells are. No encoding is the beginning of another of its type, so the bytes of several cells,
 * one after the other, sort by the first cell, then by the second. They are for comparing; nothing decodes them.
 */
export function orderBytes(type: TypeData, cell: Cell): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(16)
  orderEncoder(type)(cell, writer)
  return writer.finish()
}

/** As `orderBytes`, made once for a type and appending to a writer. */
export function orderEncoder(type: TypeData): CellEncoder {
  const encode = plainEncoder(type)
  if (!type.nullable) return encode
  return (cell, writer) => {
    if (cell === null) writer.byte(0)
    else encode(cell, writer.byte(1))
  }
}

function plainEncoder(type: TypeData): CellEncoder {
  switch (type.kind) {
    case 'string':
    case 'oneOf':
    case 'struct':
      return (cell, writer) => writeText(writer, cell as string)
    case 'boolean':
      return (cell, writer) => void writer.byte(cell === true ? 1 : 0)
    case 'int64':
      return (cell, writer) => writeInt64(writer, cell as bigint)
    case 'integer':
    case 'decimal':
    case 'date':
      return (cell, writer) => writeInteger(writer, cell as number)
    case 'timestamp':
    case 'float':
      return (cell, writer) => writeFloat(writer, cell as number)
    case 'list': {
      const encode = orderEncoder(type.element as TypeData)
      return (cell, writer) => {
        for (const item of cell as readonly Cell[]) encode(item, writer.byte(1))
        writer.byte(0)
      }
    }
    case 'vector':
      return (cell, writer) => {
        for (const item of cell as Float32Array) writeFloat(writer, item)
      }
  }
}

/**
 * Each code unit plus one, in the bit layout of UTF-8, whose bytes sort as the numbers that they hold; then a 0, which no
 * unit plus one begins with. Code units, not code points: a surrogate sorts before U+E000, as in every comparison here.
 */
function writeText(writer: ByteWriter, text: string): void {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index) + 1
    if (unit < 0x80) writer.byte(unit)
    else if (unit < 0x800) writer.byte(0xc0 | (unit >> 6)).byte(0x80 | (unit & 0x3f))
    else {
      if (unit < 0x10000) writer.byte(0xe0 | (unit >> 12))
      else writer.byte(0xf0).byte(0x80 | (unit >> 12))
      writer.byte(0x80 | ((unit >> 6) & 0x3f)).byte(0x80 | (unit & 0x3f))
    }
  }
  writer.byte(0)
}

/** 0x80 and the number of bytes of the magnitude, which follow from the highest on; below 0 the difference, and every bit of them flipped. */
function writeInteger(writer: ByteWriter, value: number): void {
  const magnitude = Math.abs(value)
  const high = Math.floor(magnitude / 2 ** 32)
  const low = magnitude >>> 0
  const length = high > 0 ? 4 + byteLength(high) : byteLength(low)
  writer.byte(value < 0 ? 0x80 - length : 0x80 + length)
  const flipped = value < 0 ? 0xff : 0
  for (let place = length - 1; place >= 0; place--) writer.byte((((place < 4 ? low : high) >>> (8 * (place & 3))) & 0xff) ^ flipped)
}

/** Of 32 bits, how many bytes there are without the leading zeros. */
const byteLength = (bits: number): number => (39 - Math.clz32(bits)) >> 3

const scratch = new DataView(new ArrayBuffer(8))

/** IEEE 754, big-endian: the sign bit flipped for numbers from 0 up, every bit for those below. */
function writeFloat(writer: ByteWriter, value: number): void {
  scratch.setFloat64(0, Number.isNaN(value) ? Number.NaN : value + 0)
  const high = scratch.getInt32(0)
  const low = scratch.getInt32(4)
  if (high < 0) writer.ordered64(~high, ~low)
  else writer.ordered64(high ^ 0x80000000, low)
}

function writeInt64(writer: ByteWriter, value: bigint): void {
  scratch.setBigInt64(0, value)
  writer.ordered64(scratch.getInt32(0) ^ 0x80000000, scratch.getInt32(4))
}
