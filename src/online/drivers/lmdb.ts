import { realpathSync } from 'node:fs'
import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Database, open, type RootDatabase } from 'lmdb'
import { LockstepError } from '../../errors.ts'
import { compareBytes, sortedByBytes } from '../../lib/byte-order.ts'
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
import { checkFolder } from './lmdb/check-folder.ts'
import { commitIf, stamp } from './lmdb/commit.ts'
import { lmdbFailure } from './lmdb/failure.ts'
import { putRecord, type Rows, tableOptions, valueStart } from './lmdb/records.ts'
import { fillerName, scrubTables } from './lmdb/scrub.ts'

export interface LmdbOnlineStoreOptions {
  /** The folder of the store. It is made when it is not there, unless `readOnly`. */
  readonly path: string
  /** For a process that serves and never writes: it creates nothing and waits for no writer. Default: false. */
  readonly readOnly?: boolean
  /** How many tables this process may use until it closes the store. Default: 1,000. */
  readonly maxTables?: number
}

/**
 * Rows in a memory-mapped B-tree on the local disk, shared by the processes of one machine: any number read, one at a time writes,
 * and neither waits for the other. Each table is a named database of one LMDB environment.
 *
 * Throws `INVALID_ARGUMENT` when the path is no folder, is open in this process already or, read-only, holds no store;
 * `STORE_CORRUPT` when what is there is no online store or is cut short.
 */
export function lmdbOnlineStore(options: LmdbOnlineStoreOptions): OnlineStore {
  return new LmdbOnlineStore(options)
}

/** Longer keys do not fit a page. */
const maxKeyBytes = 1977

/**
 * The database of the texts, each with its stamp as the version of its entry. Its name tells the layout of the whole store, and no
 * table has such a name.
 */
const textsName = '!lockstep-2'

/** What one transaction takes: some 10 ms in which this thread and the other writers wait. */
const transactionRows = 4096
const transactionBytes = 4 * 1024 * 1024

const scanBytes = 1024 * 1024
const slabBytes = 64 * 1024

/** LMDB allows an environment to be open once in a process. */
const openPaths = new Set<string>()

class LmdbOnlineStore implements OnlineStore {
  readonly name = 'lmdb'
  readonly capabilities: OnlineStoreCapabilities = { durable: true, sharedByProcesses: true, transactions: true, maxKeyBytes }
  readonly #path: string
  readonly #readOnly: boolean
  readonly #root: RootDatabase<Uint8Array, Uint8Array>
  readonly #texts: Database<string, string>
  readonly #tables = new Map<string, Rows>()
  /** Tables opened by transactions under way. Nobody may read them before those are committed. */
  readonly #opened = new Map<string, Rows>()
  readonly #underway = new Set<Promise<unknown>>()
  readonly #record = Buffer.allocUnsafeSlow(slabBytes)
  #slab = new Uint8Array(slabBytes)
  #slabUsed = 0
  #closing: Promise<void> | undefined

  constructor({ path, readOnly = false, maxTables = 1000 }: LmdbOnlineStoreOptions) {
    checkFolder(resolve(path), readOnly)
    this.#path = realpathSync(path)
    this.#readOnly = readOnly
    if (openPaths.has(this.#path)) {
      throw new LockstepError('INVALID_ARGUMENT', 'The online store is open in this process already', {
        where: this.#path,
        remedy: 'Share the store that is open, or close it first.',
      })
    }
    this.#root = open({
      path: this.#path,
      readOnly,
      noSubdir: false,
      encoding: 'binary',
      keyEncoding: 'binary',
      maxDbs: maxTables + 1,
      // A commit is on the disk before it is visible. It runs on a thread of its own, so only its writer waits.
      overlappingSync: false,
      // Otherwise a failed commit also rejects a promise that nobody can reach.
      eventTurnBatching: false,
    })
    try {
      this.#texts = this.#translated(() => this.#openTexts())
    } catch (error) {
      void this.#root.close()
      throw error
    }
    openPaths.add(this.#path)
  }

