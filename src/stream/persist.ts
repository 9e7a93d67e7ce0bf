import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'

export interface Persistence {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Told of each attempt that failed. */
  readonly warn: (error: unknown) => void
}

/** Waits between attempts, in milliseconds. */
const firstPause = 10
const longestPause = 2000

/** What may be over by itself: another process, or the network, was in the way. */
const passing: ReadonlySet<string> = new Set(['STORE_UNAVAILABLE', 'STORE_LOCKED', 'EVENT_LOG_UNAVAILABLE'])

/** Does a piece of work that may be repeated until it succeeds. Throws what will not pass by itself; null once the signal is aborted. */
export async function persist<T>({ clock, signal, warn }: Persistence, work: () => Promise<T>): Promise<T | null> {
  for (let pause = firstPause; !signal.aborted; pause = Math.min(2 * pause, longestPause)) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LockstepError) || !passing.has(error.code)) throw error
      warn(error)
    }
    await clock.sleep(pause, signal)
  }
  return null
}
