import { type Database, open, type RootDatabase } from 'lmdb'
import type { OnlineRow } from '../../src/online/index.ts'

/** What LMDB itself takes: the same bytes, no check of versions, no meaning. The floor of what an online store on it can do. */
export class PlainLmdb implements AsyncDisposable {
  readonly #root: RootDatabase<Buffer, Uint8Array>
  readonly #tables = new Map<string, Database<Buffer, Uint8Array>>()

  constructor(path: string) {
    this.#root = open({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false })
  }

  /** Puts rows into a table, in transactions of 4,096. */
  async load(table: string, rows: readonly Pick<OnlineRow, 'key' | 'value'>[]): Promise<void> {
    const database = this.#table(table)
    for (let from = 0; from < rows.length; from += 4096) {
      const chunk = rows.slice(from, from + 4096)
      await this.#root.transaction(() => {
        for (const { key, value } of chunk) database.putSync(key, value as Buffer)
      })
    }
  }

  /** Gets a row of each table and reads `count` numbers out of their bytes, which is the least that a vector of so many features takes. */
  read(tables: readonly string[], key: Uint8Array, count: number): number[] {
    const numbers: number[] = []
    for (const [index, table] of tables.entries()) {
      const bytes = this.#table(table).getBinary(key) as Buffer
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const last = bytes.length - 8
      const wanted = Math.floor((count * (index + 1)) / tables.length)
      for (let at = 0; numbers.length < wanted; at = at + 8 > last ? 0 : at + 8) numbers.push(view.getFloat64(at, true))
    }
    return numbers
  }

  #table(name: string): Database<Buffer, Uint8Array> {
    const table = this.#tables.get(name) ?? this.#root.openDB<Buffer, Uint8Array>(name, { encoding: 'binary', keyEncoding: 'binary' })
    this.#tables.set(name, table)
    return table
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close()
  }
}
