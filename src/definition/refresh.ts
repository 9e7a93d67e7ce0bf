import { type Duration, durationMicros } from '../lib/duration.ts'

/**
 * When a group's values change. Live: at every moment. Scheduled: at ticks, multiples of `every` since the epoch (UTC);
 * its value at q is its value as of the last tick `<= q - delay`. Microseconds.
 */
export type Refresh = { readonly kind: 'live' } | { readonly kind: 'scheduled'; readonly every: number; readonly delay: number }

export const live: Refresh = Object.freeze({ kind: 'live' })

/** Values as of ticks: `every('1d')` at midnight UTC; with a delay the tick takes effect that much later. */
export function every(period: Duration, options: { readonly delay?: Duration } = {}): Refresh {
  return Object.freeze({
    kind: 'scheduled',
    every: durationMicros(period, 'every'),
    delay: durationMicros(options.delay ?? '0s', 'delay', true),
  })
}

/** The moment whose value a group has at q. */
export function effectiveMoment(refresh: Refresh, q: number): number {
  return refresh.kind === 'live' ? q : Math.floor((q - refresh.delay) / refresh.every) * refresh.every
}
