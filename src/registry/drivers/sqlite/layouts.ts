import type { DatabaseSync } from 'node:sqlite'
import { LockstepError } from '../../../errors.ts'

/** How to come from each layout to the next one, beginning with none. What was released is never changed: a new layout is one step more. */
const steps: readonly string[] = [
  `CREATE TABLE document (
     place TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (place, key)
   ) WITHOUT ROWID;
   CREATE TABLE revision (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
   INSERT INTO revision VALUES (1, 0);`,
  // Long texts beside the tree of keys, which is searched through fewer pages then.
  `CREATE TABLE documents (tbl TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (tbl, key));
   INSERT INTO documents SELECT place, key, revision, text FROM document ORDER BY place, key;
   DROP TABLE document;`,
]

/** The layout that this version writes. */
export const layout = steps.length

/**
 * Brings a file to the layout of this version, in one transaction: whole or not at all. Throws `STORE_CORRUPT` where it is of a newer
 * one, or of something else.
 */
export function migrate(database: DatabaseSync, path: string): void {
  if (layoutOf(database, path) === layout) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have been faster.
    for (const step of steps.slice(layoutOf(database, path))) database.exec(step)
    database.exec(`PRAGMA user_version = ${layout}; COMMIT`)
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

/** 0: nothing is there yet. The first layout did not say its number. */
function layoutOf(database: DatabaseSync, path: string): number {
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version)
  if (found > layout)
    throw new LockstepError('STORE_CORRUPT', `The registry has layout ${found}; this version of Lockstep knows ${layout} and older ones`, {
      where: path,
      remedy: 'Use the version of Lockstep that wrote it, or a newer one.',
    })
  if (found > 0) return found
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
  const names = tables.map(({ name }) => String(name)).join()
  if (names === '') return 0
  if (names === 'document,revision') return 1
  throw new LockstepError('STORE_CORRUPT', 'The file is no registry', {
    where: path,
    remedy: 'Name another file, or restore the registry.',
  })
}
