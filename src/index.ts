export * from './definition/index.ts'
export { type ErrorCode, errorCatalogue, LockstepError } from './errors.ts'
export { type ColumnType, t, type ValueOf } from './schema/index.ts'
