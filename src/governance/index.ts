export { type ApplyOptions, applyPlan, refuseViolations } from './apply-plan.ts'
export { type GroupComparison, withholding } from './compare-changes.ts'
export { compareOnline, type ReadOnline } from './compare-online.ts'
export {
  type CompareOptions,
  type Comparison,
  compareAnswers,
  compareGroups,
  compareViews,
  type DifferentValue,
  type FeatureComparison,
  type Question,
  sampleQuestions,
} from './compare-versions.ts'
export { appliedCatalogue, type Consumers, consumersOf, featuresBehind, usageDays, usageSince } from './consumers.ts'
export type { GroupCost } from './cost.ts'
export { type DeprecatedFeature, deprecatedFeature, deprecationsOf } from './deprecated-features.ts'
export { appliedElsewhere, withEverApplied } from './ever-applied.ts'
export { type ForgetOptions, type ForgetReport, type ForgottenPlace, forgetSubject } from './forget.ts'
export { type GroupStatisticsOptions, groupStatistics } from './group-statistics.ts'
export type { Impact } from './impact.ts'
export {
  type Deprecation,
  deprecate,
  isBrownedOut,
  type LifeCycleSubject,
  lifeCycleSubject,
  type RemoveOptions,
  remove,
} from './life-cycle.ts'
export { groupDatasets, type LineageDatasets, servedDatasets, viewDatasets } from './lineage-datasets.ts'
export { OpenLineage, type OpenLineageOptions } from './open-lineage.ts'
export {
  hasChanges,
  type NearDuplicate,
  type Plan,
  type PlannedChanges,
  type PlanOptions,
  planChanges,
} from './plan-changes.ts'
export type { Refusal } from './refusal.ts'
export { type NewModel, registerModel } from './register-model.ts'
export { heldUp, showDeprecation } from './removals.ts'
export {
  type EnvironmentReview,
  type RemoveEnvironmentOptions,
  removeEnvironment,
  reviewEnvironment,
} from './remove-environment.ts'
export { refuseRemoved } from './removed.ts'
export { type Restorable, restorable, restore } from './restore.ts'
export { type RollBackOptions, type RollBackReview, rollBack } from './roll-back.ts'
export { refuseEmptyKeys } from './subject.ts'
export { type SwitchOptions, switchVersion } from './switch-version.ts'
export { type RunningWork, type StatisticsOf, type WorkAmount, WorkLog, type WorkLogOptions } from './work-log.ts'
