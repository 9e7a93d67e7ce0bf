import type { TypeData } from '../schema/index.ts'

type Values = Readonly<Record<string, unknown>>

/** Reads values that JSON holds: whole numbers of 64 bits stand as texts, as it has no such numbers. */
export class ExactValues {
  readonly #exact: readonly (readonly [string, TypeData])[]

  constructor(types: Readonly<Record<string, TypeData>>) {
    this.#exact = Object.entries(types).filter(([, type]) => holdsInt64(type))
  }

  /** Where a text is no such number, it stays as it is, for who checks types to refuse. */
  read(row: Values): Values {
    if (this.#exact.length === 0) return row
    const values: Record<string, unknown> = { ...row }
    for (const [name, type] of this.#exact) if (Object.hasOwn(values, name)) values[name] = exactValue(type, values[name])
    return values
  }
}

const holdsInt64 = (type: TypeData): boolean => type.kind === 'int64' || (type.element !== undefined && holdsInt64(type.element))

const wholeNumber = /^-?\d{1,19}$/

function exactValue(type: TypeData, value: unknown): unknown {
  if (Array.isArray(value) && type.element) return value.map((item) => exactValue(type.element as TypeData, item))
  return type.kind === 'int64' && typeof value === 'string' && wholeNumber.test(value) ? BigInt(value) : value
}

/** What `JSON.stringify` is to make of public values: texts of what JSON has no number for, lists of vectors. */
export function plainJson(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  return value instanceof Float32Array ? [...value] : value
}
