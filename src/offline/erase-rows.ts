import { randomBytes } from 'node:crypto'
import { chmod, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { LockstepError } from '../errors.ts'
import { type Cell, compareCell, type TypeData, toCell } from '../schema/index.ts'
import { CsvRecords } from './csv-records.ts'
import type { Duck } from './duckdb.ts'
import { transportSql } from './physical.ts'
import { typedSql } from './raw-relation.ts'
import { exactPath } from './readers/files.ts'
import { quoteIdentifier, quoteLiteral } from './sql.ts'
import { textLines, writeText } from './text-file.ts'

/** A column, and the value of it that is sought. With `member` the column holds JSON objects, and it is this member of theirs. */
export interface KeyMatch {
  readonly column: string
  readonly member?: string
  readonly type: TypeData
  readonly cell: Cell
}

/** In place of a column: any that holds texts. For rows of which nobody says what their columns mean. */
export const anyColumn = '*'

/** Rows in which all columns of one of these hold the values. */
export type RowMatch = readonly (readonly KeyMatch[])[]

export interface RowFile {
  readonly path: string
  readonly format: 'parquet' | 'csv' | 'ndjson'
  /** Of CSV: the names of the columns where the file does not begin with them, and the separator. */
  readonly columns?: readonly string[]
  readonly delimiter?: string | null
}

/** SQL of whether a row of these columns matches; null where none can. */
export function matchSql(match: RowMatch, types: ReadonlyMap<string, string>, zone = 'UTC'): string | null {
  const alternatives = match.flatMap((keys) => {
    const tests = keys.map((key) => keySql(key, types, zone))
    return tests.includes(null) ? [] : [`(${tests.join(' AND ') || 'true'})`]
  })
  return alternatives.length === 0 ? null : `(${alternatives.join(' OR ')})`
}

/** How many rows a file has, and how many of them match. */
export async function countRows(duck: Duck, file: RowFile, match: RowMatch): Promise<{ rows: number; matching: number }> {
  if (file.format !== 'parquet') {
    const counts = { rows: 0, matching: 0 }
    for await (const { all, kept } of splitText(file, match)) {
      counts.rows += all
      counts.matching += all - kept.length
    }
    return counts
  }
  const { from, test } = await parquetTest(duck, file.path, match)
  const [counts] = await duck.rows(`SELECT count(*) AS "rows", count(*) FILTER (WHERE ${test}) AS matching FROM ${from}`)
  return { rows: Number(counts?.rows), matching: Number(counts?.matching) }
}

/** Writes the rows of a file that do not match to another path, synced. The rows of text files stay as they are, byte for byte. */
export async function writeOthers(duck: Duck, file: RowFile, match: RowMatch, to: string): Promise<void> {
  if (file.format === 'parquet') {
    const { from, test } = await parquetTest(duck, file.path, match)
    await duck.inOrder(`COPY (SELECT * FROM ${from} WHERE (${test}) IS NOT TRUE) TO ${quoteLiteral(to)} (FORMAT parquet, COMPRESSION zstd)`)
  } else {
    await writeText(file.path, keptBytes(splitText(file, match)), to)
  }
  const handle = await open(to, 'r+')
  await handle.sync()
  await handle.close()
}

/**
 * Replaces a file by one without the rows that match: it is the old one or the new one at any time. A link stays, and what it leads to is
 * replaced.
 */
export async function eraseFromFile(duck: Duck, file: RowFile, match: RowMatch): Promise<void> {
  const path = await realpath(file.path)
  const written = `${path}.${randomBytes(4).toString('hex')}.erasing`
  try {
    await writeOthers(duck, file, match, written)
    await chmod(written, (await stat(path)).mode)
    await rename(written, path)
  } finally {
    await rm(written, { force: true })
  }
}

async function parquetTest(duck: Duck, path: string, match: RowMatch): Promise<{ from: string; test: string }> {
  const from = `read_parquet(${exactPath(path)}, hive_partitioning = false)`
  const described = await duck.rows(`DESCRIBE SELECT * FROM ${from}`)
  const types = new Map(described.map(({ column_name, column_type }) => [column_name as string, column_type as string]))
  return { from, test: matchSql(match, types) ?? 'false' }
}

function keySql({ column, member, type, cell }: KeyMatch, types: ReadonlyMap<string, string>, zone: string): string | null {
  if (column === anyColumn) {
    const texts = [...types]
      .filter(([, own]) => /^(VARCHAR|ENUM|UUID|JSON)/.test(own))
      .map(([name]) => `CAST(${quoteIdentifier(name)} AS VARCHAR)`)
    return texts.length === 0 ? null : `${quoteLiteral(String(cell))} IN (${texts.join(', ')})`
  }
  const found = types.get(column)
  if (found === undefined) return null
  if (member !== undefined)
    return `json_extract_string(${quoteIdentifier(column)}, ${quoteLiteral(`$.${JSON.stringify(member)}`)}) = ${quoteLiteral(String(cell))}`
  const literal = typeof cell === 'string' ? quoteLiteral(cell) : String(cell)
  return `${transportSql(type, typedSql(type, { name: column, type: found }, zone, column))} = ${literal}`
}

/** The records of a text file, some at a time: those that stay, with the header, and how many rows there were. */
async function* splitText(
  file: RowFile,
  match: RowMatch,
): AsyncGenerator<{ head: readonly string[]; kept: readonly string[]; all: number }> {
  let names = file.columns
  let delimiter = file.delimiter ?? null
  const rowOf = (record: string): Readonly<Record<string, unknown>> => {
    if (file.format === 'ndjson') return objectOf(record)
    const fields = fieldsOf(record, delimiter ?? ',')
    return Object.fromEntries((names ?? []).map((name, place) => [name, fields[place]]))
  }
  let records: CsvRecords | null = null
  for await (const lines of textLines(file.path)) {
    delimiter ??= likelyDelimiter(lines[0] ?? '')
    records ??= file.format === 'csv' ? new CsvRecords(delimiter) : null
    const rows = records?.add(lines) ?? [...lines]
    const head = file.format === 'csv' && names === undefined ? rows.splice(0, 1) : []
    if (head[0] !== undefined) names = fieldsOf(utf8(head[0]), delimiter)
    yield { head, kept: rows.filter((record) => !matches(rowOf(utf8(record)), match)), all: rows.length }
  }
  const rest = records?.rest ?? ''
  if (rest !== '') yield { head: [], kept: matches(rowOf(utf8(rest)), match) ? [] : [rest], all: 1 }
}

async function* keptBytes(parts: AsyncIterable<{ head: readonly string[]; kept: readonly string[] }>): AsyncGenerator<Buffer> {
  for await (const { head, kept } of parts) yield Buffer.from([...head, ...kept].join(''), 'latin1')
}

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8')

/** Whether a row of public values or texts matches. */
export function matches(row: Readonly<Record<string, unknown>>, match: RowMatch): boolean {
  return match.some((keys) =>
    keys.every(({ column, type, cell }) => Object.hasOwn(row, column) && isValue(type, row[column], cell, column)),
  )
}

function isValue(type: TypeData, value: unknown, cell: Cell, column: string): boolean {
  if (value === null || value === undefined) return false
  for (const form of typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? [value, Number(value)] : [value]) {
    try {
      if (compareCell(type, toCell(type, form, column), cell) === 0) return true
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
    }
  }
  return false
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function fieldsOf(record: string, delimiter: string): string[] {
  const line = record.replace(/\r?\n$/, '')
  if (!line.includes('"')) return line.split(delimiter).map((field) => field.trim())
  const separator = delimiter.replace(/[|\\^$.*+?()[\]{}]/g, '\\$&')
  const field = new RegExp(`(?:^|${separator})(?:\\s*"((?:[^"]|"")*)"\\s*|((?:(?!${separator})[^"])*))`, 'g')
  return [...line.matchAll(field)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '')
}

function likelyDelimiter(line: string): string {
  const plain = line.replace(/"(?:[^"]|"")*"/g, '')
  return [',', ';', '\t', '|'].reduce((best, candidate) => (plain.split(candidate).length > plain.split(best).length ? candidate : best))
}
