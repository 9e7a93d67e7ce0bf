import type { TypeData } from '../schema/index.ts'
import { type Conversion, conversion } from './convert-sql.ts'
import type { Duck } from './duckdb.ts'
import type { RawColumn } from './readers/reader.ts'

/** A declared column with the way it is converted. */
export interface ConvertedColumn {
  readonly name: string
  readonly type: TypeData
  readonly raw: RawColumn
  readonly conversion: Conversion
}

/** The columns without the checks that the bounds of their values prove: those met by both ends and so by all between. */
export async function withoutProven(duck: Duck, columns: readonly ConvertedColumn[], zone: string): Promise<ConvertedColumn[]> {
  const proofs = columns.map((column) => proofsOf(column, zone))
  const asked = proofs.flatMap((found) => [...found.values()])
  if (asked.length === 0) return [...columns]
  const [answers = {}] = await duck.rows(`SELECT ${asked.map((sql, index) => `(${sql}) IS TRUE AS a${index}`).join(', ')}`)
  let next = 0
  return columns.map((column, index) => {
    const proven = new Set([...(proofs[index] as Map<number, string>).keys()].filter(() => answers[`a${next++}`] === true))
    return { ...column, conversion: { ...column.conversion, checks: column.conversion.checks.filter((_check, at) => !proven.has(at)) } }
  })
}

/** SQL, by the place of a check, that is true if the check holds for both bounds of a column. */
function proofsOf({ type, raw, conversion: { checks } }: ConvertedColumn, zone: string): Map<number, string> {
  const ends = raw.statistics?.bounds?.map((bound) => conversion(type, bound, raw.type, zone)?.checks ?? []) ?? []
  if (ends.length === 0) return new Map()
  return new Map(checks.flatMap(({ convex }, at) => (convex ? [[at, ends.map((end) => `(${end[at]?.ok})`).join(' AND ')] as const] : [])))
}
