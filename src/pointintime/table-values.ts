import type { Duck } from '../offline/index.ts'
import { type CellColumn, evaluateRow, type TableGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Interrupt } from './context.ts'
import { ColumnBuilder } from './column-builder.ts'
import { keyColumn, timeColumn } from './event-history.ts'
import { quoteIdentifier } from './context.ts'
import type { Moments } from './moments.ts'
import { ValueColumns } from './value-columns.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/**
 * The features of a table at every moment: those of the newest row valid at it. Rows are streamed in any order and
 * never kept: each goes to the first moment of its key that can see it and stays there if it is the newest so far; a
 * pass over each key's moments then carries the newest forward. Memory grows with the moments, not with the table.
 */
export async function tableValues(duck: Duck, plan: TableGroupPlan, rowsSql: string, moments: Moments, asKnown: boolean, interrupt: Interrupt): Promise<ValueColumns> {
  const newest = new NewestRows(plan, moments, asKnown)
  const names = newest.columns
  const selected = [keyColumn, timeColumn, '__known', ...names].map(quoteIdentifier).join(', ')
  const types = names.map((name) => plan.group.source.columns[name] as TypeData)
  for await (const batch of duck.stream(`SELECT ${selected} FROM (${rowsSql})`, [number, number, numberOrNull, ...types])) {
    interrupt.check()
    newest.add(batch.columns, batch.count)
    interrupt.advance(batch.count)
  }
  return newest.values()
}

class NewestRows {
  /** The columns to read: what features use and what decides between rows of one time. */
  readonly columns: readonly string[]
  readonly #plan: TableGroupPlan
  readonly #moments: Moments
  readonly #asKnown: boolean
  /** By place in `moments.order`: the newest row among those that this moment of its key is the first to see. */
  readonly #times: Float64Array
  readonly #known: Float64Array
  readonly #cells: readonly ColumnBuilder[]
  readonly #tieBreakers: readonly number[]

  constructor(plan: TableGroupPlan, moments: Moments, asKnown: boolean) {
    const places = moments.order.length
    this.#plan = plan
    this.#moments = moments
    this.#asKnown = asKnown
    this.columns = [...new Set([...plan.columns, ...plan.orderColumns])].sort()
    this.#times = new Float64Array(places).fill(Number.NEGATIVE_INFINITY)
    this.#known = new Float64Array(places)
    this.#cells = this.columns.map((name) => new ColumnBuilder(plan.group.source.columns[name] as TypeData, places + 1))
    this.#tieBreakers = plan.orderColumns.map((name) => this.columns.indexOf(name))
  }

  add(batch: readonly CellColumn[], count: number): void {
    const keys = (batch[0] as CellColumn).values as Float64Array
    const times = (batch[1] as CellColumn).values as Float64Array
    const { values: knownValues, nulls: knownNulls } = batch[2] as CellColumn
    for (let row = 0; row < count; row++) {
      const time = times[row] as number
      const known = knownNulls?.[row] === 1 ? Number.NEGATIVE_INFINITY : (knownValues[row] as number)
      const place = this.#firstThatSees(keys[row] as number, this.#asKnown ? Math.max(time, known) : time)
      if (place < 0) continue
      const before = this.#times[place] as number
      if (time < before || (time === before && known < (this.#known[place] as number))) continue
      if (time === before && known === this.#known[place] && !this.#wins(batch, row, place)) continue
      this.#times[place] = time
      this.#known[place] = known
      this.#store(batch, row, place)
    }
  }

  /** The place of the key's first moment at or after `from`, or -1. */
  #firstThatSees(key: number, from: number): number {
    const { order, at, keyStarts } = this.#moments
    let low = keyStarts[key] as number
    const end = keyStarts[key + 1] as number
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((at[order[middle] as number] as number) < from) low = middle + 1
      else high = middle
    }
    return low < end ? low : -1
  }

  #store(batch: readonly CellColumn[], row: number, place: number): void {
    for (let column = 0; column < this.#cells.length; column++) {
      const { values, nulls } = batch[column + 3] as CellColumn
      ;(this.#cells[column] as ColumnBuilder).set(place, nulls?.[row] === 1 ? null : (values[row] as number))
    }
  }

  /** Whether a row of equal time and creation comes after the stored one. The last place of the columns is scratch. */
  #wins(batch: readonly CellColumn[], row: number, place: number): boolean {
    const scratch = this.#times.length
    this.#store(batch, row, scratch)
    return this.#compareContent(scratch, place) > 0
  }

  #compareContent(a: number, b: number): number {
    for (const column of this.#tieBreakers) {
      const order = (this.#cells[column] as ColumnBuilder).compare(a, b)
      if (order !== 0) return order
    }
    return 0
  }

  #compare(a: number, b: number): number {
    return (this.#times[a] as number) - (this.#times[b] as number) || Math.sign((this.#known[a] as number) - (this.#known[b] as number)) || this.#compareContent(a, b)
  }

  values(): ValueColumns {
    const { group, features } = this.#plan
    const { at, order, keyStarts, count } = this.#moments
    const values = new ValueColumns(features, count)
    const compute = evaluateRow(this.#plan, (name) => {
      const cells = this.#cells[this.columns.indexOf(name)] as ColumnBuilder
      return (place) => cells.get(place)
    })
    const write = (row: number, place: number) => {
      for (let feature = 0; feature < compute.length; feature++) values.set(feature, row, (compute[feature] as (typeof compute)[number])(place, at[row] as number))
    }
    for (let row = 0; row < count; row++) if ((this.#moments.keys[row] as number) < 0) write(row, -1)
    for (let key = 0; key + 1 < keyStarts.length; key++) {
      let newest = -1
      for (let place = keyStarts[key] as number; place < (keyStarts[key + 1] as number); place++) {
        if (this.#times[place] !== Number.NEGATIVE_INFINITY && (newest < 0 || this.#compare(place, newest) >= 0)) newest = place
        const row = order[place] as number
        const valid = newest >= 0 && (group.ttl === null || (at[row] as number) - (this.#times[newest] as number) <= group.ttl)
        write(row, valid ? newest : -1)
      }
    }
    return values
  }
}
