export type { LiveKey, LiveSource } from './group-reader.ts'
export { checkOnlineMeta, onlineMeta, onlineTable, recentTable } from './online-table.ts'
export type { FeatureState, FeatureStatus, Vector } from './vector.ts'
export { ViewReader, type ViewReaderOptions } from './view-reader.ts'
