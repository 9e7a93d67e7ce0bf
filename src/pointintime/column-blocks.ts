import type { CellColumn } from '../plan/index.ts'
import { type Cell, isFloat64Kind, type TypeData } from '../schema/index.ts'
import { ColumnBuilder } from './column-builder.ts'

/** Rows of the first block. Each is twice the one before, up to the largest. */
const firstBlock = 65_536
/** Large blocks are mapped, not taken from a heap that keeps them: letting one go gives its memory back to the system. */
const largestBlock = 4_194_304 + 4096

/** The rows that block `index` holds. */
export const blockRows = (index: number): number => Math.min(largestBlock, firstBlock * 2 ** index)

/** Collects a column of unknown length in blocks, in order of arrival, until it is known where each row belongs. */
export class ColumnBlocks {
  readonly #type: TypeData
  readonly #blocks: { values: Float64Array | Cell[]; nulls: Uint8Array | null }[] = []

  constructor(type: TypeData) {
    this.#type = type
  }

  /** Appends the rows `[from, to)` of a batch at `place` of block `block`. */
  append(batch: CellColumn, from: number, to: number, block: number, place: number): void {
    this.#blocks[block] ??= {
      values: isFloat64Kind(this.#type.kind) ? new Float64Array(blockRows(block)) : new Array<Cell>(blockRows(block)).fill(null),
      nulls: null,
    }
    const target = this.#blocks[block]
    if (target.values instanceof Float64Array) target.values.set((batch.values as Float64Array).subarray(from, to), place)
    else for (let row = from; row < to; row++) target.values[place + row - from] = batch.values[row] as Cell
    if (batch.nulls) {
      target.nulls ??= new Uint8Array(blockRows(block))
      target.nulls.set(batch.nulls.subarray(from, to), place)
    }
  }

  /** Puts every row at its position, letting go of each block as it is done. */
  place(positions: readonly Int32Array[], count: number): ColumnBuilder {
    const builder = new ColumnBuilder(this.#type, count)
    for (let block = 0; block < positions.length; block++) {
      const own = positions[block] as Int32Array
      builder.scatter(this.#blocks[block] as CellColumn, own, own.length)
      this.#release(block)
    }
    return builder
  }

  /** Gives the memory back at once: a collector that counts objects, not bytes, would let hundreds of megabytes wait. */
  #release(block: number): void {
    const { values } = this.#blocks[block] as { values: Float64Array<ArrayBuffer> | Cell[] }
    if (values instanceof Float64Array) values.buffer.transfer(0)
    this.#blocks[block] = { values: [], nulls: null }
  }
}