  readSync(reads: readonly OnlineRead[]): OnlineValues[] {
    this.#checkOpen()
    return this.#translated(() => {
      // Opening a table ends the snapshot, so all are open before the first is read.
      const tables = reads.map(({ table }) => this.#existing(table))
      return reads.map(({ keys }, at) => keys.map((key) => this.#value(tables[at], key)))
    })
  }

  read(reads: readonly OnlineRead[]): Promise<OnlineValues[]> {
    return this.#reading(() => this.readSync(reads))
  }

  async write(table: string, rows: readonly OnlineRow[]): Promise<WriteResult> {
    checkRows(table, rows, maxKeyBytes)
    // Neighbours in the tree share the pages that are written for them: in its order a load is five times as fast.
    const sorted = sortedByBytes(rows, ({ key }) => key)
    let written = 0
    await this.#inTransactions(sorted, () => {
      const put = this.#putter(table)
      return (row) => {
        if (put(row)) written++
        return row.key.length + row.version.length + row.value.length
      }
    })
    return { written, older: rows.length - written }
  }

  async delete(table: string, keys: readonly Uint8Array[]): Promise<number> {
    checkTable(table)
    let deleted = 0
    await this.#inTransactions(keys, () => (key) => {
      if (key.length <= maxKeyBytes && this.#writable(table)?.removeSync(key)) deleted++
      return key.length
    })
    return deleted
  }

  async *scan(table: string): AsyncGenerator<OnlineRow> {
    for (let last: Uint8Array | undefined; ; ) {
      this.#checkOpen()
      const rows = this.#translated(() => this.#rowsAfter(this.#existing(table), last))
      if (rows.length === 0) return
      last = rows.at(-1)?.key.slice()
      yield* rows
      await setImmediate()
    }
  }

  tables(): Promise<string[]> {
    return this.#reading(() => {
      const databases = [...this.#root.getKeys({ start: new Uint8Array(1) })].map((name) => Buffer.from(name.subarray(0, -1)).toString())
      const filled = databases.filter(
        (name) => name !== textsName && name !== fillerName && this.#rowsAfter(this.#existing(name), undefined, 0).length > 0,
      )
      return [...new Set([...filled, ...this.#texts.getKeys()])].sort()
    })
  }

  async drop(table: string): Promise<void> {
    checkTable(table)
    await this.#inTransactions([table], () => () => {
      this.#writable(table)?.clearSync()
      this.#texts.removeSync(table)
      return 0
    })
  }

  /** Takes memory for the rows of a table. */
  async scrub(tables: readonly string[]): Promise<void> {
    for (const table of tables) checkTable(table)
    await scrubTables(
      tables,
      this.#root,
      (table) => this.#created(table),
      (work) =>
        this.#inTransactions([0], () => () => {
          work()
          return 0
        }),
    )
  }

  readMeta(table: string): Promise<string | null> {
    return this.#reading(() => {
      checkTable(table)
      return this.#texts.get(table) ?? null
    })
  }

  async writeMeta(table: string, text: string): Promise<void> {
    checkTable(table)
    await this.#inTransactions([text], () => () => {
      this.#texts.putSync(table, text, stamp(text))
      return 0
    })
  }

  async commit(texts: readonly TextChange[], writes: readonly TableRows[]): Promise<boolean> {
    checkCommit(texts, writes, maxKeyBytes)
    this.#checkWritable()
    return await this.#whileOpen(async () => {
      const tables = writes.map(({ table }) => table)
      if (tables.some((table) => this.#existing(table) === undefined)) {
        await this.#transaction(() => {
          for (const table of tables) this.#created(table)
        })
      }
      const known = writes.map(({ table, rows }) => ({ table: this.#existing(table) as Rows, rows }))
      return this.#settled(() => commitIf(this.#root, this.#texts, texts, known))
    })
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#underway)
      .then(() => this.#root.close())
      .finally(() => openPaths.delete(this.#path))
    return this.#closing
  }

  #value(rows: Rows | undefined, key: Uint8Array): Uint8Array | null {
    const record = rows === undefined || key.length > maxKeyBytes ? undefined : rows.getBinaryFast(key)
    return record === undefined ? null : this.#copy(record.subarray(valueStart(record), record.length))
  }

  /** Small values share memory that is written once: half the time of an allocation for each. */
  #copy(bytes: Uint8Array): Uint8Array {
    if (bytes.length > slabBytes / 8) return new Uint8Array(bytes)
    if (this.#slabUsed + bytes.length > slabBytes) {
      this.#slab = new Uint8Array(slabBytes)
      this.#slabUsed = 0
    }
    this.#slab.set(bytes, this.#slabUsed)
    this.#slabUsed += bytes.length
    return this.#slab.subarray(this.#slabUsed - bytes.length, this.#slabUsed)
  }

  /** In a write transaction: what stores a row unless a newer one is there, and tells whether it did. */
  #putter(table: string): (row: OnlineRow) => boolean {
    const rows = this.#created(table)
    let [last] = rows.getKeys({ reverse: true, end: new Uint8Array(), inclusiveEnd: true, limit: 1 })
    return ({ key, version, value }) => {
      // Behind the last row nothing has to be looked up: a first load, in the order of keys, takes half the time.
      const append = last === undefined || compareBytes(key, last) > 0
      if (append) {
        last = key
      } else {
        const stored = rows.getBinaryFast(key)
        if (stored !== undefined && compareBytes(version, stored.subarray(2, valueStart(stored))) < 0) return false
      }
      const length = 2 + version.length + value.length
      const record = length > this.#record.length ? Buffer.allocUnsafeSlow(length) : this.#record
      putRecord(record, 0, version, value)
      rows.putSync(key, record.subarray(0, length), { append })
      return true
    }
  }

  /** The next rows by key, until they pass `most` bytes. No snapshot outlives the call: one that is kept makes the file grow. */
  #rowsAfter(table: Rows | undefined, last: Uint8Array | undefined, most = scanBytes): OnlineRow[] {
    const rows: OnlineRow[] = []
    let bytes = 0
    for (const { key, value } of table?.getRange({ start: last ?? new Uint8Array(), exclusiveStart: last !== undefined }) ?? []) {
      const start = valueStart(value)
      rows.push({ key, version: new Uint8Array(value.subarray(2, start)), value: new Uint8Array(value.subarray(start)) })
      bytes += value.length
      if (bytes > most) break
    }
    return rows
  }

  #existing(table: string): Rows | undefined {
    const known = this.#tables.get(table)
    if (known !== undefined) return known
    checkTable(table)
    return this.#root.doesExist(databaseName(table)) ? this.#open(table) : undefined
  }

  /** Never closed and never removed: another process, or a transaction under way, may be using it. */
  #open(table: string, tables = this.#tables): Rows {
    const rows: Rows = this.#root.openDB(table, tableOptions)
    tables.set(table, rows)
    return rows
  }

  /** In a write transaction: the table, if it is there. */
  #writable(table: string): Rows | undefined {
    return this.#opened.get(table) ?? this.#existing(table)
  }

  /** In a write transaction: the table, made where it is not there. */
  #created(table: string): Rows {
    return this.#tables.get(table) ?? this.#opened.get(table) ?? this.#open(table, this.#opened)
  }

  #openTexts(): Database<string, string> {
    if (!this.#root.doesExist(databaseName(textsName))) {
      const [other] = this.#root.getKeys({ start: new Uint8Array(1), limit: 1 })
      if (other !== undefined || this.#readOnly) {
        throw new LockstepError('STORE_CORRUPT', 'The folder holds an LMDB environment that is no online store of this version', {
          where: this.#path,
        })
      }
    }
    return this.#root.openDB(textsName, { encoding: 'string', useVersions: true })
  }

  /**
   * Calls what `begin` gives in each transaction for each item, within as few transactions as its answers, in bytes, allow.
   * Resolves when all is on the disk.
   */
  #inTransactions<T>(items: readonly T[], begin: () => (item: T) => number): Promise<void> {
    this.#checkWritable()
    return this.#whileOpen(async () => {
      for (let at = 0; at < items.length; ) {
        await this.#transaction(() => {
          const store = begin()
          const end = Math.min(items.length, at + transactionRows)
          for (let bytes = 0; at < end && bytes < transactionBytes; at++) bytes += store(items[at] as T)
        })
      }
    })
  }

  /** The store is not closed before the work is done. */
  #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    const done = work().finally(() => this.#underway.delete(done))
    this.#underway.add(done)
    return done
  }

  async #transaction(work: () => void): Promise<void> {
    const opened = await this.#settled(() =>
      this.#root.transaction(() => {
        work()
        return [...this.#opened]
      }),
    )
    for (const [table, rows] of opened) this.#tables.set(table, rows)
    for (const [table] of opened) this.#opened.delete(table)
  }

  /** What LMDB answers, its failure told in our words. */
  async #settled<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      // A table that was opened in a transaction that failed is not open.
      this.#tables.clear()
      this.#opened.clear()
      const { commitError } = error as { commitError?: Promise<never> }
      throw lmdbFailure(this.#path, await (commitError ?? Promise.reject(error)).catch((cause) => cause))
    }
  }

  #reading<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#checkOpen()
      resolve(this.#translated(work))
    })
  }

  #translated<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw lmdbFailure(this.#path, error)
    }
  }

  #checkWritable(): void {
    this.#checkOpen()
    if (!this.#readOnly) return
    throw new LockstepError('INVALID_ARGUMENT', 'The online store is open for reading only', {
      where: this.#path,
      remedy: 'Open it without `readOnly`.',
    })
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedStore(this.name)
  }
}

/** As LMDB writes a name down. */
const databaseName = (name: string): Uint8Array => Buffer.from(`${name}\0`)
