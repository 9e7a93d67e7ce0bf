import { LockstepError } from '../../errors.ts'
import type { Fields } from './fields.ts'

const decoder = new TextDecoder('utf-8', { fatal: true })
const encoder = new TextEncoder()

/** A JSON object in UTF-8. Throws `INVALID_VALUE` for anything else. */
export function decodeJson(payload: Uint8Array): Fields {
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(payload))
  } catch (cause) {
    const why = cause instanceof SyntaxError ? `is no JSON: ${cause.message}` : 'is not UTF-8'
    throw new LockstepError('INVALID_VALUE', `The payload ${why}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LockstepError('INVALID_VALUE', 'The payload is no JSON object')
  }
  return value as Fields
}

/** Bigints are written as texts, which int64 columns read. */
export function encodeJson(fields: Fields): Uint8Array {
  return encoder.encode(JSON.stringify(fields, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
}
