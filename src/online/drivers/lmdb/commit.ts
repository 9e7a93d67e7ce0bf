import { hash } from 'node:crypto'
import type { Database } from 'lmdb'
import type { OnlineRow, TextChange } from '../../store.ts'
import { putRecords, type Rows } from './records.ts'

/**
 * Changes texts and stores rows iff each text is the expected one: one block of instructions within a condition for each text,
 * carried out by the thread of LMDB that writes, so that this one only copies the rows. Tables have to be open already: to open one
 * amid the block would commit what precedes.
 */
export async function commitIf(
  root: Database<Uint8Array, Uint8Array>,
  texts: Database<string, string>,
  changes: readonly TextChange[],
  writes: readonly { readonly table: Rows; readonly rows: readonly OnlineRow[] }[],
): Promise<boolean> {
  const conditions: Promise<boolean>[] = []
  const put = () => {
    for (const { table, text } of changes) void texts.put(table, text, stamp(text))
    for (const { table, rows } of writes) putRecords(table, rows)
  }
  const guarded = changes.reduceRight((inner, { table, expected }) => {
    return () => {
      conditions.push(expected === null ? texts.ifNoExists(table, inner) : texts.ifVersion(table, stamp(expected), inner))
    }
  }, put)
  if (changes.length > 0) guarded()
  else conditions.push(root.batch(put))
  return (await Promise.all(conditions)).every(Boolean)
}

/** 52 bits of a digest stand for a text where LMDB compares two: it can compare numbers only. */
export const stamp = (text: string): number => Number.parseInt(hash('sha256', text).slice(0, 13), 16)
