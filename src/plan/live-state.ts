import type { Aggregate } from '../aggregation/index.ts'
import type { FeatureGroupData } from '../definition/index.ts'
import { ByteReader, type ByteWriter } from '../lib/bytes.ts'
import { type Cell, type CellDecoder, type CellEncoder, cellDecoder, cellEncoder, isFloat64Kind, type TypeData } from '../schema/index.ts'
import { type CellColumn, cellReader, type EventBlock } from './event-block.ts'
import type { EventGroupPlan } from './group-plan.ts'

/** Whether the online state of a group is kept up to date by a stream. */
export const isStreamed = ({ source, refresh }: FeatureGroupData): boolean =>
  source.kind === 'events' && source.stream !== null && refresh.kind === 'live'

/** Events of one key in order, as live state keeps them: a column for each of `plan.state.columns`. */
export interface StateEvents {
  /** They lie at `[start, end)` of each array, which may be longer. */
  readonly start: number
  readonly end: number
  readonly times: Float64Array
  readonly columns: readonly CellColumn[]
  /** When each became known, in microseconds, -Infinity for always; null where events have no ids. */
  readonly known: Float64Array | null
}

/** What stands for the events of a key that are no longer kept. Moments in microseconds. */
export interface StateBase {
  /** Any moment from here on can be answered; -Infinity where nothing was left out. */
  readonly horizon: number
  /** Events from here on may still come, go and change; earlier ones are late. */
  readonly openFrom: number
  /** The newest event left out; null where none was. */
  readonly foldedUntil: number | null
  /** By aggregate, the state of the events left out, of those over the lifetime; null where none was. */
  readonly baselines: readonly unknown[] | null
}

/** All that is known of a key: its sealed row, and with it the recent one. */
export interface LiveState extends StateBase {
  /** What the sealed row was sealed under. */
  readonly seal: Uint8Array
  /** How many events, from the first on, are as in the sealed row. */
  readonly shared: number
  readonly events: StateEvents
}

export const wholeHistory: StateBase = {
  horizon: Number.NEGATIVE_INFINITY,
  openFrom: Number.NEGATIVE_INFINITY,
  foldedUntil: null,
  baselines: null,
}

/**
 * Packs the live state of a key into two rows. The sealed one holds all of it. The recent one names the seal of the sealed row
 * that it goes with, how many of its events still stand, and all that follow them; with any other sealed row it says nothing.
 */
export class LiveStateCodec {
  readonly #aggregates: readonly (Aggregate | null)[]
  readonly #columns: readonly { readonly type: TypeData; readonly encode: CellEncoder; readonly decode: CellDecoder }[]
  readonly #known: boolean

