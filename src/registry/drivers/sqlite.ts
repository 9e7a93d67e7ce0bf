import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { checkCommit, closedRegistry, stampOf } from '../check.ts'
import type { Commit, Document, DocumentPlace, DocumentRange, DocumentStore, DocumentStoreCapabilities, ListOptions } from '../documents.ts'
import { afterPrefix } from '../prefix.ts'
import { isBusy, sqliteFailure } from './sqlite/failure.ts'
import { migrate } from './sqlite/layouts.ts'

export interface SqliteDocumentStoreOptions {
  /** The file; it and its folder are made by the first commit. */
  readonly path: string
  /** Milliseconds that a call waits for the commits of other processes. Default: 10,000. */
  readonly timeout?: number
}

/** Documents in a file of SQLite on this machine, shared by its processes. */
export function sqliteDocumentStore(options: SqliteDocumentStoreOptions): DocumentStore {
  return new SqliteDocumentStore(options)
}

/** Milliseconds for which the thread itself waits for another process; beyond, other work goes on meanwhile. */
const holdUp = 5

class SqliteDocumentStore implements DocumentStore {
  readonly name = 'sqlite'
  readonly capabilities: DocumentStoreCapabilities = { durable: true, sharedByMachines: false }
  readonly #path: string
  readonly #timeout: number
  #database: DatabaseSync | null = null
  #closed = false
  readonly #statements = new Map<string, StatementSync>()

  constructor({ path, timeout = 10_000 }: SqliteDocumentStoreOptions) {
    this.#path = path
    this.#timeout = timeout
  }

  revision(): Promise<number> {
    return this.#reading(0, () => Number(this.#run('SELECT number FROM revision').get()?.number))
  }

  read(places: readonly DocumentPlace[]): Promise<(Document | null)[]> {
    const none = places.map(() => null)
    return this.#reading(none, () =>
      this.#transaction('BEGIN', () =>
        places.map(
          ({ table, key }) =>
            (this.#run('SELECT key, text, revision FROM documents WHERE tbl = ? AND key = ?').get(table, key) as Document | undefined) ??
            null,
        ),
      ),
    )
  }

  list(table: string, { prefix = '', after, limit = -1, descending = false }: ListOptions = {}): Promise<Document[]> {
    const bound = afterPrefix(prefix)
    const conditions: readonly [condition: string, value: string | null][] = [
      ['tbl = ?', table],
      ['key >= ?', prefix],
      ['key < ?', bound],
      [descending ? 'key < ?' : 'key > ?', after ?? null],
    ]
    const asked = conditions.filter(([, value]) => value !== null)
    const sql = `SELECT key, text, revision FROM documents WHERE ${asked.map(([condition]) => condition).join(' AND ')}
      ORDER BY key ${descending ? 'DESC' : 'ASC'} LIMIT ?`
    return this.#reading([], () => this.#run(sql).all(...asked.map(([, value]) => value), limit) as unknown as Document[])
  }

  stamp({ table, prefix = '' }: DocumentRange): Promise<string> {
    const sql = `SELECT count(*) AS number, max(revision) AS newest FROM documents
      WHERE tbl = ? AND key >= ? AND key < coalesce(?, key || 'x')`
    return this.#reading(stampOf(0, 0), () => {
      const found = this.#run(sql).get(table, prefix, afterPrefix(prefix))
      return stampOf(found?.number, found?.newest)
    })
  }

  tables(): Promise<string[]> {
    return this.#reading([], () =>
      this.#run('SELECT DISTINCT tbl FROM documents ORDER BY tbl')
        .all()
        .map(({ tbl }) => String(tbl)),
    )
  }

  async commit(commit: Commit): Promise<number | null> {
    checkCommit(commit)
    const { conditions = [], puts = [], deletes = [] } = commit
    return await this.#attempt(() =>
      this.#transaction('BEGIN IMMEDIATE', () => {
        for (const { table, key, revision } of conditions) {
          const found = this.#run('SELECT revision FROM documents WHERE tbl = ? AND key = ?').get(table, key)
          if (Number(found?.revision ?? 0) !== revision) return null
        }
        const revision = Number(this.#run('UPDATE revision SET number = number + 1 RETURNING number').get()?.number)
        for (const { table, key } of deletes) this.#run('DELETE FROM documents WHERE tbl = ? AND key = ?').run(table, key)
        for (const { table, key, text } of puts)
          this.#run(`INSERT INTO documents (tbl, key, revision, text) VALUES (?, ?, ?, ?)
            ON CONFLICT (tbl, key) DO UPDATE SET revision = excluded.revision, text = excluded.text`).run(table, key, revision, text)
        return revision
      }),
    )
  }

  close(): Promise<void> {
    this.#closed = true
    this.#statements.clear()
    this.#database?.close()
    this.#database = null
    return Promise.resolve()
  }

  /** What is read; `none` where nothing was ever committed. */
  async #reading<T>(none: T, work: () => T): Promise<T> {
    return await this.#attempt(() => (this.#database === null && !existsSync(this.#path) ? none : work()))
  }

  /** Does the work, again as long as another process is in its way. */
  async #attempt<T>(work: () => T): Promise<T> {
    for (const end = performance.now() + this.#timeout; ; ) {
      if (this.#closed) throw closedRegistry()
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || performance.now() > end) throw sqliteFailure(this.#path, error)
        // Not all at the same time again.
        await setTimeout(1 + Math.random() * 10)
      }
    }
  }

  #transaction<T>(begin: string, work: () => T): T {
    const database = this.#open()
    database.exec(begin)
    try {
      const result = work()
      database.exec(result === null ? 'ROLLBACK' : 'COMMIT')
      return result
    } catch (error) {
      // Some failures end it by themselves.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  /** A statement, prepared once. */
  #run(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#open().prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  #open(): DatabaseSync {
    if (this.#database) return this.#database
    mkdirSync(dirname(this.#path), { recursive: true })
    // Only its owner reads it; the files beside it (-wal, -shm) are made with the rights that it has.
    if (!existsSync(this.#path)) closeSync(openSync(this.#path, 'a', 0o600))
    const database = new DatabaseSync(this.#path, { timeout: holdUp })
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      migrate(database, this.#path)
    } catch (error) {
      database.close()
      throw error
    }
    this.#database = database
    return database
  }
}
