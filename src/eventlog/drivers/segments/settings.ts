import type { Clock } from '../../../lib/clock.ts'
import type { Disk } from '../../../lib/disk.ts'
import type { Micros } from '../../../lib/moment.ts'

export type Fsync = 'always' | 'interval' | 'never'

/** What the parts of the driver share. */
export interface Settings {
  /** The folder of the log. */
  readonly path: string
  readonly fsync: Fsync
  readonly segmentBytes: number
  /** Beyond these, whole segments are removed, the oldest first. */
  readonly retention: { readonly bytes: number; readonly age: Micros }
  readonly disk: Disk
  readonly clock: Clock
}
