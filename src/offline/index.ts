export { type Batch, type BatchColumn, cellAt, columnOf, isNumeric } from './batch.ts'
export { checkInterval, checkTarget } from './check.ts'
export { ContentHash } from './content-hash.ts'
export { Duck, type DuckOptions } from './duckdb.ts'
export { anyColumn, countRows, eraseFromFile, type KeyMatch, matches, matchSql, type RowFile, type RowMatch } from './erase-rows.ts'
export { LandedBatch, type LandedEvent, type LandedFile, LandedHistory, type LandedHistoryOptions } from './landed-history.ts'
export { ParquetRows } from './parquet-file/parquet-file.ts'
export { physicalType, transportSql } from './physical.ts'
export { type RawRelation, rawRelation, typedSql } from './raw-relation.ts'
export { exactPath } from './readers/files.ts'
export type { SourceFile } from './readers/reader.ts'
export { formatProblems, type RowExample, type RowProblem, type RowReport } from './row-report.ts'
export { placesOf, prepareScan, type Scan, type ScanOptions, type SourcePlaces } from './scan.ts'
export { type SourceRow, sourceRows } from './source-rows.ts'
export { quoteIdentifier, quoteList, quoteLiteral } from './sql.ts'
export {
  type ErasedRows,
  type Interval,
  type IntervalValues,
  type IntervalWritten,
  missingIntervals,
  type OfflineStore,
  type OfflineStoreCapabilities,
  type StoredFile,
  type StoredGroup,
  type StoredInterval,
} from './store.ts'