  constructor(plan: EventGroupPlan) {
    this.#aggregates = plan.aggregates.map(({ aggregate, window }) => (plan.windows[window]?.kind === 'lifetime' ? aggregate : null))
    this.#columns = plan.state.columns.map((name) => {
      const type = plan.group.source.columns[name] as TypeData
      return { type, encode: cellEncoder(type), decode: cellDecoder(type) }
    })
    this.#known = plan.state.known
  }

  /** The sealed row. */
  encodeSealed(seal: Uint8Array, base: StateBase, events: StateEvents, writer: ByteWriter): void {
    writer.bytes(seal).float64(base.horizon).float64(base.openFrom)
    if (base.foldedUntil === null) writer.byte(0)
    else {
      writer.byte(1).float64(base.foldedUntil)
      for (const [i, aggregate] of this.#aggregates.entries()) aggregate?.encode((base.baselines as readonly unknown[])[i], writer)
    }
    this.#encodeEvents(events, writer)
  }

  /** The recent row: the first `shared` events of the sealed row still stand, then come these. */
  encodeRecent(seal: Uint8Array, shared: number, events: StateEvents, writer: ByteWriter): void {
    this.#encodeEvents(events, writer.bytes(seal).unsigned(shared))
  }

  decode(sealed: Uint8Array, recent: Uint8Array | null): LiveState {
    const reader = new ByteReader(sealed)
    const seal = reader.bytes()
    const horizon = reader.float64()
    const openFrom = reader.float64()
    const folded = reader.byte() === 1
    const foldedUntil = folded ? reader.float64() : null
    const baselines = folded ? this.#aggregates.map((aggregate) => aggregate?.decode(reader)) : null
    const base = { seal, horizon, openFrom, foldedUntil, baselines }
    const sealedCount = reader.unsigned()
    const addition = recent === null ? null : this.#addition(recent, seal)
    if (addition === null) {
      const events = this.#newEvents(sealedCount)
      this.#decodeEvents(reader, events, 0, sealedCount, sealedCount)
      return { ...base, shared: sealedCount, events }
    }
    const { shared, count } = addition
    const events = this.#newEvents(shared + count)
    this.#decodeEvents(reader, events, 0, shared, sealedCount)
    this.#decodeEvents(addition.reader, events, shared, count, count)
    return { ...base, shared, events }
  }

  /** The recent row, where it goes with this sealed one. */
  #addition(recent: Uint8Array, seal: Uint8Array): { reader: ByteReader; shared: number; count: number } | null {
    const reader = new ByteReader(recent)
    const own = reader.bytes()
    if (own.length !== seal.length || own.some((byte, at) => byte !== seal[at])) return null
    return { reader, shared: reader.unsigned(), count: reader.unsigned() }
  }

  #newEvents(count: number): StateEvents {
    const columns = this.#columns.map(
      ({ type }): CellColumn => ({
        values: isFloat64Kind(type.kind) ? new Float64Array(count) : new Array<Cell>(count),
        nulls: type.nullable ? new Uint8Array(count) : null,
      }),
    )
    return { start: 0, end: count, times: new Float64Array(count), columns, known: this.#known ? new Float64Array(count) : null }
  }

  #encodeEvents({ start, end, times, columns, known }: StateEvents, writer: ByteWriter): void {
    writer.unsigned(end - start)
    if (end === start) return
    let before = times[start] as number
    writer.float64(before)
    for (let row = start + 1; row < end; row++) {
      writeGap(writer, before, times[row] as number)
      before = times[row] as number
    }
    for (const [place, { type, encode }] of this.#columns.entries()) {
      const column = columns[place] as CellColumn
      if (!type.nullable && (type.kind === 'float' || type.kind === 'timestamp') && column.values instanceof Float64Array) {
        for (let row = start; row < end; row++) writer.float64((column.values[row] as number) + 0)
        continue
      }
      const read = cellReader(type, column)
      for (let row = start; row < end; row++) encode(read(row), writer)
    }
    if (known) for (let row = start; row < end; row++) writeKnown(writer, known[row] as number, times[row] as number)
  }

  /** Reads `stored` events and keeps the first `kept` of them, from place `at` on. */
  #decodeEvents(reader: ByteReader, { times, columns, known }: StateEvents, at: number, kept: number, stored: number): void {
    if (stored === 0) return
    let time = reader.float64()
    const own = new Float64Array(stored)
    own[0] = time
    for (let row = 1; row < stored; row++) {
      time = readGap(reader, time)
      own[row] = time
    }
    times.set(own.subarray(0, kept), at)
    for (const [place, { decode }] of this.#columns.entries()) {
      const { values, nulls } = columns[place] as { values: Cell[]; nulls: Uint8Array | null }
      for (let row = 0; row < stored; row++) {
        const cell = decode(reader)
        if (row >= kept) continue
        values[at + row] = cell
        if (cell === null && nulls) nulls[at + row] = 1
      }
    }
    if (known) {
      for (let row = 0; row < stored; row++) {
        const moment = readKnown(reader, own[row] as number)
        if (row < kept) known[at + row] = moment
      }
    }
  }
}

export function noEvents({ state }: EventGroupPlan): StateEvents {
  return { start: 0, end: 0, times: new Float64Array(0), columns: state.columns.map(() => ({ values: [], nulls: null })), known: null }
}

/** The events as a block for `BoundGroup`. */
export function stateBlock(plan: EventGroupPlan, { start, end, times, columns }: StateEvents): EventBlock {
  const used = plan.columns.map((name): [string, CellColumn] => [name, columns[plan.state.columns.indexOf(name)] as CellColumn])
  return { times, ids: null, columns: new Map(used), keyStarts: [start, end] }
}

/** Moments can be farther apart than the largest whole number that is written at once. */
function writeGap(writer: ByteWriter, before: number, time: number): void {
  let from = before
  for (; time - from >= Number.MAX_SAFE_INTEGER; from += Number.MAX_SAFE_INTEGER) writer.unsigned(Number.MAX_SAFE_INTEGER)
  writer.unsigned(time - from)
}

function readGap(reader: ByteReader, before: number): number {
  for (let from = before; ; from += Number.MAX_SAFE_INTEGER) {
    const gap = reader.unsigned()
    if (gap < Number.MAX_SAFE_INTEGER) return from + gap
  }
}

/** Most events are known soon after they happen. */
function writeKnown(writer: ByteWriter, known: number, time: number): void {
  const delay = known - time
  if (Number.isSafeInteger(delay) && delay >= 0) writer.byte(0).unsigned(delay)
  else writer.byte(1).float64(known)
}

function readKnown(reader: ByteReader, time: number): number {
  return reader.byte() === 0 ? time + reader.unsigned() : reader.float64()
}
