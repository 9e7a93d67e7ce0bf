import { tmpdir } from 'node:os'
import type { History } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import type { TrainingSetOptions } from '../pointintime/index.ts'

export interface ParityOptions extends Pick<TrainingSetOptions, 'threads' | 'temporaryFolder' | 'signal' | 'progress'> {
  /** Rows of each group around whose edges values are compared. Default: 1,000. */
  readonly sample?: number
  /** Keys of each group that take part, with all their rows. Default: 10,000. */
  readonly keys?: number
  /** Rows that the oracle may look at for each group: it looks at all of a key for every value. Default: 2,000,000. */
  readonly oracleRows?: number
  /** Rows of each group that go through the whole engine, over a log and a store on the disk. Default: 2,000. */
  readonly engineRows?: number
  /** Another seed asks other questions and sends events in other orders. Default: 1. */
  readonly seed?: number
  /** Another lateness to try than the sources declare. */
  readonly lateness?: Duration
  /** How many differences of each path are described. Default: 5. */
  readonly limit?: number
  /** Other places of sources' histories, by the name of the source. */
  readonly history?: Readonly<Record<string, History>>
}

const defaults = { sample: 1_000, keys: 10_000, oracleRows: 2_000_000, engineRows: 2_000, seed: 1, limit: 5 }
const least = { sample: 1, keys: 1, oracleRows: 0, engineRows: 0, seed: 0, limit: 0 }

export interface ParitySettings extends Omit<ParityOptions, 'lateness' | keyof typeof defaults>, Readonly<typeof defaults> {
  readonly temporaryFolder: string
  /** Microseconds. */
  readonly lateness: number | undefined
}

/** The options with what they are by default. Throws `INVALID_ARGUMENT` or `INVALID_DURATION`. */
export function paritySettings({ lateness, ...options }: ParityOptions): ParitySettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const settings = { temporaryFolder: tmpdir(), ...defaults, ...given }
  for (const [name, smallest] of Object.entries(least) as [keyof typeof least, number][]) {
    const value = settings[name]
    if (!Number.isSafeInteger(value) || value < smallest)
      throw new LockstepError('INVALID_ARGUMENT', `${name} is ${value} and should be a whole number from ${smallest}`)
  }
  return { ...settings, lateness: lateness === undefined ? undefined : durationMicros(lateness, 'lateness', true) }
}
