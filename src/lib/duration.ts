import { LockstepError } from '../errors.ts'

/** Microseconds of each unit that a duration may name. A day is 24 hours and a week seven days: no calendar. */
const unitMicros = { us: 1, ms: 1_000, s: 1_000_000, m: 60_000_000, h: 3_600_000_000, d: 86_400_000_000, w: 604_800_000_000 } as const
type Unit = keyof typeof unitMicros

/** A length of time as people write it: `'30m'`, `'7d'`, `'1h30m'`, `'250ms'`, `'1us'`. */
export type Duration = `${number}${Unit}` | (string & {})

const longest = 200 * 365 * unitMicros.d
const part = /(\d+)(?:\.(\d+))?(us|ms|s|m|h|d|w)/gy

/** Microseconds of a duration; a whole number above 0 (or 0 where `allowZero`). Throws `INVALID_DURATION`. */
export function durationMicros(text: Duration, where = '', allowZero = false): number {
  const wrong = (why: string) => new LockstepError('INVALID_DURATION', `The duration ${JSON.stringify(text)} ${why}`, { where })
  if (typeof text !== 'string') throw wrong('is not a text')
  const trimmed = text.trim()
  if (trimmed.startsWith('-')) throw wrong('is negative')
  let micros = 0
  part.lastIndex = 0
  while (part.lastIndex < trimmed.length) {
    const match = part.exec(trimmed)
    if (!match) throw wrong('cannot be read')
    const [, whole, fraction = '', name] = match
    const unit = unitMicros[name as Unit]
    // Digits behind the point count apart: 1.001 * 1_000_000 is no whole number in floats.
    micros += Number(whole) * unit + (Number(fraction) * unit) / 10 ** fraction.length
  }
  if (trimmed === '') throw wrong('is empty')
  if (!Number.isInteger(micros)) throw wrong('is not a whole number of microseconds')
  if (micros === 0 && !allowZero) throw wrong('is zero')
  if (micros > longest) throw wrong('is longer than 200 years')
  return micros
}

/** The shortest way to write a number of microseconds: `'90d'`, `'1h30m'`. */
export function formatDuration(micros: number): string {
  if (micros === 0) return '0s'
  let rest = micros
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms', 'us'] as const) {
    const count = Math.floor(rest / unitMicros[unit])
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMicros[unit]
  }
  return text
}
