import type { SourceData } from '../definition/index.ts'
import { standardJson } from '../lib/lenient-json.ts'
import type { Cell } from '../schema/index.ts'
import { type CellReader, columnReaders, needsText, type PayloadKind, Refusal } from './cell-reader.ts'
import { NumberText, parseExactJson } from './json-payload.ts'

/** Why a payload is no event of its source: `total is not a decimal: "abc"`. */
export interface InvalidEvent {
  /** The first column at fault; '' where the whole payload is. */
  readonly column: string
  readonly reason: string
  /** The value as a text, shortened. */
  readonly value: string | null
}

/** Reads payloads as events: the cells of the declared columns, in their order, or what is wrong. */
export interface EventDecoder {
  /** A JSON object, as a line of NDJSON history is read. */
  json(text: string): readonly Cell[] | InvalidEvent
  /** Fields as a format with types of its own gives them (Avro), as typed columns of history are read. */
  fields(payload: Readonly<Record<string, unknown>>): readonly Cell[] | InvalidEvent
}

const noObject: InvalidEvent = { column: '', reason: 'is not a JSON object', value: null }

/**
 * What is an event of a source, and as which cells, is the same as in a scan of its history. Two liberties of payloads differ: of
 * members with one name the last counts here (in files the first), and an empty payload is none.
 */
export function eventDecoder(source: SourceData): EventDecoder {
  const json = compile(source, 'json')
  const fields = compile(source, 'typed')
  return {
    json(text) {
      const payload = standardJson(text)
      const read = isObject(payload) ? json(payload) : null
      if (read !== null) return read
      const exact = parseExactJson(text)
      return isObject(exact) ? (json(exact) as readonly Cell[] | InvalidEvent) : { ...noObject, value: shortened(text) }
    },
    fields: (payload) => fields(payload) as readonly Cell[] | InvalidEvent,
  }
}

export const isInvalid = (decoded: readonly Cell[] | InvalidEvent): decoded is InvalidEvent => !Array.isArray(decoded)

/** `total is not a decimal: "abc"`. */
export function formatInvalid({ column, reason, value }: InvalidEvent): string {
  return `${column === '' ? 'the record' : column} ${reason}${value === null ? '' : `: ${JSON.stringify(value)}`}`
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)

/** Null where the texts of numbers are needed. */
function compile(
  source: SourceData,
  kind: PayloadKind,
): (payload: Readonly<Record<string, unknown>>) => readonly Cell[] | InvalidEvent | null {
  const names = Object.keys(source.columns)
  const readers = columnReaders(source, kind)
  const count = names.length
  return (payload) => {
    const cells = new Array<Cell>(count)
    for (let place = 0; place < count; place++) {
      const name = names[place] as string
      const value = name === 'constructor' && !Object.hasOwn(payload, name) ? undefined : payload[name]
      const cell = (readers[place] as CellReader)(value)
      if (cell === needsText) return null
      if (cell instanceof Refusal) return { column: name, reason: cell.reason, value: valueText(value) }
      cells[place] = cell
    }
    return cells
  }
}

function valueText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return shortened(value)
  if (typeof value === 'bigint' || value instanceof Date) return String(value)
  return shortened(JSON.stringify(value, (_name, member) => (typeof member === 'bigint' ? String(member) : member)) ?? String(value))
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text)
