import type { Pool, PoolClient } from 'pg'
import { LockstepError } from '../../errors.ts'
import { isGone, isOutrun, postgresFailure } from './failure.ts'
import type { CheckedPostgresOptions } from './options.ts'

/** What a statement gives: its rows, each a list of columns, and how many rows it changed. */
export interface Answer {
  readonly rows: readonly (readonly unknown[])[]
  readonly changed: number
}

/** One connection, as long as the work lasts that it was lent to. Statements with a name are planned once for a connection. */
export type Connection = (statement: string, values?: readonly unknown[], name?: string) => Promise<Answer>

/** The tables of a store: what they are called in messages, a statement that tells whether they are there, and those that make them. */
export interface Tables {
  readonly owner: string
  readonly exists: string
  readonly create: string
}

const attempts = 5

/** What waits on the server's limit ends there first. */
const grace = 1_000

/** The connections of one store: made when they are needed, lent to one work at a time, kept a while. */
export class Connections {
  readonly #options: CheckedPostgresOptions
  readonly #made: Tables
  #pool: Promise<Pool> | null = null
  #ready: Promise<void> | null = null

  constructor(options: CheckedPostgresOptions, tables: Tables) {
    this.#options = options
    this.#made = tables
  }

  /**
   * What the work gives over a connection, once the tables are there. Where another transaction outran it, it is done again.
   * Throws `STORE_UNAVAILABLE` and `STORE_CORRUPT`.
   */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#tables()
        return await this.#lend(work)
      } catch (error) {
        if (isGone(error)) this.#ready = null
        if (attempt < attempts && (isOutrun(error) || isGone(error))) continue
        throw postgresFailure(this.#made.owner, this.#options.where, error)
      }
    }
  }

  /**
   * The work as one transaction, which is committed where the work resolves to something other than false and null. `snapshot`: one that
   * reads only, and all as of its first statement.
   */
  transaction<T>(work: (connection: Connection) => Promise<T>, kind: 'change' | 'snapshot' = 'change'): Promise<T> {
    return this.use(async (connection) => {
      await connection(kind === 'change' ? 'BEGIN' : 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const result = await work(connection)
      await connection(result === false || result === null ? 'ROLLBACK' : 'COMMIT')
      return result
    })
  }

  async close(): Promise<void> {
    const pool = await this.#pool?.catch(() => null)
    await pool?.end()
  }

  #tables(): Promise<void> {
    this.#ready ??= this.#lend(async (connection) => {
      const { rows } = await connection(this.#made.exists)
      if (rows[0]?.[0] !== true) await connection(this.#made.create)
    }).catch((error: unknown) => {
      this.#ready = null
      throw error
    })
    return this.#ready
  }

  async #lend<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    this.#pool ??= this.#open()
    const client = await (await this.#pool).connect()
    // Between two statements nobody else listens; the next statement tells.
    const ignore = () => undefined
    client.on('error', ignore)
    let failed = true
    try {
      const result = await work((statement, values, name) => ask(client, statement, values, name))
      failed = false
      return result
    } finally {
      client.off('error', ignore)
      // With the connection ends what it was doing, a transaction included.
      client.release(failed)
    }
  }

  async #open(): Promise<Pool> {
    const { url, tls, connections, connectTimeout, timeout } = this.#options
    const { Pool } = await loadClient()
    const pool = new Pool({
      connectionString: url,
      ...(tls === undefined ? {} : { ssl: tls }),
      max: connections,
      connectionTimeoutMillis: connectTimeout,
      statement_timeout: timeout,
      query_timeout: timeout + grace,
      keepAlive: true,
      application_name: 'lockstep',
    })
    // A connection that ends while nobody uses it: another one is made when it is needed.
    pool.on('error', () => undefined)
    return pool
  }
}

async function ask(client: PoolClient, text: string, values: readonly unknown[] = [], name?: string): Promise<Answer> {
  const { rows, rowCount } = await client.query<unknown[]>({
    text,
    values: [...values],
    rowMode: 'array',
    ...(name === undefined ? {} : { name }),
  })
  return { rows, changed: rowCount ?? 0 }
}

/** Throws `STORE_UNAVAILABLE` where the package is not installed. */
async function loadClient(): Promise<typeof import('pg')> {
  try {
    return await import('pg')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new LockstepError('STORE_UNAVAILABLE', 'The package pg is not installed', { remedy: 'Run npm install pg.', cause })
  }
}
