import { LockstepError } from '../../errors.ts'
import { textArray } from '../../lib/postgres/binary-array.ts'
import { type Connection, Connections } from '../../lib/postgres/connections.ts'
import { checkPostgresOptions, type PostgresOptions } from '../../lib/postgres/options.ts'
import { checkCommit, closedRegistry, stampOf } from '../check.ts'
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
import { afterPrefix } from '../prefix.ts'
import { layout, type Statements, statementsFor } from './postgres/statements.ts'

/**
 * Documents in a PostgreSQL server, 12 or newer, in two tables of a schema, shared by machines. Needs the package `pg`, which is loaded
 * when the store is first used. Throws `INVALID_ARGUMENT` where an option makes no sense.
 */
export function postgresDocumentStore(options: PostgresOptions): DocumentStore {
  return new PostgresDocumentStore(options)
}

class PostgresDocumentStore implements DocumentStore {
  readonly name = 'postgres'
  readonly capabilities: DocumentStoreCapabilities = { durable: true, sharedByMachines: true }
  readonly #statements: Statements
  readonly #connections: Connections
  readonly #where: string
  readonly #underway = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(options: PostgresOptions) {
    const checked = checkPostgresOptions({ connections: 3, ...options })
    this.#where = checked.where
    this.#statements = statementsFor(checked.schema)
    this.#connections = new Connections(checked, { owner: 'a registry', ...this.#statements })
  }

  revision(): Promise<number> {
    return this.#asking((reads) => reads.revision())
  }

  read(places: readonly DocumentPlace[]): Promise<(Document | null)[]> {
    return places.length === 0 ? Promise.resolve([]) : this.#asking((reads) => reads.read(places))
  }

  list(table: string, options?: ListOptions): Promise<Document[]> {
    return this.#asking((reads) => reads.list(table, options))
  }

  stamp(range: DocumentRange): Promise<string> {
    return this.#asking((reads) => reads.stamp(range))
  }

  tables(): Promise<string[]> {
    return this.#asking((reads) => reads.tables())
  }

  snapshot<T>(work: (reads: DocumentReads) => Promise<T>): Promise<T> {
    return this.#whileOpen(() => this.#connections.transaction((ask) => work(this.#reads(ask)), 'snapshot'))
  }

  async commit(commit: Commit): Promise<number | null> {
    checkCommit(commit)
    const { conditions = [], puts = [], deletes = [] } = commit
    return await this.#whileOpen(() =>
      this.#connections.transaction(async (ask) => {
        // Locks the row of the revision: commits come one after the other, and see those before them.
        const revision = await this.#state(ask, this.#statements.next)
        if (conditions.length > 0) {
          const { rows } = await ask(this.#statements.revisions, placesOf(conditions))
          if (rows.some(([found], index) => Number(found) !== conditions[index]?.revision)) return null
        }
        if (deletes.length > 0) await ask(this.#statements.delete, placesOf(deletes))
        if (puts.length > 0) await ask(this.#statements.put, [...placesOf(puts), revision, textArray(puts.map(({ text }) => text))])
        return revision
      }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underway).then(() => this.#connections.close())
    return this.#closing
  }

  /** The revision. Throws `STORE_CORRUPT` where a newer version made the tables. */
  async #state(ask: Connection, statement: string): Promise<number> {
    const [revision, found] = (await ask(statement)).rows[0] ?? []
    if (Number(found) <= layout) return Number(revision)
    throw new LockstepError('STORE_CORRUPT', `The registry has layout ${found}; this version of Lockstep knows ${layout} and older ones`, {
      where: this.#where,
      remedy: 'Use the version of Lockstep that wrote it, or a newer one.',
    })
  }

  #asking<T>(work: (reads: DocumentReads) => Promise<T>): Promise<T> {
    return this.#whileOpen(() => this.#connections.use((ask) => work(this.#reads(ask))))
  }

  /** What is read over one connection, each by one statement. */
  #reads(ask: Connection): DocumentReads {
    const { read, listUp, listDown, stamp, tables, state } = this.#statements
    const rowsOf = async (statement: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
      (await ask(statement, values)).rows
    return {
      revision: () => this.#state(ask, state),
      read: async (places) => (await rowsOf(read, placesOf(places))).map((row) => (row[0] === null ? null : documentOf(row))),
      list: async (table, { prefix = '', after, limit, descending = false } = {}) => {
        const values = [table, prefix, afterPrefix(prefix), after ?? null, limit ?? null]
        return (await rowsOf(descending ? listDown : listUp, values)).map(documentOf)
      },
      stamp: async ({ table, prefix = '' }) => {
        const [found] = await rowsOf(stamp, [table, prefix, afterPrefix(prefix)])
        return stampOf(found?.[0], found?.[1])
      },
      tables: async () => (await rowsOf(tables)).map(([table]) => String(table)),
    }
  }

  /** The store is not closed before the work is done. */
  #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(closedRegistry())
    const done = work().finally(() => this.#underway.delete(done))
    this.#underway.add(done)
    return done
  }
}

type Row = readonly unknown[]

const documentOf = ([key, text, revision]: Row): Document => ({ key: String(key), text: String(text), revision: Number(revision) })

const placesOf = (places: readonly DocumentPlace[]): Buffer[] => [
  textArray(places.map(({ table }) => table)),
  textArray(places.map(({ key }) => key)),
]
