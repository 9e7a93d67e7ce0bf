import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type NewRecord, payloadEncoder } from '../eventlog/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { formatMoment } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import { type Cell, formatDecimal, fromCell, type TypeData, zonedCell } from '../schema/index.ts'
import { readMoment } from './moment-text.ts'

/** Checks an event given as public values and writes it as a record; `where` names it in errors. */
export type EventEncoder = (row: Readonly<Record<string, unknown>>, where: string) => NewRecord & { readonly value: Uint8Array }

export type RecordEncoder = (row: Readonly<Record<string, unknown>>, where: string) => NewRecord | Promise<NewRecord>

/**
 * Writes the events of a source as JSON that `eventDecoder` reads as the same cells, keyed by the columns of its topic. Takes what
 * rows in memory may hold. Throws `INVALID_VALUE`, `INVALID_MOMENT` or `UNKNOWN_COLUMN`.
 */
export function eventEncoder(source: SourceData): EventEncoder {
  const cellsOf = cellsReader(source)
  const keyOf = keyWriter(source)
  const members = Object.entries(source.columns).map(([name, type]) => ({ member: `${JSON.stringify(name)}:`, write: jsonWriter(type) }))
  return (row, where) => {
    const cells = cellsOf(row, where)
    let json = ''
    for (const [place, { member, write }] of members.entries()) {
      const cell = cells[place] as Cell
      json += `${place === 0 ? '{' : ','}${member}${cell === null ? 'null' : write(cell)}`
    }
    return { key: keyOf(cells), value: Buffer.from(`${json}}`) }
  }
}

/**
 * Writes the events of a source in the format of its stream: as `eventEncoder`, or as Avro, by a promise where a registry has to be
 * asked for the schema. Throws, or rejects, also where that cannot hold an event.
 */
export function recordEncoder(source: SourceData): RecordEncoder {
  const { stream } = source
  if (stream === null || stream.format.kind === 'json') return eventEncoder(source)
  const cellsOf = cellsReader(source)
  const keyOf = keyWriter(source)
  const columns = Object.entries(source.columns)
  const encode = payloadEncoder(stream.format, stream.topic)
  return (row, where) => {
    const cells = cellsOf(row, where)
    const value = encode(Object.fromEntries(columns.map(([name, type], place) => [name, fromCell(type, cells[place] as Cell)])))
    const key = keyOf(cells)
    return value instanceof Promise ? value.then((bytes) => ({ key, value: bytes })) : { key, value }
  }
}

/** Reads public values as the cells of the source's columns. */
function cellsReader(source: SourceData): (row: Readonly<Record<string, unknown>>, where: string) => Cell[] {
  const columns = Object.entries(source.columns).map(([name, type]) => ({
    name,
    type: source.id.includes(name) ? { ...type, nullable: false } : type,
  }))
  return (row, where) => {
    for (const name in row) if (!Object.hasOwn(source.columns, name)) throw unknownColumn(source, name, where)
    return columns.map(({ name, type }) => {
      const value = name === 'constructor' && !Object.hasOwn(row, name) ? undefined : row[name]
      return plainMoment(type, value) ?? cellOf(type, value, source.timeZone, where, name)
    })
  }
}

/** The key of a record: one text as it is, as producers of other systems write it; anything else as JSON. */
function keyWriter({ columns, stream }: SourceData): (cells: readonly Cell[]) => Uint8Array {
  const names = Object.keys(columns)
  const parts = (stream?.key ?? []).map((name) => ({ place: names.indexOf(name), type: columns[name] as TypeData }))
  return (cells) => {
    const values = parts.map(({ place, type }) => fromCell(type, cells[place] as Cell))
    const [only] = values
    return Buffer.from(values.length === 1 && typeof only === 'string' ? only : canonicalJson(values))
  }
}

/** The place in errors is put together only where there is one. */
function cellOf(type: TypeData, value: unknown, zone: string, where: string, name: string): Cell {
  try {
    return zonedCell(type, value, zone)
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    return zonedCell(type, value, zone, `${where}, ${name}`)
  }
}

/** A moment in UTC as most are given, several times as fast; null for any other value. */
function plainMoment(type: TypeData, value: unknown): number | null {
  if (type.kind !== 'timestamp' || typeof value !== 'string' || value.length < 20 || !value.endsWith('Z')) return null
  const micros = type.minimum === undefined && type.maximum === undefined ? readMoment(value, 'UTC') : Number.NaN
  return Number.isSafeInteger(micros) ? micros : null
}

function unknownColumn(source: SourceData, name: string, where: string): LockstepError {
  const known = suggestion(name, Object.keys(source.columns))
  return new LockstepError('UNKNOWN_COLUMN', `The source ${source.name} has no column ${name}${known}`, { where })
}

/** The JSON of a cell that is not null; what JSON has no number for is a text. */
function jsonWriter(type: TypeData): (cell: Cell) => string {
  switch (type.kind) {
    case 'string':
    case 'oneOf':
      return JSON.stringify
    case 'boolean':
    case 'integer':
    case 'struct':
      return String
    case 'float':
      return (cell) => (Number.isFinite(cell) ? String(cell) : `"${cell}"`)
    case 'int64':
      return (cell) => `"${cell}"`
    case 'decimal':
      return (cell) => `"${formatDecimal(cell as number, type.scale ?? 0)}"`
    case 'timestamp':
      return (cell) => `"${formatMoment(cell as number)}"`
    case 'date':
      return (cell) => JSON.stringify(fromCell(type, cell))
    case 'list': {
      const write = jsonWriter(type.element as TypeData)
      return (cell) => `[${(cell as readonly Cell[]).map((item) => (item === null ? 'null' : write(item))).join(',')}]`
    }
    case 'vector':
      return (cell) => `[${(cell as Float32Array).join(',')}]`
  }
}
