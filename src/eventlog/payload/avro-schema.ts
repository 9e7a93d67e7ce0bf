import { LockstepError } from '../../errors.ts'

/** A schema of Apache Avro (https://avro.apache.org/docs/1.12.0/specification/), with its names resolved. */
export type AvroType =
  | AvroPrimitive
  | { readonly kind: 'fixed'; readonly size: number; readonly logical: AvroLogical | null }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly branches: readonly AvroType[] }
  | AvroRecord

export interface AvroPrimitive {
  readonly kind: 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'
  readonly logical: AvroLogical | null
}

export interface AvroRecord {
  readonly kind: 'record'
  readonly name: string
  /** Filled when all of it is known: a record may hold itself. */
  readonly fields: readonly AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly type: AvroType
  /** As the schema writes it; undefined where there is none. */
  readonly default: unknown
}

/** The meaning of a type beyond its bytes. Those that are not known here count for nothing, as Avro asks. */
export type AvroLogical =
  | { readonly name: 'decimal'; readonly scale: number }
  | { readonly name: 'date' | 'uuid' }
  | { readonly name: 'timestamp'; readonly perSecond: number; readonly zoned: boolean }

/** The types of a schema by their full names; schemas that refer to one another share them. */
export type AvroNames = Map<string, AvroType>

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const

const timestamps: Readonly<Record<string, number>> = { millis: 1e3, micros: 1e6, nanos: 1e9 }

const namePattern = /^[A-Za-z_]\w*$/

/** Throws `INVALID_DEFINITION` where the text is no schema. */
export function parseAvroSchema(text: string, names: AvroNames = new Map()): AvroType {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // A registry gives the schema of a plain string as `string`, without the quotes of JSON.
    json = text.trim()
  }
  return typeOf(json, '', names)
}

const wrong = (why: string) => new LockstepError('INVALID_DEFINITION', `The Avro schema ${why}`)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function typeOf(json: unknown, namespace: string, names: AvroNames): AvroType {
  if (typeof json === 'string') {
    const primitive = primitives.find((name) => name === json)
    if (primitive !== undefined) return { kind: primitive, logical: null }
    const known = names.get(fullName(json, namespace)) ?? names.get(json)
    if (known === undefined) throw wrong(`names ${JSON.stringify(json)}, which is no type`)
    return known
  }
  if (Array.isArray(json)) {
    const branches = json.map((branch) => typeOf(branch, namespace, names))
    if (branches.some(({ kind }) => kind === 'union')) throw wrong('has a union in a union')
    return { kind: 'union', branches }
  }
  if (!isObject(json)) throw wrong(`has ${JSON.stringify(json)} in the place of a type`)
  const primitive = primitives.find((name) => name === json.type)
  if (primitive !== undefined) return { kind: primitive, logical: logicalOf(json, primitive) }
  switch (json.type) {
    case 'array':
      return { kind: 'array', items: typeOf(json.items, namespace, names) }
    case 'map':
      return { kind: 'map', values: typeOf(json.values, namespace, names) }
    case 'fixed': {
      if (!Number.isSafeInteger(json.size) || (json.size as number) < 0) throw wrong(`gives the size ${json.size} to a fixed type`)
      return named(json, namespace, names, { kind: 'fixed', size: json.size as number, logical: logicalOf(json, 'fixed') })
    }
    case 'enum': {
      const { symbols } = json
      if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === 'string')) throw wrong('has an enum without symbols')
      return named(json, namespace, names, { kind: 'enum', symbols })
    }
    case 'record':
    case 'error':
      return recordOf(json, namespace, names)
    default:
      return typeOf(json.type, namespace, names)
  }
}

function recordOf(json: Readonly<Record<string, unknown>>, namespace: string, names: AvroNames): AvroType {
  const fields: AvroField[] = []
  const name = nameOf(json, namespace)
  const record = named(json, namespace, names, { kind: 'record', name, fields })
  if (!Array.isArray(json.fields)) throw wrong(`has the record ${name} without fields`)
  const within = name.slice(0, Math.max(0, name.lastIndexOf('.')))
  for (const field of json.fields as readonly unknown[]) {
    if (!isObject(field) || typeof field.name !== 'string' || !namePattern.test(field.name) || field.name === '__proto__') {
      throw wrong(`has a field of ${name} without a proper name`)
    }
    fields.push({ name: field.name, type: typeOf(field.type, within, names), default: field.default })
  }
  return record
}

/** Registers a type under its full name and its aliases. */
function named(json: Readonly<Record<string, unknown>>, namespace: string, names: AvroNames, type: AvroType): AvroType {
  const name = nameOf(json, namespace)
  const within = name.slice(0, Math.max(0, name.lastIndexOf('.')))
  names.set(name, type)
  if (Array.isArray(json.aliases)) for (const alias of json.aliases) names.set(fullName(String(alias), within), type)
  return type
}

function nameOf({ name, namespace: own }: Readonly<Record<string, unknown>>, namespace: string): string {
  if (typeof name !== 'string' || !name.split('.').every((part) => namePattern.test(part))) {
    throw wrong(`gives a type the name ${JSON.stringify(name)}`)
  }
  return fullName(name, typeof own === 'string' ? own : namespace)
}

const fullName = (name: string, namespace: string) => (name.includes('.') || namespace === '' ? name : `${namespace}.${name}`)

function logicalOf(json: Readonly<Record<string, unknown>>, kind: AvroPrimitive['kind'] | 'fixed'): AvroLogical | null {
  const { logicalType: logical, scale = 0, precision } = json
  if (typeof logical !== 'string') return null
  if (logical === 'decimal' && (kind === 'bytes' || kind === 'fixed')) {
    const sound =
      Number.isInteger(scale) && (scale as number) >= 0 && Number.isInteger(precision) && (precision as number) >= (scale as number)
    return sound ? { name: 'decimal', scale: scale as number } : null
  }
  if (logical === 'date' && kind === 'int') return { name: 'date' }
  if (logical === 'uuid' && kind === 'fixed' && json.size === 16) return { name: 'uuid' }
  const [, local, unit = ''] = /^(local-)?timestamp-(\w+)$/.exec(logical) ?? []
  const perSecond = timestamps[unit]
  if (perSecond === undefined || kind !== 'long') return null
  return { name: 'timestamp', perSecond, zoned: local === undefined }
}
