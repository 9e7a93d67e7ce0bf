import type { Cell } from '../schema/index.ts'
import type { EventBuffer } from './event-buffer.ts'
import type { StateColumn, StateLayout } from './state-layout.ts'

/** Events in a chunk: the times and one number of each are a cache line. */
const chunkEvents = 4
const chunkBits = 2
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
}

/**
 * The events of keys that have few: each key is a chain of chunks of four events, so that keys grow at one end and are trimmed at
 * the other without moving, and no key leaves memory behind that another cannot use. Numbers lie in Float64Arrays, event by event.
 */
export class EventArena {
  readonly #layout: StateLayout
  readonly #floats: Float64Array[] = []
  readonly #others: Cell[][] = []
  /** By chunk, the next one of its chain, or of the free ones. 0 is none. */
  readonly #next: Uint32Array[] = []
  readonly #interned = new Map<string, string>()
  #free = 0
  #made = 1
  #used = 0

  constructor(layout: StateLayout) {
    this.#layout = layout
  }

  /** Bytes that chunks in use take. */
  get bytes(): number {
    const { floats, others } = this.#layout
    return this.#used * (chunkEvents * (floats + others) * 8 + 4)
  }

  /** Puts an event at the end of a chain. */
  append(chain: Chain, time: number, known: number, cells: readonly Cell[]): void {
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
    this.#write(chain.tail, place, time, known, cells)
  }

  /** The time of the last event of a chain that has one. */
  lastTime(chain: Chain): number {
    const { floats } = this.#layout
    const place = (chain.skip + chain.count - 1) & (chunkEvents - 1)
    return (this.#floats[chain.tail >>> slabBits] as Float64Array)[this.#at(chain.tail, place) * floats] as number
  }

  firstTime(chain: Chain): number {
    return (this.#floats[chain.head >>> slabBits] as Float64Array)[this.#at(chain.head, chain.skip) * this.#layout.floats] as number
  }

  /** The cells of the last event. */
  lastCells(chain: Chain): Cell[] {
    return this.#cells(chain.tail, (chain.skip + chain.count - 1) & (chunkEvents - 1))
  }

  /** Adds the events of a chain from the one at `from` on to a buffer. */
  gather(chain: Chain, from: number, into: EventBuffer): void {
    const { floats, plan } = this.#layout
    let place = chain.skip + from
    let chunk = chain.head
    for (; place >= chunkEvents; place -= chunkEvents) chunk = this.#nextOf(chunk)
    for (let left = chain.count - from; left > 0; left--) {
      if (place === chunkEvents) {
        place = 0
        chunk = this.#nextOf(chunk)
      }
      const at = this.#at(chunk, place) * floats
      const numbers = this.#floats[chunk >>> slabBits] as Float64Array
      const known = plan.state.known ? (numbers[at + 1] as number) : 0
      into.append(numbers[at] as number, known, this.#cells(chunk, place))
      place++
    }
  }

  /** Whether the chain has an event with the id of these cells. */
  has(chain: Chain, cells: readonly Cell[]): boolean {
    const { id, columns } = this.#layout
    let place = chain.skip
    let chunk = chain.head
    for (let left = chain.count; left > 0; left--) {
      if (place === chunkEvents) {
        place = 0
        chunk = this.#nextOf(chunk)
      }
      let same = true
      for (let i = 0; same && i < id.length; i++) {
        const column = columns[id[i] as number] as StateColumn
        same = column.compare(this.#cell(column, chunk, place), cells[id[i] as number] as Cell) === 0
      }
      if (same) return true
      place++
    }
    return false
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
    chain.skip = 0
    chain.count = 0
  }

  /** Makes a chain of the events of a buffer, in place of what it was. */
  replace(chain: Chain, { start, end, times, known }: EventBuffer, cells: (row: number) => readonly Cell[]): void {
    this.clear(chain)
    for (let row = start; row < end; row++) this.append(chain, times[row] as number, known?.[row] ?? 0, cells(row))
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
    if (chunk >>> slabBits === this.#next.length) {
      this.#next.push(new Uint32Array(slabChunks))
      this.#floats.push(new Float64Array(slabChunks * chunkEvents * this.#layout.floats))
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
      const at = this.#at(chunk, 0) * others
      ;(this.#others[chunk >>> slabBits] as Cell[]).fill(null, at, at + chunkEvents * others)
    }
    return next
  }

  #nextOf(chunk: number): number {
    return (this.#next[chunk >>> slabBits] as Uint32Array)[chunk & (slabChunks - 1)] as number
  }

  #setNext(chunk: number, next: number): void {
    ;(this.#next[chunk >>> slabBits] as Uint32Array)[chunk & (slabChunks - 1)] = next
  }

  /** The place of an event in its slab. */
  #at(chunk: number, place: number): number {
    return ((chunk & (slabChunks - 1)) << chunkBits) + place
  }

  #write(chunk: number, place: number, time: number, known: number, cells: readonly Cell[]): void {
    const { floats, others, columns, plan } = this.#layout
    const at = this.#at(chunk, place)
    const numbers = this.#floats[chunk >>> slabBits] as Float64Array
    numbers[at * floats] = time
    if (plan.state.known) numbers[at * floats + 1] = known
    for (let i = 0; i < columns.length; i++) {
      const { inFloats, lane } = columns[i] as StateColumn
      const cell = cells[i] as Cell
      if (inFloats) numbers[at * floats + lane] = cell === null ? Number.NaN : (cell as number)
      else (this.#others[chunk >>> slabBits] as Cell[])[at * others + lane] = typeof cell === 'string' ? this.#intern(cell) : cell
    }
  }

  #cells(chunk: number, place: number): Cell[] {
    return this.#layout.columns.map((column) => this.#cell(column, chunk, place))
  }

  #cell({ inFloats, lane, type }: StateColumn, chunk: number, place: number): Cell {
    const { floats, others } = this.#layout
    const at = this.#at(chunk, place)
    if (!inFloats) return (this.#others[chunk >>> slabBits] as Cell[])[at * others + lane] as Cell
    const number = (this.#floats[chunk >>> slabBits] as Float64Array)[at * floats + lane] as number
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
