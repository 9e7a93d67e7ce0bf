import type { Series } from '../aggregation/index.ts'
import type { Cell, Kind } from '../schema/index.ts'
import type { BlockColumns } from './block-columns.ts'
import type { EventBlock } from './event-block.ts'
import type { SeriesPlan } from './group-plan.ts'

/** Series of up to so many events share memory that serves one block after the other: for one key, making arrays costs more than filling them. */
const smallBlock = 1024

const inFloat64: ReadonlySet<Kind> = new Set<Kind>(['integer', 'float', 'decimal', 'timestamp', 'date'])

interface Arrays {
  values: Float64Array | Cell[]
  weights: Cell[] | null
  positions: Int32Array
  rank: Int32Array
}

/** Makes one series of a plan from blocks of events. */
export class SeriesBuilder {
  readonly #bare: boolean
  readonly #numbers: boolean
  /** The column that the series is where all events have a value. */
  readonly #name: string | null
  readonly #value: (row: number) => Cell
  readonly #weight: ((row: number) => Cell) | null
  readonly #passes: ((row: number) => boolean) | null
  /** Of small blocks, or of the one that grows. */
  #own: Arrays
  /** How far the arrays of the block that grows are filled. */
  #filled = -1

  constructor({ value, weight, filter }: SeriesPlan, columns: BlockColumns) {
    const bare = filter === null && weight === null
    this.#bare = bare && value === null
    this.#numbers = value === null || inFloat64.has(value.type.kind)
    this.#name = bare && value?.node === 'column' && value.type.kind !== 'boolean' ? value.name : null
    this.#value = value ? columns.value(value) : () => 0
    this.#weight = weight ? columns.value(weight) : null
    this.#passes = filter ? columns.filter(filter) : null
    this.#own = this.#newArrays(0)
  }

  build(block: EventBlock): Series {
    const whole = this.#whole(block)
    if (whole) return whole
    const count = block.keyStarts[block.keyStarts.length - 1] as number
    const small = count <= smallBlock
    if (small && this.#own.positions.length < smallBlock) this.#own = this.#newArrays(smallBlock)
    const arrays = small ? this.#own : this.#newArrays(count)
    // Small series of other than numbers leave the block, as the cells of lists do.
    if (!this.#numbers) arrays.values = []
    if (this.#weight) arrays.weights = []
    const kept = this.#fill(arrays, 0, 0, count)
    const series = this.#series(block, arrays, kept === count)
    if (small || kept === count) return series
    const { values, positions } = arrays
    return {
      ...series,
      values: values instanceof Float64Array ? values.slice(0, kept) : values,
      positions: positions.slice(0, kept),
    }
  }

  /** As `build`, of a block of one key that grows: what was made of the events before position `from` is kept. */
  extend(block: EventBlock, from: number): Series {
    const whole = this.#whole(block)
    if (whole) {
      this.#filled = -1
      return whole
    }
    const [start, end] = block.keyStarts as unknown as readonly [number, number]
    const first = from > this.#filled ? start : Math.max(from, start)
    this.#reserve(end)
    const arrays = this.#own
    // Values lie where their events do as long as every event has one.
    const kept = this.#fill(arrays, first, first === start && from > this.#filled ? start : (arrays.rank[first] as number), end)
    this.#filled = end
    return this.#series(block, arrays, kept === end)
  }

  /** The events of the block that grows have moved to the front by so many positions; how many values have. */
  shift(events: number): number {
    if (this.#filled < 0) return events
    const { values, weights, positions, rank } = this.#own
    if (events >= this.#filled) {
      const all = rank[this.#filled] as number
      this.#filled = -1
      return all
    }
    const gone = rank[events] as number
    const kept = (rank[this.#filled] as number) - gone
    if (values instanceof Float64Array) values.copyWithin(0, gone)
    else values.splice(0, gone)
    weights?.splice(0, gone)
    for (let i = 0; i < kept; i++) positions[i] = (positions[i + gone] as number) - events
    this.#filled -= events
    for (let row = 0; row <= this.#filled; row++) rank[row] = (rank[row + events] as number) - gone
    return gone
  }

  /** The series where every event has a value: as the block has it, or null. */
  #whole({ times, ids, columns }: EventBlock): Series | null {
    if (this.#bare) return { values: times, weights: null, positions: null, rank: null, times, ids }
    const column = this.#name === null ? undefined : columns.get(this.#name)
    return column && !column.nulls ? { values: column.values, weights: null, positions: null, rank: null, times, ids } : null
  }

  #series({ times, ids }: EventBlock, { values, weights, positions, rank }: Arrays, everyEvent: boolean): Series {
    return everyEvent ? { values, weights, positions: null, rank: null, times, ids } : { values, weights, positions, rank, times, ids }
  }

  /** Takes the events `[from, end)`, before which there are `before` values; how many there are then. */
  #fill({ values, weights, positions, rank }: Arrays, from: number, before: number, end: number): number {
    const value = this.#value
    const weight = this.#weight
    const passes = this.#passes
    let kept = before
    for (let row = from; row < end; row++) {
      rank[row] = kept
      if (passes && !passes(row)) continue
      const cell = value(row)
      const own = weight ? weight(row) : 0
      if (cell === null || own === null) continue
      values[kept] = cell as number
      if (weights) weights[kept] = own
      positions[kept++] = row
    }
    rank[end] = kept
    return kept
  }

  #newArrays(count: number): Arrays {
    return {
      values: this.#numbers ? new Float64Array(count) : [],
      weights: this.#weight ? [] : null,
      positions: new Int32Array(count),
      rank: new Int32Array(count + 1),
    }
  }

  #reserve(count: number): void {
    const own = this.#own
    if (count <= own.positions.length) return
    const larger = this.#newArrays(Math.ceil(count * 1.25))
    if (own.values instanceof Float64Array) (larger.values as Float64Array).set(own.values)
    else larger.values = own.values
    larger.weights = own.weights
    larger.positions.set(own.positions)
    larger.rank.set(own.rank)
    this.#own = larger
  }
}
