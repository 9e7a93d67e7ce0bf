import { compareBytes } from '../../lib/byte-order.ts'
import { checkCommit, checkRows, checkTable, closedStore } from '../check.ts'
import type { OnlineRead, OnlineRow, OnlineStore, OnlineValues } from '../store.ts'

interface Table {
  readonly rows: Map<string, OnlineRow>
  text: string | null
}

/** Rows in the memory of this process, for tests and for what is materialized at every start. */
export function memoryOnlineStore(): OnlineStore {
  const tables = new Map<string, Table>()
  /** That of LMDB, so that what a test stores can be stored in earnest. */
  const capabilities = { durable: false, sharedByProcesses: false, transactions: true, maxKeyBytes: 1977 }
  let closed = false

  function existing(name: string): Table | undefined {
    if (closed) throw closedStore('memory')
    checkTable(name)
    return tables.get(name)
  }

  function created(name: string): Table {
    const table = existing(name) ?? { rows: new Map(), text: null }
    tables.set(name, table)
    return table
  }

  const readSync = (reads: readonly OnlineRead[]): OnlineValues[] =>
    reads.map(({ table, keys }) => {
      const rows = existing(table)?.rows
      return keys.map((key) => rows?.get(text(key))?.value.slice() ?? null)
    })

  return {
    name: 'memory',
    capabilities,
    readSync,
    read: (reads) => promised(() => readSync(reads)),
    write: (name, rows) =>
      promised(() => {
        checkRows(name, rows, capabilities.maxKeyBytes)
        const stored = created(name).rows
        let written = 0
        for (const row of rows) {
          const before = stored.get(text(row.key))
          if (before !== undefined && compareBytes(row.version, before.version) < 0) continue
          stored.set(text(row.key), copy(row))
          written++
        }
        return { written, older: rows.length - written }
      }),
    delete: (name, keys) =>
      promised(() => {
        const rows = existing(name)?.rows
        return keys.filter((key) => rows?.delete(text(key))).length
      }),
    async *scan(name) {
      const rows = await promised(() => existing(name)?.rows.values() ?? [])
      for (const row of rows) {
        yield copy(row)
        existing(name)
      }
    },
    tables: () =>
      promised(() => {
        if (closed) throw closedStore('memory')
        return [...tables].flatMap(([name, { rows, text }]) => (rows.size > 0 || text !== null ? [name] : [])).sort()
      }),
    drop: (name) =>
      promised(() => {
        existing(name)?.rows.clear()
        tables.delete(name)
      }),
    readMeta: (name) => promised(() => existing(name)?.text ?? null),
    writeMeta: (name, text) =>
      promised(() => {
        created(name).text = text
      }),
    commit: (texts, writes) =>
      promised(() => {
        checkCommit(texts, writes, capabilities.maxKeyBytes)
        if (texts.some(({ table, expected }) => (existing(table)?.text ?? null) !== expected)) return false
        for (const { table, text } of texts) created(table).text = text
        for (const { table, rows } of writes) {
          const stored = created(table).rows
          for (const row of rows) stored.set(text(row.key), copy(row))
        }
        return true
      }),
    close: () =>
      promised(() => {
        closed = true
        tables.clear()
      }),
  }
}

/** One character a byte: texts are equal where the bytes are. */
const text = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')

const copy = ({ key, version, value }: OnlineRow): OnlineRow => ({ key: key.slice(), version: version.slice(), value: value.slice() })

/** What the work returns or throws, as a promise. */
const promised = <T>(work: () => T): Promise<T> => new Promise((resolve) => resolve(work()))
