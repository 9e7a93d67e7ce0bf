import { DOUBLE, type DuckDBAppender, type DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api'
import { type Row, type TableName, tableNames, tables } from './tables.ts'

/** Where rows go. `order` is the place of a row in its file; rows with equal places keep the order in which they are written. */
export interface Sink {
  write<T extends TableName>(table: T, row: Row<T>, order: number): void
}

const chunkRows = 2048

/** The rows of one table, as numbers in an in-memory table of DuckDB. */
class StagedTable {
  readonly #appender: DuckDBAppender
  readonly #names: readonly string[]
  #columns: (number | null)[][]
  rows = 0

  constructor(appender: DuckDBAppender, names: readonly string[]) {
    this.#appender = appender
    this.#names = names
    this.#columns = this.#empty()
  }

  #empty(): (number | null)[][] {
    return Array.from({ length: this.#names.length + 1 }, () => [])
  }

  add(row: Readonly<Record<string, number | null>>, order: number): void {
    const columns = this.#columns
    let place = 0
    for (const name of this.#names) columns[place++]?.push(row[name] as number | null)
    columns[place]?.push(order)
    this.rows++
    if (columns[0]?.length === chunkRows) this.#flush()
  }

  #flush(): void {
    const types = this.#columns.map(() => DOUBLE)
    const chunk = DuckDBDataChunk.create(types, this.#columns[0]?.length ?? 0)
    chunk.setColumns(this.#columns)
    this.#appender.appendDataChunk(chunk)
    this.#columns = this.#empty()
  }

  close(): void {
    this.#flush()
    this.#appender.closeSync()
  }
}

/** Collects the rows of all tables and writes them to Parquet files. */
export class Staging implements Sink {
  readonly #connection: DuckDBConnection
  readonly #staged: Readonly<Record<TableName, StagedTable>>

  private constructor(connection: DuckDBConnection, staged: Readonly<Record<TableName, StagedTable>>) {
    this.#connection = connection
    this.#staged = staged
  }

  static async create(connection: DuckDBConnection): Promise<Staging> {
    const staged: Partial<Record<TableName, StagedTable>> = {}
    for (const table of tableNames) {
      const names = Object.keys(tables[table])
      await connection.run(`CREATE TABLE ${table} (${[...names, 'row_order'].map((name) => `"${name}" DOUBLE`).join(', ')})`)
      staged[table] = new StagedTable(await connection.createAppender(table), names)
    }
    return new Staging(connection, staged as Record<TableName, StagedTable>)
  }

  write<T extends TableName>(table: T, row: Row<T>, order: number): void {
    this.#staged[table].add(row, order)
  }

  rows(): Record<TableName, number> {
    return Object.fromEntries(tableNames.map((table) => [table, this.#staged[table].rows])) as Record<TableName, number>
  }

  close(): void {
    for (const table of tableNames) this.#staged[table].close()
  }

  /** Writes a closed table to `folder`; the clicks in one folder a day, named in the way of Hive. */
  async export(table: TableName, folder: string): Promise<void> {
    const columns = Object.entries(tables[table]).map(([name, value]) => `${value(`"${name}"`)} AS "${name}"`)
    const daily = table === 'clicks'
    if (daily) columns.push(`strftime(epoch_ms("at"::BIGINT), '%Y-%m-%d') AS date`)
    const target = `${folder}/${table}${daily ? '' : '.parquet'}`.replaceAll("'", "''")
    const options = `FORMAT parquet, COMPRESSION zstd${daily ? ', PARTITION_BY (date)' : ''}`
    await this.#connection.run(`COPY (SELECT ${columns.join(', ')} FROM ${table} ORDER BY row_order, rowid) TO '${target}' (${options})`)
  }
}
