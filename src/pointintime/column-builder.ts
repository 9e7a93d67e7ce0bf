import { type CellColumn, cellReader } from '../plan/index.ts'
import { type Cell, type CellComparator, cellComparator, isFloat64Kind, type TypeData } from '../schema/index.ts'

/** Collects one column of a known number of rows, in any order. */
export class ColumnBuilder {
  readonly #compare: CellComparator
  readonly #read: (row: number) => Cell
  readonly #values: Float64Array | Cell[]
  #nulls: Uint8Array | null = null

  constructor(type: TypeData, count: number) {
    const values = isFloat64Kind(type.kind) ? new Float64Array(count) : emptyCells(count)
    this.#values = values
    this.#compare = cellComparator({ ...type, nullable: true })
    this.#read = cellReader(type, { values, nulls: null })
  }

  scatter(from: CellColumn, positions: Int32Array, count: number): void {
    const { values, nulls } = from
    const into = this.#values as Cell[]
    for (let i = 0; i < count; i++) into[positions[i] as number] = values[i] as Cell
    if (nulls) for (let i = 0; i < count; i++) if (nulls[i] === 1) this.#setNull(positions[i] as number)
  }

  /** Copies rows of a batch to positions, in order: a later one overwrites an earlier. */
  copy(from: CellColumn, rows: Int32Array, positions: Int32Array, count: number): void {
    const { nulls } = from
    const values = from.values as readonly Cell[]
    const into = this.#values as Cell[]
    for (let i = 0; i < count; i++) into[positions[i] as number] = values[rows[i] as number] as Cell
    if (nulls) for (let i = 0; i < count; i++) this.#mark(positions[i] as number, nulls[rows[i] as number] === 1)
    else if (this.#nulls) for (let i = 0; i < count; i++) this.#nulls[positions[i] as number] = 0
  }

  set(position: number, cell: Cell): void {
    if (cell === null) {
      this.#setNull(position)
    } else {
      this.#values[position] = cell as number // a boolean becomes 0 or 1
      if (this.#nulls) this.#nulls[position] = 0
    }
  }

  get(position: number): Cell {
    return this.#nulls?.[position] === 1 ? null : this.#read(position)
  }

  compare(a: number, b: number): number {
    return this.#compare(this.get(a), this.get(b))
  }

  /** Reorders the rows from `start`: row `start + i` becomes what row `start + order[i]` was. */
  permute(start: number, order: ArrayLike<number>): void {
    const copy = this.#values.slice(start, start + order.length)
    const nulls = this.#nulls?.slice(start, start + order.length)
    for (let i = 0; i < order.length; i++) {
      this.#values[start + i] = copy[order[i] as number] as number
      if (nulls && this.#nulls) this.#nulls[start + i] = nulls[order[i] as number] as number
    }
  }

  /** The numbers themselves, `whenNull` in place of each null. Only of a kind that lies in a Float64Array. */
  numbers(whenNull: number): Float64Array {
    const values = this.#values as Float64Array
    if (this.#nulls) for (let row = 0; row < values.length; row++) if (this.#nulls[row] === 1) values[row] = whenNull
    return values
  }

  column(): CellColumn {
    return { values: this.#values, nulls: this.#nulls }
  }

  #mark(position: number, isNull: boolean): void {
    if (isNull) this.#setNull(position)
    else if (this.#nulls) this.#nulls[position] = 0
  }

  #setNull(position: number): void {
    this.#nulls ??= new Uint8Array(this.#values.length)
    this.#nulls[position] = 1
  }
}

/** Beyond it V8 makes an array of given length a hash table, many times as slow; one that has grown to it stays an array. */
const longestAtOnce = 2 ** 25

function emptyCells(count: number): Cell[] {
  const cells = new Array<Cell>(Math.min(count, longestAtOnce)).fill(null)
  while (cells.length < count) cells.push(null)
  return cells
}
