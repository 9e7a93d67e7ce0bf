import type { SourceData } from '../definition/index.ts'
import type { LogRecord } from '../eventlog/index.ts'
import type { Micros } from '../lib/moment.ts'
import type { Cell } from '../schema/index.ts'
import { eventDecoder, formatInvalid, isInvalid } from './event-decoder.ts'
import { originOf } from './origin.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const nothing = new Uint8Array()

/** Reads the records of a source's topic as events; what is none comes back with the reason. */
export function recordDecoder(source: SourceData): (record: LogRecord) => StreamEvent | PoisonRecord {
  const decode = eventDecoder(source)
  const timeOf = momentReader(source, source.time)
  const knownOf = source.known === null ? null : momentReader(source, source.known)
  return (record) => {
    const text = textOf(record)
    if (text === null) return { record, reason: 'the record is not UTF-8' }
    const cells = decode.json(text)
    if (isInvalid(cells)) return { record, reason: formatInvalid(cells) }
    const origin = originOf(record)
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

function textOf({ value }: LogRecord): string | null {
  try {
    return utf8.decode(value ?? nothing)
  } catch {
    return null
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
