import type { Duck } from '../offline/index.ts'
import { type CellColumn, evaluateRow, type TableGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Interrupt } from './context.ts'
import { quoteIdentifier } from './context.ts'
import { keyColumn, timeColumn } from './event-history.ts'
import { type Moments, noKey } from './moments.ts'
import { NewestRows } from './newest-rows.ts'
import { ValueColumns } from './value-columns.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/**
 * The features of a table at every moment: those of the newest row valid at it. Rows are streamed in any order and
 * not kept: each goes to the first moment of its key that can see it and stays there if it is the newest so far; a
 * pass over each key's moments then carries the newest forward. Memory grows with the moments, not with the table.
 */
export async function tableValues(
  duck: Duck,
  plan: TableGroupPlan,
  rowsSql: string | null,
  moments: Moments,
  asKnown: boolean,
  interrupt: Interrupt,
): Promise<ValueColumns> {
  const newest = new NewestRows(plan, moments, asKnown)
  const hasKnown = plan.group.source.known !== null
  const selected = [keyColumn, timeColumn, ...newest.columns, ...(hasKnown ? ['__known'] : [])].map(quoteIdentifier).join(', ')
  const types = [number, number, ...newest.types, ...(hasKnown ? [numberOrNull] : [])]
  const batches = rowsSql === null ? [] : duck.stream(`SELECT ${selected} FROM (${rowsSql})`, types)
  for await (const { columns, count } of batches) {
    interrupt.check()
    const [keys, times, ...cells] = columns as readonly CellColumn[] as [CellColumn, CellColumn, ...CellColumn[]]
    newest.add({ count, keys, times, cells, known: hasKnown ? (cells.at(-1) as CellColumn) : null })
    interrupt.advance(count)
  }
  newest.finish()
  return carryForward(plan, newest, moments)
}

/** The values of every moment: those of the newest row that it or an earlier moment of its key is the first to see. */
function carryForward(plan: TableGroupPlan, newest: NewestRows, { at, keys, order, keyStarts, count }: Moments): ValueColumns {
  const { ttl } = plan.group
  const values = new ValueColumns(plan.features, count)
  const compute = evaluateRow(plan, (column) => newest.reader(column))
  const write = (row: number, place: number) => {
    for (let feature = 0; feature < compute.length; feature++)
      values.set(feature, row, (compute[feature] as (typeof compute)[number])(place, at[row] as number))
  }
  for (let row = 0; row < count; row++) if (keys[row] === noKey) write(row, -1)
  for (let key = 0; key + 1 < keyStarts.length; key++) {
    let best = -1
    for (let place = keyStarts[key] as number; place < (keyStarts[key + 1] as number); place++) {
      const has = newest.time(place) !== Number.NEGATIVE_INFINITY
      if (has && (best < 0 || newest.compare(place, best) >= 0)) best = place
      const row = order[place] as number
      const valid = best >= 0 && (ttl === null || (at[row] as number) - newest.time(best) <= ttl)
      write(row, valid ? best : -1)
    }
  }
  return values
}
