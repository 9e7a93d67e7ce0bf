export { type KeyRows, keyRows, rowsUntil } from './key-rows.ts'
export { type OracleAnswer, type OracleOptions, type OracleRow, type OracleStatus, oracleValues, timeOf } from './oracle.ts'
