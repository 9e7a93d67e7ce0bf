import type { CellColumn, TableGroupPlan } from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { Moments } from './moments.ts'
import { RowCells, rowNumbers, scatter } from './row-cells.ts'

/** The most rows that come in one batch. */
const batchRows = 2048
/** Numbers of one bucket's moments and rows: they have to fit a cache of a core. */
const bucketNumbers = 8192
/** Numbers that wait in all buckets. Another cell, such as a text, takes as much as so many numbers. */
const waitingNumbers = 4_194_304
const numbersOfOther = 8
/** Rows that are worth a bucket. */
const bucketRows = 256

/** Rows of a table, column by column; times in microseconds, keys dense. */
export interface TableRows {
  readonly count: number
  readonly keys: CellColumn
  readonly times: CellColumn
  /** When each row was created; null where the table does not say. */
  readonly known: CellColumn | null
  readonly cells: readonly CellColumn[]
}

/** What the numbers of a place begin with: of a waiting row its key, else the moment; the time; and when the row was created. */
const keyAt = 0
const momentAt = 0
const timeAt = 1
const knownAt = 2

/**
 * For each moment, by its place in `moments.order`, the newest row among those that it is the first of its key to see. Rows come
 * in any order. They wait in buckets of keys until theirs is full: going to moments all over memory, each would wait for memory instead.
 */
export class NewestRows {
  /** The columns to give: what features use and what decides between rows of one time. */
  readonly columns: readonly string[]
  readonly types: readonly TypeData[]
  readonly #moments: Moments
  readonly #asKnown: boolean
  readonly #hasKnown: boolean
  readonly #newest: RowCells
  readonly #tieBreakers: readonly number[]
  /** Of each key, the place that its last row went to: those of a log come in order of time, and most go where the one before went. */
  readonly #lastPlaces: Int32Array
  readonly #waiting: RowCells
  readonly #capacity: number
  /** The bucket of a key is the key without its lowest bits. */
  readonly #bits: number
  readonly #filled: Int32Array
  readonly #places = new Int32Array(batchRows)

  constructor(plan: TableGroupPlan, moments: Moments, asKnown: boolean) {
    const { known, columns } = plan.group.source
    const { order, keyStarts, at } = moments
    this.columns = [...new Set([...plan.columns, ...plan.orderColumns])].sort()
    this.types = this.columns.map((name) => columns[name] as TypeData)
    this.#moments = moments
    this.#hasKnown = known !== null
    this.#asKnown = asKnown && this.#hasKnown
    this.#tieBreakers = plan.orderColumns.map((name) => this.columns.indexOf(name))
    this.#lastPlaces = keyStarts.slice(0, -1)
    const head = this.#hasKnown ? 3 : 2
    this.#newest = new RowCells(this.types, order.length, head)
    const { numbers, stride } = this.#newest
    for (let place = 0; place < order.length; place++) {
      numbers[stride * place + momentAt] = at[order[place] as number] as number
      numbers[stride * place + timeAt] = Number.NEGATIVE_INFINITY
    }
    const others = head + this.types.length - rowNumbers(this.types, head)
    const rows = Math.floor(waitingNumbers / (stride + others * numbersOfOther))
    const wanted = Math.max(1, Math.min(Math.ceil(numbers.length / bucketNumbers), Math.floor(rows / bucketRows)))
    const keys = this.#lastPlaces.length
    this.#bits = Math.ceil(Math.log2(Math.max(1, keys / wanted)))
    this.#filled = new Int32Array((Math.max(0, keys - 1) >> this.#bits) + 1)
    this.#capacity = Math.max(bucketRows, Math.min(Math.floor(rows / this.#filled.length), Math.floor(bucketNumbers / stride)))
    this.#waiting = new RowCells(this.types, this.#capacity * this.#filled.length, head)
  }

  add(rows: TableRows): void {
    const keys = rows.keys.values as Float64Array
    const known = rows.known && knownTimes(rows.known, rows.count)
    const places = this.#places
    const filled = this.#filled
    const capacity = this.#capacity
    const bits = this.#bits
    let from = 0
    for (let row = 0; row < rows.count; row++) {
      const bucket = (keys[row] as number) >> bits
      const count = filled[bucket] as number
      places[row] = capacity * bucket + count
      filled[bucket] = count + 1
      if (count + 1 < capacity) continue
      this.#wait(rows, known, from, row + 1)
      from = row + 1
      this.#empty(bucket)
    }
    this.#wait(rows, known, from, rows.count)
  }

