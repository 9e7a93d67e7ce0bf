/** Types of PostgreSQL, as its catalogue numbers them. */
export const textType = 25
export const bytesType = 17

const headerBytes = 20

/**
 * A one-dimensional array as PostgreSQL takes it in binary form: dimensions, whether it holds null, the type of its items, length,
 * first index, and each item behind its length. A quarter of the time and half the bytes of the textual form.
 */
export function binaryArray(type: number, items: readonly Uint8Array[]): Buffer {
  const array = Buffer.allocUnsafe(items.reduce((sum, item) => sum + 4 + item.length, headerBytes))
  array.writeInt32BE(items.length === 0 ? 0 : 1, 0)
  array.writeInt32BE(0, 4)
  array.writeInt32BE(type, 8)
  array.writeInt32BE(items.length, 12)
  array.writeInt32BE(1, 16)
  let at = headerBytes
  for (const item of items) {
    array.writeInt32BE(item.length, at)
    array.set(item, at + 4)
    at += 4 + item.length
  }
  return items.length === 0 ? array.subarray(0, 12) : array
}

export const bytesArray = (items: readonly Uint8Array[]): Buffer => binaryArray(bytesType, items)

export const textArray = (items: readonly string[]): Buffer =>
  binaryArray(
    textType,
    items.map((item) => Buffer.from(item)),
  )
