import type { Duck } from '../offline/index.ts'
import type { CellColumn } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/** The key of a moment whose key columns are null: it is no entity's, and finds nothing. */
export const noKey = -1

/** Keys and moments at which values are asked for. Row i of the work has `keys[i]`, `at[i]` and its place `rows[i]` in the whole. */
export interface Moments {
  readonly count: number
  readonly keys: Int32Array
  readonly at: Float64Array
  readonly rows: Float64Array
  /** Rows in order of key, then moment; those without a key are left out. */
  readonly order: Int32Array
  /** Where each dense key begins in `order`, and at last its length. */
  readonly keyStarts: Int32Array
}

/** Reads `__k` (null where there is no key), `__at` (microseconds) and `__row` of a SELECT that gives them in order of `__row`. */
export async function readMoments(
  duck: Duck,
  sql: string,
  count: number,
  keyCount: number,
  effective: (moment: number) => number,
): Promise<Moments> {
  const keys = new Int32Array(count)
  const at = new Float64Array(count)
  const rows = new Float64Array(count)
  let filled = 0
  for await (const batch of duck.stream(sql, [numberOrNull, number, number])) {
    const [batchKeys, batchAt, batchRows] = batch.columns as [CellColumn, CellColumn, CellColumn]
    at.set((batchAt.values as Float64Array).subarray(0, batch.count), filled)
    rows.set((batchRows.values as Float64Array).subarray(0, batch.count), filled)
    for (let i = 0; i < batch.count; i++) keys[filled + i] = batchKeys.nulls?.[i] === 1 ? noKey : (batchKeys.values[i] as number)
    filled += batch.count
  }
  for (let i = 0; i < count; i++) at[i] = effective(at[i] as number)
  return { count, keys, at, rows, ...orderMoments(keys, at, keyCount) }
}

export function orderMoments(keys: Int32Array, at: Float64Array, keyCount: number): { order: Int32Array; keyStarts: Int32Array } {
  const keyStarts = new Int32Array(keyCount + 1)
  for (const key of keys) if (key !== noKey) keyStarts[key + 1] = (keyStarts[key + 1] as number) + 1
  for (let key = 0; key < keyCount; key++) keyStarts[key + 1] = (keyStarts[key] as number) + (keyStarts[key + 1] as number)
  const order = new Int32Array(keyStarts[keyCount] as number)
  const next = keyStarts.slice(0, keyCount)
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number
    if (key === noKey) continue
    const place = next[key] as number
    next[key] = place + 1
    order[place] = i
  }
  for (let key = 0; key < keyCount; key++) {
    const start = keyStarts[key] as number
    const end = keyStarts[key + 1] as number
    for (let i = start + 1; i < end; i++) {
      if ((at[order[i - 1] as number] as number) > (at[order[i] as number] as number)) {
        order.subarray(start, end).sort((a, b) => (at[a] as number) - (at[b] as number) || a - b)
        break
      }
    }
  }
  return { order, keyStarts }
}
