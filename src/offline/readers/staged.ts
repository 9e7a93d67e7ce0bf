import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { FileHistory, SourceData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import type { Duck } from '../duckdb.ts'
import { quoteIdentifier, quoteLiteral } from '../sql.ts'
import { findFiles, requireColumns } from './files.ts'
import type { Reader, SourceFile } from './reader.ts'

/** What of one text file goes into the staged copy, and the names of the columns found in it. */
export interface StagedFile {
  readonly columns: readonly string[]
  /** Copies the declared columns, as texts, with `"__row"` and `"__unreadable"`, into Parquet files whose path begins so. */
  stage(target: string): Promise<void>
}

/**
 * Text files are read once, into Parquet in the temporary folder: every field as a text, to be converted later, so that one
 * that cannot be read is a problem of its row; with row numbers; and with the lines that are no rows at all.
 */
export async function stagedReader(
  duck: Duck,
  source: SourceData,
  history: FileHistory,
  where: string,
  open: (file: SourceFile) => Promise<StagedFile>,
): Promise<Reader> {
  const files = await findFiles(duck, history.path, where)
  const folder = await mkdtemp(join(duck.folder, 'staged-'))
  try {
    const present = new Set<string>()
    for (const [index, file] of files.entries()) {
      try {
        const staged = await open(file)
        for (const column of staged.columns) present.add(column)
        await staged.stage(join(folder, String(index)))
      } catch (error) {
        throw unreadableText(error, file, where)
      }
    }
    requireColumns(source, history, present, where)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const from = `read_parquet(${quoteLiteral(join(folder, '*.parquet'))})`
  return {
    from,
    located: from,
    columns: Object.fromEntries(
      Object.keys(source.columns).map((column) => [column, { sql: `"source".${quoteIdentifier(column)}`, type: 'VARCHAR' }]),
    ),
    unreadable: '"source"."__unreadable"',
    zone: source.timeZone,
    files,
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** `SOURCE_SCHEMA` for a file that is no text in UTF-8; other errors as they are. */
function unreadableText(error: unknown, { path }: SourceFile, where: string): unknown {
  const line = error instanceof Error && !(error instanceof LockstepError) ? /CSV Error on Line: (\d+)/.exec(error.message)?.[1] : undefined
  if (line === undefined) return error
  return new LockstepError('SOURCE_SCHEMA', `${path} cannot be read as text: line ${line} is not UTF-8, or too long`, {
    where,
    cause: error,
    remedy: 'Convert the file to UTF-8, as iconv does: iconv -f ISO-8859-1 -t UTF-8 FILE.',
  })
}

/** Lines of up to 16 MiB. The buffer would be sixteen times as large, which no memory limit of a gigabyte leaves room for. */
export const lineSizes = 'max_line_size = 16777216, buffer_size = 33554432'

/** SQL that reads a text file line by line into `line`. The separator is a character that no text file should hold. */
export const readLines = (file: string): string =>
  `read_csv(${file}, auto_detect = false, columns = {'line': 'VARCHAR'}, header = false, quote = '', escape = '', delim = '\x01',
    strict_mode = false, ${lineSizes}, hive_types_autocast = false)`

/** SQL of the fixed columns of every staged row. */
export const stagedTail = (file: SourceFile, row: string, unreadable: string): string =>
  `${quoteLiteral(file.path)} AS "__file", CAST(${row} AS BIGINT) AS "__row", CAST(${unreadable} AS VARCHAR) AS "__unreadable"`
