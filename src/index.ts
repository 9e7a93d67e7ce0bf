export * from './definition/index.ts'
export { type ErrorCode, errorCatalogue, LockstepError } from './errors.ts'
export type {
  ConsumeOptions,
  Consumer,
  EventLog,
  EventLogCapabilities,
  LogRecord,
  NewRecord,
  PartitionOffsets,
  RecordHeader,
  RecordPosition,
} from './eventlog/index.ts'
export { partitionOfKey } from './eventlog/index.ts'
export type { MaterializeResult } from './materialize/index.ts'
export type {
  OnlineRead,
  OnlineRow,
  OnlineStore,
  OnlineStoreCapabilities,
  OnlineValues,
  PostgresOnlineStoreOptions,
  RedisOnlineStoreOptions,
  TableRows,
  TextChange,
  WriteResult,
} from './online/index.ts'
export type { ParityDifference, ParityOptions, ParityPath, ParityReport } from './parity/index.ts'
export { type CheckOptions, checkDefinitions, type Finding, type Policy, type PolicyFinding, PolicyGraph, policy } from './plan/index.ts'
export type { Explanation } from './pointintime/index.ts'
export { type Split, TrainingSet, type TrainingSetManifest } from './pointintime/index.ts'
export type {
  Commit,
  Condition,
  Document,
  DocumentPlace,
  DocumentReads,
  DocumentStore,
  DocumentStoreCapabilities,
  ListOptions,
} from './registry/index.ts'
export { Registry } from './registry/index.ts'
export { type ColumnType, t, type ValueOf } from './schema/index.ts'
export type { FeatureState, FeatureStatus, Vector } from './serving/index.ts'
export { Follower, type Following, type FollowOptions, openStore, type ProjectConfig, Store, type StoreOptions } from './store/index.ts'
