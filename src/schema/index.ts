export type { Cell } from './cell.ts'
export { formatDecimal, fromCell, inRange, toCell } from './convert.ts'
export { ColumnType, type Kind, t, type TypeData, type ValueOf } from './type.ts'
