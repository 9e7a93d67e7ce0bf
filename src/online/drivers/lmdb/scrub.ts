import { setImmediate } from 'node:timers/promises'
import type { RootDatabase } from 'lmdb'
import type { Rows } from './records.ts'

/** A table that overwrites free pages and is emptied again. */
export const fillerName = '!filler'

/** Values that take a page of their own. */
const pageValue = Buffer.alloc(4000)
const pagesAtOnce = 256

/**
 * Takes away what LMDB leaves of removed rows: their keys in inner pages of the tree, by building it anew, and free pages with what
 * they held, by filling them with zeros. `table` gives a table within a transaction.
 */
export async function scrubTables(
  tables: readonly string[],
  root: RootDatabase<Uint8Array, Uint8Array>,
  table: (name: string) => Rows,
  transaction: (work: () => void) => Promise<void>,
): Promise<void> {
  for (const name of tables) await transaction(() => rebuild(table(name)))
  const pages = () => (root.getStats() as { lastPageNumber: number }).lastPageNumber
  const first = pages()
  // Once the file has grown twice by what was put in no free page is left: what the last transaction freed comes one later.
  for (let round = 0, before = first, full = 0; (full < 2 || round < 3) && round * pagesAtOnce <= first + 4 * pagesAtOnce; round++) {
    await transaction(() => fill(table(fillerName), round))
    // Ends the snapshot of this turn, which keeps pages from being taken.
    await setImmediate()
    full = pages() - before >= pagesAtOnce ? full + 1 : 0
    before = pages()
  }
  await transaction(() => table(fillerName).clearSync())
}

function rebuild(rows: Rows): void {
  const all = [...rows.getRange()].map(({ key, value }) => ({ key: new Uint8Array(key), value: Buffer.from(value) }))
  rows.clearSync()
  for (const { key, value } of all) rows.putSync(key, value, { append: true })
}

function fill(filler: Rows, round: number): void {
  for (let at = 0; at < pagesAtOnce; at++) filler.putSync(Buffer.from(String(round * pagesAtOnce + at).padStart(12, '0')), pageValue)
}