  /** Lets no row wait any longer; to call after the last. */
  finish(): void {
    for (let bucket = 0; bucket < this.#filled.length; bucket++) this.#empty(bucket)
  }

  /** The time of a place's row; -Infinity where it has none. */
  time(place: number): number {
    return this.#newest.numbers[this.#newest.stride * place + timeAt] as number
  }

  /** Reads a column of a place's row. */
  reader(column: string): (place: number) => Cell {
    const index = this.columns.indexOf(column)
    return (place) => this.#newest.get(index, place)
  }

  /** Above 0 where the row of place `a` is newer than that of place `b`. */
  compare(a: number, b: number): number {
    return this.#compare(this.#newest, a, b)
  }

  /** Puts the rows `[from, to)` where they wait. */
  #wait(rows: TableRows, known: Float64Array | null, from: number, to: number): void {
    const { numbers, stride } = this.#waiting
    const places = this.#places
    scatter(rows.keys.values as Float64Array, from, to, places, numbers, keyAt, stride)
    scatter(rows.times.values as Float64Array, from, to, places, numbers, timeAt, stride)
    if (known) scatter(known, from, to, places, numbers, knownAt, stride)
    this.#waiting.put(rows.cells, from, to, places)
  }

  /** Each row of a bucket goes to the first moment of its key that sees it, and stays there if it is the newest so far. */
  #empty(bucket: number): void {
    const { keyStarts } = this.#moments
    const { numbers, stride } = this.#newest
    const waiting = this.#waiting.numbers
    const lastPlaces = this.#lastPlaces
    const first = this.#capacity * bucket
    const end = first + (this.#filled[bucket] as number)
    this.#filled[bucket] = 0
    for (let row = first; row < end; row++) {
      const key = waiting[stride * row + keyAt] as number
      const time = waiting[stride * row + timeAt] as number
      const seen = this.#asKnown ? Math.max(time, waiting[stride * row + knownAt] as number) : time
      const keyEnd = keyStarts[key + 1] as number
      let place = lastPlaces[key] as number
      const fits =
        (place === keyEnd || seen <= (numbers[stride * place + momentAt] as number)) &&
        (place === keyStarts[key] || seen > (numbers[stride * (place - 1) + momentAt] as number))
      if (!fits) place = this.#find(key, seen)
      if (place === keyEnd) continue
      const before = numbers[stride * place + timeAt] as number
      if (time > before || (time === before && this.#compare(this.#waiting, row, place) > 0)) this.#newest.copy(this.#waiting, row, place)
    }
  }

  /** The place of the first moment of a key that sees what can be seen from this time on. */
  #find(key: number, seen: number): number {
    const { numbers, stride } = this.#newest
    let place = this.#moments.keyStarts[key] as number
    let high = this.#moments.keyStarts[key + 1] as number
    while (place < high) {
      const middle = (place + high) >>> 1
      if ((numbers[stride * middle + momentAt] as number) < seen) place = middle + 1
      else high = middle
    }
    this.#lastPlaces[key] = place
    return place
  }

  /** Above 0 where row `a` of these is newer than that of place `b`: of later time, created later, or of greater content. */
  #compare(rows: RowCells, a: number, b: number): number {
    const { numbers, stride } = this.#newest
    for (let at = timeAt; at <= (this.#hasKnown ? knownAt : timeAt); at++) {
      const own = rows.numbers[stride * a + at] as number
      const other = numbers[stride * b + at] as number
      if (own !== other) return own < other ? -1 : 1
    }
    for (const column of this.#tieBreakers) {
      const order = rows.compare(column, a, this.#newest, b)
      if (order !== 0) return order
    }
    return 0
  }
}

/** When rows were created; one that does not say so counts as the first of all. */
function knownTimes({ values, nulls }: CellColumn, count: number): Float64Array {
  const times = (values as Float64Array).slice(0, count)
  if (nulls) for (let row = 0; row < count; row++) if (nulls[row] === 1) times[row] = Number.NEGATIVE_INFINITY
  return times
}
