import { randomBytes } from 'node:crypto'
import { type Micros, momentMicros } from '../lib/moment.ts'

let made = 0

/**
 * A key of a moment: always of the same length, so that keys list in order of time, those that this process makes of one moment in the
 * order in which it made them; and one of its own, whoever else makes one then.
 */
export function timeKey(moment: Micros): string {
  made = (made + 1) % 2 ** 24
  return `${timePrefix(moment)}-${made.toString(16).padStart(6, '0')}${randomBytes(3).toString('hex')}`
}

/** What the keys of a moment begin with: those of earlier moments are below it. `2026-01-05T10:00:00.000000Z` */
export function timePrefix(moment: Micros): string {
  const millis = Math.floor(moment / 1000)
  return `${new Date(millis).toISOString().slice(0, -1)}${String(moment - millis * 1000).padStart(3, '0')}Z`
}

/** The moment of a key. */
export const momentOfKey = (key: string): Micros => momentMicros(key.slice(0, timePrefix(0).length))
