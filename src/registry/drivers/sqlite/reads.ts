import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { stampOf } from '../../check.ts'
import type { Document, DocumentPlace, DocumentRange, ListOptions } from '../../documents.ts'
import { afterPrefix } from '../../prefix.ts'

/** What a file of SQLite holds, read through one connection. Statements are prepared once. */
export class SqliteReads {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  revision(): number {
    return Number(this.statement('SELECT number FROM revision').get()?.number)
  }

  /** Of one moment within a transaction only. */
  read(places: readonly DocumentPlace[]): (Document | null)[] {
    const statement = this.statement('SELECT key, text, revision FROM documents WHERE tbl = ? AND key = ?')
    return places.map(({ table, key }) => (statement.get(table, key) as Document | undefined) ?? null)
  }

  list(table: string, { prefix = '', after, limit = -1, descending = false }: ListOptions = {}): Document[] {
    const conditions: readonly [condition: string, value: string | null][] = [
      ['tbl = ?', table],
      ['key >= ?', prefix],
      ['key < ?', afterPrefix(prefix)],
      [descending ? 'key < ?' : 'key > ?', after ?? null],
    ]
    const asked = conditions.filter(([, value]) => value !== null)
    const sql = `SELECT key, text, revision FROM documents WHERE ${asked.map(([condition]) => condition).join(' AND ')}
      ORDER BY key ${descending ? 'DESC' : 'ASC'} LIMIT ?`
    return this.statement(sql).all(...asked.map(([, value]) => value), limit) as unknown as Document[]
  }

  stamp({ table, prefix = '' }: DocumentRange): string {
    const sql = `SELECT count(*) AS number, max(revision) AS newest FROM documents
      WHERE tbl = ? AND key >= ? AND key < coalesce(?, key || 'x')`
    const found = this.statement(sql).get(table, prefix, afterPrefix(prefix))
    return stampOf(found?.number, found?.newest)
  }

  tables(): string[] {
    const all = this.statement('SELECT DISTINCT tbl FROM documents ORDER BY tbl').all()
    return all.map(({ tbl }) => String(tbl))
  }

  statement(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.database.prepare(sql)
    this.#statements.set(sql, known)
    return known
  }

  close(): void {
    this.#statements.clear()
    this.database.close()
  }
}

/** What is read of a file that nobody has made yet. */
export const nothingRead = {
  revision: () => 0,
  read: (places) => places.map(() => null),
  list: () => [],
  stamp: () => stampOf(0, 0),
  tables: () => [],
} as const satisfies Pick<SqliteReads, 'revision' | 'read' | 'list' | 'stamp' | 'tables'>
