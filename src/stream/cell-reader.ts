import type { SourceData } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { parseJson } from '../lib/lenient-json.ts'
import { dateDays, momentMicros } from '../lib/moment.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { exactJsonText, NumberText, parseExactJson } from './json-payload.ts'
import { readDate, readMoment } from './moment-text.ts'

/** Why a value is not valid, in the words in which a scan of history says it. */
export class Refusal {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** The value of a number is not enough to read it: its text is needed. */
export const needsText = Symbol('needs the text of a number')

/**
 * Reads a decoded value as the cell of a type, by the rules by which `offline/convert-sql.ts` reads members of JSON (as their texts)
 * and typed columns of files. Takes what JSON and Avro decode to: null, booleans, numbers, `NumberText`, bigints, texts, dates,
 * arrays and objects.
 */
export type CellReader = (value: unknown) => Cell | Refusal | typeof needsText

/** Whether numbers come from JSON, so that their text counts, or from a format that knows their type. */
export type PayloadKind = 'json' | 'typed'

/** Those of a source's columns, in their order. */
export const columnReaders = ({ columns, id, timeZone }: SourceData, kind: PayloadKind): CellReader[] =>
  Object.entries<TypeData>(columns).map(([name, type]) => {
    // Without its id an event has no identity.
    return cellReader(id.includes(name) ? { ...type, nullable: false } : type, timeZone, kind)
  })

export function cellReader(type: TypeData, zone: string, kind: PayloadKind): CellReader {
  const read = withRange(type, plainReader(type, zone, kind))
  const missing = type.nullable ? null : new Refusal('is missing')
  return (value) => (value === null || value === undefined ? missing : read(value))
}

function plainReader(type: TypeData, zone: string, kind: PayloadKind): CellReader {
  switch (type.kind) {
    case 'string':
      return textReader(kind)
    case 'oneOf':
      return oneOfReader(type.values ?? [], kind)
    case 'boolean':
      return booleanReader(kind)
    case 'integer':
      return wholeReader(kind, '2^53 - 1', (value) => (Number.isSafeInteger(Number(value)) ? Number(value) + 0 : null))
    case 'int64':
      return wholeReader(kind, '63 bits', (value) => (BigInt.asIntN(64, BigInt(value)) === BigInt(value) ? BigInt(value) : null))
    case 'float':
      return floatReader(type.allowNaN ?? false)
    case 'decimal':
      return decimalReader(type.precision ?? 15, type.scale ?? 0, kind)
    case 'timestamp':
      return timestampReader(zone)
    case 'date':
      return dateReader()
    case 'list':
      return listReader(type.element as TypeData, zone, kind)
    case 'vector':
      return vectorReader(type.length ?? 0)
    case 'struct':
      return structReader()
  }
}

function withRange(type: TypeData, read: CellReader): CellReader {
  const { minimum, maximum } = type
  if (minimum === undefined && maximum === undefined) return read
  const low = minimum === undefined ? null : boundCell(type, minimum)
  const high = maximum === undefined ? null : boundCell(type, maximum)
  const outside = new Refusal(`is outside ${minimum ?? ''} to ${maximum ?? ''}`)
  return (value) => {
    const cell = read(value)
    if (cell instanceof Refusal || cell === needsText) return cell
    // Not the contrary of what is outside: NaN is in no range.
    return (low === null || (cell as typeof low) >= low) && (high === null || (cell as typeof high) <= high) ? cell : outside
  }
}

function boundCell({ kind, scale = 0 }: TypeData, bound: number | string): number | string | bigint {
  if (kind === 'timestamp') return momentMicros(String(bound))
  if (kind === 'date') return dateDays(String(bound))
  if (kind === 'decimal') return Math.round(Number(bound) * 10 ** scale)
  if (kind === 'int64') return BigInt(bound)
  return kind === 'string' || kind === 'oneOf' ? String(bound) : Number(bound)
}

/** The text that a value has in the files of history; null for one that is never a text. */
function textOf(value: unknown, kind: PayloadKind): string | null | typeof needsText {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return kind === 'json' ? needsText : Number.isSafeInteger(value) ? String(value) : null
  if (kind === 'typed') return null
  if (value instanceof NumberText || typeof value === 'boolean') return exactJsonText(value)
  return holdsNumber(value) ? needsText : exactJsonText(value)
}

const holdsNumber = (value: unknown): boolean => typeof value === 'number' || (isNested(value) && Object.values(value).some(holdsNumber))

function textReader(kind: PayloadKind): CellReader {
  const noText = new Refusal('is not a text')
  return (value) => (typeof value === 'string' ? value : (textOf(value, kind) ?? noText))
}

function oneOfReader(values: readonly string[], kind: PayloadKind): CellReader {
  const known = new Set<unknown>(values)
  const none = new Refusal(`is none of ${values.join(', ')}`)
  return (value) => {
    const text = textOf(value, kind)
    return text === needsText || (text !== null && known.has(text)) ? text : none
  }
}

/** Spaces of all scripts, but no tabs or ends of lines. */
const trimmed = (text: string): string => text.replace(/^\p{Zs}+|\p{Zs}+$/gu, '')

const booleans = new Map([
  ...['true', 't', 'yes', 'y', '1'].map((text) => [text, true] as const),
  ...['false', 'f', 'no', 'n', '0'].map((text) => [text, false] as const),
])

function booleanReader(kind: PayloadKind): CellReader {
  const none = new Refusal('is not a boolean')
  return (value) => {
    if (typeof value === 'boolean') return value
    const text = textOf(value, kind)
    return text === needsText ? text : (booleans.get(trimmed(text ?? '').toLowerCase()) ?? none)
  }
}

const wholeText = /^([+-]?\d+)(\.0+)?$/

/** `fitting` gives the cell of a whole number that fits, given as a number without loss, a bigint or decimal digits. */
function wholeReader(kind: PayloadKind, bound: string, fitting: (value: number | bigint | string) => Cell): CellReader {
  const notWhole = new Refusal('is not a whole number')
  const beyond = new Refusal(`is beyond ${bound}`)
  const within = (value: number | bigint | string) => fitting(value) ?? beyond
  return (value) => {
    if (typeof value === 'number') {
      if (Number.isSafeInteger(value)) return within(value)
      if (kind === 'json' && !(Math.abs(value) < 2 ** 53)) return needsText
      if (!Number.isFinite(value)) return beyond
      return Number.isInteger(value) ? within(BigInt(value)) : notWhole
    }
    if (typeof value === 'bigint') return within(value)
    const text = textOf(value, kind)
    if (text === needsText) return text
    const digits = wholeText.exec(trimmed(text ?? ''))?.[1]
    return digits === undefined ? notWhole : within(digits.replace('+', ''))
  }
}

const floatText = /^[\t-\r ]*\+?(-?)(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|(inf(?:inity)?)|nan)[\t-\r ]*$/i

/** What DuckDB casts to a double. */
function readFloat(text: string): number | null {
  const match = floatText.exec(trimmed(text))
  if (!match) return null
  const [, sign, digits, infinity] = match
  const size = digits === undefined ? (infinity === undefined ? Number.NaN : Number.POSITIVE_INFINITY) : Number(digits)
  return sign === '-' ? -size + 0 : size
}

function floatReader(allowNaN: boolean): CellReader {
  const none = new Refusal('is not a number')
  const infinite = new Refusal('is not finite')
  return (value) => {
    const number = typeof value === 'number' ? value : floatOf(value)
    if (number === null) return none
    return allowNaN || Number.isFinite(number) ? number + 0 : infinite
  }
}

function floatOf(value: unknown): number | null {
  if (value instanceof NumberText) return value.value
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' ? readFloat(value) : null
}

const decimalText = /^([+-]?)(\d+)(?:\.(\d+))?$/
/** A typed double stands for the decimal nearest to it if it is as near as doubles get after a little arithmetic. */
const noise = 2 ** -49

function decimalReader(precision: number, scale: number, kind: PayloadKind): CellReader {
  const none = new Refusal('is not a decimal')
  const fine = new Refusal(`has more than ${scale} digits behind the point`)
  const long = new Refusal(`has more than ${precision} digits`)
  const infinite = new Refusal('is not finite')
  const unit = 10 ** scale
  const most = 10 ** precision
  const within = (scaled: number) => (Math.abs(scaled) < most ? scaled + 0 : long)

  const ofText = (text: string) => {
    const match = decimalText.exec(trimmed(text))
    if (!match) return none
    const [, sign, whole = '', fraction = ''] = match
    const digits = fraction.replace(/0+$/, '')
    if (digits.length > scale) return fine
    const scaled = Number(whole + digits.padEnd(scale, '0'))
    return within(sign === '-' ? -scaled : scaled)
  }
  const ofTyped = (value: number) => {
    if (!Number.isFinite(value)) return infinite
    const scaled = value * unit
    const rounded = Math.round(scaled)
    if (!(Math.abs(rounded) < most)) return long
    return Math.abs(rounded - scaled) <= Math.abs(scaled) * noise ? rounded + 0 : fine
  }
  const ofJson = (value: number) => {
    const size = Math.abs(value)
    if (size >= 2 ** 53) return needsText
    // With so few digits the decimal that a double stands for has this scale iff dividing gives the double again.
    const scaled = Math.round(value * unit)
    if ((size >= 1e-6 || size === 0) && Math.abs(scaled) < most && scaled / unit === value) return scaled + 0
    return ofText(String(value))
  }
  return (value) => {
    if (typeof value === 'number') return kind === 'json' ? ofJson(value) : ofTyped(value)
    const text = textOf(value, kind)
    return text === needsText ? text : text === null ? none : ofText(text)
  }
}

const years = 'is outside the years 1684 to 2255'

function timestampReader(zone: string): CellReader {
  const none = new Refusal('is not an ISO 8601 date or time')
  const outside = new Refusal(years)
  return (value) => {
    const micros = typeof value === 'string' ? readMoment(value, zone) : value instanceof Date ? value.getTime() * 1000 : Number.NaN
    if (Number.isNaN(micros)) return none
    return Number.isSafeInteger(micros) ? micros + 0 : outside
  }
}

const dayMicros = 86_400_000_000
const lastDay = Math.floor(Number.MAX_SAFE_INTEGER / dayMicros)

function dateReader(): CellReader {
  const none = new Refusal('is not a date YYYY-MM-DD')
  const withTime = new Refusal('has a time of day')
  const outside = new Refusal(years)
  return (value) => {
    const days =
      typeof value === 'string' ? readDate(trimmed(value)) : value instanceof Date ? (value.getTime() * 1000) / dayMicros : Number.NaN
    if (Number.isNaN(days)) return none
    if (Math.abs(Math.floor(days)) > lastDay) return outside
    return Number.isInteger(days) ? days + 0 : withTime
  }
}

function listReader(element: TypeData, zone: string, kind: PayloadKind): CellReader {
  const read = cellReader(element, zone, kind)
  const none = new Refusal('is not a JSON array')
  const invalid = new Refusal(`has an element that is not a valid ${element.kind}`)
  return (value) => {
    const items = typeof value === 'string' ? parseExactJson(value) : value
    if (!Array.isArray(items)) return none
    const cells: Cell[] = []
    for (const item of items) {
      // The text of a number is another one in a list, where it is small.
      if (kind === 'json' && element.kind === 'decimal' && typeof item === 'number' && Math.abs(item) < 1e-4 && item !== 0) return needsText
      const cell = read(item instanceof NumberText ? item.element : item)
      if (cell === needsText) return needsText
      if (cell instanceof Refusal) return invalid
      cells.push(cell)
    }
    return cells
  }
}

/** The text of a number, strictly: no plus sign, no zeros in front of one without a sign. */
const floatElement = /^[\t-\r ]*(?:(?:(?:-\d+|0|[1-9]\d*)(?:\.\d*)?|-?\.\d+)(?:e[+-]?\d+)?|-?(?:inf(?:inity)?|nan))$/i

function vectorReader(length: number): CellReader {
  const none = new Refusal('is not an array of numbers')
  const unlike = new Refusal(`does not have ${length} elements`)
  const invalid = new Refusal('has an element that is not a finite float32')
  return (value) => {
    const items = typeof value === 'string' ? parseJson(value) : value
    if (!Array.isArray(items) && !(items instanceof Float32Array)) return none
    if (items.length !== length) return unlike
    const vector = new Float32Array(length)
    for (let at = 0; at < length; at++) {
      const item: unknown = items[at]
      const number = typeof item === 'number' ? item : elementNumber(item)
      vector[at] = Math.fround(number) + 0
      if (!Number.isFinite(vector[at])) return invalid
    }
    return vector
  }
}

function elementNumber(item: unknown): number {
  if (typeof item === 'string') return floatElement.test(item) ? (readFloat(item) ?? Number.NaN) : Number.NaN
  if (item instanceof NumberText) return item.value
  return typeof item === 'boolean' || typeof item === 'bigint' ? Number(item) : Number.NaN
}

function structReader(): CellReader {
  const none = new Refusal('is not a JSON object')
  return (value) => {
    const object = typeof value === 'string' ? parseJson(value) : value
    if (!isNested(object) || Array.isArray(object)) return none
    return canonicalJson(holdsNumberText(object) ? parseJson(exactJsonText(object)) : object)
  }
}

const holdsNumberText = (value: unknown): boolean =>
  value instanceof NumberText || (isNested(value) && Object.values(value).some(holdsNumberText))

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null && !(value instanceof NumberText)
