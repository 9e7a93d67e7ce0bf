import { parseJson } from '../lib/lenient-json.ts'

/** A number of JSON with the texts that it has in files: what is told apart by more than its value is read from these. */
export class NumberText {
  readonly value: number
  /** That of a member: as it is written where it is a whole number, else the shortest that stands for the same double. */
  readonly text: string
  /** That of an element of a list. */
  readonly element: string

  constructor(source: string) {
    this.value = numberOf(source)
    const whole = /^-?\d+$/.test(source)
    this.text = whole ? (source === '-0' ? '0' : source) : realText(this.value, source)
    this.element = whole ? this.text : elementText(this.value, source)
  }
}

/** A JSON value with every number as a `NumberText`; slower than `JSON.parse`, and reads more. */
export function parseExactJson(text: string): unknown {
  return parseJson(text, numberText, spelled)
}

/** NaN or infinity as a text that is told from others by how it is written. */
const spelled = (literal: string): string => `"\\u${literal.charCodeAt(0).toString(16).padStart(4, '0')}${literal.slice(1)}"`
const isSpelled = /^"\\u00(?:[46]ean|[46]9nf(?:inity)?|2d(?:nan|inf(?:inity)?))"$/i

function numberText(_key: string, value: unknown, { source }: { readonly source: string }): unknown {
  if (typeof value === 'number') return new NumberText(source)
  return typeof value === 'string' && isSpelled.test(source) ? new NumberText(value) : value
}

/** Of a number as JSON writes it, or a literal. */
function numberOf(source: string): number {
  if (!/[in]/i.test(source)) return Number(source)
  if (/nan/i.test(source)) return Number.NaN
  return source.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

/** The JSON of a value of `parseExactJson`. */
export function exactJsonText(value: unknown): string {
  if (value instanceof NumberText) return value.text
  if (Array.isArray(value)) return `[${value.map(exactJsonText).join(',')}]`
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value)
    .map(([name, member]) => `${quoted(name)}:${exactJsonText(member)}`)
    .join(',')}}`
}

/** Escapes of characters are in capitals. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(/\\(?:u(\w{4})|.)/g, (found, code?: string) => (code === undefined ? found : `\\u${code.toUpperCase()}`))

function realText(value: number, source: string): string {
  if (!Number.isFinite(value)) return source
  const text = Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e')
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** Exponents of two digits at least, for what is below 0.0001 or from 10^16 on. */
function elementText(value: number, source: string): string {
  const size = Math.abs(value)
  if (!Number.isFinite(value) || size === 0 || (size >= 1e-4 && size < 1e16)) return realText(value, source)
  const [digits, exponent = ''] = value.toExponential().split('e')
  return `${digits}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, '0')}`
}
