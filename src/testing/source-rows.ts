import type { History, SourceData } from '../definition/index.ts'
import { cellAt, type Duck, prepareScan, quoteIdentifier, transportSql } from '../offline/index.ts'
import type { Cell } from '../schema/index.ts'
import type { OracleRow } from './oracle.ts'

/**
 * Every row of a source as the oracle takes them: a cell for each declared column. Several versions of one event, and
 * copies, are all there: telling them apart is what the oracle judges.
 */
export async function sourceRows(duck: Duck, source: SourceData, history?: History): Promise<OracleRow[]> {
  const scan = await prepareScan(duck, { ...source, id: [] }, history === undefined ? {} : { history })
  const columns = Object.entries(source.columns)
  const types = columns.map(([, type]) => type)
  const casts = columns.map(([name, type]) => transportSql(type, quoteIdentifier(name))).join(', ')
  const rows: OracleRow[] = []
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
