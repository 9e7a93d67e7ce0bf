export { BoundGroup } from './bound-group.ts'
export { CatalogueSearch, type Found, type FoundKind, foundKinds, type SearchOptions, type SearchResult } from './catalogue-search.ts'
export { checkRules, type RuleName, type Severity } from './check-rules.ts'
export { type CheckOptions, checkDefinitions, type Finding } from './checks.ts'
export { type ColumnUse, columnsOf, columnsOfFeature } from './columns-of.ts'
export { type ChangeEffect, type Difference, differenceOf, type ItemDifference, type PartChange, type StoredDifference } from './diff.ts'
export { compileExpression, compileFilter, type LeafNode } from './evaluate-expression.ts'
export { type CellColumn, cellReader, type EventBlock } from './event-block.ts'
export { type EventState, EventStateCodec } from './event-state.ts'
export { expressionSql } from './expression-sql.ts'
export {
  type AggregatePlan,
  type EventGroupPlan,
  type FeaturePlan,
  type GroupPlan,
  planGroup,
  type SeriesPlan,
  type StatePlan,
  type TableGroupPlan,
  windowReach,
} from './group-plan.ts'
export { bare as bareId, SnapshotTexts } from './item-parts.ts'
export {
  columnId,
  featureId,
  Lineage,
  type LineageDirection,
  type LineageEdge,
  type LineageNode,
  type LineagePart,
  type LineageReaders,
  type LineageUse,
  viewFeatureId,
} from './lineage.ts'
export {
  isStreamed,
  type LiveState,
  LiveStateCodec,
  noEvents,
  type StateBase,
  type StateEvents,
  stateBlock,
  wholeHistory,
} from './live-state.ts'
export { runStep } from './on-demand-step.ts'
export type { RowFunction } from './operand.ts'
export { type Policy, type PolicyFinding, policy } from './policies.ts'
export { PolicyGraph } from './policy-graph.ts'
export { pushable, type SplitFilter } from './pushable.ts'
export { showDifference } from './show-difference.ts'
export { type SimilarFeature, SimilarFeatures } from './similar-features.ts'
export { readBeforeState, StateReader } from './state-reader.ts'
export { evaluateRow } from './table-row.ts'
export { type StoredRow, type TableState, TableStateCodec } from './table-state.ts'
export { type Target, targetOf } from './target.ts'
export {
  type GroupUse,
  type NamedValue,
  type OnDemandStep,
  type OutputValue,
  pickFeatures,
  planView,
  type ValueSource,
  type ViewPlan,
} from './view-plan.ts'
