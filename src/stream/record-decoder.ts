import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type LogRecord, payloadDecoder } from '../eventlog/index.ts'
import type { Micros } from '../lib/moment.ts'
import type { Cell } from '../schema/index.ts'
import { eventDecoder, formatInvalid, type InvalidEvent, isInvalid } from './event-decoder.ts'
import { flatJsonReader } from './flat-json.ts'
import { originOf } from './origin.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'

/** At once, or by a promise where a schema has to be fetched first: it rejects where that cannot be had now. */
export type RecordDecoder = (record: LogRecord) => StreamEvent | PoisonRecord | Promise<StreamEvent | PoisonRecord>

/** Reads the records of a source's topic, or copies of them, as events; what is none comes back with the reason. */
export function recordDecoder(source: SourceData, copies = false): RecordDecoder {
  const format = source.stream?.format ?? { kind: 'json' }
  const event = eventOf(source, copies)
  const { json, fields } = eventDecoder(source)
  if (format.kind === 'json') {
    const flat = flatJsonReader(source)
    return (record) => {
      const cells = flat(record.value ?? nothing)
      if (cells !== null) return event(record, cells)
      const text = utf8Text(record)
      return text === null ? { record, reason: 'the record is not UTF-8' } : event(record, json(text))
    }
  }
  const decode = payloadDecoder(format)
  return (record) => {
    const poison = poisonOf(record)
    try {
      const payload = decode(record.value ?? nothing, record.headers)
      return payload instanceof Promise ? payload.then((read) => event(record, fields(read))).catch(poison) : event(record, fields(payload))
    } catch (error) {
      return poison(error)
    }
  }
}

/** What no later attempt changes makes the record one that is no event. */
const poisonOf =
  (record: LogRecord) =>
  (error: unknown): PoisonRecord => {
    if (error instanceof LockstepError && error.code === 'INVALID_VALUE') return { record, reason: error.message }
    throw error
  }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const nothing = new Uint8Array()

function utf8Text({ value }: LogRecord): string | null {
  try {
    return utf8.decode(value ?? nothing)
  } catch {
    return null
  }
}

function eventOf(
  source: SourceData,
  copies: boolean,
): (record: LogRecord, cells: readonly Cell[] | InvalidEvent) => StreamEvent | PoisonRecord {
  const timeOf = momentReader(source, source.time)
  const knownOf = source.known === null ? null : momentReader(source, source.known)
  return (record, cells) => {
    if (isInvalid(cells)) return { record, reason: formatInvalid(cells) }
    const origin = copies ? originOf(record) : { partition: record.partition, offset: record.offset, taken: record.taken }
    if (origin === null) return { record, reason: 'the copy does not say what it is a copy of' }
    return {
      partition: record.partition,
      offset: record.offset,
      record,
      origin,
      cells,
      time: timeOf(cells) as Micros,
      known: knownOf === null ? origin.taken : (knownOf(cells) ?? Number.NEGATIVE_INFINITY),
    }
  }
}

/** The moment in a column of an event: of a date, its midnight. */
function momentReader(source: SourceData, column: string): (cells: readonly Cell[]) => Micros | null {
  const place = Object.keys(source.columns).indexOf(column)
  const unit = source.columns[column]?.kind === 'date' ? 86_400_000_000 : 1
  return (cells) => {
    const cell = cells[place] as number | null
    return cell === null ? null : cell * unit
  }
}
