import type { FileHistory, SourceData } from '../../definition/index.ts'
import type { Duck } from '../duckdb.ts'
import { quoteIdentifier } from '../sql.ts'
import { exactPath, fileName, findFiles, requireColumns, unreadableFiles } from './files.ts'
import { parquetStatistics } from './parquet-statistics.ts'
import type { Reader } from './reader.ts'

/** Columns may be missing in some of the files, and partitions in the path are texts, so that `007` stays `007`. */
export async function parquetReader(duck: Duck, source: SourceData, history: FileHistory, where: string): Promise<Reader> {
  const files = await findFiles(duck, history.path, where)
  const list = `[${files.map(({ path }) => exactPath(path)).join(', ')}]`
  const from = `read_parquet(${list}, union_by_name = ${files.length > 1}, hive_types_autocast = false)`
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`).catch((error: unknown) => {
    throw unreadableFiles(error, 'Parquet', where)
  })
  const types = new Map(described.map(({ column_name, column_type }) => [column_name as string, column_type as string]))
  requireColumns(source, history, new Set(types.keys()), where)
  const names = Object.keys(source.columns).map((column) => fileName(history, column))
  const statistics = await parquetStatistics(duck, list, new Map(names.map((name) => [name, types.get(name) as string])))
  return {
    from,
    located: `(SELECT *, filename AS "__file", file_row_number + 1 AS "__row" FROM ${from})`,
    columns: Object.fromEntries(
      Object.keys(source.columns).map((column, index) => {
        const name = names[index] as string
        const known = statistics.get(name)
        return [
          column,
          { sql: `"source".${quoteIdentifier(name)}`, type: types.get(name) as string, ...(known ? { statistics: known } : {}) },
        ]
      }),
    ),
    unreadable: null,
    zone: source.timeZone,
    files,
    close: async () => {},
  }
}
