import type { CellColumn, StateEvents } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import type { BufferColumn, EventBuffer } from './event-buffer.ts'
import type { StateColumn, StateLayout } from './state-layout.ts'

/** Events in a chunk. */
const chunkEvents = 4
/** Chunks in a slab, of which there are as many as it takes. */
const slabBits = 10
const slabChunks = 1 << slabBits

/** Texts that are kept once, at most; then they are forgotten and gathered anew. */
const mostInterned = 65_536

/** A key's events in order: the first `skip` places of its first chunk are free, its last chunk is the end of the chain. */
export interface Chain {
  head: number
  tail: number
  skip: number
  count: number
  /** Events, from the first on, up to the end of the chunk `mark` or a place in it; 0 where no chunk is known. */
  shared: number
  mark: number
}

/**
 * The events of keys that have few: each key is a chain of chunks of four events, so that keys grow at one end and are trimmed at
 * the other without moving, and no key leaves memory behind that another cannot use. Numbers lie in Float64Arrays, event by event.
 */
export class EventArena {
  readonly #layout: StateLayout
  /** By chunk, the numbers of its events, then the next chunk of its chain, or of the free ones; 0 is none. */
  readonly #floats: Float64Array[] = []
  readonly #others: Cell[][] = []
  /** Numbers of a chunk. */
  readonly #stride: number
  readonly #interned = new Map<string, string>()
  #free = 0
  #made = 1
  #used = 0

  constructor(layout: StateLayout) {
    this.#layout = layout
    this.#stride = chunkEvents * layout.floats + 1
  }

  /** Bytes that chunks in use take. */
  get bytes(): number {
    const { floats, others } = this.#layout
    return this.#used * (chunkEvents * (floats + others) + 1) * 8
  }

  /** Puts an event at the end of a chain. */
  append(chain: Chain, time: number, known: number, cells: readonly Cell[]): void {
    const { columns, plan } = this.#layout
    const place = this.#lengthen(chain)
    const chunk = chain.tail
    const at = this.#floatAt(chunk, place)
    const numbers = this.#floats[chunk >>> slabBits] as Float64Array
    numbers[at] = time
    if (plan.state.known) numbers[at + 1] = known
    for (let i = 0; i < columns.length; i++) {
      const { inFloats, lane } = columns[i] as StateColumn
      const cell = cells[i] as Cell
      if (inFloats) numbers[at + lane] = cell === null ? Number.NaN : (cell as number)
      else this.#setOther(chunk, place, lane, cell)
    }
  }

