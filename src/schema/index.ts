export type { Cell } from './cell.ts'
export { ColumnType, type Kind, t, type TypeData, type ValueOf } from './type.ts'
