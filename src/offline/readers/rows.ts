import type { RowsHistory, SourceData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { type Cell, type TypeData, zonedCell } from '../../schema/index.ts'
import { columnOf } from '../batch.ts'
import type { Duck } from '../duckdb.ts'
import { physicalType } from '../physical.ts'
import { quoteIdentifier } from '../sql.ts'
import type { Reader } from './reader.ts'

const rowNumber: TypeData = { kind: 'integer', nullable: false }
const problem: TypeData = { kind: 'string', nullable: true }

/** Rows in memory become a table. A value that its type refuses is null in it, with the reason in a column beside. */
export async function rowsReader(duck: Duck, source: SourceData, history: RowsHistory): Promise<Reader> {
  const table = duck.uniqueName('lockstep_rows')
  const names = Object.keys(source.columns)
  const cells = names.map((): Cell[] => [])
  const problems: Cell[] = []
  for (const row of history.rows) {
    let reason: string | null = null
    names.forEach((name, index) => {
      const type = source.columns[name] as TypeData
      try {
        cells[index]?.push(zonedCell({ ...type, nullable: true }, row[name], source.timeZone))
      } catch (error) {
        if (!(error instanceof LockstepError)) throw error
        cells[index]?.push(null)
        reason ??= `${name}: ${error.message}`
      }
    })
    problems.push(reason)
  }
  const types = names.map((name) => ({ ...(source.columns[name] as TypeData), nullable: true }))
  const columns = Object.fromEntries(names.map((name, index) => [name, types[index] as TypeData]))
  await duck.createTable(table, { ...columns, __row: rowNumber, __unreadable: problem })
  const typed = types.map((type, index) => columnOf(type, cells[index] as Cell[]))
  const numbers = columnOf(
    rowNumber,
    history.rows.map((_row, index) => index + 1),
  )
  await duck.append(table, [...types, rowNumber, problem], [...typed, numbers, columnOf(problem, problems)], history.rows.length)
  return {
    from: quoteIdentifier(table),
    located: `(SELECT *, 'rows in memory' AS "__file" FROM ${quoteIdentifier(table)})`,
    columns: Object.fromEntries(
      names.map((name, index) => [name, { sql: `"source".${quoteIdentifier(name)}`, type: physicalType(types[index] as TypeData) }]),
    ),
    unreadable: '"source"."__unreadable"',
    zone: 'UTC',
    files: [],
    close: () => duck.run(`DROP TABLE IF EXISTS ${quoteIdentifier(table)}`),
  }
}
