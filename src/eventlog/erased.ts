import type { LogRecord } from './log.ts'

/** What the bytes of an erased record are: neither UTF-8 nor Avro begins so. */
export const erasedByte = 0xff

/** Whether a record was erased: it keeps its place, and nothing of what it said. */
export const isErased = ({ value }: LogRecord): boolean =>
  value !== null && value.length > 0 && value[0] === erasedByte && value.every((byte) => byte === erasedByte)
