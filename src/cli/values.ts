import { LockstepError } from '../errors.ts'
import { durationMicros } from '../lib/duration.ts'
import { momentMicros } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { Split } from '../pointintime/index.ts'
import type { TypeData } from '../schema/index.ts'

const wrong = (message: string, remedy: string) => new LockstepError('INVALID_ARGUMENT', message, { remedy })

/** Adds `name=value` to those before it, for an argument or option that may be repeated. */
export function collectPair(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const place = text.indexOf('=')
  if (place < 1) throw wrong(`${JSON.stringify(text)} is not NAME=VALUE`, 'Write a name, an equals sign and a value: user_id=u17.')
  const name = text.slice(0, place)
  if (Object.hasOwn(before, name)) throw wrong(`${name} is given twice`, 'Give it once.')
  return { ...before, [name]: text.slice(place + 1) }
}

/** A name with the version that may follow it: `ranking`, `ranking@2`. */
export interface VersionedName {
  readonly name: string
  readonly version: number | undefined
}

export function parseName(text: string): VersionedName {
  const [, name, version] = /^([^@]+)(?:@(\d+))?$/.exec(text) ?? []
  if (name === undefined) throw wrong(`${JSON.stringify(text)} is not a name`, 'Write NAME, or NAME@VERSION.')
  return { name, version: version === undefined ? undefined : Number(version) }
}

export const collectName = (text: string, before: readonly VersionedName[] = []): VersionedName[] => [...before, parseName(text)]

/** `VIEW.FEATURE` */
export interface FeatureName {
  readonly view: VersionedName
  readonly feature: string
}

export function parseFeature(text: string): FeatureName {
  const place = text.indexOf('.')
  if (place < 1 || place === text.length - 1) {
    throw wrong(`${JSON.stringify(text)} names no feature of a view`, 'Write VIEW.FEATURE; lockstep describe VIEW shows its features.')
  }
  return { view: parseName(text.slice(0, place)), feature: text.slice(place + 1) }
}

/** A moment is handed on as it is written, once it can be read. */
export function parseMoment(text: string): string {
  momentMicros(text)
  return text
}

export function parseDuration(text: string): string {
  durationMicros(text)
  return text
}

const sizes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Bytes of `1GiB`, `512 MB`, `4096`. */
export function parseBytes(text: string): number {
  const [, digits, unit = 'b'] = /^(\d+(?:\.\d+)?)\s*([a-z]+)?$/i.exec(text.trim()) ?? []
  const bytes = Math.round(Number(digits) * (sizes[unit.toLowerCase()] ?? Number.NaN))
  if (!(bytes > 0)) throw wrong(`${JSON.stringify(text)} is not a size`, 'Write a number and a unit: 512MiB, 1GiB.')
  return bytes
}

export function parseThreads(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw wrong(`${JSON.stringify(text)} is not a number of threads`, 'Write a whole number from 1.')
  return Number(text)
}

export function parseLimit(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw wrong(`${JSON.stringify(text)} is not a number of events`, 'Write a whole number from 0.')
  return Number(text)
}

export const collectText = (text: string, before: readonly string[] = []): string[] => [...before, text]

export function parseCount(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw wrong(`${JSON.stringify(text)} is not a number`, 'Write a whole number.')
  return Number(text)
}

export function parseSeed(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw wrong(`${JSON.stringify(text)} is not a seed`, 'Write a whole number from 0.')
  return Number(text)
}

/** By time, `test=2026-03-01` or `validate=2026-02-01,test=2026-03-01`; by a key, `user_id:train=80,validate=10,test=10`. */
export function parseSplit(text: string): Split {
  const [, column, list = text] = /^([^=:]+):(.*)$/.exec(text) ?? []
  const parts = list.split(',').reduce<Record<string, string>>((before, part) => collectPair(part, before), {})
  if (column !== undefined) {
    const shares = Object.fromEntries(Object.entries(parts).map(([name, share]) => [name, shareOf(name, share)]))
    return { by: 'key', column, shares }
  }
  const { test, validate, ...others } = parts
  const [other] = Object.keys(others)
  if (other !== undefined)
    throw wrong(
      `A split by time has no part ${other}`,
      'Write test=MOMENT or validate=MOMENT,test=MOMENT; for shares COLUMN:NAME=SHARE,...',
    )
  if (test === undefined) throw wrong('A split by time needs the moment from which rows are for testing', 'Write test=MOMENT.')
  return { by: 'time', test: parseMoment(test), ...(validate === undefined ? {} : { validate: parseMoment(validate) }) }
}

function shareOf(name: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) === 0) throw wrong(`The share of ${name} is ${text}`, 'Shares are numbers above 0.')
  return Number(text)
}

/** Texts of the command line as values of the types declared for their names: integers as numbers, lists from JSON. */
export function typedValues(
  given: Readonly<Record<string, string>>,
  types: Readonly<Record<string, TypeData>>,
  what: string,
  owner: string,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => {
      const type = types[name]
      if (!type) throw new LockstepError('UNKNOWN_NAME', `${owner} has no ${what} ${name}${suggestion(name, Object.keys(types))}`)
      return [name, typedValue(type, text, `${what} ${name}`)]
    }),
  )
}

function typedValue(type: TypeData, text: string, where: string): unknown {
  const refuse = (why: string) => new LockstepError('INVALID_VALUE', `${JSON.stringify(text)} ${why}`, { where })
  switch (type.kind) {
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw refuse('is neither true nor false')
      return text === 'true'
    case 'integer':
      if (!/^[+-]?\d+$/.test(text)) throw refuse('is not a whole number')
      return Number(text)
    case 'int64':
      if (!/^-?\d+$/.test(text)) throw refuse('is not a whole number')
      return BigInt(text)
    case 'float':
      if (text.trim() === '' || (Number.isNaN(Number(text)) && text !== 'NaN')) throw refuse('is not a number')
      return Number(text)
    case 'list':
    case 'vector':
    case 'struct':
      try {
        return JSON.parse(text)
      } catch {
        throw refuse('is not JSON')
      }
    default:
      return text
  }
}
