import { createHash, type Hash } from 'node:crypto'
import { ByteWriter } from '../lib/bytes.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { type CellEncoder, cellEncoder, type TypeData } from '../schema/index.ts'
import { type Batch, type BatchColumn, cellAt, isNumeric } from './batch.ts'

/**
 * A hash of rows in their order, column by column: equal rows give an equal hash, however they are cut into batches, and by
 * whatever engine they were sorted and stored. It counts rows and nulls on the way.
 */
export class ContentHash {
  readonly #columns: readonly ColumnHash[]
  readonly #description: string
  #rows = 0

  constructor(columns: Readonly<Record<string, TypeData>>) {
    this.#columns = Object.entries(columns).map(([name, type]) => new ColumnHash(name, type))
    this.#description = canonicalJson(Object.entries(columns))
  }

  add(batch: Batch): void {
    this.#rows += batch.count
    for (const [index, column] of this.#columns.entries()) column.add(batch.columns[index] as BatchColumn, batch.count)
  }

  finish(): { readonly rows: number; readonly nulls: Record<string, number>; readonly contentHash: string } {
    const hash = createHash('sha256').update(this.#description)
    for (const column of this.#columns) hash.update(column.finish())
    return {
      rows: this.#rows,
      nulls: Object.fromEntries(this.#columns.map(({ name, nulls }) => [name, nulls])),
      contentHash: hash.digest('hex'),
    }
  }
}

class ColumnHash {
  readonly name: string
  readonly #type: TypeData
  readonly #encode: CellEncoder
  readonly #present: Hash = createHash('sha256')
  readonly #values: Hash = createHash('sha256')
  readonly #writer = new ByteWriter(1024)
  nulls = 0

  constructor(name: string, type: TypeData) {
    this.name = name
    this.#type = { ...type, nullable: false }
    this.#encode = cellEncoder(this.#type)
  }

  add(column: BatchColumn, count: number): void {
    const present = new Uint8Array(count)
    for (let row = 0; row < count; row++) present[row] = column.nulls?.[row] === 1 || column.values[row] === null ? 0 : 1
    for (const one of present) this.nulls += 1 - one
    this.#present.update(present)
    this.#values.update(isNumeric(this.#type) ? numberBytes(column.values, present) : this.#cellBytes(column, present))
  }

  #cellBytes(column: BatchColumn, present: Uint8Array): Uint8Array {
    this.#writer.clear()
    present.forEach((one, row) => {
      if (one === 1) this.#encode(cellAt(this.#type, column, row), this.#writer)
    })
    return this.#writer.finish()
  }

  finish(): Buffer {
    return createHash('sha256').update(this.#present.digest()).update(this.#values.digest()).digest()
  }
}

/** Numbers as they lie in memory, little-endian on every processor that DuckDB runs on; one NaN, no -0, and 0 for null. */
function numberBytes(values: BatchColumn['values'], present: Uint8Array): Uint8Array {
  const canonical = new Float64Array(present.length)
  for (let row = 0; row < present.length; row++) {
    const value = present[row] === 0 ? 0 : Number(values[row])
    canonical[row] = Number.isNaN(value) ? Number.NaN : value + 0
  }
  return new Uint8Array(canonical.buffer)
}
