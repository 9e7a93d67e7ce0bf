import { type Cell, fromCell, type TypeData } from '../schema/index.ts'
import type { JsonRecord, JsonValue } from './explanation.ts'

/** The public value of a cell as JSON can hold it. */
export function jsonValue(type: TypeData, cell: Cell): JsonValue {
  return plain(fromCell(type, cell))
}

export function jsonRecord(values: readonly (readonly [name: string, type: TypeData, cell: Cell])[]): JsonRecord {
  return Object.fromEntries(values.map(([name, type, cell]) => [name, jsonValue(type, cell)]))
}

function plain(value: unknown): JsonValue {
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value)
  if (value instanceof Float32Array) return [...value]
  return Array.isArray(value) ? value.map(plain) : (value as JsonValue)
}
