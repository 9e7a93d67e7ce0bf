import { compareBytes, sortedByBytes } from '../../../lib/byte-order.ts'
import type { OnlineRow } from '../../store.ts'

/** What one statement takes. */
const loadRows = 10_000
const loadBytes = 4 * 1024 * 1024

/** Rows for one statement: each key once. */
export interface Load {
  readonly rows: readonly OnlineRow[]
  /** Of keys that stood for several rows of equal version: how many, by the key in hexadecimal. */
  readonly twins: ReadonlyMap<string, number>
}

/**
 * The rows in the order of their keys, so that writers at once wait for each other and never in a circle; of equal keys the one
 * that stays: the last of those that `outranks` the others.
 */
export function* loadsOf(rows: readonly OnlineRow[], outranks: (later: OnlineRow, earlier: OnlineRow) => boolean): Generator<Load> {
  let load: OnlineRow[] = []
  let twins = new Map<string, number>()
  let bytes = 0
  for (const row of sortedByBytes(rows, ({ key }) => key)) {
    const last = load.at(-1)
    if (last !== undefined && compareBytes(last.key, row.key) === 0) {
      if (!outranks(row, last)) continue
      const key = hex(row.key)
      if (compareBytes(last.version, row.version) === 0) twins.set(key, (twins.get(key) ?? 1) + 1)
      else twins.delete(key)
      load[load.length - 1] = row
      continue
    }
    if (load.length >= loadRows || bytes >= loadBytes) {
      yield { rows: load, twins }
      ;[load, twins, bytes] = [[], new Map(), 0]
    }
    load.push(row)
    bytes += row.key.length + row.version.length + row.value.length
  }
  if (load.length > 0) yield { rows: load, twins }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
