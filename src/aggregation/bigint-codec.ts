import type { ByteReader, ByteWriter } from '../lib/bytes.ts'

/** A whole number of any size: its sign and length, then its magnitude from the lowest byte on. */
export function writeBigint(writer: ByteWriter, value: bigint): void {
  const digits = (value < 0n ? -value : value).toString(16)
  const length = value === 0n ? 0 : Math.ceil(digits.length / 2)
  writer.signed(value < 0n ? -length : length)
  for (let end = digits.length; end > digits.length - 2 * length; end -= 2) {
    writer.byte(Number.parseInt(digits.slice(Math.max(end - 2, 0), end), 16))
  }
}

export function readBigint(reader: ByteReader): bigint {
  const length = reader.signed()
  const digits = Array.from({ length: Math.abs(length) }, () => reader.byte().toString(16).padStart(2, '0'))
  const magnitude = BigInt(`0x0${digits.reverse().join('')}`)
  return length < 0 ? -magnitude : magnitude
}
