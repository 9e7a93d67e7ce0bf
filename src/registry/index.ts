export { Access, type NewPrincipalToken } from './access.ts'
export { AccessState, isAdminOfAll, isValid, type Principal, type PrincipalToken } from './access-state.ts'
export { accessTarget, broughtTarget } from './access-target.ts'
export { type Acting, actingIn } from './acting.ts'
export {
  type Applied,
  Applies,
  type Apply,
  type ApplyKind,
  type CurrentChange,
  type CurrentVersions,
  changesOfCurrent,
  currentAfter,
  type Head,
  type ItemChange,
  type ItemReference,
  itemChanges,
  type NewApply,
  type State,
  stateHash,
} from './applies.ts'
export { Audit, type AuditEntry, type AuditEvent, type AuditFilter, type NewAuditEvent } from './audit.ts'
export type {
  Commit,
  Condition,
  Document,
  DocumentPlace,
  DocumentRange,
  DocumentReads,
  DocumentStore,
  DocumentStoreCapabilities,
  ListOptions,
} from './documents.ts'
export { type EnvironmentDocuments, environmentDocuments, placesIn } from './environment-documents.ts'
export {
  allows,
  checkGrant,
  type Grant,
  grantFor,
  grantsWithin,
  type Operation,
  operations,
  type Role,
  roles,
  showGrant,
  type Target,
} from './grants.ts'
export {
  type BrownOut,
  type LifeCycle,
  LifeCycles,
  type LifeStatus,
  lifeStatuses,
  type NewLifeCycle,
  type Tombstone,
} from './life-cycles.ts'
export { holdsIn, type Model, Models, type ModelVersion } from './models.ts'
export { Registry, type Trimmed } from './registry.ts'
export type { Retention } from './retention.ts'
export { type Run, type RunKind, type RunQuery, type RunRate, Runs, seenEvery } from './runs.ts'
export { type Standing, Standings, searchWithStatus } from './standings.ts'
export { type FeatureStatistics, Statistics, type StatisticsOrigin, type ValueStatistics } from './statistics.ts'
export { momentOfKey, timeKey, timePrefix } from './time-key.ts'
export { type ErasedRows, type TrainingSetQuery, type TrainingSetRecord, TrainingSets } from './training-sets.ts'
export { exportRegistry, type ImportResult, importRegistry, type RegistryExport } from './transfer.ts'
export { dayOf, type FeatureRead, type ReadCount, Usage } from './usage.ts'
export { RegistryWatch, type Watcher, type Watching } from './watch.ts'
