export { encodeArrow, type NamedColumn } from './arrow.ts'
export { Interrupt, type Progress } from './context.ts'
export { evaluateUse } from './evaluate-use.ts'
export { type ExplainOptions, explainFeature } from './explain.ts'
export type {
  AggregateExplanation,
  EventsExplanation,
  Explanation,
  JsonRecord,
  JsonValue,
  Nearest,
  OnDemandExplanation,
  OutsideEvent,
  ShownEvent,
  ShownRow,
  TableExplanation,
} from './explanation.ts'
export { groupValues, historyColumns, historySql } from './group-values.ts'
export { type LabelOptions, type Labels, labelsFrom } from './labels.ts'
export { engineOptions, workersWithin } from './memory-budget.ts'
export type { Split } from './split.ts'
export { buildTrainingSet, type TrainingColumn, TrainingSet, type TrainingSetOptions, type TrainingStatistics } from './training-set.ts'
export { valueStatistics } from './value-statistics.ts'
export { outputFormat, type TrainingFormat, type TrainingSetManifest, type WriteOptions } from './write-training-set.ts'
