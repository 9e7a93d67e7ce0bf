import type { FeatureGroupData } from '../definition/index.ts'
import type { EventLog } from '../eventlog/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { LandedFile } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import type { Landing } from './history-unit.ts'

export interface StreamOptions {
  /** Those whose source has a stream and that are live take part; the others are left alone. */
  readonly groups: readonly FeatureGroupData[]
  readonly log: EventLog
  /** Where state is kept; must have transactions. */
  readonly state: OnlineStore
  /** Other online stores that get the same rows. */
  readonly copies?: readonly OnlineStore[]
  /** Where accepted events land as history; nowhere by default. */
  readonly landing?: Landing | null
  /** Writes to the state what the history of a group gives: see `Fill`. Needed where a source has history or its log begins later. */
  readonly fill?: Fill
  readonly clock?: Clock
  /** The name of this worker; a random one by default. */
  readonly worker?: string
  /** Milliseconds between two commits, at least. Default: 50. */
  readonly commitEvery?: number
  /** Milliseconds of silence after which a worker is taken for dead. Default: 10,000. */
  readonly sessionTimeout?: number
  /** Bytes of state to keep in memory, by unit. */
  readonly stateMemory?: number
  /** Told of what goes wrong and is tried again. */
  readonly warn?: (error: unknown) => void
}

/**
 * Writes to the state the rows of a group, under this version, from all of its declared history and of these files, which have
 * landed of its stream. Rows of a greater version stay.
 */
export type Fill = (group: FeatureGroupData, landed: readonly LandedFile[], version: Uint8Array, signal: AbortSignal) => Promise<void>
