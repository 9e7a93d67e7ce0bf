import { LockstepError } from '../errors.ts'
import type { Commit } from './documents.ts'

/** What fits an index of every driver. */
export const mostKeyBytes = 1000

const tableName = /^[a-zA-Z]\w{0,62}$/

/** Throws `INVALID_ARGUMENT` unless the name is one that every driver can keep. */
export function checkTable(table: string): void {
  if (!tableName.test(table)) throw refused(`${JSON.stringify(table)} is no name for a table of a registry`)
}

/** Throws `INVALID_ARGUMENT` where a key is longer than a thousand bytes, or holds what UTF-8 or PostgreSQL cannot. */
export function checkKey(key: string): void {
  if (!isKept(key)) throw refused(`${JSON.stringify(key)} is no key of a registry: it holds half a character or the character 0`)
  const bytes = Buffer.byteLength(key)
  if (bytes > mostKeyBytes) throw refused(`A key of a registry has ${bytes} bytes, ${mostKeyBytes} at most`, key.slice(0, 100))
}

/** Throws `INVALID_ARGUMENT` where a commit cannot be kept as it is, or puts or deletes a document twice. */
export function checkCommit({ conditions = [], puts = [], deletes = [] }: Commit): void {
  for (const { table, key } of [...conditions, ...puts, ...deletes]) {
    checkTable(table)
    checkKey(key)
  }
  const changed = new Set<string>()
  for (const { table, key } of [...puts, ...deletes]) {
    const place = `${table}/${key}`
    if (changed.has(place)) throw refused('A commit changes one document twice', place)
    changed.add(place)
  }
  for (const { table, key, text } of puts)
    if (!isKept(text)) throw refused('A text holds half a character or the character 0', `${table}/${key}`)
}

const isKept = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

const refused = (message: string, where = ''): LockstepError => new LockstepError('INVALID_ARGUMENT', message, { where })

export const closedRegistry = (): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', 'The registry is closed', { remedy: 'Open it again.' })

/**
 * What has changed by a commit is newer than all before it; what is gone leaves fewer. So documents of which there are as many, and the
 * newest of which is as new, are the same.
 */
export const stampOf = (number: unknown, newest: unknown): string => `${Number(number ?? 0)}@${Number(newest ?? 0)}`
