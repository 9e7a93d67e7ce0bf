import { LockstepError } from '../errors.ts'
import type { OnlineRow, TableRows, TextChange } from './store.ts'

export const maxVersionBytes = 65_535

const tableName = /^[\w@.:-]{1,200}$/

/** Throws `INVALID_ARGUMENT` unless the name is of 1 to 200 letters, digits and `_ @ . : -`, which every store can keep. */
export function checkTable(table: string): void {
  if (tableName.test(table)) return
  throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(table)} is no name for a table of an online store`, {
    remedy: 'Use 1 to 200 letters, digits and _ @ . : -',
  })
}

/** Throws `INVALID_ARGUMENT` if a key or a version is too long to be stored, before anything is. */
export function checkRows(table: string, rows: readonly OnlineRow[], maxKeyBytes: number): void {
  checkTable(table)
  for (const [at, { key, version }] of rows.entries()) {
    if (key.length > maxKeyBytes) throw tooLong('key', key.length, maxKeyBytes, table, at)
    if (version.length > maxVersionBytes) throw tooLong('version', version.length, maxVersionBytes, table, at)
  }
}

/** Throws `INVALID_ARGUMENT` if a name, a key or a version is not one that can be stored, or a text is named twice. */
export function checkCommit(texts: readonly TextChange[], writes: readonly TableRows[], maxKeyBytes: number): void {
  for (const { table, rows } of writes) checkRows(table, rows, maxKeyBytes)
  const named = new Set<string>()
  for (const { table } of texts) {
    checkTable(table)
    if (named.has(table)) throw new LockstepError('INVALID_ARGUMENT', `A commit changes the text of ${table} twice`)
    named.add(table)
  }
}

function tooLong(what: string, length: number, most: number, table: string, at: number): LockstepError {
  return new LockstepError('INVALID_ARGUMENT', `A ${what} has ${length} bytes, ${most} at most`, { where: `${table}, row ${at}` })
}

export const closedStore = (name: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `The ${name} online store is closed`, { remedy: 'Open it again.' })
