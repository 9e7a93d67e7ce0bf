import type { SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { NewRecord } from '../eventlog/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import { suggestion } from '../lib/suggestion.ts'
import { fromCell, toCell } from '../schema/index.ts'

/** Checks an event given as public values and writes it as a record; `where` names it in errors. */
export type EventEncoder = (row: Readonly<Record<string, unknown>>, where: string) => NewRecord

const encoder = new TextEncoder()

/** Writes the events of a source as JSON, keyed by the columns of its topic. Throws `INVALID_VALUE` or `UNKNOWN_COLUMN`. */
export function eventEncoder(source: SourceData): EventEncoder {
  const columns = Object.entries(source.columns)
  const key = source.stream?.key ?? []
  return (row, where) => {
    for (const name in row) {
      if (!Object.hasOwn(source.columns, name))
        throw new LockstepError('UNKNOWN_COLUMN', `The source ${source.name} has no column ${name}${suggestion(name, Object.keys(source.columns))}`, {
          where,
        })
    }
    const values: Record<string, unknown> = {}
    for (const [name, type] of columns) {
      const checked = source.id.includes(name) ? { ...type, nullable: false } : type
      values[name] = jsonValue(fromCell(type, toCell(checked, row[name], `${where}, ${name}`)))
    }
    return { key: recordKey(key.map((name) => values[name])), value: encoder.encode(JSON.stringify(values)) }
  }
}

/** One text is its own key, as producers of other systems write it; anything else is JSON. */
function recordKey(values: readonly unknown[]): Uint8Array | null {
  const [only] = values
  return encoder.encode(values.length === 1 && typeof only === 'string' ? only : canonicalJson(values))
}

/** What JSON has no number for is a text. */
function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Float32Array) return [...value]
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value
}
