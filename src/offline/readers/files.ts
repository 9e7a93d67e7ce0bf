import { stat } from 'node:fs/promises'
import type { FileHistory, SourceData } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import type { Duck } from '../duckdb.ts'
import { quoteLiteral } from '../sql.ts'
import type { SourceFile } from './reader.ts'

/** The files that paths and globs name, each once, in order. Throws `SOURCE_NOT_FOUND` for a path that names none. */
export async function findFiles(duck: Duck, paths: string | readonly string[], where: string): Promise<SourceFile[]> {
  const found = new Map<string, SourceFile>()
  for (const path of typeof paths === 'string' ? [paths] : paths) {
    if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
      throw new LockstepError('SOURCE_NOT_FOUND', `${path} is an address, not a path`, {
        where,
        remedy: 'Only files are read; fetch it first.',
      })
    }
    const matches = await duck.rows(`SELECT file FROM glob(${quoteLiteral(path)}) ORDER BY file`)
    if (matches.length === 0) throw new LockstepError('SOURCE_NOT_FOUND', `No file matches ${path}`, { where })
    for (const { file } of matches) {
      const { size, mtimeMs } = await stat(file as string)
      found.set(file as string, { path: file as string, size, modified: Math.floor(mtimeMs) })
    }
  }
  return [...found.values()]
}

/** A path as SQL that stands for this one file, whatever characters of globs its name holds. */
export const exactPath = (path: string): string => quoteLiteral(path.replace(/[*?[]/g, '[$&]'))

export const fileName = (history: FileHistory, column: string): string => history.columns[column] ?? column

/** Throws `SOURCE_SCHEMA` for the first declared column that no file holds. */
export function requireColumns(source: SourceData, history: FileHistory, present: ReadonlySet<string>, where: string): void {
  for (const column of Object.keys(source.columns)) {
    const name = fileName(history, column)
    if (present.has(name)) continue
    const called = name === column ? name : `${name} (for ${column})`
    throw new LockstepError('SOURCE_SCHEMA', `There is no column ${called} in ${shown(history.path)}${suggestion(name, [...present])}`, {
      where,
    })
  }
  for (const column of Object.keys(history.columns)) {
    if (!Object.hasOwn(source.columns, column)) {
      throw new LockstepError(
        'SOURCE_SCHEMA',
        `The mapping names ${column}, which is not declared${suggestion(column, Object.keys(source.columns))}`,
        { where },
      )
    }
  }
}

const shown = (path: string | readonly string[]): string => (typeof path === 'string' ? path : path.join(', '))

/** `SOURCE_SCHEMA` for files that are not of their format. */
export function unreadableFiles(error: unknown, format: string, where: string): Error {
  if (error instanceof LockstepError) return error
  const why = error instanceof Error ? error.message.replace(/^DuckDB could not carry out a query: /, '') : String(error)
  return new LockstepError('SOURCE_SCHEMA', `The files cannot be read as ${format}: ${why}`, {
    where,
    cause: error,
    remedy: 'Check the format and the files.',
  })
}
