export { type Batch, type BatchColumn, cellAt, columnOf, isNumeric } from './batch.ts'
export { Duck, type DuckOptions } from './duckdb.ts'
export { physicalType, transportSql } from './physical.ts'
export { quoteIdentifier, quoteList, quoteLiteral } from './sql.ts'
