import { LockstepError } from '../errors.ts'
import { type Duration, durationMicros } from '../lib/duration.ts'
import type { Micros } from '../lib/moment.ts'

/** How long a registry keeps what comes with use. The audit log is not among it: only an admin takes entries out, exported before. */
export interface Retention {
  /** Applies of each environment, the newest: one can go back to each of them. Default: 1,000. */
  readonly applies?: number
  /** Runs, since they began. Default: `'400d'`, and no more than 10,000 runs. */
  readonly runs?: Duration
  /** What values were like, since it was computed. Default: `'400d'`, and no more than 100 times of a feature. */
  readonly statistics?: Duration
  /** Who read what, by day; 30 days at least, as what was read in these is not removed. Default: `'400d'`. */
  readonly usage?: Duration
}

/** A retention with all that it leaves out; durations in microseconds. */
export interface Kept {
  readonly applies: number
  readonly runs: Micros
  readonly statistics: Micros
  readonly usage: Micros
}

const names = ['applies', 'runs', 'statistics', 'usage']
const day = durationMicros('1d', 'day')
const leastUsage = 30 * day

/** Throws `INVALID_ARGUMENT` for a retention that makes no sense. */
export function keptOf(retention: Retention = {}): Kept {
  const unknown = Object.keys(retention).find((name) => !names.includes(name))
  if (unknown !== undefined) throw refused(unknown, `There is no retention of ${unknown}`, `Say it of ${names.join(', ')}.`)
  const { applies = 1000, runs = '400d', statistics = '400d', usage = '400d' } = retention
  if (!Number.isInteger(applies) || applies < 1)
    throw refused('applies', `${applies} applies cannot be kept`, 'Write a whole number from 1 on: what is applied is the newest of them.')
  const kept = {
    applies,
    runs: durationMicros(runs, 'retention.runs'),
    statistics: durationMicros(statistics, 'retention.statistics'),
    usage: durationMicros(usage, 'retention.usage'),
  }
  if (kept.usage < leastUsage)
    throw refused('usage', 'Who read what is asked for 30 days when something is to be removed', 'Keep it for 30d or more.')
  return kept
}

const refused = (name: string, message: string, remedy: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', message, { where: `retention.${name}`, remedy })
