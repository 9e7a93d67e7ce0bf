export { checkOnlineMeta, onlineMeta, onlineTable, recentTable } from './online-table.ts'
export type { FeatureState, FeatureStatus, Vector } from './vector.ts'
export { ViewReader } from './view-reader.ts'
