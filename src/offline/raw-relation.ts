import type { History } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { columnOf } from './batch.ts'
import { conversion, validSql } from './convert-sql.ts'
import type { Duck } from './duckdb.ts'
import { findFiles } from './readers/files.ts'
import { quoteIdentifier, quoteList, quoteLiteral } from './sql.ts'

/** Rows as they lie in files, without a declared schema: labels, with whatever columns they have. */
export interface RawRelation {
  /** A SELECT of all columns, in the order of the files. */
  readonly sql: string
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

/** Reads files with the types that they hold (of text files: that DuckDB finds), or rows in memory with the types of their values. */
export async function rawRelation(duck: Duck, history: History, where: string): Promise<RawRelation> {
  const sql =
    history.kind === 'rows' ? await stageRows(duck, history.rows, where) : `SELECT * FROM ${await fileFunction(duck, history, where)}`
  const described = await duck.rows(`DESCRIBE ${sql}`)
  return { sql, columns: described.map((row) => ({ name: row.column_name as string, type: row.column_type as string })) }
}

async function fileFunction(duck: Duck, history: Exclude<History, { kind: 'rows' }>, where: string): Promise<string> {
  const paths = quoteList((await findFiles(duck, history.path, where)).map(({ path }) => path))
  if (history.kind === 'parquet') return `read_parquet(${paths}, union_by_name = true)`
  if (history.kind === 'ndjson') return `read_json(${paths}, format = 'newline_delimited', union_by_name = true)`
  const options = [
    `header = ${history.header}`,
    ...(history.delimiter === null ? [] : [`delim = ${quoteLiteral(history.delimiter)}`]),
    ...(history.nullText === null ? [] : [`nullstr = ['', ${quoteLiteral(history.nullText)}]`]),
  ]
  return `read_csv(${paths}, ${options.join(', ')}, sample_size = -1)`
}

/**
 * SQL of a raw column as a declared type: null where the value is missing or cannot be read as one. Throws
 * `SOURCE_SCHEMA` where no value of that column could.
 */
export function typedSql(
  type: TypeData,
  column: { readonly name: string; readonly type: string },
  timeZone: string,
  where: string,
): string {
  const raw = quoteIdentifier(column.name)
  const wanted = { ...type, nullable: true }
  const converted = conversion(wanted, raw, column.type, timeZone)
  if (converted === null)
    throw new LockstepError('SOURCE_SCHEMA', `The column ${column.name} holds ${column.type}, which is never a ${type.kind}`, { where })
  return `CASE WHEN ${validSql(wanted, raw, converted)} THEN ${converted.value} END`
}

/** Rows of any JavaScript values, in a table whose column types follow the values. */
async function stageRows(duck: Duck, rows: readonly Readonly<Record<string, unknown>>[], where: string): Promise<string> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const columns = names.map((name) => {
    const values = rows.map((row) => row[name] ?? null)
    return { name, ...typeOfValues(values, `${where}, column ${name}`) }
  })
  const table = duck.uniqueName('lockstep_rows')
  if (columns.length === 0) return 'SELECT 0 AS "nothing" WHERE false'
  await duck.createTable(table, Object.fromEntries(columns.map(({ name, type }) => [name, type])))
  await duck.append(
    table,
    columns.map(({ type }) => type),
    columns.map(({ type, cells }) => columnOf(type, cells)),
    rows.length,
  )
  return `SELECT * FROM ${quoteIdentifier(table)}`
}

function typeOfValues(values: readonly unknown[], where: string): { readonly type: TypeData; readonly cells: readonly Cell[] } {
  const present = values.filter((value) => value !== null)
  const all = (test: (value: unknown) => boolean) => present.every(test)
  const typed = (type: Omit<TypeData, 'nullable'>, cell: (value: unknown) => Cell) => ({
    type: { ...type, nullable: true },
    cells: values.map((value) => (value === null ? null : cell(value))),
  })
  if (present.length === 0 || all((value) => typeof value === 'string')) return typed({ kind: 'string' }, (value) => value as string)
  if (all((value) => typeof value === 'boolean')) return typed({ kind: 'boolean' }, (value) => value as boolean)
  if (all(Number.isSafeInteger)) return typed({ kind: 'integer' }, (value) => value as number)
  if (all((value) => typeof value === 'number')) return typed({ kind: 'float', allowNaN: true }, (value) => value as number)
  if (all((value) => typeof value === 'bigint')) return typed({ kind: 'int64' }, (value) => value as bigint)
  if (all((value) => value instanceof Date)) return typed({ kind: 'timestamp' }, (value) => (value as Date).getTime() * 1000)
  if (all((value) => typeof value === 'string' || value instanceof Date))
    return typed({ kind: 'string' }, (value) => (value instanceof Date ? value.toISOString() : (value as string)))
  if (all((value) => typeof value === 'object')) return typed({ kind: 'struct' }, (value) => JSON.stringify(value))
  throw new LockstepError('INVALID_VALUE', 'The values are of several types', { where })
}
