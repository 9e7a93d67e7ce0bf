export { type MetricSources, ServerMetrics } from './metrics.ts'
export type { ReadRecord } from './read-record.ts'
export { type FeatureUsage, UsageLog, type UsageLogOptions } from './usage.ts'