  /** Makes a chain one event longer; its place in the last chunk. */
  #lengthen(chain: Chain): number {
    const place = (chain.skip + chain.count) & (chunkEvents - 1)
    if (chain.count === 0 && chain.head === 0) {
      chain.head = this.#take()
      chain.tail = chain.head
    } else if (place === 0) {
      const chunk = this.#take()
      this.#setNext(chain.tail, chunk)
      chain.tail = chunk
    }
    chain.count++
    return place
  }

  /** The time of the last event of a chain that has one. */
  lastTime(chain: Chain): number {
    const place = (chain.skip + chain.count - 1) & (chunkEvents - 1)
    return (this.#floats[chain.tail >>> slabBits] as Float64Array)[this.#floatAt(chain.tail, place)] as number
  }

  firstTime(chain: Chain): number {
    return (this.#floats[chain.head >>> slabBits] as Float64Array)[this.#floatAt(chain.head, chain.skip)] as number
  }

  /** The cells of the last event. */
  lastCells(chain: Chain): Cell[] {
    return this.#cells(chain.tail, (chain.skip + chain.count - 1) & (chunkEvents - 1))
  }

  /** Puts the events of a chain from the one at `from` on into a buffer; `near`: a chunk that has it or comes before it, if one is known. */
  gather(chain: Chain, from: number, into: EventBuffer): void {
    const count = chain.count - from
    into.clear().reserve(count)
    into.end = count
    let place = chain.skip + from
    let chunk = chain.head
    if (chain.mark !== 0 && from === chain.shared) {
      // The mark is the last chunk of the events that are shared.
      chunk = chain.mark
      place = ((place - 1) & (chunkEvents - 1)) + 1
    } else for (; place > chunkEvents; place -= chunkEvents) chunk = this.#nextOf(chunk)
    for (let row = 0; row < count; place = 0) {
      if (place === chunkEvents) {
        chunk = this.#nextOf(chunk)
        place = 0
      }
      const end = Math.min(row + chunkEvents - place, count)
      this.#read(chunk, place, into, row, end)
      row = end
      if (row < count) chunk = this.#nextOf(chunk)
    }
  }

  /** Puts the events of a chunk from a place on into the rows `[from, end)` of a buffer. */
  #read(chunk: number, place: number, into: EventBuffer, from: number, end: number): void {
    const { floats, others, columns } = this.#layout
    const numbers = this.#floats[chunk >>> slabBits] as Float64Array
    const first = this.#floatAt(chunk, place)
    const { times, known } = into
    for (let row = from, at = first; row < end; row++, at += floats) times[row] = numbers[at] as number
    if (known) for (let row = from, at = first + 1; row < end; row++, at += floats) known[row] = numbers[at] as number
    for (let i = 0; i < columns.length; i++) {
      const { inFloats, lane, type } = columns[i] as StateColumn
      const column = into.columns[i] as BufferColumn
      if (inFloats && !type.nullable) {
        const values = column.values as Float64Array
        for (let row = from, at = first + lane; row < end; row++, at += floats) values[row] = numbers[at] as number
      } else if (inFloats) {
        for (let row = from, at = first + lane; row < end; row++, at += floats) {
          const number = numbers[at] as number
          column.set(row, Number.isNaN(number) ? null : number, times.length)
        }
      } else {
        const cells = this.#others[chunk >>> slabBits] as Cell[]
        for (let row = from, at = this.#otherAt(chunk, place) + lane; row < end; row++, at += others)
          column.set(row, cells[at] as Cell, times.length)
      }
    }
  }

  /** Whether the chain has an event with the id of these cells. */
  has(chain: Chain, cells: readonly Cell[]): boolean {
    const { id, columns, floats, others } = this.#layout
    const { lane, inFloats, type, compare } = columns[id[0] as number] as StateColumn
    const first = cells[id[0] as number] as Cell
    // NaN, which stands for null, is equal to nothing.
    const direct = inFloats && first !== null && type.kind !== 'float'
    const number = Number(first)
    let place = chain.skip
    let chunk = chain.head
    for (let left = chain.count; left > 0; chunk = this.#nextOf(chunk), place = 0) {
      const end = Math.min(chunkEvents, place + left)
      left -= end - place
      if (direct) {
        const numbers = this.#floats[chunk >>> slabBits] as Float64Array
        for (let at = this.#floatAt(chunk, place) + lane; place < end; place++, at += floats)
          if (numbers[at] === number && this.#hasId(chunk, place, cells)) return true
      } else if (inFloats) {
        for (; place < end; place++) if (this.#hasId(chunk, place, cells)) return true
      } else {
        const values = this.#others[chunk >>> slabBits] as Cell[]
        for (let at = this.#otherAt(chunk, place) + lane; place < end; place++, at += others) {
          const value = values[at] as Cell
          if ((value === first || (typeof value !== 'string' && compare(value, first) === 0)) && this.#hasId(chunk, place, cells))
            return true
        }
      }
    }
    return false
  }

  #hasId(chunk: number, place: number, cells: readonly Cell[]): boolean {
    return this.#layout.id.every((own) => {
      const column = this.#layout.columns[own] as StateColumn
      return column.compare(this.#cell(column, chunk, place), cells[own] as Cell) === 0
    })
  }

  /** Tells of the ids of the first events. */
  forIds(chain: Chain, count: number, each: (id: readonly Cell[]) => void): void {
    const { id, columns } = this.#layout
    let place = chain.skip
    let chunk = chain.head
    for (let left = count; left > 0; left--) {
      if (place === chunkEvents) {
        chunk = this.#nextOf(chunk)
        place = 0
      }
      const at = place++
      each(id.map((own) => this.#cell(columns[own] as StateColumn, chunk, at)))
    }
  }

  /** Lets go of the first events. */
  drop(chain: Chain, count: number): void {
    if (count === chain.count) {
      this.clear(chain)
      return
    }
    let place = chain.skip + count
    for (; place >= chunkEvents; place -= chunkEvents) chain.head = this.#release(chain.head)
    chain.count -= count
    chain.skip = place
  }

  /** Lets go of all events. */
  clear(chain: Chain): void {
    for (let chunk = chain.head; chunk !== 0; ) chunk = this.#release(chunk)
    chain.head = 0
    chain.tail = 0
    chain.mark = 0
    chain.skip = 0
    chain.count = 0
  }

  /** Makes a chain of these events, in place of what it was. */
  replace(chain: Chain, { start, end, times, known, columns }: StateEvents): void {
    this.clear(chain)
    for (let row = start; row < end; row++) {
      const place = this.#lengthen(chain)
      const chunk = chain.tail
      const at = this.#floatAt(chunk, place)
      const numbers = this.#floats[chunk >>> slabBits] as Float64Array
      numbers[at] = times[row] as number
      if (known) numbers[at + 1] = known[row] as number
      for (let i = 0; i < columns.length; i++) {
        const { inFloats, lane } = this.#layout.columns[i] as StateColumn
        const { values, nulls } = columns[i] as CellColumn
        const isNull = nulls?.[row] === 1
        if (inFloats) numbers[at + lane] = isNull ? Number.NaN : (values[row] as number)
        else this.#setOther(chunk, place, lane, isNull ? null : (values[row] as Cell))
      }
    }
  }

  #take(): number {
    this.#used++
    if (this.#free !== 0) {
      const chunk = this.#free
      this.#free = this.#nextOf(chunk)
      this.#setNext(chunk, 0)
      return chunk
    }
    const chunk = this.#made++
    if (chunk >>> slabBits === this.#floats.length) {
      this.#floats.push(new Float64Array(slabChunks * this.#stride))
      if (this.#layout.others > 0) this.#others.push(new Array<Cell>(slabChunks * chunkEvents * this.#layout.others).fill(null))
    }
    return chunk
  }

  /** Gives a chunk back; the one that followed it. */
  #release(chunk: number): number {
    const next = this.#nextOf(chunk)
    this.#setNext(chunk, this.#free)
    this.#free = chunk
    this.#used--
    const { others } = this.#layout
    if (others > 0) {
      const at = this.#otherAt(chunk, 0)
      ;(this.#others[chunk >>> slabBits] as Cell[]).fill(null, at, at + chunkEvents * others)
    }
    return next
  }

  #nextOf(chunk: number): number {
    return (this.#floats[chunk >>> slabBits] as Float64Array)[((chunk & (slabChunks - 1)) + 1) * this.#stride - 1] as number
  }

  #setNext(chunk: number, next: number): void {
    ;(this.#floats[chunk >>> slabBits] as Float64Array)[((chunk & (slabChunks - 1)) + 1) * this.#stride - 1] = next
  }

  /** Where the numbers of an event begin in its slab. */
  #floatAt(chunk: number, place: number): number {
    return (chunk & (slabChunks - 1)) * this.#stride + place * this.#layout.floats
  }

  /** Where its other cells do. */
  #otherAt(chunk: number, place: number): number {
    return ((chunk & (slabChunks - 1)) * chunkEvents + place) * this.#layout.others
  }

  #setOther(chunk: number, place: number, lane: number, cell: Cell): void {
    ;(this.#others[chunk >>> slabBits] as Cell[])[this.#otherAt(chunk, place) + lane] = typeof cell === 'string' ? this.#intern(cell) : cell
  }

  #cells(chunk: number, place: number): Cell[] {
    return this.#layout.columns.map((column) => this.#cell(column, chunk, place))
  }

  #cell({ inFloats, lane, type }: StateColumn, chunk: number, place: number): Cell {
    if (!inFloats) return (this.#others[chunk >>> slabBits] as Cell[])[this.#otherAt(chunk, place) + lane] as Cell
    const number = (this.#floats[chunk >>> slabBits] as Float64Array)[this.#floatAt(chunk, place) + lane] as number
    if (type.nullable && Number.isNaN(number)) return null
    return type.kind === 'boolean' ? number === 1 : number
  }

  /** Equal texts of many events are one text in memory. */
  #intern(text: string): string {
    const found = this.#interned.get(text)
    if (found !== undefined) return found
    if (this.#interned.size >= mostInterned) this.#interned.clear()
    this.#interned.set(text, text)
    return text
  }
}
