import type { Aggregate } from '../aggregation/index.ts'
import { ByteReader, type ByteWriter } from '../lib/bytes.ts'
import { NumberSlab } from '../lib/number-slab.ts'
import { type Cell, type CellDecoder, type CellEncoder, cellDecoder, cellEncoder, isFloat64Kind, type TypeData } from '../schema/index.ts'
import type { CellColumn, EventBlock } from './event-block.ts'
import type { EventGroupPlan } from './group-plan.ts'

/**
 * What an online store keeps of one key of a group of events: enough to answer exactly at any moment from `horizon` on.
 * Moments in microseconds. `folded` events before those of the block are in the baselines, the last of them at `foldedUntil`.
 */
export interface EventState {
  /** Events before this moment were there to be read. */
  readonly upto: number
  readonly horizon: number
  readonly folded: number
  readonly foldedUntil: number
  readonly baselines: readonly unknown[]
  /** The kept events, as a block of one key. */
  readonly block: EventBlock
}

/** Packs the state of a key: baselines, then times as differences, then the columns that features use, one after the other. */
export class EventStateCodec {
  readonly #aggregates: readonly (Aggregate | null)[]
  readonly #columns: readonly {
    readonly name: string
    readonly numbers: boolean
    readonly encode: CellEncoder
    readonly decode: CellDecoder
  }[]
  readonly #numbers = new NumberSlab()

  constructor(plan: EventGroupPlan) {
    this.#aggregates = plan.aggregates.map(({ aggregate, window }) => (plan.windows[window]?.kind === 'lifetime' ? aggregate : null))
    this.#columns = plan.columns.map((name) => {
      const type = plan.group.source.columns[name] as TypeData
      return { name, numbers: isFloat64Kind(type.kind), encode: cellEncoder(type), decode: cellDecoder(type) }
    })
  }

  /** Packs the events `[from, end)` of a block, read by `cell`, with what comes before them. */
  encode(
    state: Omit<EventState, 'block'>,
    times: Float64Array,
    from: number,
    end: number,
    cell: (column: string) => (row: number) => Cell,
    writer: ByteWriter,
  ): void {
    writer.signed(state.upto).signed(state.horizon).unsigned(state.folded)
    if (state.folded > 0) {
      writer.signed(state.foldedUntil)
      for (const [i, aggregate] of this.#aggregates.entries()) aggregate?.encode(state.baselines[i], writer)
    }
    writer.unsigned(end - from)
    let before = 0
    for (let row = from; row < end; row++) {
      const time = times[row] as number
      if (row === from) writer.signed(time)
      else writer.unsigned(time - before)
      before = time
    }
    for (const { name, encode } of this.#columns) {
      const read = cell(name)
      for (let row = from; row < end; row++) encode(read(row), writer)
    }
  }

  decode(bytes: Uint8Array): EventState {
    const reader = new ByteReader(bytes)
    const upto = reader.signed()
    const horizon = reader.signed()
    const folded = reader.unsigned()
    const foldedUntil = folded > 0 ? reader.signed() : 0
    const baselines = folded > 0 ? this.#aggregates.map((aggregate) => aggregate?.decode(reader)) : []
    const count = reader.unsigned()
    const times = this.#numbers.take(count)
    let time = 0
    for (let row = 0; row < count; row++) {
      time = row === 0 ? reader.signed() : time + reader.unsigned()
      times[row] = time
    }
    const columns = new Map<string, CellColumn>()
    for (const { name, numbers, decode } of this.#columns) {
      const values: Float64Array | Cell[] = numbers ? this.#numbers.take(count) : new Array<Cell>(count)
      let nulls: Uint8Array | null = null
      for (let row = 0; row < count; row++) {
        const cell = decode(reader)
        values[row] = cell as number
        if (cell === null) {
          nulls ??= new Uint8Array(count)
          nulls[row] = 1
        }
      }
      columns.set(name, { values, nulls })
    }
    return { upto, horizon, folded, foldedUntil, baselines, block: { times, ids: null, columns, keyStarts: [0, count] } }
  }
}
