import { setTimeout } from 'node:timers/promises'
import type { Micros } from './moment.ts'

/** What time it is, and waiting: a parameter of all that runs for long, so that a test can be its master. */
export interface Clock {
  /** Microseconds since the epoch. */
  now(): Micros
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now() * 1000,
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, signal ? { signal } : {}).catch(() => {}),
}
