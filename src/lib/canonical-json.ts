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
  if (value instanceof Float32Array) return `{"$vector":[${[...value].map((item) => JSON.stringify(item)).join(',')}]}`
  if (Array.isArray(value)) return `[${value.map((item) => write(item) ?? 'null').join(',')}]`
  if ('toJSON' in value && typeof value.toJSON === 'function') return write(value.toJSON())
  // The text is put together here as an object of JavaScript would put keys such as "9" and "10" in the order of numbers.
  const members = Object.keys(value)
    .sort()
    .map((key) => [key, write((value as Record<string, unknown>)[key])] as const)
    .filter(([, text]) => text !== undefined)
  return `{${members.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`
}

/** SHA-256 of the canonical JSON, as the first `digits` hexadecimal digits. */
export function canonicalHash(value: unknown, digits = 32): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, digits)
}

/** What `canonicalJson` wrote, as values again: bigints and vectors too. */
export function readCanonicalJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (value === null || typeof value !== 'object') return value
    if ('$int64' in value) return BigInt(value.$int64 as string)
    return '$vector' in value ? Float32Array.from(value.$vector as number[]) : value
  })
}
