import { encodeArrow, type NamedColumn } from '../pointintime/index.ts'
import { type Cell, type TypeData, toCell } from '../schema/index.ts'
import type { Answer, Keys } from '../serving/index.ts'

export const arrowType = 'application/vnd.apache.arrow.stream'

const textType: TypeData = { kind: 'string', nullable: false }

/** An answer as a table of Arrow: the keys, the features, and where asked for a column `NAME__status` for each. */
export async function encodeArrowAnswer(
  answer: Answer,
  keyTypes: Readonly<Record<string, TypeData>>,
  rows: readonly Keys[],
  include: readonly string[],
): Promise<Buffer> {
  const columnOf = (name: string, type: TypeData, cell: (row: number) => Cell): NamedColumn => ({
    name,
    type,
    cells: Array.from({ length: answer.rows }, (_, row) => cell(row)),
  })
  const keys = Object.entries(keyTypes)
    .filter(([name]) => rows.every((row) => row[name] !== undefined))
    .map(([name, type]) => columnOf(name, type, (row) => toCell(type, rows[row]?.[name], `key ${name}`)))
  const features = answer.plan.output.flatMap(({ name, type }, feature) => {
    const values = columnOf(name, type, (row) => answer.cell(row, feature))
    return include.includes('statuses') ? [values, columnOf(`${name}__status`, textType, (row) => answer.status(row, feature))] : [values]
  })
  return Buffer.from(await encodeArrow([...keys, ...features], answer.rows))
}
