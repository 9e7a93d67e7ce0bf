import { ByteWriter } from '../../lib/bytes.ts'

/**
 * Levels of a data page: their length in four bytes, then Parquet's hybrid of runs and packed bits
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE). Here all are packed.
 */
export function levelBytes(levels: Uint8Array, width: number): Uint8Array {
  return sized(new ByteWriter(levels.length / 4 + 16).unsigned(Math.ceil(levels.length / 8) * 2 + 1).raw(packed(levels, width)))
}

/** The same of `count` equal levels, as one run. */
export const levelRun = (level: number, count: number): Uint8Array => sized(new ByteWriter().unsigned(count * 2).byte(level))

function sized(body: ByteWriter): Uint8Array {
  const bytes = Buffer.allocUnsafe(4 + body.length)
  bytes.writeInt32LE(body.length)
  bytes.set(body.finish(), 4)
  return bytes
}

/** Lowest bits first, in groups of eight levels. */
function packed(levels: Uint8Array, width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(levels.length / 8) * width)
  for (let at = 0; at < levels.length; at++) {
    const bit = at * width
    // A width of 1 or 2 never straddles bytes.
    bytes[bit >> 3] = (bytes[bit >> 3] as number) | ((levels[at] as number) << (bit & 7))
  }
  return bytes
}
