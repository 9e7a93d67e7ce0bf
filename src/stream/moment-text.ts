import type { Micros } from '../lib/moment.ts'
import { localToUtc } from '../lib/time-zone.ts'

/** The texts that scans of history take for moments: a date, perhaps a time to the microsecond, perhaps a zone. */
const momentText =
  /^[\t\n\f\r ]*(\d{4})-(\d{2})-(\d{2})(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,6})0{0,3})?)?)?[\t\n\f\r ]*(Z|z|([+-])(\d{2})(?::?(\d{2}))?)?[\t\n\f\r ]*$/

const minute = 60_000_000
const day = 24 * 60 * minute

/** The moment of a text, in UTC; where it names no zone, of this one. NaN for what is no moment; it may be beyond all years. */
export function readMoment(text: string, zone: string): Micros {
  const plain = plainUtc(text)
  if (!Number.isNaN(plain)) return plain
  const match = momentText.exec(text)
  if (!match) return Number.NaN
  const [, year, month, date, hour = '0', minutes = '0', seconds = '0', fraction = '', named, sign, hours = '0', rest = '0'] = match
  const days = daysOf(Number(year), Number(month), Number(date))
  const local = days * day + (Number(hour) * 60 + Number(minutes)) * minute + Number(seconds) * 1e6 + Number(fraction.padEnd(6, '0'))
  if (named === undefined) return Number.isNaN(local) ? local : localToUtc(local, zone)
  const ahead = sign === undefined ? 0 : (Number(hours) * 60 + Number(rest)) * minute
  return sign === '-' ? local + ahead : local - ahead
}

/** The days since 1970 of a date `YYYY-MM-DD`; NaN for what is none. */
export function readDate(text: string): number {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  return match ? daysOf(Number(match[1]), Number(match[2]), Number(match[3])) : Number.NaN
}

const longestPlain = 27
const plain = new Uint8Array(longestPlain)

function plainUtc(text: string): Micros {
  const { length } = text
  if (length > longestPlain) return Number.NaN
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x80) return Number.NaN
    plain[at] = code
  }
  return plainMoment(plain, 0, length)
}

/** `2026-01-05T10:00:00Z`, perhaps with a fraction, as nearly all events have it, in ASCII from `start` to `end`; NaN for anything else. */
export function plainMoment(bytes: Uint8Array, start: number, end: number): Micros {
  const length = end - start
  if (length < 20 || length === 21 || length > longestPlain || bytes[end - 1] !== 90 || bytes[start + 10] !== 84) return Number.NaN
  if (bytes[start + 4] !== 45 || bytes[start + 7] !== 45 || bytes[start + 13] !== 58 || bytes[start + 16] !== 58) return Number.NaN
  const hour = two(bytes, start + 11)
  const minutes = two(bytes, start + 14)
  const seconds = two(bytes, start + 17)
  let fraction = 0
  if (length > 20) {
    if (bytes[start + 19] !== 46) return Number.NaN
    for (let at = start + 20; at < start + longestPlain - 1; at++) fraction = fraction * 10 + (at < end - 1 ? one(bytes, at) : 0)
  }
  if (!(hour < 24 && minutes < 60 && seconds < 60)) return Number.NaN
  const days = daysOf(two(bytes, start) * 100 + two(bytes, start + 2), two(bytes, start + 5), two(bytes, start + 8))
  return days * day + (hour * 60 + minutes) * minute + seconds * 1e6 + fraction
}

/** The value of a digit; NaN where it is none. */
function one(bytes: Uint8Array, at: number): number {
  const digit = (bytes[at] as number) - 48
  return digit >= 0 && digit <= 9 ? digit : Number.NaN
}

const two = (bytes: Uint8Array, at: number): number => one(bytes, at) * 10 + one(bytes, at + 1)

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const daysBefore = monthDays.map((_, month) => monthDays.slice(0, month).reduce((sum, days) => sum + days, 0))

/** Days since 1970-01-01 of a date in the Gregorian calendar; NaN for one that is not in it. */
function daysOf(year: number, month: number, date: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const most = (monthDays[month - 1] ?? Number.NaN) + (leap && month === 2 ? 1 : 0)
  if (!(date >= 1 && date <= most)) return Number.NaN
  // Leap days before the first of March of this year, counted from the year 0.
  const years = month > 2 ? year : year - 1
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return year * 365 + leapDays + (daysBefore[month - 1] as number) + date - 719_528
}
