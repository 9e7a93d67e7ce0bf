import type { SourceData } from '../definition/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Duck } from './duckdb.ts'
import { findRepeatedIds } from './repeated-ids.ts'
import { quoteIdentifier } from './sql.ts'

/** What a scan reads once versions of the same event are told apart. */
export interface Versions {
  readonly sql: string
  close(): Promise<void>
}

const noTables = async (): Promise<void> => {}

/**
 * Makes rows with the same declared id one event. Of its versions the one known last counts; where several were known at the
 * same time, or no such time is declared, the one with the greatest content, column by column in order of their names.
 * Only rows whose id occurs more than once go through a window; all others are read as they are. `known` is the SQL of when a row
 * became known, null for always; `rows` is about how many there are.
 */
export async function keepVersions(
  duck: Duck,
  source: SourceData,
  base: string,
  known: string,
  rows: number,
  versions: 'latest' | 'all',
): Promise<Versions> {
  const names = Object.keys(source.columns)
  const columns = names.map(quoteIdentifier).join(', ')
  const withTimes = (from: string) =>
    versions === 'latest'
      ? `SELECT ${columns} FROM (${from})`
      : `SELECT ${columns}, ${known} AS "__known", CAST(NULL AS TIMESTAMP) AS "__superseded" FROM (${from})`
  if (source.id.length === 0) return { sql: withTimes(base), close: noTables }

  const id = source.id.map(quoteIdentifier).join(', ')
  const repeated = quoteIdentifier(duck.uniqueName('lockstep_repeated'))
  const types = Object.fromEntries(source.id.map((name) => [name, source.columns[name] as TypeData]))
  if ((await findRepeatedIds(duck, base, types, rows, repeated)) === 0) {
    await duck.run(`DROP TABLE IF EXISTS ${repeated}`)
    return { sql: withTimes(base), close: noTables }
  }

  const kept = quoteIdentifier(duck.uniqueName('lockstep_versions'))
  const content = [...names]
    .sort()
    .map((name) => `${orderSql(source.columns[name] as TypeData, quoteIdentifier(name))} DESC NULLS LAST`)
    .join(', ')
  const candidates = `SELECT *, ${known} AS "__known" FROM (${base}) SEMI JOIN ${repeated} USING (${id})`
  const greatest = `SELECT * FROM (${candidates}) QUALIFY row_number() OVER (PARTITION BY ${id}, "__known" ORDER BY ${content}) = 1`
  // Of versions known at one time only the greatest ever counted, so each of the others ends where the next begins.
  const timed = `SELECT *, lead("__known") OVER (PARTITION BY ${id} ORDER BY "__known" NULLS FIRST) AS "__superseded",
    row_number() OVER (PARTITION BY ${id} ORDER BY "__known" DESC NULLS LAST) AS "__age" FROM (${greatest})`
  const times = versions === 'latest' ? '' : ', "__known", "__superseded"'
  await duck.run(`CREATE TABLE ${kept} AS SELECT ${columns}${times} FROM (${timed})${versions === 'latest' ? ' WHERE "__age" = 1' : ''}`)
  return {
    sql: `SELECT * FROM (${withTimes(base)}) ANTI JOIN ${repeated} USING (${id}) UNION ALL SELECT ${columns}${times} FROM ${kept}`,
    close: () => duck.run(`DROP TABLE IF EXISTS ${repeated}; DROP TABLE IF EXISTS ${kept}`),
  }
}

/**
 * What to sort by for the order of cells. DuckDB compares texts by code point, cells compare by UTF-16 code unit: these differ
 * only where a character beyond U+FFFF meets one of U+E000 to U+FFFF, which the highest code point in front puts last.
 */
function orderSql(type: TypeData, sql: string): string {
  if (type.kind !== 'string' && type.kind !== 'oneOf' && type.kind !== 'struct') return sql
  return String.raw`regexp_replace(CAST(${sql} AS VARCHAR), '([\x{E000}-\x{FFFF}])', chr(1114111) || '\1', 'g')`
}
