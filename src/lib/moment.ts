import { LockstepError } from '../errors.ts'

/** Microseconds since 1970-01-01T00:00:00Z; a safe integer, so between the years 1684 and 2255. */
export type Micros = number

/** A moment as the public functions take it: a `Date`, or an ISO 8601 string (UTC where it names no zone). */
export type Moment = Date | string

const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(Z|z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?$/

/** Reads a moment to the microsecond. Throws `INVALID_MOMENT`; digits finer than a microsecond are refused unless zero. */
export function momentMicros(moment: Moment, where = ''): Micros {
  const wrong = (why: string) => new LockstepError('INVALID_MOMENT', `The moment ${JSON.stringify(moment)} ${why}`, { where })
  let micros: number
  if (moment instanceof Date) {
    micros = moment.getTime() * 1000
  } else if (typeof moment === 'string') {
    const match = iso.exec(moment.trim())
    if (!match) throw wrong('is not an ISO 8601 date or time')
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match
    // Not Date.UTC, which takes the years 0 to 99 for those of the twentieth century.
    const check = new Date(new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day)))
    const millis = check.setUTCHours(Number(hour), Number(minute), Number(second))
    if (
      check.getUTCMonth() !== Number(month) - 1 ||
      check.getUTCDate() !== Number(day) ||
      Number(hour) > 23 ||
      Number(minute) > 59 ||
      Number(second) > 59
    ) {
      throw wrong('is not a date of the calendar')
    }
    const digits = fraction.padEnd(9, '0')
    if (digits.slice(6) !== '000') throw wrong('is finer than a microsecond')
    micros = (millis - zoneMillis(zone)) * 1000 + Number(digits.slice(0, 6))
  } else {
    throw wrong('is neither a Date nor a text')
  }
  if (!Number.isSafeInteger(micros)) throw wrong('is outside the years 1684 to 2255')
  return micros
}

function zoneMillis(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const sign = zone.startsWith('-') ? -1 : 1
  const digits = zone.slice(1).replace(':', '')
  return sign * (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2) || 0)) * 60_000
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))

/** `2026-01-05T10:00:00Z`, with as many digits of a second as it needs (none, three or six). Five times as fast as `toISOString`. */
export function formatMoment(micros: Micros): string {
  const second = Math.floor(micros / 1_000_000)
  const day = Math.floor(second / 86_400)
  const inDay = second - day * 86_400
  const time = `${twoDigits[Math.floor(inDay / 3600)]}:${twoDigits[Math.floor(inDay / 60) % 60]}:${twoDigits[inDay % 60]}`
  const text = `${dayText(day)}T${time}`
  const fraction = micros - second * 1_000_000
  if (fraction === 0) return `${text}Z`
  return fraction % 1000 === 0 ? `${text}.${String(fraction / 1000).padStart(3, '0')}Z` : `${text}.${String(fraction).padStart(6, '0')}Z`
}

const dayTexts = new Map<number, string>()
/** Moments that are formatted together mostly fall on days that came before; a bound keeps the others from piling up. */
const mostDayTexts = 4096

function dayText(day: number): string {
  const known = dayTexts.get(day)
  if (known !== undefined) return known
  const text = new Date(day * 86_400_000).toISOString().slice(0, 10)
  if (dayTexts.size === mostDayTexts) dayTexts.clear()
  dayTexts.set(day, text)
  return text
}

const dayMicros = 86_400_000_000

/** Days since 1970-01-01 of a calendar date `YYYY-MM-DD`. Throws `INVALID_MOMENT`. */
export function dateDays(text: string, where = ''): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text))
    throw new LockstepError('INVALID_MOMENT', `${JSON.stringify(text)} is not a date YYYY-MM-DD`, { where })
  return momentMicros(text, where) / dayMicros
}

export const formatDate = (days: number): string => dayText(days)
