import type { Duck } from '../offline/index.ts'
import { transportSql } from '../offline/index.ts'
import type { CellColumn, EventBlock, EventGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { ColumnBuilder } from './column-builder.ts'
import { type Interrupt, quoteIdentifier } from './context.ts'
import { sortedOrder } from './sort-rows.ts'

/** Events of dense keys, sorted; with `known` and `superseded` (microseconds) where versions were asked for. */
export interface KeyedEvents {
  readonly block: EventBlock
  readonly known: Float64Array | null
  readonly superseded: Float64Array | null
}

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/** Names of the columns that `eventsSql` gives besides the source's own. */
export const keyColumn = '__k'
export const timeColumn = '__time'

/** Columns of the source that have to be read for a plan: what features use, and what orders events of one moment. */
export function columnsToRead(plan: EventGroupPlan): readonly string[] {
  return [...new Set([...plan.columns, ...(plan.ordered ? plan.orderColumns : [])])].sort()
}

/**
 * Reads the events that `eventsSql` selects (dense key `__k`, `__time` in microseconds, source columns in transport
 * form, and `__known`, `__superseded` where `versions`) into columns, grouped by key and sorted by `(time, id)`.
 * Two passes: one that counts the events of each key, so that the second puts each where it belongs.
 */
export async function readEvents(duck: Duck, eventsSql: string, plan: EventGroupPlan, keyCount: number, versions: boolean, interrupt: Interrupt): Promise<KeyedEvents> {
  const names = columnsToRead(plan)
  const types = names.map((name) => plan.group.source.columns[name] as TypeData)
  const keyStarts = await countEvents(duck, eventsSql, keyCount)
  const count = keyStarts[keyCount] as number

  const times = new Float64Array(count)
  const builders = types.map((type) => new ColumnBuilder(type, count))
  const known = versions ? new Float64Array(count) : null
  const superseded = versions ? new Float64Array(count) : null
  const next = keyStarts.slice(0, keyCount)
  const selected = [keyColumn, timeColumn, ...names, ...(versions ? ['__known', '__superseded'] : [])].map(quoteIdentifier).join(', ')
  const positions = new Int32Array(2048)
  for await (const batch of duck.stream(`SELECT ${selected} FROM (${eventsSql})`, [number, number, ...types, ...(versions ? [numberOrNull, numberOrNull] : [])])) {
    interrupt.check()
    const keys = (batch.columns[0] as CellColumn).values as Float64Array
    const moments = (batch.columns[1] as CellColumn).values as Float64Array
    for (let i = 0; i < batch.count; i++) {
      const key = keys[i] as number
      const position = next[key] as number
      next[key] = position + 1
      positions[i] = position
      times[position] = moments[i] as number
    }
    for (let column = 0; column < builders.length; column++) (builders[column] as ColumnBuilder).scatter(batch.columns[column + 2] as CellColumn, positions, batch.count)
    if (known && superseded) {
      scatterMoments(batch.columns[names.length + 2] as CellColumn, positions, batch.count, known, Number.NEGATIVE_INFINITY)
      scatterMoments(batch.columns[names.length + 3] as CellColumn, positions, batch.count, superseded, Number.POSITIVE_INFINITY)
    }
    interrupt.advance(batch.count)
  }

  const sortable: Sortable[] = [...builders, ...(known ? [new MomentColumn(known)] : []), ...(superseded ? [new MomentColumn(superseded)] : [])]
  const tieBreakers = plan.ordered ? plan.orderColumns.map((name) => builders[names.indexOf(name)] as ColumnBuilder) : []
  sortKeys(times, keyStarts, sortable, tieBreakers)
  const columns = new Map(names.map((name, index) => [name, (builders[index] as ColumnBuilder).column()]).filter(([name]) => plan.columns.includes(name as string)) as [string, CellColumn][])
  return { block: { times, ids: null, columns, keyStarts }, known, superseded }
}

async function countEvents(duck: Duck, eventsSql: string, keyCount: number): Promise<Int32Array> {
  const starts = new Int32Array(keyCount + 1)
  for await (const batch of duck.stream(`SELECT ${keyColumn}, count(*)::DOUBLE FROM (SELECT ${keyColumn} FROM (${eventsSql})) GROUP BY ALL`, [number, number])) {
    const keys = (batch.columns[0] as CellColumn).values as Float64Array
    const counts = (batch.columns[1] as CellColumn).values as Float64Array
    for (let i = 0; i < batch.count; i++) starts[(keys[i] as number) + 1] = counts[i] as number
  }
  for (let key = 0; key < keyCount; key++) starts[key + 1] = (starts[key] as number) + (starts[key + 1] as number)
  return starts
}

function scatterMoments(from: CellColumn, positions: Int32Array, count: number, into: Float64Array, whenNull: number): void {
  const values = from.values as Float64Array
  for (let i = 0; i < count; i++) into[positions[i] as number] = from.nulls?.[i] === 1 ? whenNull : (values[i] as number)
}

interface Sortable {
  /** Reorders the rows from `start`: row `start + i` becomes what row `start + order[i]` was. */
  permute(start: number, order: ArrayLike<number>): void
}

class MomentColumn implements Sortable {
  readonly #values: Float64Array

  constructor(values: Float64Array) {
    this.#values = values
  }

  permute(start: number, order: ArrayLike<number>): void {
    const copy = this.#values.slice(start, start + order.length)
    for (let i = 0; i < order.length; i++) this.#values[start + i] = copy[order[i] as number] as number
  }
}

/** Sorts each key's rows by time, and those of one time by the tie-breakers. */
function sortKeys(times: Float64Array, keyStarts: Int32Array, columns: readonly Sortable[], tieBreakers: readonly ColumnBuilder[]): void {
  const timeColumn = new MomentColumn(times)
  let start = 0
  const ties = (a: number, b: number): number => {
    for (const column of tieBreakers) {
      const order = column.compare(start + a, start + b)
      if (order !== 0) return order
    }
    return 0
  }
  for (let key = 0; key + 1 < keyStarts.length; key++) {
    start = keyStarts[key] as number
    const order = sortedOrder(times.subarray(start, keyStarts[key + 1]), tieBreakers.length === 0 ? null : ties)
    if (order === null) continue
    timeColumn.permute(start, order)
    for (const column of columns) column.permute(start, order)
  }
}

/** The SELECT list that gives source columns in transport form. */
export function transportColumns(plan: EventGroupPlan, names: readonly string[], row: string): string {
  return names.map((name) => `, ${transportSql(plan.group.source.columns[name] as TypeData, `${row}.${quoteIdentifier(name)}`)} AS ${quoteIdentifier(name)}`).join('')
}
