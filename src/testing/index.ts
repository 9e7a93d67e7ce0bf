export { type OracleAnswer, type OracleOptions, type OracleRow, type OracleStatus, oracleValues } from './oracle.ts'
