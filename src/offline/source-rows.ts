import type { History, SourceData } from '../definition/index.ts'
import type { Cell } from '../schema/index.ts'
import { cellAt } from './batch.ts'
import type { Duck } from './duckdb.ts'
import { transportSql } from './physical.ts'
import { prepareScan } from './scan.ts'
import { quoteIdentifier } from './sql.ts'

/** A row of a source: a cell for each declared column. */
export type SourceRow = Readonly<Record<string, Cell>>

/**
 * Every row of a source. Several versions of one event, and copies, are all there: telling them apart is what those who judge
 * a path judge.
 */
export async function sourceRows(duck: Duck, source: SourceData, history?: History): Promise<SourceRow[]> {
  const scan = await prepareScan(duck, { ...source, id: [] }, history === undefined ? {} : { history })
  const columns = Object.entries(source.columns)
  const types = columns.map(([, type]) => type)
  const casts = columns.map(([name, type]) => transportSql(type, quoteIdentifier(name))).join(', ')
  const rows: SourceRow[] = []
  for await (const batch of duck.stream(`SELECT ${casts} FROM (${scan.sql})`, types)) {
    for (let place = 0; place < batch.count; place++) {
      const row: Record<string, Cell> = {}
      for (const [index, [name, type]] of columns.entries())
        row[name] = cellAt(type, batch.columns[index] as (typeof batch.columns)[number], place)
      rows.push(row)
    }
  }
  await scan.close()
  return rows
}
