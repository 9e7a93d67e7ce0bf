import { type CellColumn, cellReader } from '../plan/index.ts'
import { type Cell, type CellComparator, cellComparator, isFloat64Kind, type TypeData } from '../schema/index.ts'

const firstLength = 65_536

/** A column of events that come in order: rows are added at the end and let go of at the beginning, in the same memory. */
export class EventColumn implements CellColumn {
  readonly #type: TypeData
  readonly #compare: CellComparator
  values: Float64Array | Cell[]
  nulls: Uint8Array | null = null

  constructor(type: TypeData) {
    this.#type = type
    this.#compare = cellComparator({ ...type, nullable: true })
    this.values = isFloat64Kind(type.kind) ? new Float64Array(firstLength) : []
  }

  /** Adds the rows `[from, to)` of a batch behind the first `count`. */
  append(batch: CellColumn, from: number, to: number, count: number): void {
    const end = count + to - from
    if (this.values instanceof Float64Array) {
      if (end > this.values.length) this.values = longer(this.values, new Float64Array(2 * end))
      this.values.set((batch.values as Float64Array).subarray(from, to), count)
    } else {
      for (let row = from; row < to; row++) this.values[count + row - from] = batch.values[row] as Cell
    }
    if (batch.nulls) this.nulls ??= new Uint8Array(2 * end)
    if (!this.nulls) return
    if (end > this.nulls.length) this.nulls = longer(this.nulls, new Uint8Array(2 * end))
    if (batch.nulls) this.nulls.set(batch.nulls.subarray(from, to), count)
    else this.nulls.fill(0, count, end)
  }

  /** Lets go of the first rows, of `count` that there are. */
  drop(rows: number, count: number): void {
    this.values.copyWithin(0, rows, count)
    this.nulls?.copyWithin(0, rows, count)
  }

  /** The first rows of a column of numbers. */
  numbers(count: number): Float64Array {
    return (this.values as Float64Array).subarray(0, count)
  }

  compare(a: number, b: number): number {
    const read = cellReader(this.#type, this)
    return this.#compare(read(a), read(b))
  }

  /** Makes row `from + i` what row `order[i]` was. */
  permute(from: number, order: readonly number[]): void {
    const values = order.map((row) => this.values[row] as number)
    const nulls = order.map((row) => this.nulls?.[row] ?? 0)
    for (let index = 0; index < order.length; index++) {
      this.values[from + index] = values[index] as number
      if (this.nulls) this.nulls[from + index] = nulls[index] as number
    }
  }
}

function longer<A extends Float64Array | Uint8Array>(from: A, into: A): A {
  into.set(from)
  return into
}
