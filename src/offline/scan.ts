import type { History, SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { TypeData } from '../schema/index.ts'
import { checkZone, conversion, reasonSql, validSql } from './convert-sql.ts'
import type { Duck } from './duckdb.ts'
import { physicalType } from './physical.ts'
import { type ConvertedColumn, withoutProven } from './proven.ts'
import { csvReader } from './readers/csv.ts'
import { landedReader } from './readers/landed.ts'
import { ndjsonReader } from './readers/ndjson.ts'
import { parquetReader } from './readers/parquet.ts'
import type { RawColumn, Reader, SourceFile } from './readers/reader.ts'
import { rowsReader } from './readers/rows.ts'
import { type RowExample, type RowProblem, type RowReport, refusal } from './row-report.ts'
import { quoteIdentifier, quoteLiteral } from './sql.ts'
import { keepVersions } from './versions.ts'

/** A source ready to be read: its valid rows, converted, as SQL. */
export interface Scan {
  /**
   * A SELECT of the declared columns, under their names and in their physical types. With versions 'all' also `"__known"`,
   * from when a row counts as known (null: always), and `"__superseded"`, from when a newer version of the same event does
   * (null: never). Where the policy is to refuse, a query that meets an invalid row fails with `ROW_REFUSED`.
   */
  readonly sql: string
  /** The files as they were when the scan was prepared. */
  readonly files: readonly SourceFile[]
  /** Counts the rows and finds the invalid ones: reads all again. */
  report(): Promise<RowReport>
  /** Drops the tables that the scan made. */
  close(): Promise<void>
}

export interface ScanOptions {
  /** Where to read, instead of the source's own history. */
  readonly history?: History
  /** Whether of several versions of an event the latest is given (default), or all with the times between which they counted. */
  readonly versions?: 'latest' | 'all'
  /** Files of events that have landed of the source's stream; read beside the history. */
  readonly landed?: readonly string[]
}

/** Where sources are read, by their names. */
export interface SourcePlaces {
  /** Other places of histories than those that sources declare. */
  readonly history?: Readonly<Record<string, History>>
  /** Files in which events of streams have landed. */
  readonly landed?: Readonly<Record<string, readonly string[]>>
}

/** Where this source is read. */
export function placesOf({ history, landed }: SourcePlaces, { name }: SourceData): Pick<ScanOptions, 'history' | 'landed'> {
  return { ...(history?.[name] ? { history: history[name] } : {}), ...(landed?.[name] ? { landed: landed[name] } : {}) }
}

/**
 * Prepares to read a source. Every declared column is checked, whichever are used later, so that the rows are the same for
 * every feature. Throws `SOURCE_NOT_FOUND`, `SOURCE_SCHEMA`, and `ROW_REFUSED` where it already met an invalid row.
 */
export async function prepareScan(duck: Duck, source: SourceData, options: ScanOptions = {}): Promise<Scan> {
  const where = `source ${source.name}`
  const history = options.history ?? source.history
  if (history === null && source.stream === null)
    throw new LockstepError('SOURCE_NOT_FOUND', 'The source declares no history', {
      where,
      remedy: 'Give it `history: parquet(...)`, or pass one.',
    })
  checkZone(source.timeZone, where)
  const readers: Reader[] = []
  const close = async () => {
    for (const reader of readers) await reader.close()
  }
  try {
    const parts: ValidRows[] = []
    if (history !== null) {
      const reader = await openHistory(duck, source, history, where)
      readers.push(reader)
      parts.push(await validRows(duck, source, reader, 'CAST(NULL AS TIMESTAMP)', where))
    }
    if (options.landed && options.landed.length > 0) {
      const reader = await landedReader(duck, source, options.landed, where)
      readers.push(reader)
      parts.push(await validRows(duck, source, reader, '"source"."__taken"', where))
    }
    const counts = await Promise.all(readers.map(({ from }) => duck.rows(`SELECT count(*) AS "rows" FROM ${from}`)))
    const rows = counts.reduce((sum, [all]) => sum + Number(all?.rows), 0)
    const sql = parts.length === 0 ? noRows(source) : parts.map((part) => part.sql).join(' UNION ALL ')
    const versions = await keepVersions(duck, source, sql, knownSql(source), rows, options.versions ?? 'latest')
    return {
      sql: versions.sql,
      files: readers.flatMap(({ files }) => files),
      report: async () => reportOf(source, await Promise.all(parts.map(({ report }) => report()))),
      async close() {
        await versions.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** SQL of when a row became known: the declared column, or of landed events when the log took them; null for always. */
const knownSql = ({ known }: SourceData): string => (known === null ? '"__taken"' : `CAST(${quoteIdentifier(known)} AS TIMESTAMP)`)

function noRows({ columns }: SourceData): string {
  const nothing = Object.entries(columns).map(([name, type]) => `CAST(NULL AS ${physicalType(type)}) AS ${quoteIdentifier(name)}`)
  return `SELECT ${nothing.join(', ')}, CAST(NULL AS TIMESTAMP) AS "__taken" WHERE false`
}

function reportOf({ name }: SourceData, reports: readonly RowReport[]): RowReport {
  const sum = (count: (report: RowReport) => number) => reports.reduce((total, report) => total + count(report), 0)
  return {
    source: name,
    rows: sum(({ rows }) => rows),
    setAside: sum(({ setAside }) => setAside),
    problems: reports.flatMap(({ problems }) => problems),
  }
}

/** Rows of one place: SQL of the valid ones, converted, with `"__taken"`, when a log took them. */
interface ValidRows {
  readonly sql: string
  report(): Promise<RowReport>
}

async function validRows(duck: Duck, source: SourceData, reader: Reader, taken: string, where: string): Promise<ValidRows> {
  const converted = Object.entries(source.columns).map(([name, type]) => convertedColumn(name, type, reader, source, where))
  const columns = (await withoutProven(duck, converted, reader.zone)).map(scannedColumn)
  const readable = reader.unreadable === null ? [] : [`${reader.unreadable} IS NULL`]
  const valid = [...readable, ...columns.map(({ valid }) => valid)].filter((sql) => sql !== 'true').join(' AND ') || 'true'
  const report = () => reportRows(duck, source, reader, columns, valid)
  const marker = `${duck.uniqueName('lockstep refuses a row of scan')}.`
  if (source.invalidRows === 'refuse') duck.onRefusal(marker, async () => refusal(source, await report()))
  const guard = source.invalidRows === 'refuse' ? `CASE WHEN ${valid} THEN true ELSE error(${quoteLiteral(marker)}) END` : valid
  const selected = columns.map(({ name, value }) => `${value} AS ${quoteIdentifier(name)}`).join(', ')
  const sql = `SELECT ${selected}, ${taken} AS "__taken" FROM ${reader.from} AS "source"${valid === 'true' ? '' : ` WHERE ${guard}`}`
  return { sql, report }
}

function openHistory(duck: Duck, source: SourceData, history: History, where: string): Promise<Reader> {
  switch (history.kind) {
    case 'parquet':
      return parquetReader(duck, source, history, where)
    case 'csv':
      return csvReader(duck, source, history, where)
    case 'ndjson':
      return ndjsonReader(duck, source, history, where)
    case 'rows':
      return rowsReader(duck, source, history)
  }
}

interface ScannedColumn {
  readonly name: string
  readonly raw: string
  readonly value: string
  readonly valid: string
  readonly reason: string
}

function convertedColumn(name: string, declared: TypeData, reader: Reader, source: SourceData, where: string): ConvertedColumn {
  const raw = reader.columns[name] as RawColumn
  // Without its id an event has no identity, so it is never null, whatever the column would allow.
  const type = source.id.includes(name) ? { ...declared, nullable: false } : declared
  const converted = conversion(type, raw.sql, raw.type, reader.zone)
  if (converted === null)
    throw new LockstepError('SOURCE_SCHEMA', `The column ${name} is declared as ${type.kind}, and the files hold ${raw.type}`, { where })
  return { name, type, raw, conversion: converted }
}

const scannedColumn = ({ name, type, raw, conversion }: ConvertedColumn): ScannedColumn => ({
  name,
  raw: raw.sql,
  value: conversion.value,
  valid: validSql(type, raw.sql, conversion, raw.statistics?.neverNull),
  reason: reasonSql(type, raw.sql, conversion),
})

/** Examples given for each problem. */
const exampleCount = 3

async function reportRows(
  duck: Duck,
  source: SourceData,
  reader: Reader,
  columns: readonly ScannedColumn[],
  valid: string,
): Promise<RowReport> {
  const [counts] = await duck.rows(
    `SELECT count(*) AS "rows", count(*) FILTER (WHERE (${valid}) IS NOT TRUE) AS "aside" FROM ${reader.from} AS "source"`,
  )
  const setAside = Number(counts?.aside)
  const problems = setAside === 0 ? [] : await findProblems(duck, reader, columns, valid)
  return { source: source.name, rows: Number(counts?.rows), setAside, problems }
}

async function findProblems(duck: Duck, reader: Reader, columns: readonly ScannedColumn[], valid: string): Promise<RowProblem[]> {
  const found = (column: string, reason: string, value: string) =>
    `{'column': ${quoteLiteral(column)}, 'reason': ${reason}, 'value': ${value}}`
  const cases = columns.map(({ name, raw, reason }) => found(name, reason, `left(CAST(${raw} AS VARCHAR), 60)`))
  const list = `list_filter([${cases.join(', ')}], lambda problem: problem.reason IS NOT NULL)`
  const whole =
    reader.unreadable === null
      ? list
      : `CASE WHEN ${reader.unreadable} IS NULL THEN ${list} ELSE [${found('', reader.unreadable, 'NULL')}] END`
  const place = `{'file': "__file", 'row': "__row"}`
  const rows = await duck.rows(`
    SELECT problem.column AS "column", problem.reason AS reason, count(*) AS "count",
      arg_min({'file': "__file", 'row': "__row", 'value': problem.value}, ${place}, ${exampleCount}) AS examples
    FROM (SELECT "__file", "__row", unnest(${whole}) AS problem FROM ${reader.located} AS "source" WHERE (${valid}) IS NOT TRUE)
    GROUP BY ALL ORDER BY "count" DESC, "column", reason`)
  return rows.map(({ column, reason, count, examples }) => ({
    column: column as string,
    reason: reason as string,
    count: Number(count),
    examples: (examples as { file: string; row: bigint | number; value: string | null }[]).map(
      ({ file, row, value }): RowExample => ({ file, row: Number(row), value }),
    ),
  }))
}
