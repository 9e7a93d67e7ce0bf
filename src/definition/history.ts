import { LockstepError } from '../errors.ts'

/** Where the past of a source, or labels, are kept. Paths are relative to the working folder and may be globs. */
export type History = FileHistory | RowsHistory

export interface FileHistory {
  readonly kind: 'parquet' | 'csv' | 'ndjson'
  readonly path: string | readonly string[]
  /** Names in the file of declared columns that are called otherwise: `{ customer_id: 'CustomerID' }`. */
  readonly columns: Readonly<Record<string, string>>
  /** csv: the character between fields; found out by default. */
  readonly delimiter: string | null
  /** csv: whether the first line holds the names of the columns; otherwise they are in the order declared. */
  readonly header: boolean
  /** csv: the text that stands for a missing value, besides an empty field. */
  readonly nullText: string | null
}

/** Rows in memory, for tests and small data; public values (see `t`), read when the work starts. */
export interface RowsHistory {
  readonly kind: 'rows'
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

interface FileOptions {
  readonly columns?: Readonly<Record<string, string>>
}

function file(
  kind: FileHistory['kind'],
  path: string | readonly string[],
  options: FileOptions & { delimiter?: string; header?: boolean; nullText?: string } = {},
): FileHistory {
  if (path.length === 0) throw new LockstepError('INVALID_DEFINITION', `${kind}() needs a path`)
  return Object.freeze({
    kind,
    path: typeof path === 'string' ? path : Object.freeze([...path]),
    columns: Object.freeze({ ...options.columns }),
    delimiter: options.delimiter ?? null,
    header: options.header ?? true,
    nullText: options.nullText ?? null,
  })
}

/** Parquet files. Hive-style partitions (`date=2026-01-05/`) are columns like others. */
export const parquet = (path: string | readonly string[], options?: FileOptions): FileHistory => file('parquet', path, options)
/** Comma-separated values, also compressed (`.gz`, `.zst`). */
export const csv = (
  path: string | readonly string[],
  options?: FileOptions & { readonly delimiter?: string; readonly header?: boolean; readonly nullText?: string },
): FileHistory => file('csv', path, options)
/** Newline-delimited JSON, also compressed. */
export const ndjson = (path: string | readonly string[], options?: FileOptions): FileHistory => file('ndjson', path, options)
export const rows = (values: readonly Readonly<Record<string, unknown>>[]): RowsHistory => Object.freeze({ kind: 'rows', rows: values })

/** Files of the kind that the ending of their path says; Parquet where it says none. */
export function fileHistory(path: string): FileHistory {
  const name = path.replace(/\.(gz|zst)$/, '')
  if (/\.[ct]sv$/.test(name)) return csv(path)
  return /\.(ndjson|jsonl|json)$/.test(name) ? ndjson(path) : parquet(path)
}
