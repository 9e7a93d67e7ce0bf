import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { checkCommit, closedRegistry } from '../check.ts'
import type {
  Commit,
  Document,
  DocumentPlace,
  DocumentRange,
  DocumentReads,
  DocumentStore,
  DocumentStoreCapabilities,
  ListOptions,
} from '../documents.ts'
import { isBusy, sqliteFailure } from './sqlite/failure.ts'
import { migrate } from './sqlite/layouts.ts'
import { nothingRead, SqliteReads } from './sqlite/reads.ts'

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

/** What is read without waiting. */
type Reads = Pick<SqliteReads, 'revision' | 'read' | 'list' | 'stamp' | 'tables'>

class SqliteDocumentStore implements DocumentStore {
  readonly name = 'sqlite'
  readonly capabilities: DocumentStoreCapabilities = { durable: true, sharedByMachines: false }
  readonly #path: string
  readonly #timeout: number
  #reads: SqliteReads | null = null
  #closed = false

  constructor({ path, timeout = 10_000 }: SqliteDocumentStoreOptions) {
    this.#path = path
    this.#timeout = timeout
  }

  revision(): Promise<number> {
    return this.#reading((reads) => reads.revision())
  }

  read(places: readonly DocumentPlace[]): Promise<(Document | null)[]> {
    return this.#reading((reads) =>
      reads instanceof SqliteReads ? transaction(reads, 'BEGIN', () => reads.read(places)) : reads.read(places),
    )
  }

  list(table: string, options?: ListOptions): Promise<Document[]> {
    return this.#reading((reads) => reads.list(table, options))
  }

  stamp(range: DocumentRange): Promise<string> {
    return this.#reading((reads) => reads.stamp(range))
  }

  tables(): Promise<string[]> {
    return this.#reading((reads) => reads.tables())
  }

  /** Over a connection of its own, as a transaction is one of a connection. */
  async snapshot<T>(work: (reads: DocumentReads) => Promise<T>): Promise<T> {
    const own = await this.#reading((reads) => (reads instanceof SqliteReads ? this.#begun() : null))
    const reads: Reads = own ?? nothingRead
    try {
      return await work({
        revision: () => this.#attempt(() => reads.revision()),
        read: (places) => this.#attempt(() => reads.read(places)),
        list: (table, options) => this.#attempt(() => reads.list(table, options)),
        stamp: (range) => this.#attempt(() => reads.stamp(range)),
        tables: () => this.#attempt(() => reads.tables()),
      })
    } finally {
      own?.close()
    }
  }

  async commit(commit: Commit): Promise<number | null> {
    checkCommit(commit)
    const { conditions = [], puts = [], deletes = [] } = commit
    return await this.#attempt(() => {
      const reads = this.#open()
      const run = (sql: string) => reads.statement(sql)
      return transaction(reads, 'BEGIN IMMEDIATE', () => {
        for (const { table, key, revision } of conditions) {
          const found = run('SELECT revision FROM documents WHERE tbl = ? AND key = ?').get(table, key)
          if (Number(found?.revision ?? 0) !== revision) return null
        }
        const revision = Number(run('UPDATE revision SET number = number + 1 RETURNING number').get()?.number)
        for (const { table, key } of deletes) run('DELETE FROM documents WHERE tbl = ? AND key = ?').run(table, key)
        for (const { table, key, text } of puts)
          run(`INSERT INTO documents (tbl, key, revision, text) VALUES (?, ?, ?, ?)
            ON CONFLICT (tbl, key) DO UPDATE SET revision = excluded.revision, text = excluded.text`).run(table, key, revision, text)
        return revision
      })
    })
  }

  /** Writes the file anew, which leaves no page of before, and empties the log of writes beside it. */
  async scrub(): Promise<boolean> {
    if (this.#reads === null && !existsSync(this.#path)) return true
    return await this.#attempt(() => {
      const { database } = this.#open()
      database.exec('VACUUM')
      return database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0
    })
  }

  close(): Promise<void> {
    this.#closed = true
    this.#reads?.close()
    this.#reads = null
    return Promise.resolve()
  }

  /** What is read; of nothing where nothing was ever committed. */
  #reading<T>(work: (reads: Reads) => T): Promise<T> {
    return this.#attempt(() => work(this.#reads === null && !existsSync(this.#path) ? nothingRead : this.#open()))
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

  /** Another connection to a file that is there, with a transaction that has begun to read. */
  #begun(): SqliteReads {
    const reads = new SqliteReads(new DatabaseSync(this.#path, { timeout: holdUp, readOnly: true }))
    try {
      reads.database.exec('BEGIN')
      reads.revision()
      return reads
    } catch (error) {
      reads.close()
      throw error
    }
  }

  #open(): SqliteReads {
    if (this.#reads) return this.#reads
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
    this.#reads = new SqliteReads(database)
    return this.#reads
  }
}

function transaction<T>({ database }: SqliteReads, begin: string, work: () => T): T {
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
