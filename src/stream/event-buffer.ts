import type { CellColumn, StateEvents } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import type { StateLayout } from './state-layout.ts'

/** A column of a buffer. `nulls` is there only while there is one. */
export class BufferColumn implements CellColumn {
  values: Float64Array | Cell[]
  nulls: Uint8Array | null = null
  readonly #boolean: boolean
  #spare: Uint8Array | null = null

  constructor(inFloats: boolean, boolean: boolean, capacity: number) {
    this.values = inFloats ? new Float64Array(capacity) : []
    this.#boolean = boolean
  }

  set(row: number, cell: Cell, capacity: number): void {
    if (cell === null) {
      if (this.nulls === null) {
        this.nulls = this.#spare && this.#spare.length >= capacity ? this.#spare.fill(0) : new Uint8Array(capacity)
        this.#spare = this.nulls
      }
      this.nulls[row] = 1
    } else if (this.nulls) this.nulls[row] = 0
    this.values[row] = cell as number // a boolean becomes 0 or 1
  }

  get(row: number): Cell {
    if (this.nulls?.[row] === 1) return null
    return this.#boolean ? this.values[row] === 1 : (this.values[row] as Cell)
  }

  move(to: number, from: number, end: number): void {
    this.values.copyWithin(to, from, end)
    this.nulls?.copyWithin(to, from, end)
  }

  /** Takes the cells `[start, end)` of another column. */
  assign({ values, nulls }: CellColumn, start: number, end: number, capacity: number): void {
    if (values instanceof Float64Array && this.values instanceof Float64Array) this.values.set(values.subarray(start, end))
    else for (let row = start; row < end; row++) this.values[row - start] = values[row] as number
    if (nulls) for (let row = start; row < end; row++) if (nulls[row] === 1) this.set(row - start, null, capacity)
  }

  grow(capacity: number): void {
    if (this.values instanceof Float64Array) this.values = grown(this.values, new Float64Array(capacity))
    if (this.nulls) this.nulls = grown(this.nulls, new Uint8Array(capacity))
    this.#spare = this.nulls
  }

  clear(): void {
    this.nulls = null
  }
}

function grown<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** Events of one key in order, column by column, one behind the other: of a key with many events, or of one that is looked at. */
export class EventBuffer implements StateEvents {
  readonly layout: StateLayout
  start = 0
  end = 0
  times: Float64Array
  known: Float64Array | null
  readonly columns: readonly BufferColumn[]

  constructor(layout: StateLayout, capacity: number) {
    this.layout = layout
    this.times = new Float64Array(capacity)
    this.known = layout.plan.state.known ? new Float64Array(capacity) : null
    this.columns = layout.columns.map(({ inFloats, type }) => new BufferColumn(inFloats, type.kind === 'boolean', capacity))
  }

  get count(): number {
    return this.end - this.start
  }

  get bytes(): number {
    const { floats, others } = this.layout
    return this.times.length * (floats + others) * 8
  }

  clear(): this {
    this.start = 0
    this.end = 0
    for (const column of this.columns) column.clear()
    return this
  }

  /** Makes room for some more events; by how many positions all have moved to the front for it. */
  reserve(more = 1): number {
    if (this.end + more <= this.times.length) return 0
    const moved = this.start > this.count / 6 ? this.start : 0
    if (moved > 0) {
      this.times.copyWithin(0, this.start, this.end)
      this.known?.copyWithin(0, this.start, this.end)
      for (const column of this.columns) column.move(0, this.start, this.end)
      this.end -= this.start
      this.start = 0
    }
    if (this.end + more > this.times.length) {
      const capacity = Math.ceil((this.end + more) * 1.2) + 16
      this.times = grown(this.times, new Float64Array(capacity))
      if (this.known) this.known = grown(this.known, new Float64Array(capacity))
      for (const column of this.columns) column.grow(capacity)
    }
    return moved
  }

  append(time: number, known: number, cells: readonly Cell[]): void {
    this.reserve()
    this.#set(this.end++, time, known, cells)
  }

  /** Puts an event at a position; `reserve` has made room. */
  insert(at: number, time: number, known: number, cells: readonly Cell[]): void {
    this.#move(at + 1, at)
    this.end++
    this.#set(at, time, known, cells)
  }

  remove(at: number): void {
    this.#move(at, at + 1)
    this.end--
  }

  #move(to: number, from: number): void {
    if (from === this.end) return
    this.times.copyWithin(to, from, this.end)
    this.known?.copyWithin(to, from, this.end)
    for (const column of this.columns) {
      if (!(column.values instanceof Float64Array) && column.values.length <= this.end) column.values.push(null)
      column.move(to, from, this.end)
    }
  }

  #set(row: number, time: number, known: number, cells: readonly Cell[]): void {
    this.times[row] = time
    if (this.known) this.known[row] = known
    const capacity = this.times.length
    for (let place = 0; place < this.columns.length; place++) (this.columns[place] as BufferColumn).set(row, cells[place] as Cell, capacity)
  }

  cells(row: number): Cell[] {
    return this.columns.map((column) => column.get(row))
  }

  id(row: number): Cell[] {
    return this.layout.id.map((place) => (this.columns[place] as BufferColumn).get(row))
  }

  /** Where an event belongs: behind those that do not come after it. */
  placeOf(time: number, cells: readonly Cell[]): number {
    let low = this.start
    let high = this.end
    // Most events come in order.
    for (let middle = high - 1; low < high; middle = (low + high) >>> 1) {
      if (this.#comparedTo(middle, time, cells) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #comparedTo(row: number, time: number, cells: readonly Cell[]): number {
    const own = this.times[row] as number
    if (own !== time || !this.layout.isOrdered) return own - time
    return this.layout.compare(this.cells(row), cells)
  }

  /** The position of the event with the id of these cells, or -1: looks at every event. */
  find(cells: readonly Cell[]): number {
    for (let row = this.start; row < this.end; row++) if (this.hasId(row, cells)) return row
    return -1
  }

  hasId(row: number, cells: readonly Cell[]): boolean {
    const { id, columns } = this.layout
    for (const place of id) {
      const cell = (this.columns[place] as BufferColumn).get(row)
      if ((columns[place] as (typeof columns)[number]).compare(cell, cells[place] as Cell) !== 0) return false
    }
    return true
  }

  /** Whether another version of the event at a row counts rather than it: the one known last, then the greater content. */
  isReplacedBy(row: number, time: number, known: number, cells: readonly Cell[]): boolean {
    const own = this.known?.[row] as number
    if (own !== known) return known > own
    return this.layout.compareContent(this.times[row] as number, this.cells(row), time, cells) < 0
  }

  /** Takes other events. */
  assign({ start, end, times, known, columns }: StateEvents): this {
    const count = end - start
    this.clear().reserve(count)
    this.end = count
    this.times.set(times.subarray(start, end))
    if (known) this.known?.set(known.subarray(start, end))
    for (let place = 0; place < columns.length; place++)
      (this.columns[place] as BufferColumn).assign(columns[place] as CellColumn, start, end, this.times.length)
    return this
  }
}
