import { type FeatureGroupData, groupHash } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { isStreamed } from '../plan/index.ts'

/** The layouts of stored rows; raised when one changes, so that old rows are refused rather than misread. */
const layout = 1
const streamedLayout = 2

/** What is known of an online table as a whole, as its text in the store. */
export interface OnlineTableMeta {
  readonly layout: number
  readonly hash: string
}

/** The table of an online store that holds a version of a group. */
export const onlineTable = (group: FeatureGroupData): string => `${group.name}@${group.version}`

/** The table beside it with the events since a row was sealed, of a group that a stream keeps up to date. */
export const recentTable = (group: FeatureGroupData): string => `${onlineTable(group)}:recent`

/** What the last run that wrote a group's table says of itself: up to when it read history, in microseconds. */
export const runTable = (group: FeatureGroupData): string => `${onlineTable(group)}:run`

export const onlineMeta = (group: FeatureGroupData): string =>
  JSON.stringify({ layout: isStreamed(group) ? streamedLayout : layout, hash: groupHash(group) } satisfies OnlineTableMeta)

/** Throws `DEFINITION_MISMATCH` where rows were written by a definition that gives other values. An empty table fits any. */
export function checkOnlineMeta(group: FeatureGroupData, text: string | null): void {
  if (text === null || text === onlineMeta(group)) return
  throw new LockstepError(
    'DEFINITION_MISMATCH',
    `The online store holds ${group.name} version ${group.version} as another definition computed it`,
    {
      remedy: `Raise the version of ${group.name}, or materialize it with --rebuild, which replaces what is stored.`,
    },
  )
}
