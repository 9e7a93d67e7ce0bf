import { createHash } from 'node:crypto'

/**
 * JSON with the keys of objects sorted by code unit and without undefined members: equal data give equal text.
 * A bigint is written as `{"$int64":"..."}`, a Float32Array as `{"$vector":[...]}`, what has a `toJSON` as what that gives.
 */
export function canonicalJson(value: unknown): string {
  return write(value) ?? 'null'
}

function write(value: unknown): string | undefined {
  if (typeof value === 'bigint') return `{"$int64":"${value}"}`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return writeList(value)
  if (value instanceof Float32Array) return `{"$vector":${writeList([...value])}}`
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON())
  // The text is put together here as an object of JavaScript would put keys such as "9" and "10" in the order of numbers.
  let members = ''
  for (const key of Object.keys(value).sort()) {
    const text = write((value as Record<string, unknown>)[key])
    if (text !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${text}`
  }
  return `{${members}}`
}

function writeList(values: readonly unknown[]): string {
  let items = ''
  for (const value of values) items += `${items === '' ? '' : ','}${write(value) ?? 'null'}`
  return `[${items}]`
}

/** SHA-256 of the canonical JSON, as the first `digits` hexadecimal digits. */
export function canonicalHash(value: unknown, digits = 32): string {
  return textHash(canonicalJson(value), digits)
}

/** The same of what `canonicalJson` wrote. */
export function textHash(text: string, digits = 32): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

/** What `canonicalJson` wrote, as values again: bigints and vectors too. */
export function readCanonicalJson(text: string): unknown {
  if (!text.includes('"$')) return JSON.parse(text)
  return JSON.parse(text, (_key, value: unknown) => {
    if (value === null || typeof value !== 'object') return value
    if ('$int64' in value) return BigInt(value.$int64 as string)
    return '$vector' in value ? Float32Array.from(value.$vector as number[]) : value
  })
}
