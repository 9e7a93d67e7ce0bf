import type { Database } from 'lmdb'
import type { OnlineRow } from '../../store.ts'

/** The rows of a table: records by key. */
export type Rows = Database<Uint8Array, Uint8Array>

/** LMDB has no empty keys, so each stands behind a zero byte. */
export const tableOptions = {
  encoding: 'binary',
  keyEncoder: {
    writeKey(key: Uint8Array, target: Uint8Array, start: number): number {
      target[start] = 0
      return copyInto(target, start + 1, key)
    },
    readKey: (source: Uint8Array, start: number, end: number): Uint8Array => new Uint8Array(source.subarray(start + 1, end)),
  },
} as const

/** A record is the length of the version, the version and the value. */
export const valueStart = (record: Uint8Array): number => 2 + (record[0] as number) * 256 + (record[1] as number)

/** Puts the rows into the batch that is being made. Their records are in one buffer, which LMDB reads later. */
export function putRecords(table: Rows, rows: readonly OnlineRow[]): void {
  const buffer = Buffer.allocUnsafeSlow(rows.reduce((sum, { version, value }) => sum + 2 + version.length + value.length, 0))
  let end = 0
  for (const { key, version, value } of rows) {
    const start = end
    end = putRecord(buffer, start, version, value)
    void table.put(key, buffer.subarray(start, end))
  }
}

/** Writes a record at `start` and gives where it ends. */
export function putRecord(target: Buffer, start: number, version: Uint8Array, value: Uint8Array): number {
  target[start] = version.length >> 8
  target[start + 1] = version.length
  return copyInto(target, copyInto(target, start + 2, version), value)
}

/** Copies the bytes to `start` and gives where they end. Below some fifty of them a loop is faster. */
function copyInto(target: Uint8Array, start: number, bytes: Uint8Array): number {
  if (bytes.length > 48) target.set(bytes, start)
  else for (let at = 0; at < bytes.length; at++) target[start + at] = bytes[at] as number
  return start + bytes.length
}
