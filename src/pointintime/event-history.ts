import type { Duck } from '../offline/index.ts'
import { transportSql } from '../offline/index.ts'
import type { CellColumn, EventBlock, EventGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { blockRows, ColumnBlocks } from './column-blocks.ts'
import type { ColumnBuilder } from './column-builder.ts'
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
 * Reads the events that `eventsSql` selects (none where null; dense key `__k`, `__time` in microseconds, source columns in transport
 * form, and `__known`, `__superseded` where `versions`) into columns, grouped by key and sorted by `(time, id)`. Rows are
 * collected as they come, and put where they belong, column by column, once the number of events of each key is known.
 */
export async function readEvents(
  duck: Duck,
  eventsSql: string | null,
  plan: EventGroupPlan,
  keyCount: number,
  versions: boolean,
  interrupt: Interrupt,
): Promise<KeyedEvents> {
  const names = columnsToRead(plan)
  const types = names.map((name) => plan.group.source.columns[name] as TypeData)
  const selected = [keyColumn, timeColumn, ...names, ...(versions ? ['__known', '__superseded'] : [])].map(quoteIdentifier).join(', ')
  const columnTypes = [number, ...types, ...(versions ? [numberOrNull, numberOrNull] : [])]
  const columns = columnTypes.map((type) => new ColumnBlocks(type))
  const keyStarts = new Int32Array(keyCount + 1)
  const keys: Int32Array[] = []
  let count = 0
  let block = 0
  let place = 0
  const batches = eventsSql === null ? [] : duck.stream(`SELECT ${selected} FROM (${eventsSql})`, [number, ...columnTypes])
  for await (const batch of batches) {
    interrupt.check()
    const batchKeys = (batch.columns[0] as CellColumn).values as Float64Array
    for (let from = 0; from < batch.count; ) {
      const to = Math.min(batch.count, from + blockRows(block) - place)
      const blockKeys = keys[block] ?? new Int32Array(blockRows(block))
      keys[block] = blockKeys
      for (let row = from; row < to; row++) {
        const key = batchKeys[row] as number
        blockKeys[place + row - from] = key
        keyStarts[key + 1] = (keyStarts[key + 1] as number) + 1
      }
      for (let column = 0; column < columns.length; column++)
        (columns[column] as ColumnBlocks).append(batch.columns[column + 1] as CellColumn, from, to, block, place)
      count += to - from
      place += to - from
      from = to
      if (place === blockRows(block)) {
        block++
        place = 0
      }
    }
    interrupt.advance(batch.count)
  }
  for (let key = 0; key < keyCount; key++) keyStarts[key + 1] = (keyStarts[key] as number) + (keyStarts[key + 1] as number)
  if (place > 0) keys[block] = (keys[block] as Int32Array).subarray(0, place)
  const positions = positionsOf(keys, keyStarts)

  const [times, ...builders] = columns.map((column) => column.place(positions, count)) as [ColumnBuilder, ...ColumnBuilder[]]
  const tieBreakers = plan.ordered ? plan.orderColumns.map((name) => builders[names.indexOf(name)] as ColumnBuilder) : []
  sortKeys(times, keyStarts, builders, tieBreakers)
  const moments = (place: number, whenNull: number) =>
    versions ? (builders[names.length + place] as ColumnBuilder).numbers(whenNull) : null
  const used = names.flatMap((name, index) =>
    plan.columns.includes(name) ? [[name, (builders[index] as ColumnBuilder).column()] as const] : [],
  )
  return {
    block: { times: times.numbers(0), ids: null, columns: new Map(used), keyStarts },
    known: moments(0, Number.NEGATIVE_INFINITY),
    superseded: moments(1, Number.POSITIVE_INFINITY),
  }
}

/** Where each row belongs so that those of one key lie together; takes the place of the keys, block by block. */
function positionsOf(keys: readonly Int32Array[], keyStarts: Int32Array): readonly Int32Array[] {
  const next = keyStarts.slice(0, -1)
  for (const block of keys) {
    for (let row = 0; row < block.length; row++) {
      const key = block[row] as number
      const position = next[key] as number
      next[key] = position + 1
      block[row] = position
    }
  }
  return keys
}

/** Sorts each key's rows by time, and those of one time by the tie-breakers. */
function sortKeys(
  times: ColumnBuilder,
  keyStarts: Int32Array,
  columns: readonly ColumnBuilder[],
  tieBreakers: readonly ColumnBuilder[],
): void {
  const moments = times.numbers(0)
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
    const order = sortedOrder(moments.subarray(start, keyStarts[key + 1]), tieBreakers.length === 0 ? null : ties)
    if (order === null) continue
    times.permute(start, order)
    for (const column of columns) column.permute(start, order)
  }
}

/** The SELECT list that gives source columns in transport form. */
export function transportColumns(plan: EventGroupPlan, names: readonly string[], row: string): string {
  return names
    .map(
      (name) =>
        `, ${transportSql(plan.group.source.columns[name] as TypeData, `${row}.${quoteIdentifier(name)}`)} AS ${quoteIdentifier(name)}`,
    )
    .join('')
}
