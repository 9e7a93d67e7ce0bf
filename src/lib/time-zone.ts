import type { Micros } from './moment.ts'

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

/** How far the clocks of an IANA zone are ahead of UTC at a moment, in milliseconds. */
function offsetMillis(zone: string, millis: number): number {
  const whole = Math.floor(millis / 1000) * 1000
  const part: Record<string, string> = {}
  for (const { type, value } of formatOf(zone).formatToParts(whole)) part[type] = value
  const local = Date.UTC(
    Number(part.year),
    Number(part.month) - 1,
    Number(part.day),
    Number(part.hour),
    Number(part.minute),
    Number(part.second),
  )
  return local - whole
}

const day = 86_400_000

/**
 * The moment at which the clocks of a zone show a local time, given as if it were UTC. As DuckDB (ICU) has it: where clocks
 * repeat an hour the later moment is meant, where they skip one the time before the skip counts on.
 */
export function localToUtc(local: Micros, zone: string): Micros {
  if (zone === 'UTC') return local
  const millis = Math.floor(local / 1000)
  const before = offsetMillis(zone, millis - day)
  const after = offsetMillis(zone, millis + day)
  const offset = offsetMillis(zone, millis - after) === after ? after : before
  return local - offset * 1000
}
