import type { Explanation } from '../pointintime/index.ts'
import type { FeatureStatus } from '../serving/index.ts'

/**
 * Why a value that was served is not that of today's history. All but `unexplained` are no faults of the values:
 * `knownLater`: it is what was known then, and events came or were corrected since.
 * `late`: it lacks events that came later than their source's lateness, which live state leaves out.
 * `behind`: it is what was known a while before: the group was not materialized since, or its stream was behind.
 * `definition`: another definition computed it. `stale`, `timedOut`, `failed`: its status says that it is none.
 * `default`: what the view declares was served instead of a value that could not be had.
 */
export const servedReasons = [
  'knownLater',
  'late',
  'behind',
  'definition',
  'stale',
  'timedOut',
  'failed',
  'default',
  'unexplained',
] as const
export type ServedReason = (typeof servedReasons)[number]

/** What was found when served values were computed again from history. */
export interface ServedParityReport {
  readonly view: { readonly name: string; readonly version: number }
  /** Reads and vectors of the log, and when the first and the last were served. */
  readonly reads: number
  readonly vectors: number
  readonly from: string | null
  readonly to: string | null
  /** Values that were compared, those that are those of today's history, and the others by their reason. */
  readonly compared: number
  readonly equal: number
  readonly different: Readonly<Record<ServedReason, number>>
  /** Of those that are `behind`, how far the most, in microseconds. */
  readonly mostBehind: number
  /** Whether something was compared, and every difference has a reason. */
  readonly proven: boolean
  /** The first of each reason. */
  readonly differences: readonly ServedDifference[]
  readonly notes: readonly string[]
  readonly seconds: number
}

export interface ServedDifference {
  readonly reason: ServedReason
  readonly feature: string
  readonly readId: string
  readonly key: Readonly<Record<string, unknown>>
  readonly asOf: string
  readonly servedAt: string
  readonly served: { readonly value: unknown; readonly status: FeatureStatus }
  /** What today's history gives; null also where on-demand code fails on it. */
  readonly expected: unknown
  /** Those that the served value lacks, or has in another version: newest first. */
  readonly events: readonly MissedEvent[]
  /** Of those that are unexplained: the events that the expected value comes from. */
  readonly explanation: Explanation | null
}

export interface MissedEvent {
  readonly source: string
  readonly time: string
  /** When it became known; null where its source does not say. */
  readonly known: string | null
  /** Its id, or its columns where its source declares none. */
  readonly event: Readonly<Record<string, unknown>>
}
