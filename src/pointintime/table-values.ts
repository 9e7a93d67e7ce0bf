import type { Duck } from '../offline/index.ts'
import { type CellColumn, evaluateRow, type TableGroupPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import { ColumnBuilder } from './column-builder.ts'
import type { Interrupt } from './context.ts'
import { quoteIdentifier } from './context.ts'
import { keyColumn, timeColumn } from './event-history.ts'
import type { Moments } from './moments.ts'
import { ValueColumns } from './value-columns.ts'

const number: TypeData = { kind: 'float', nullable: false }
const numberOrNull: TypeData = { kind: 'float', nullable: true }

/** The most rows that come in one batch. */
const batchRows = 2048

/**
 * The features of a table at every moment: those of the newest row valid at it. Rows are streamed in any order and
 * never kept: each goes to the first moment of its key that can see it and stays there if it is the newest so far; a
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
  const names = newest.columns
  const selected = [keyColumn, timeColumn, '__known', ...names].map(quoteIdentifier).join(', ')
  const types = names.map((name) => plan.group.source.columns[name] as TypeData)
  const batches = rowsSql === null ? [] : duck.stream(`SELECT ${selected} FROM (${rowsSql})`, [number, number, numberOrNull, ...types])
  for await (const batch of batches) {
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
  /**
   * Two numbers a place in `moments.order`: the moment, and the time of the newest row among those that this moment of its
   * key is the first to see. Side by side, so that one look at memory finds both.
   */
  readonly #slots: Float64Array
  /** When the newest row was created; null where the table does not say. */
  readonly #known: Float64Array | null
  readonly #cells: readonly ColumnBuilder[]
  readonly #tieBreakers: readonly number[]
  readonly #winners = new Int32Array(batchRows)
  readonly #winnerPlaces = new Int32Array(batchRows)

  constructor(plan: TableGroupPlan, moments: Moments, asKnown: boolean) {
    const places = moments.order.length
    this.#plan = plan
    this.#moments = moments
    this.#asKnown = asKnown
    this.columns = [...new Set([...plan.columns, ...plan.orderColumns])].sort()
    this.#slots = new Float64Array(2 * places).fill(Number.NEGATIVE_INFINITY)
    for (let place = 0; place < places; place++) this.#slots[2 * place] = moments.at[moments.order[place] as number] as number
    this.#known = plan.group.source.known === null ? null : new Float64Array(places)
    this.#cells = this.columns.map((name) => new ColumnBuilder(plan.group.source.columns[name] as TypeData, places + 1))
    this.#tieBreakers = plan.orderColumns.map((name) => this.columns.indexOf(name))
  }

  add(batch: readonly CellColumn[], count: number): void {
    const keys = (batch[0] as CellColumn).values as Float64Array
    const times = (batch[1] as CellColumn).values as Float64Array
    const { values: knownValues, nulls: knownNulls } = batch[2] as CellColumn
    const { keyStarts } = this.#moments
    const slots = this.#slots
    const known = this.#known
    const asKnown = this.#asKnown && known !== null
    const winnerRows = this.#winners
    const winnerPlaces = this.#winnerPlaces
    let winners = 0
    for (let row = 0; row < count; row++) {
      const time = times[row] as number
      const rowKnown = known === null ? 0 : knownNulls?.[row] === 1 ? Number.NEGATIVE_INFINITY : (knownValues[row] as number)
      const from = asKnown ? Math.max(time, rowKnown) : time
      // The first moment of the key that sees the row.
      const key = keys[row] as number
      const end = keyStarts[key + 1] as number
      let place = keyStarts[key] as number
      let high = end
      while (place < high) {
        const middle = (place + high) >>> 1
        if ((slots[2 * middle] as number) < from) place = middle + 1
        else high = middle
      }
      if (place === end) continue
      const before = slots[2 * place + 1] as number
      if (time < before) continue
      if (time === before) {
        const knownBefore = known === null ? 0 : (known[place] as number)
        if (rowKnown < knownBefore) continue
        if (rowKnown === knownBefore) {
          this.#store(batch, winners)
          winners = 0
          if (!this.#wins(batch, row, place)) continue
        }
      }
      slots[2 * place + 1] = time
      if (known !== null) known[place] = rowKnown
      winnerRows[winners] = row
      winnerPlaces[winners++] = place
    }
    this.#store(batch, winners)
  }

  #store(batch: readonly CellColumn[], winners: number): void {
    for (let column = 0; column < this.#cells.length; column++) {
      ;(this.#cells[column] as ColumnBuilder).copy(batch[column + 3] as CellColumn, this.#winners, this.#winnerPlaces, winners)
    }
  }

  /** Whether a row of equal time and creation comes after the stored one. The last place of the columns is scratch. */
  #wins(batch: readonly CellColumn[], row: number, place: number): boolean {
    const scratch = this.#slots.length / 2
    this.#winners[0] = row
    this.#winnerPlaces[0] = scratch
    this.#store(batch, 1)
    return this.#compareContent(scratch, place) > 0
  }

  #compareContent(a: number, b: number): number {
    for (const column of this.#tieBreakers) {
      const order = (this.#cells[column] as ColumnBuilder).compare(a, b)
      if (order !== 0) return order
    }
    return 0
  }

  #time(place: number): number {
    return this.#slots[2 * place + 1] as number
  }

  #compare(a: number, b: number): number {
    const known = this.#known
    const created = known === null ? 0 : Math.sign((known[a] as number) - (known[b] as number))
    return this.#time(a) - this.#time(b) || created || this.#compareContent(a, b)
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
      for (let feature = 0; feature < compute.length; feature++)
        values.set(feature, row, (compute[feature] as (typeof compute)[number])(place, at[row] as number))
    }
    for (let row = 0; row < count; row++) if ((this.#moments.keys[row] as number) < 0) write(row, -1)
    for (let key = 0; key + 1 < keyStarts.length; key++) {
      let newest = -1
      for (let place = keyStarts[key] as number; place < (keyStarts[key + 1] as number); place++) {
        if (this.#time(place) !== Number.NEGATIVE_INFINITY && (newest < 0 || this.#compare(place, newest) >= 0)) newest = place
        const row = order[place] as number
        const valid = newest >= 0 && (group.ttl === null || (at[row] as number) - this.#time(newest) <= group.ttl)
        write(row, valid ? newest : -1)
      }
    }
    return values
  }
}
