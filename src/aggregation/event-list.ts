import type { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { type Cell, cellComparator, cellDecoder, cellEncoder, type TypeData } from '../schema/index.ts'
import type { Aggregate, EventId } from './aggregate.ts'
import { readBigint, writeBigint } from './bigint-codec.ts'
import { compareOrder, type EventOrder } from './order.ts'
import { plainCell } from './plain-cell.ts'

/** A value and the event that brought it. */
export interface Entry extends EventOrder {
  readonly value: Cell
}

export const entryOf = (value: Cell, time: number, id: EventId): Entry => ({ time, id, value: plainCell(value) })

/** By event; by value where one event seems to have brought two, so that the order never depends on arrival. */
export function entryComparator(type: TypeData): (a: Entry, b: Entry) => number {
  const compareValues = cellComparator(type)
  return (a, b) => compareOrder(a, b) || compareValues(a.value, b.value)
}

/** The codec of a list of entries of a column, as they are ordered. */
export function entryCodec(type: TypeData): Pick<Aggregate<Entry[]>, 'encode' | 'decode'> {
  const encodeValue = cellEncoder(type)
  const decodeValue = cellDecoder(type)
  return {
    encode(entries, writer) {
      writer.unsigned(entries.length)
      for (const { time, id, value } of entries) {
        writeId(writer.signed(time), id)
        encodeValue(value, writer)
      }
    },
    decode: (reader) =>
      Array.from({ length: reader.unsigned() }, () => ({ time: reader.signed(), id: readId(reader), value: decodeValue(reader) })),
  }
}

function writeId(writer: ByteWriter, id: EventId): void {
  if (typeof id === 'string') writer.byte(0).string(id)
  else if (typeof id === 'bigint') writeBigint(writer.byte(1), id)
  else if (Number.isSafeInteger(id)) writer.byte(2).signed(id)
  else writer.byte(3).float64(id)
}

function readId(reader: ByteReader): EventId {
  const form = reader.byte()
  return form === 0 ? reader.string() : form === 1 ? readBigint(reader) : form === 2 ? reader.signed() : reader.float64()
}

/** The `limit` oldest or newest events in event order, and what `finish` makes of their values. */
export function eventList(type: TypeData, limit: number, kept: 'oldest' | 'newest', finish: (values: Cell[]) => Cell): Aggregate<Entry[]> {
  const compare = entryComparator(type)
  /** How many entries do not come after this one. Most events arrive in order, so it looks at the end first. */
  const positionOf = (entries: readonly Entry[], entry: Entry) => {
    let low = 0
    let high = entries.length
    for (let middle = high - 1; low < high; middle = (low + high) >> 1) {
      if (compare(entries[middle] as Entry, entry) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
  const insert = (entries: Entry[], entry: Entry) => {
    const position = positionOf(entries, entry)
    if (entries.length === limit && position === (kept === 'newest' ? 0 : limit)) return
    entries.splice(position, 0, entry)
    if (entries.length <= limit) return
    if (kept === 'newest') entries.shift()
    else entries.pop()
  }
  return {
    zero: () => [],
    add(state, value, time, id) {
      insert(state, entryOf(value, time, id))
      return state
    },
    merge(state, other) {
      for (const entry of other) insert(state, entry)
      return state
    },
    finish: (state) => finish(state.map((entry) => entry.value)),
    ...entryCodec(type),
    rangesAtOnce: true,
    ranges: (values) => (low, high) => {
      const from = kept === 'newest' ? Math.max(low, high - limit) : low
      const to = kept === 'newest' ? high : Math.min(high, low + limit)
      const found: Cell[] = []
      for (let index = from; index < to; index++) found.push(plainCell(values[index] as Cell))
      return finish(found)
    },
  }
}
