import type { FeatureGroupData } from '../definition/index.ts'
import { onlineTable } from '../serving/index.ts'

/** The tables and texts of an online store that belong to the live path. */

/** The text of a group's unit: a partition of its feed. */
export const unitTable = (group: FeatureGroupData, partition: number): string => `${onlineTable(group)}:${partition}`

/** The text that says whether and from where a group was filled. */
export const fillTable = (group: FeatureGroupData): string => `${onlineTable(group)}:fill`

/** The text of the unit that lands a partition of a source's topic in history. */
export const historyTable = (source: string, partition: number): string => `history:${source}:${partition}`

/** The text that says which topic the positions of a source are of. */
export const topicTable = (source: string): string => `topic:${source}`

/** The text of the unit that routes a partition of a source's topic to an internal topic. */
export const routerTable = (topic: string, partition: number): string => `router:${topic}:${partition}`
