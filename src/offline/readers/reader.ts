/** A file that a scan reads, as a manifest records it. */
export interface SourceFile {
  readonly path: string
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}

/** A declared column as it is in the files: its SQL, in terms of `"source"`, and its DuckDB type. */
export interface RawColumn {
  readonly sql: string
  readonly type: string
  /** What the files themselves say of all its values. */
  readonly statistics?: Statistics
}

export interface Statistics {
  readonly neverNull: boolean
  /** SQL of a value that none is below and of one that none is above; null where the files do not say. */
  readonly bounds: readonly [lowest: string, highest: string] | null
}

/** How one history is read. A query names its rows `"source"`. */
export interface Reader {
  /** SQL of the rows for a FROM clause. */
  readonly from: string
  /** The same with `"__file"` and `"__row"`, the number of the row in its file from 1. */
  readonly located: string
  readonly columns: Readonly<Record<string, RawColumn>>
  /** SQL of the reason why a line is no row at all (null where it is); null where the format has no such lines. */
  readonly unreadable: string | null
  /** The IANA zone of times that name none. */
  readonly zone: string
  readonly files: readonly SourceFile[]
  close(): Promise<void>
}
