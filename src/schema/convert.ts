import { LockstepError } from '../errors.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { formatDecimal } from '../lib/decimal.ts'
import { dateDays, formatDate, formatMoment, type Moment, momentMicros } from '../lib/moment.ts'
import { parseJsonText } from '../lib/parse-json.ts'
import { localToUtc } from '../lib/time-zone.ts'
import type { Cell } from './cell.ts'
import type { TypeData } from './type.ts'

/**
 * The cell of a public value, checked against its type: `Date` and ISO strings for timestamps, texts or numbers for
 * decimals. Throws `INVALID_VALUE` with `where`, also for null where the type is not nullable.
 */
export function toCell(type: TypeData, value: unknown, where = ''): Cell {
  const wrong = (why: string) => new LockstepError('INVALID_VALUE', `${show(value)} ${why}`, { where })
  if (value === null || value === undefined) {
    if (type.nullable) return null
    const given = value === null ? 'null is given' : 'No value is given'
    throw new LockstepError('INVALID_VALUE', `${given}, and ${type.kind} is not nullable here`, { where })
  }
  const cell = plainCell(type, value, where, wrong)
  if (!inRange(type, cell)) throw wrong(`is outside ${type.minimum} to ${type.maximum}`)
  return cell
}

const namesZone = /(?:[Zz]|\d[+-]\d{2}(?::?\d{2})?)\s*$/

/** `toCell`, with texts of timestamps that name no zone as local times of this one. */
export function zonedCell(type: TypeData, value: unknown, zone: string, where = ''): Cell {
  if (type.kind !== 'timestamp' || zone === 'UTC' || typeof value !== 'string') return toCell(type, value, where)
  const utc = toCell(withoutRange(type), value, where) as number
  const cell = value.trim().length > 10 && namesZone.test(value) ? utc : localToUtc(utc, zone)
  if (inRange(type, cell)) return cell
  throw new LockstepError('INVALID_VALUE', `${show(value)} is outside ${type.minimum} to ${type.maximum}`, { where })
}

function plainCell(type: TypeData, value: unknown, where: string, wrong: (why: string) => LockstepError): Cell {
  switch (type.kind) {
    case 'string':
      if (typeof value !== 'string') throw wrong('is not a string')
      if (!value.isWellFormed()) throw wrong('is not well-formed Unicode')
      return value
    case 'oneOf':
      if (typeof value !== 'string' || !type.values?.includes(value)) throw wrong(`is none of ${type.values?.join(', ')}`)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw wrong('is not a boolean')
      return value
    case 'integer': {
      const number = typeof value === 'bigint' ? Number(value) : value
      if (!Number.isSafeInteger(number)) throw wrong('is not a whole number within 2^53')
      return (number as number) + 0
    }
    case 'int64': {
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw wrong('is not a 64-bit integer')
      const big = BigInt(value as bigint | number)
      if (BigInt.asIntN(64, big) !== big) throw wrong('does not fit 64 bits')
      return big
    }
    case 'float':
      if (typeof value !== 'number') throw wrong('is not a number')
      if (!Number.isFinite(value) && !type.allowNaN) throw wrong('is not finite, and the type does not allow NaN')
      return value + 0
    case 'decimal':
      return decimalCell(value, type.scale ?? 0, type.precision ?? 15, wrong)
    case 'timestamp':
      if (typeof value !== 'string' && !(value instanceof Date)) throw wrong('is neither a Date nor a text')
      return momentMicros(value as Moment, where)
    case 'date':
      if (typeof value !== 'string') throw wrong('is not a text YYYY-MM-DD')
      return dateDays(value, where)
    case 'list': {
      if (!Array.isArray(value)) throw wrong('is not an array')
      const element = type.element as TypeData
      return value.map((item, index) => toCell(element, item, `${where}[${index}]`))
    }
    case 'vector': {
      if (!(value instanceof Float32Array) && !Array.isArray(value)) throw wrong('is not an array of numbers')
      if (value.length !== type.length) throw wrong(`has ${value.length} elements, not ${type.length}`)
      const vector = Float32Array.from(value, (item) => Math.fround(Number(item)) + 0)
      if (!vector.every(Number.isFinite)) throw wrong('has an element that is not a finite float32')
      return vector
    }
    case 'struct':
      if (typeof value !== 'object' || Array.isArray(value)) throw wrong('is not an object')
      return canonicalJson(value)
  }
}

const decimalText = /^([+-]?)(\d+)(?:\.(\d+))?$/

function decimalCell(value: unknown, scale: number, precision: number, wrong: (why: string) => LockstepError): number {
  if (typeof value !== 'string' && typeof value !== 'number') throw wrong('is not a decimal')
  const match = decimalText.exec(String(value))
  if (!match) throw wrong('is not a decimal')
  const [, sign, whole = '', fraction = ''] = match
  const digits = fraction.replace(/0+$/, '')
  if (digits.length > scale) throw wrong(`has more than ${scale} digits behind the point`)
  const scaled = Number(whole + digits.padEnd(scale, '0'))
  if (scaled >= 10 ** precision || !Number.isSafeInteger(scaled)) throw wrong(`has more than ${precision} digits`)
  return sign === '-' ? -scaled + 0 : scaled
}

/** The public value of a cell (see `t` for the public form of each kind). */
export function fromCell(type: TypeData, cell: Cell): unknown {
  if (cell === null) return null
  switch (type.kind) {
    case 'decimal':
      return formatDecimal(cell as number, type.scale ?? 0)
    case 'timestamp':
      return formatMoment(cell as number)
    case 'date':
      return formatDate(cell as number)
    case 'list':
      return (cell as readonly Cell[]).map((item) => fromCell(type.element as TypeData, item))
    case 'struct':
      return parseJsonText(cell as string)
    default:
      return cell
  }
}

/** Whether a cell lies within the declared range of its type. */
export function inRange(type: TypeData, cell: Cell): boolean {
  if (cell === null || (type.minimum === undefined && type.maximum === undefined)) return true
  const bound = (value: number | string): Cell =>
    type.kind === 'float'
      ? Number(value)
      : toCell({ ...withoutRange(type) }, type.kind === 'int64' ? BigInt(value) : boundValue(type, value))
  if (type.minimum !== undefined && (cell as number) < (bound(type.minimum) as number)) return false
  return !(type.maximum !== undefined && (cell as number) > (bound(type.maximum) as number))
}

const boundValue = (type: TypeData, value: number | string) => (type.kind === 'integer' ? Number(value) : value)
const withoutRange = ({ minimum: _minimum, maximum: _maximum, ...type }: TypeData): TypeData => type

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : typeof value === 'bigint' ? `${value}n` : asText(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** What came as JSON may have a `toString` that is no function. */
function asText(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Array.isArray(value) ? 'a list' : 'an object'
  }
}
