import { mkdir, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBResult } from '@duckdb/node-api'
import { LockstepError } from '../errors.ts'
import { clearAbandoned, temporaryName } from '../lib/temporary-names.ts'
import type { TypeData } from '../schema/index.ts'
import type { Batch, BatchColumn } from './batch.ts'
import { duckdbError } from './duckdb-error.ts'
import { physicalType } from './physical.ts'
import { readChunk, releaseBatch } from './read-chunk.ts'
import { quoteIdentifier } from './sql.ts'

export interface DuckOptions {
  readonly threads?: number
  /** Beyond it DuckDB spills to the temporary folder; 80 % of the machine's memory by default. */
  readonly memoryLimitBytes?: number
  /** Where a folder for spilled data is made, and removed at close; the system's by default. */
  readonly temporaryFolder?: string
  /** Whether rows keep the order of their files where no ORDER BY says otherwise; true by default. */
  readonly preserveInsertionOrder?: boolean
}

/** Rows that a chunk of DuckDB holds. */
const chunkRows = 2048

/**
 * An in-memory DuckDB that reads, filters, joins, sorts and writes. Calls may overlap: each takes a connection of its own,
 * and tables are seen by all. Times are UTC. Nothing is fetched from a network: extensions are neither installed nor loaded.
 */
export class Duck implements AsyncDisposable {
  readonly #instance: DuckDBInstance
  /** A folder for temporary files of this database; removed at close. */
  readonly folder: string
  /** Bytes that it was told to keep to, or null. */
  readonly memoryLimit: number | null
  readonly threads: number
  readonly #inOrder: boolean
  readonly #idle: DuckDBConnection[] = []
  readonly #busy = new Set<DuckDBConnection>()
  /** The chunks over whose memory a batch's arrays lie; the arrays themselves do not keep it. */
  readonly #held = new Map<DuckDBConnection, DuckDBDataChunk>()
  readonly #refusals = new Map<string, () => Promise<Error>>()
  #ordered: Promise<void> = Promise.resolve()
  #names = 0
  #interrupted = false

  private constructor(
    instance: DuckDBInstance,
    folder: string,
    threads: number,
    { memoryLimitBytes, preserveInsertionOrder }: DuckOptions,
  ) {
    this.#instance = instance
    this.folder = folder
    this.threads = threads
    this.memoryLimit = memoryLimitBytes ?? null
    this.#inOrder = preserveInsertionOrder ?? true
  }

