import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { LockstepError } from '../../../errors.ts'

/** SQLITE_BUSY: another connection holds the lock. */
const busy = 5

/**
 * Does the work as the one writer in a folder, of all processes. The lock is that of a SQLite database, and so one of the
 * operating system: it ends with its process, however that ends. Throws `STORE_LOCKED` at once where another holds it.
 */
export async function withWriterLock<T>(folder: string, where: string, work: () => Promise<T>): Promise<T> {
  const database = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
  try {
    begin(database, where)
    return await work()
  } finally {
    database.close()
  }
}

function begin(database: DatabaseSync, where: string): void {
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    if ((cause as { errcode?: number }).errcode !== busy) throw cause
    throw new LockstepError('STORE_LOCKED', 'Another writer is at work on the same group and version', { where, cause })
  }
}
