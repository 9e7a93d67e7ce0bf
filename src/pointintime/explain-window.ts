import { type BoundWindow, sessionStarts, sinceStarts, WindowCursor } from '../aggregation/index.ts'
import { showExpression, type WindowData } from '../definition/index.ts'
import { formatDuration } from '../lib/duration.ts'

/** What a window holds of a key's events at a moment, and why it begins where it does. Microseconds. */
export interface WindowPart {
  /** The events at positions `[low, high)`, found by the cursor that finds them in every path. */
  readonly low: number
  readonly high: number
  /** The first moment that counts; null where there is none. Where two events are of this moment, `low` tells which count. */
  readonly from: number | null
  /** The first moment after it that does not count. */
  readonly to: number
  readonly reason: string
  /** Why the event at a position below `low` is outside. */
  whyBefore(position: number): string
}

/** The events of one key, at `times` in event order, as a window sees them at `moment`; `matches` is the condition of a since window. */
export function windowPart(window: WindowData, times: Float64Array, matches: (position: number) => boolean, moment: number): WindowPart {
  const cursor = new WindowCursor()
  cursor.bind(boundWindow(window, times, matches), times)
  cursor.load(0, times.length)
  cursor.seek(moment)
  const { low, high } = cursor
  return { low, high, ...beginning(window, times, low, high, moment - window.delay) }
}

function boundWindow(window: WindowData, times: Float64Array, matches: (position: number) => boolean): BoundWindow {
  const keyStarts = [0, times.length]
  if (window.kind === 'session') return { ...window, starts: sessionStarts(times, keyStarts, window.gap) }
  if (window.kind === 'since') return { kind: 'since', delay: window.delay, starts: sinceStarts(matches, keyStarts, times.length) }
  return window
}

function beginning(window: WindowData, times: Float64Array, low: number, high: number, end: number): Omit<WindowPart, 'low' | 'high'> {
  const timeAt = (position: number) => times[position] as number
  const from = (start: number, reason: string, to = end) => ({
    from: start,
    to,
    reason,
    whyBefore: (position: number) => `${shortDuration(start - timeAt(position))} before the window`,
  })
  switch (window.kind) {
    case 'lifetime':
      return { from: null, to: end, reason: 'every event before its end', whyBefore: () => '' }
    case 'sliding': {
      const left = end - window.length
      if (window.resolution === 0) return from(left, `${formatDuration(window.length)} before its end`)
      const multiple = Math.floor(left / window.resolution) * window.resolution
      return from(
        multiple,
        `${formatDuration(window.length)} before its end, moved back to a multiple of ${formatDuration(window.resolution)}`,
      )
    }
    case 'tumbling': {
      const bucket = Math.floor(end / window.length) * window.length
      const length = formatDuration(window.length)
      if (window.part === 'current') return from(bucket, `the beginning of the current bucket of ${length}`)
      return from(bucket - window.length, `the beginning of the last complete bucket of ${length}`, bucket)
    }
    case 'session': {
      const gap = formatDuration(window.gap)
      if (high === 0) return { from: end, to: end, reason: 'there is no event yet, so no session', whyBefore: () => '' }
      if (low === high) {
        const quiet = shortDuration(end - timeAt(high - 1))
        return {
          from: end,
          to: end,
          reason: `the last session is over: quiet for ${quiet}, longer than ${gap}`,
          whyBefore: () => `its session is over: a pause longer than ${gap} followed`,
        }
      }
      const first = { from: timeAt(low), to: end }
      if (low === 0) return { ...first, reason: 'the first event of the key', whyBefore: () => '' }
      const pause = shortDuration(timeAt(low) - timeAt(low - 1))
      return {
        ...first,
        reason: `the first event after a pause of ${pause}, longer than ${gap}`,
        whyBefore: () => `before the pause of ${pause} after which the session began`,
      }
    }
    case 'since': {
      const condition = showExpression(window.condition)
      if (low === 0) return { from: null, to: end, reason: `no event matches ${condition}, so that every one counts`, whyBefore: () => '' }
      return {
        from: timeAt(low - 1),
        to: end,
        reason: `after the last event that matches ${condition}`,
        whyBefore: (position) =>
          position === low - 1 ? 'the window begins after this event' : 'before the event after which the window begins',
      }
    }
  }
}

/** A length of time in its two largest units. */
export function shortDuration(micros: number): string {
  const units = formatDuration(micros).match(/\d+[a-z]+/g) ?? []
  return units.slice(0, 2).join('')
}
