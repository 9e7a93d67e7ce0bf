import type { Duck } from '../duckdb.ts'
import { quoteLiteral } from '../sql.ts'
import type { Statistics } from './reader.ts'

/** Types whose least and greatest value bound all others: not floats (NaN), and not texts (bounds may be cut short). */
const bounded = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT)|DECIMAL\(.*\)|DATE|TIMESTAMP.*)$/

/**
 * What the footers of Parquet files say of columns, given by name with their types. Checks that they prove need not be made
 * row by row, and a column that is only checked need not be read.
 */
export async function parquetStatistics(duck: Duck, files: string, columns: ReadonlyMap<string, string>): Promise<Map<string, Statistics>> {
  const names = [...columns.keys()]
  const selected = names.flatMap((name, index) => {
    const type = columns.get(name) ?? ''
    const of = (sql: string, condition = 'true') => `${sql} FILTER (WHERE path_in_schema = ${quoteLiteral(name)} AND (${condition}))`
    const never = `${of('count(*)', 'stats_null_count = 0')} = count(DISTINCT file_name || ':' || row_group_id) AS never${index}`
    if (!bounded.test(type)) return [never, `NULL AS low${index}`, `NULL AS high${index}`]
    const low = `TRY_CAST(coalesce(stats_min_value, stats_min) AS ${type})`
    const high = `TRY_CAST(coalesce(stats_max_value, stats_max) AS ${type})`
    const unknown = of('count(*)', `(${low} IS NULL OR ${high} IS NULL) AND stats_null_count IS DISTINCT FROM num_values`)
    return [
      never,
      ...[of(`min(${low})`), of(`max(${high})`)].map(
        (bound, end) => `CASE WHEN ${unknown} = 0 THEN CAST(${bound} AS VARCHAR) END AS ${end === 0 ? 'low' : 'high'}${index}`,
      ),
    ]
  })
  const [found = {}] = await duck.rows(`SELECT ${selected.join(', ')} FROM parquet_metadata(${files}) WHERE row_group_num_rows > 0`)
  return new Map(
    names.map((name, index) => {
      const [low, high] = [found[`low${index}`], found[`high${index}`]]
      const bound = (text: unknown) => `CAST(${quoteLiteral(String(text))} AS ${columns.get(name)})`
      return [
        name,
        { neverNull: found[`never${index}`] === true, bounds: low === null || high === null ? null : [bound(low), bound(high)] },
      ]
    }),
  )
}
