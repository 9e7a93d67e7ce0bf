import { Data, Field, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from 'apache-arrow'
import { type Cell, formatDecimal, sqlType, type TypeData } from '../schema/index.ts'
import { arrowColumn } from './arrow-column.ts'

export interface NamedColumn {
  readonly name: string
  readonly type: TypeData
  readonly cells: readonly Cell[]
}

/** Columns of cells as one record batch in the Arrow IPC stream format, as training sets have them. */
export function encodeArrow(columns: readonly NamedColumn[], rows: number): Uint8Array {
  const arrow = columns.map(({ type }) => arrowColumn(sqlType(type)))
  const fields = columns.map(({ name }, index) => new Field(name, (arrow[index] as (typeof arrow)[number]).type, true))
  const schema = new Schema(fields)
  const children = columns.map(({ cells }, index) =>
    (arrow[index] as (typeof arrow)[number]).data(cells.map((cell) => transportCell(columns[index]?.type as TypeData, cell))),
  )
  const batch = new RecordBatch(schema, new Data(new Struct(fields), 0, rows, 0, {}, children))
  return RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true)
}

/** A cell as `ArrowColumn.data` takes it: whole numbers of 64 bits as bigints, decimals as texts. */
function transportCell(type: TypeData, cell: Cell): Cell {
  if (cell === null) return null
  switch (type.kind) {
    case 'integer':
    case 'timestamp':
      return BigInt(cell as number)
    case 'decimal':
      return formatDecimal(cell as number, type.scale ?? 0)
    case 'list':
      return (cell as readonly Cell[]).map((item) => transportCell(type.element as TypeData, item))
    default:
      return cell
  }
}
