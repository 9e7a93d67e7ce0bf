import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as after } from 'node:timers/promises'

/** SQLITE_BUSY: another connection holds the lock. */
const busy = 5

/**
 * A folder that is made where it is not there yet. Of several processes that want it at once one makes it and the others wait. It is
 * filled under another name and appears under its own when it is whole, so that what is broken off leaves nothing.
 */
export async function madeOnce(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return
  mkdirSync(dirname(folder), { recursive: true })
  // The lock is one of the operating system: it ends with its process, however that ends.
  const lock = new DatabaseSync(`${folder}.lock`, { timeout: 0 })
  const partial = `${folder}.${process.pid}`
  try {
    while (!begins(lock)) await after(200)
    if (existsSync(folder)) return
    mkdirSync(partial)
    await fill(partial)
    renameSync(partial, folder)
  } finally {
    rmSync(partial, { recursive: true, force: true })
    lock.close()
  }
}

function begins(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== busy) throw error
    return false
  }
}