  static async open(options: DuckOptions = {}): Promise<Duck> {
    // Takes a fifth of what a process takes to start, and most commands and servers never need it.
    const { DuckDBInstance } = await import('@duckdb/node-api')
    const parent = options.temporaryFolder ?? tmpdir()
    await mkdir(parent, { recursive: true })
    await clearAbandoned(parent, 'lockstep-')
    const folder = join(parent, temporaryName('lockstep-'))
    await mkdir(folder, { mode: 0o700 })
    const threads = options.threads ?? availableParallelism()
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(threads),
      temp_directory: folder,
      preserve_insertion_order: String(options.preserveInsertionOrder ?? true),
      // It trusts a file of the same path and size to be unchanged for longer than files here are, and takes memory.
      enable_external_file_cache: 'false',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
      ...(options.memoryLimitBytes === undefined ? {} : { memory_limit: `${Math.floor(options.memoryLimitBytes)}B` }),
    })
    return new Duck(instance, folder, threads, options)
  }

  /** Runs one statement or several; a transaction must lie within one call. */
  async run(sql: string): Promise<void> {
    await this.#use(sql, (connection) => connection.run(sql))
  }

  /** Runs statements with rows kept in the order of their files, whatever the database was opened with. */
  inOrder(sql: string): Promise<void> {
    if (this.#inOrder) return this.run(sql)
    // The setting is the database's, so these follow one another.
    const run = this.#ordered.then(() => this.run(`SET preserve_insertion_order = true; ${sql}; SET preserve_insertion_order = false`))
    this.#ordered = run.catch(() => this.run('SET preserve_insertion_order = false')).catch(() => {})
    return run
  }

  /** A small result as plain objects: numbers, bigints, texts, Dates, arrays. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return await this.#use(sql, async (connection) => (await connection.run(sql)).getRowObjectsJS())
  }

  /**
   * A large result, batch by batch, in the order the SQL gives. Every column must be in the transport form of its type
   * (`transportSql`). A batch is valid until the next one is asked for: its arrays lie over DuckDB's memory.
   */
  async *stream(sql: string, types: readonly TypeData[]): AsyncGenerator<Batch, void, undefined> {
    const connection = await this.#connect()
    let next: Promise<DuckDBDataChunk | null> | null = null
    try {
      const result: DuckDBResult = await connection.stream(sql)
      next = result.fetchChunk()
      for (;;) {
        const chunk = await next
        if (chunk === null || chunk.rowCount === 0) {
          next = null
          return
        }
        // The next chunk is made while this one is consumed. Not two ahead: they could overtake each other.
        next = result.fetchChunk()
        next.catch(() => {})
        const batch = readChunk(this.#hold(connection, chunk), types)
        yield batch
        releaseBatch(batch)
      }
    } catch (error) {
      throw await this.#meaning(error, sql)
    } finally {
      if (next !== null) await this.#abandon(connection, next)
      this.#release(connection)
    }
  }

  /** Makes an empty table of typed columns; replaces one of the same name. */
  async createTable(table: string, columns: Readonly<Record<string, TypeData>>): Promise<void> {
    const members = Object.entries(columns).map(([name, type]) => `${quoteIdentifier(name)} ${physicalType(type)}`)
    await this.run(`CREATE OR REPLACE TABLE ${quoteIdentifier(table)} (${members.join(', ')})`)
  }

  /** Appends the first `count` rows of typed columns to a table whose columns have the physical types of `types`, in this order. */
  async append(table: string, types: readonly TypeData[], columns: readonly BatchColumn[], count: number): Promise<void> {
    await this.#use(`append to ${table}`, async (connection) => {
      const { writeChunk } = await import('./write-chunk.ts')
      const appender = await connection.createAppender(table)
      try {
        for (let from = 0; from < count; from += chunkRows) {
          appender.appendDataChunk(writeChunk(types, columns, from, Math.min(from + chunkRows, count)))
        }
      } finally {
        appender.closeSync()
      }
    })
  }

  /** A name that no other table of this database has. */
  uniqueName(prefix: string): string {
    return `${prefix}_${++this.#names}`
  }

  /** Errors of queries whose message contains `marker` become what `explain` returns: a scan tells which rows it refuses. */
  onRefusal(marker: string, explain: () => Promise<Error>): void {
    this.#refusals.set(marker, explain)
  }

  /** Stops the work for good: queries that run, and all that come later, fail with `INTERRUPTED`. */
  interrupt(): void {
    this.#interrupted = true
    for (const connection of this.#busy) connection.interrupt()
  }

  /** Ends all work and removes what was spilled. */
  async close(): Promise<void> {
    this.interrupt()
    for (const connection of [...this.#idle, ...this.#busy]) connection.closeSync()
    this.#idle.length = 0
    this.#busy.clear()
    this.#instance.closeSync()
    await rm(this.folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #connect(): Promise<DuckDBConnection> {
    if (this.#interrupted) throw new LockstepError('INTERRUPTED', 'The work was stopped')
    const idle = this.#idle.pop()
    const connection = idle ?? (await this.#instance.connect())
    this.#busy.add(connection)
    if (idle === undefined) await connection.run("SET TimeZone = 'UTC'; SET streaming_buffer_size = '4MB'")
    return connection
  }

  #hold(connection: DuckDBConnection, chunk: DuckDBDataChunk): DuckDBDataChunk {
    this.#held.set(connection, chunk)
    return chunk
  }

  #release(connection: DuckDBConnection): void {
    this.#held.delete(connection)
    if (this.#busy.delete(connection)) this.#idle.push(connection)
  }

  async #use<T>(sql: string, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connect()
    try {
      return await work(connection)
    } catch (error) {
      throw await this.#meaning(error, sql)
    } finally {
      this.#release(connection)
    }
  }

  /** Ends a stream that is not read to its end: a new query on its connection cancels what still runs. */
  async #abandon(connection: DuckDBConnection, next: Promise<unknown>): Promise<void> {
    if (!this.#busy.has(connection)) return
    await next.catch(() => {})
    await connection.run('SELECT 1')
  }

  async #meaning(error: unknown, sql: string): Promise<Error> {
    const message = error instanceof Error ? error.message : ''
    for (const [marker, explain] of this.#refusals) if (message.includes(marker)) return await explain()
    return duckdbError(error, sql)
  }
}
