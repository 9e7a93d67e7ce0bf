import type { CellColumn } from '../plan/index.ts'
import { type Cell, type CellComparator, cellComparator, isFloat64Kind, type TypeData } from '../schema/index.ts'

/**
 * A row of cells at each of `count` places. The numbers of a row lie side by side, after `head` numbers of the owner's, so
 * that one look at memory finds all of them; cells of other kinds, and which are null, lie by column.
 */
export class RowCells {
  /** The numbers of place 0, of place 1, ...: `stride` of each, of which the first `head` are the owner's. */
  readonly numbers: Float64Array
  readonly stride: number
  readonly #columns: readonly RowColumn[]
  /** Those of which a row is more than its numbers. */
  readonly #beside: readonly number[]

  constructor(types: readonly TypeData[], count: number, head: number) {
    this.stride = rowNumbers(types, head)
    this.numbers = new Float64Array(this.stride * count)
    let next = head
    this.#columns = types.map((type) =>
      isFloat64Kind(type.kind)
        ? new RowColumn(type, count, this.numbers, next++, this.stride)
        : new RowColumn(type, count, new Array<Cell>(count).fill(null), 0, 1),
    )
    this.#beside = types.flatMap((type, column) => (type.nullable || !isFloat64Kind(type.kind) ? [column] : []))
  }

  /** Puts the rows `[from, to)` of a batch at their places. */
  put(batch: readonly CellColumn[], from: number, to: number, places: Int32Array): void {
    for (let column = 0; column < this.#columns.length; column++)
      (this.#columns[column] as RowColumn).put(batch[column] as CellColumn, from, to, places)
  }

  /** Copies a row, and of the owner's numbers all but the first, from a place of others of the same types. */
  copy(from: RowCells, fromPlace: number, place: number): void {
    const { numbers, stride } = this
    const source = from.numbers
    const start = stride * fromPlace
    const target = stride * place
    for (let index = 1; index < stride; index++) numbers[target + index] = source[start + index] as number
    for (const column of this.#beside) (this.#columns[column] as RowColumn).copy(from.#columns[column] as RowColumn, fromPlace, place)
  }

  get(column: number, place: number): Cell {
    return (this.#columns[column] as RowColumn).get(place)
  }

  /** Compares the cell at a place with one of others of the same types. */
  compare(column: number, place: number, other: RowCells, otherPlace: number): number {
    return (this.#columns[column] as RowColumn).compare(this.get(column, place), other.get(column, otherPlace))
  }
}

/** Numbers that a row takes. */
export const rowNumbers = (types: readonly TypeData[], head: number): number =>
  head + types.filter(({ kind }) => isFloat64Kind(kind)).length

/** One column of them: the cell of a place is `values[offset + stride * place]`, unless it is null. */
class RowColumn {
  readonly compare: CellComparator
  readonly #isBoolean: boolean
  readonly #values: Float64Array | Cell[]
  readonly #offset: number
  readonly #stride: number
  readonly #nulls: Uint8Array | null

  constructor(type: TypeData, count: number, values: Float64Array | Cell[], offset: number, stride: number) {
    this.compare = cellComparator(type)
    this.#isBoolean = type.kind === 'boolean'
    this.#values = values
    this.#offset = offset
    this.#stride = stride
    this.#nulls = type.nullable ? new Uint8Array(count) : null
  }

  put({ values, nulls }: CellColumn, from: number, to: number, places: Int32Array): void {
    scatter(values as Float64Array, from, to, places, this.#values as Float64Array, this.#offset, this.#stride)
    const own = this.#nulls
    if (own) for (let row = from; row < to; row++) own[places[row] as number] = nulls ? (nulls[row] as number) : 0
  }

  copy(from: RowColumn, fromPlace: number, place: number): void {
    // Numbers lie in the row itself.
    if (this.#stride === 1) this.#values[place] = from.#values[fromPlace] as number
    if (this.#nulls && from.#nulls) this.#nulls[place] = from.#nulls[fromPlace] as number
  }

  get(place: number): Cell {
    if (this.#nulls?.[place] === 1) return null
    const value = this.#values[this.#offset + this.#stride * place] as Cell
    return this.#isBoolean ? value === 1 : value
  }
}

/** Puts `values[row]` at `offset + stride * places[row]`. */
export function scatter(
  values: Float64Array,
  from: number,
  to: number,
  places: Int32Array,
  into: Float64Array,
  offset: number,
  stride: number,
): void {
  for (let row = from; row < to; row++) into[offset + stride * (places[row] as number)] = values[row] as number
}
