import { ByteReader, type ByteWriter } from '../lib/bytes.ts'
import { type Cell, type CellDecoder, type CellEncoder, cellDecoder, cellEncoder, type TypeData } from '../schema/index.ts'
import type { TableGroupPlan } from './group-plan.ts'

/** A row of a table as a store keeps it: from when it is valid, and the columns that features use. */
export interface StoredRow {
  readonly time: number
  readonly cells: readonly Cell[]
}

/** What an online store keeps of one key of a table: the row valid at the moment of writing, and those that become valid later. */
export interface TableState {
  /** Whether earlier rows were left out, so that moments before the first row kept cannot be answered. */
  readonly earlier: boolean
  /** In the order in which they become valid. */
  readonly rows: readonly StoredRow[]
}

export class TableStateCodec {
  readonly #encoders: readonly CellEncoder[]
  readonly #decoders: readonly CellDecoder[]

  constructor(plan: TableGroupPlan) {
    // A row that a view of a table reads may be missing, but the columns of one that is there are as declared.
    const types = plan.columns.map((name) => plan.group.source.columns[name] as TypeData)
    this.#encoders = types.map(cellEncoder)
    this.#decoders = types.map(cellDecoder)
  }

  /** The first cells of each row are those of the plan's columns; it may have more. */
  encode({ earlier, rows }: TableState, writer: ByteWriter): void {
    writer.byte(earlier ? 1 : 0).unsigned(rows.length)
    for (const { time, cells } of rows) {
      writer.signed(time)
      for (let column = 0; column < this.#encoders.length; column++) (this.#encoders[column] as CellEncoder)(cells[column] as Cell, writer)
    }
  }

  /**
   * Puts the row that is valid at a moment into `cells`, each column at its place from `first` on, and gives the time from which it is;
   * null, and nothing put, where none is.
   */
  readAt(moment: number, bytes: Uint8Array, cells: Cell[], first: number, places: Int32Array): number | null {
    const reader = new ByteReader(bytes)
    reader.byte()
    let valid: number | null = null
    for (let left = reader.unsigned(); left > 0; left--) {
      const time = reader.signed()
      if (time > moment) break
      valid = time
      for (let column = 0; column < this.#decoders.length; column++) {
        cells[first + (places[column] as number)] = (this.#decoders[column] as CellDecoder)(reader)
      }
    }
    return valid
  }

  /** The moment before which what is kept cannot answer; null where it always can. */
  horizon(bytes: Uint8Array): number | null {
    const reader = new ByteReader(bytes)
    const earlier = reader.byte() === 1
    return earlier && reader.unsigned() > 0 ? reader.signed() : null
  }
}
