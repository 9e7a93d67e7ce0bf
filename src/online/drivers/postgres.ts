import { compareBytes } from '../../lib/byte-order.ts'
import { bytesArray, textArray } from '../../lib/postgres/binary-array.ts'
import { type Connection, Connections } from '../../lib/postgres/connections.ts'
import { checkPostgresOptions, type PostgresOptions } from '../../lib/postgres/options.ts'
import { checkCommit, checkRows, checkTable, closedStore } from '../check.ts'
import type {
  OnlineRead,
  OnlineRow,
  OnlineStore,
  OnlineStoreCapabilities,
  OnlineValues,
  TableRows,
  TextChange,
  WriteResult,
} from '../store.ts'
import { hex, loadsOf } from './postgres/load.ts'
import { type Statements, statementsFor } from './postgres/statements.ts'

/** An entry of PostgreSQL's index has to fit a third of its page, the name of the table included. That of LMDB fits. */
const maxKeyBytes = 1977

const scanRows = 2_000
const scanBytes = 1024 * 1024
const dropRows = 10_000

/**
 * Rows in a PostgreSQL server, 12 or newer, in one table of a schema of their own. Needs the package `pg`, which is loaded when the
 * store is first used. While the server is away every call throws `STORE_UNAVAILABLE`; when it is back, calls work again.
 *
 * Throws `INVALID_ARGUMENT` where an option makes no sense.
 */
export function postgresOnlineStore(options: PostgresOptions): OnlineStore {
  return new PostgresOnlineStore(options)
}

class PostgresOnlineStore implements OnlineStore {
  readonly name = 'postgres'
  readonly capabilities: OnlineStoreCapabilities = { durable: true, sharedByProcesses: true, transactions: true, maxKeyBytes }
  readonly #statements: Statements
  readonly #connections: Connections
  readonly #underway = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(options: PostgresOptions) {
    const checked = checkPostgresOptions(options)
    this.#statements = statementsFor(checked.schema)
    this.#connections = new Connections(checked, { owner: 'an online store', ...this.#statements })
  }

  async read(reads: readonly OnlineRead[]): Promise<OnlineValues[]> {
    for (const { table } of reads) checkTable(table)
    const keys = reads.flatMap((read) => read.keys)
    const tables = reads.flatMap(({ table, keys }) => keys.map(() => table))
    const values = await this.#whileOpen(async () => {
      if (keys.length === 0) return []
      const wanted = [textArray(tables), bytesArray(keys)]
      return (await this.#connections.use((ask) => ask(this.#statements.read, wanted, 'lockstep-read'))).rows
    })
    let at = 0
    return reads.map(({ keys }) => keys.map(() => bytesOf(values[at++]?.[0])))
  }

  async write(table: string, rows: readonly OnlineRow[]): Promise<WriteResult> {
    checkRows(table, rows, maxKeyBytes)
    return await this.#whileOpen(async () => {
      let written = 0
      for (const { rows: load, twins } of loadsOf(rows, (later, earlier) => compareBytes(later.version, earlier.version) >= 0)) {
        const values = [table, ...columnsOf(load)]
        const { unlessNewer, unlessNewerToldByKey } = this.#statements
        const told = await this.#connections.use((ask) => ask(twins.size === 0 ? unlessNewer : unlessNewerToldByKey, values))
        written += told.changed
        for (const [key] of twins.size === 0 ? [] : told.rows) written += (twins.get(hex(key as Uint8Array)) ?? 1) - 1
      }
      return { written, older: rows.length - written }
    })
  }

  async delete(table: string, keys: readonly Uint8Array[]): Promise<number> {
    checkTable(table)
    return await this.#asking(async (ask) => (await ask(this.#statements.delete, [table, bytesArray(keys)])).changed)
  }

  async *scan(table: string): AsyncGenerator<OnlineRow> {
    checkTable(table)
    for (let last: Uint8Array | null = null; ; ) {
      const values: unknown[] = [table, last, scanBytes, scanRows]
      const page = await this.#asking(async (ask) => (await ask(this.#statements.scan, values)).rows)
      const rows = page.map(
        ([key, version, value]) => ({ key: bytesOf(key), version: bytesOf(version), value: bytesOf(value) }) as OnlineRow,
      )
      if (rows.length === 0) return
      last = rows.at(-1)?.key.slice() ?? null
      yield* rows
    }
  }

  async tables(): Promise<string[]> {
    return await this.#asking(async (ask) => (await ask(this.#statements.tables)).rows.map(([table]) => String(table)))
  }

  async drop(table: string): Promise<void> {
    checkTable(table)
    await this.#whileOpen(() =>
      this.#connections.transaction(async (ask) => {
        await ask(this.#statements.dropText, [table])
        for (let last: unknown = null; last !== undefined; ) {
          const { rows } = await ask(this.#statements.dropRows, [table, last, dropRows])
          last = rows[0]?.[0]
        }
      }),
    )
  }

  async readMeta(table: string): Promise<string | null> {
    checkTable(table)
    const [row] = await this.#asking(async (ask) => (await ask(this.#statements.readText, [table])).rows)
    return row === undefined ? null : (row[0] as Buffer).toString()
  }

  async writeMeta(table: string, text: string): Promise<void> {
    checkTable(table)
    await this.#asking((ask) => ask(this.#statements.writeText, [table, Buffer.from(text)]))
  }

  async commit(texts: readonly TextChange[], writes: readonly TableRows[]): Promise<boolean> {
    checkCommit(texts, writes, maxKeyBytes)
    // In one order for all, so that two commits wait for each other and never in a circle.
    const changes = texts.toSorted(byTable)
    const loads = writes.toSorted(byTable)
    return await this.#whileOpen(() =>
      this.#connections.transaction(async (ask) => {
        for (const change of changes) if (!(await this.#changeText(ask, change))) return false
        for (const { table, rows } of loads) {
          for (const load of loadsOf(rows, () => true)) await ask(this.#statements.replace, [table, ...columnsOf(load.rows)])
        }
        return true
      }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underway).then(() => this.#connections.close())
    return this.#closing
  }

  async #changeText(ask: Connection, { table, expected, text }: TextChange): Promise<boolean> {
    const { createText, changeText } = this.#statements
    const body = Buffer.from(text)
    const answer = expected === null ? ask(createText, [table, body]) : ask(changeText, [table, Buffer.from(expected), body])
    return (await answer).changed === 1
  }

  #asking<T>(work: (ask: Connection) => Promise<T>): Promise<T> {
    return this.#whileOpen(() => this.#connections.use(work))
  }

  /** The store is not closed before the work is done. */
  #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw closedStore(this.name)
    const done = work().finally(() => this.#underway.delete(done))
    this.#underway.add(done)
    return done
  }
}

const byTable = (a: { table: string }, b: { table: string }): number => (a.table < b.table ? -1 : a.table > b.table ? 1 : 0)

const columnsOf = (rows: readonly OnlineRow[]): Buffer[] => [
  bytesArray(rows.map(({ key }) => key)),
  bytesArray(rows.map(({ version }) => version)),
  bytesArray(rows.map(({ value }) => value)),
]

/** A column of bytes, as plain bytes. */
const bytesOf = (column: unknown): Uint8Array | null =>
  column instanceof Uint8Array ? new Uint8Array(column.buffer, column.byteOffset, column.length) : null
