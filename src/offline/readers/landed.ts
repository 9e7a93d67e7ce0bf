import { stat } from 'node:fs/promises'
import type { SourceData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import type { Duck } from '../duckdb.ts'
import { quoteIdentifier, quoteList } from '../sql.ts'
import { unreadableFiles } from './files.ts'
import { parquetStatistics } from './parquet-statistics.ts'
import type { RawColumn, Reader } from './reader.ts'

/** Files in which events of a source's stream have landed. A column that was declared later is null in them. */
export async function landedReader(duck: Duck, source: SourceData, paths: readonly string[], where: string): Promise<Reader> {
  const list = quoteList(paths)
  const from = `read_parquet(${list}, union_by_name = ${paths.length > 1}, hive_partitioning = false)`
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`).catch((error: unknown) => {
    throw unreadableFiles(error, 'Parquet', where)
  })
  const types = new Map(described.map(({ column_name, column_type }) => [column_name as string, column_type as string]))
  const statistics = await parquetStatistics(duck, list, types)
  const columns = Object.entries(source.columns).map(([name, { nullable }]): [string, RawColumn] => {
    const type = types.get(name)
    const known = statistics.get(name)
    if (type !== undefined) return [name, { sql: `"source".${quoteIdentifier(name)}`, type, ...(known ? { statistics: known } : {}) }]
    if (nullable) return [name, { sql: 'CAST(NULL AS VARCHAR)', type: 'VARCHAR' }]
    throw new LockstepError('SOURCE_SCHEMA', `The column ${name} was declared after events had landed without it`, {
      where,
      remedy: 'Declare it nullable.',
    })
  })
  return {
    from,
    located: `(SELECT *, filename AS "__file", file_row_number + 1 AS "__row" FROM ${from})`,
    columns: Object.fromEntries(columns),
    unreadable: null,
    zone: 'UTC',
    files: await Promise.all(
      paths.map(async (path) => {
        const { size, mtimeMs } = await stat(path)
        return { path, size, modified: Math.floor(mtimeMs) }
      }),
    ),
    close: async () => {},
  }
}
