import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { LogRecord } from '../eventlog/index.ts'
import { type Cell, type TypeData, toCell } from '../schema/index.ts'
import { originOf } from './origin.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Reads the records of a source's topic as events; what is none comes back with the reason. */
export function recordDecoder(source: SourceData): (record: LogRecord) => StreamEvent | PoisonRecord {
  const columns = Object.entries(source.columns).map(([name, type]): [string, TypeData] => [
    name,
    source.id.includes(name) ? { ...type, nullable: false } : type,
  ])
  const place = (name: string) => columns.findIndex(([own]) => own === name)
  const timePlace = place(source.time)
  const knownPlace = source.known === null ? -1 : place(source.known)
  return (record) => {
    try {
      const values = JSON.parse(decoder.decode(record.value ?? new Uint8Array())) as Readonly<Record<string, unknown>>
      if (typeof values !== 'object' || values === null || Array.isArray(values)) return { record, reason: 'it is no JSON object' }
      const cells = columns.map(([name, type]) => toCell(type, parsedValue(type, values[name]), name))
      const origin = originOf(record)
      const known = knownPlace < 0 ? origin.taken : (microsOf(columns[knownPlace]?.[1], cells[knownPlace] ?? null) ?? Number.NEGATIVE_INFINITY)
      const time = microsOf(columns[timePlace]?.[1], cells[timePlace] ?? null) as number
      return { partition: record.partition, offset: record.offset, record, origin, cells, time, known }
    } catch (error) {
      if (error instanceof LockstepError || error instanceof SyntaxError || error instanceof TypeError) return { record, reason: error.message }
      throw error
    }
  }
}

/** A value of JSON as `toCell` takes it: what JSON has no number for came as a text. */
function parsedValue(type: TypeData, value: unknown): unknown {
  if (type.kind === 'int64' && typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value)
  if (type.kind === 'float' && typeof value === 'string') return Number(value)
  if (type.kind === 'list' && Array.isArray(value)) return value.map((item) => parsedValue(type.element as TypeData, item))
  return value
}

function microsOf(type: TypeData | undefined, cell: Cell): number | null {
  if (cell === null) return null
  return (cell as number) * (type?.kind === 'date' ? 86_400_000_000 : 1)
}
