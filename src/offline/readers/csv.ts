import type { FileHistory, SourceData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import type { Duck } from '../duckdb.ts'
import { quoteIdentifier, quoteList, quoteLiteral } from '../sql.ts'
import { exactPath, fileName } from './files.ts'
import type { Reader, SourceFile } from './reader.ts'
import { lineSizes, readLines, type StagedFile, stagedReader, stagedTail } from './staged.ts'

/**
 * Comma-separated values after RFC 4180. An empty field is missing; a quoted empty one is an empty text in a column of
 * texts, and missing in any other. A line with too few or too many fields is a problem of that line.
 */
export const csvReader = (duck: Duck, source: SourceData, history: FileHistory, where: string): Promise<Reader> =>
  stagedReader(duck, source, history, where, (file) => openCsv(duck, source, history, file, where))

async function openCsv(duck: Duck, source: SourceData, history: FileHistory, file: SourceFile, where: string): Promise<StagedFile> {
  const path = exactPath(file.path)
  const [first] = await duck.rows(`SELECT * FROM ${readLines(path)} LIMIT 1`)
  const { line, ...partitions } = first ?? {}
  const firstLine = (line as string | null | undefined) ?? ''
  const delimiter = history.delimiter ?? likelyDelimiter(firstLine)
  const declared = Object.keys(source.columns)
  const names =
    history.header && first !== undefined ? splitFields(firstLine, delimiter) : declared.map((column) => fileName(history, column))
  const columns = [...names, ...Object.keys(partitions)]
  if (new Set(names).size < names.length)
    throw new LockstepError('SOURCE_SCHEMA', `${file.path} names a column twice: ${names.join(', ')}`, { where })
  const options = `auto_detect = false, columns = {${names.map((name) => `${quoteLiteral(name)}: 'VARCHAR'`).join(', ')}}, header = ${history.header},
    delim = ${quoteLiteral(delimiter)}, quote = '"', escape = '"', nullstr = ${quoteList(['', ...(history.nullText === null ? [] : [history.nullText])])},
    allow_quoted_nulls = false, hive_types_autocast = false, ${lineSizes}`
  return {
    columns,
    async stage(target) {
      const rejects = duck.uniqueName('lockstep_rejects')
      const selected = declared.map((column) => `${rawSql(source, history, column, columns)} AS ${quoteIdentifier(column)}`)
      const copy = (sql: string, part: string) => `COPY (${sql}) TO ${quoteLiteral(`${target}-${part}.parquet`)} (FORMAT parquet)`
      const missing = declared.map((column) => `CAST(NULL AS VARCHAR) AS ${quoteIdentifier(column)}`)
      const lines = history.header ? 'line - 1' : 'line'
      // One call, so one connection: the table of rejected lines is seen by it alone.
      await duck.inOrder(`
        ${copy(
          `SELECT ${selected.join(', ')}, ${stagedTail(file, 'row_number() OVER ()', 'NULL')} FROM read_csv(${path}, ${options},
          store_rejects = true, rejects_limit = 0, rejects_table = '${rejects}', rejects_scan = '${rejects}_scan')`,
          'rows',
        )};
        ${copy(`SELECT ${missing.join(', ')}, ${stagedTail(file, lines, `'is a line with ' || lower(any_value(error_type))`)} FROM ${rejects} GROUP BY line`, 'rejects')};
        DROP TABLE ${rejects}; DROP TABLE ${rejects}_scan`)
    },
  }
}

function rawSql(source: SourceData, history: FileHistory, column: string, present: readonly string[]): string {
  const name = fileName(history, column)
  if (!present.includes(name)) return 'CAST(NULL AS VARCHAR)'
  const kind = source.columns[column]?.kind
  return kind === 'string' || kind === 'oneOf' ? quoteIdentifier(name) : `nullif(${quoteIdentifier(name)}, '')`
}

/** Of the usual separators the one that the first line holds most often outside quotes. */
function likelyDelimiter(line: string): string {
  const plain = line.replace(/"(?:[^"]|"")*"/g, '')
  return [',', ';', '\t', '|'].reduce((best, candidate) => (plain.split(candidate).length > plain.split(best).length ? candidate : best))
}

function splitFields(line: string, delimiter: string): string[] {
  const fields: string[] = []
  let rest = line
  for (;;) {
    const quoted = /^\s*"((?:[^"]|"")*)"\s*/.exec(rest)
    const end = rest.indexOf(delimiter, quoted?.[0].length ?? 0)
    const field = end < 0 ? rest : rest.slice(0, end)
    fields.push(quoted ? (quoted[1] as string).replaceAll('""', '"') : field.trim())
    if (end < 0) return fields
    rest = rest.slice(end + delimiter.length)
  }
}
