import { createHash } from 'node:crypto'

/**
 * JSON with object keys sorted by code unit and without undefined members: equal data give equal text.
 * A bigint is written as `{"$int64":"..."}`, a Float32Array as `{"$vector":[...]}`.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') return { $int64: member.toString() }
    if (member instanceof Float32Array) return { $vector: [...member] }
    if (member === null || typeof member !== 'object' || Array.isArray(member)) return member
    const sorted: Record<string, unknown> = {}
    for (const key of Object.keys(member).sort()) sorted[key] = (member as Record<string, unknown>)[key]
    return sorted
  })
}

/** SHA-256 of the canonical JSON, as the first `digits` hexadecimal digits. */
export function canonicalHash(value: unknown, digits = 32): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, digits)
}
