import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { LockstepError } from '../../errors.ts'
import type { Commit, Document, DocumentPlace, DocumentStore, DocumentStoreCapabilities, ListOptions } from '../documents.ts'

export interface SqliteDocumentStoreOptions {
  /** The file; it and its folder are made when the store is first used. */
  readonly path: string
  /** Milliseconds that a commit waits for those of other processes. Default: 10,000. */
  readonly timeout?: number
}

/** Documents in a file of SQLite on this machine, shared by its processes. */
export function sqliteDocumentStore(options: SqliteDocumentStoreOptions): DocumentStore {
  return new SqliteDocumentStore(options)
}

const schema = `
  CREATE TABLE IF NOT EXISTS document (
    place TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (place, key)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS revision (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
  INSERT OR IGNORE INTO revision VALUES (1, 0);
`

class SqliteDocumentStore implements DocumentStore {
  readonly name = 'sqlite'
  readonly capabilities: DocumentStoreCapabilities = { durable: true, sharedByMachines: false }
  readonly #path: string
  readonly #timeout: number
  #database: DatabaseSync | null = null
  readonly #statements = new Map<string, StatementSync>()

  constructor({ path, timeout = 10_000 }: SqliteDocumentStoreOptions) {
    this.#path = path
    this.#timeout = timeout
  }

  async revision(): Promise<number> {
    return this.#number('SELECT number FROM revision')
  }

  async read(places: readonly DocumentPlace[]): Promise<(Document | null)[]> {
    return this.#transaction('BEGIN', () =>
      places.map(({ table, key }) => {
        const row = this.#run('SELECT key, text, revision FROM document WHERE place = ? AND key = ?').get(table, key)
        return row === undefined ? null : (row as unknown as Document)
      }),
    )
  }

  async list(table: string, { prefix = '', after, limit = -1, descending = false }: ListOptions = {}): Promise<Document[]> {
    const values: SQLInputValue[] = [table, prefix]
    if (after !== undefined) values.push(after)
    const beyond = after === undefined ? '' : `AND key ${descending ? '<' : '>'} ?`
    return this.#run(
      `SELECT key, text, revision FROM document WHERE place = ? AND substr(key, 1, length(?2)) = ?2 ${beyond.replace('?', '?3')}
       ORDER BY key ${descending ? 'DESC' : 'ASC'} LIMIT ${limit}`,
    ).all(...values) as unknown as Document[]
  }

  async tables(): Promise<string[]> {
    return this.#run('SELECT DISTINCT place FROM document ORDER BY place')
      .all()
      .map(({ place }) => String(place))
  }

  async commit({ conditions = [], puts = [], deletes = [] }: Commit): Promise<number | null> {
    return this.#transaction('BEGIN IMMEDIATE', () => {
      for (const { table, key, revision } of conditions) {
        const row = this.#run('SELECT revision FROM document WHERE place = ? AND key = ?').get(table, key)
        if (Number(row?.revision ?? 0) !== revision) return null
      }
      const revision = this.#number('UPDATE revision SET number = number + 1 RETURNING number')
      for (const { table, key } of deletes) this.#run('DELETE FROM document WHERE place = ? AND key = ?').run(table, key)
      for (const { table, key, text } of puts)
        this.#run('INSERT OR REPLACE INTO document (place, key, revision, text) VALUES (?, ?, ?, ?)').run(table, key, revision, text)
      return revision
    })
  }

  async close(): Promise<void> {
    this.#statements.clear()
    this.#database?.close()
    this.#database = null
  }

  #number(sql: string): number {
    return Number(Object.values(this.#run(sql).get() as object)[0])
  }

  /** A statement, prepared once. */
  #run(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#open().prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  #transaction<T>(begin: string, work: () => T): T {
    const database = this.#open()
    database.exec(begin)
    try {
      const result = work()
      database.exec(result === null ? 'ROLLBACK' : 'COMMIT')
      return result
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }

  #open(): DatabaseSync {
    if (this.#database) return this.#database
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      const database = new DatabaseSync(this.#path, { timeout: this.#timeout })
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
      database.exec(schema)
      this.#database = database
      return database
    } catch (cause) {
      throw new LockstepError('STORE_UNAVAILABLE', `The registry cannot be opened: ${(cause as Error).message}`, {
        where: this.#path,
        cause,
      })
    }
  }
}
