export * from './aggregation.ts'
export { type Catalogue, catalogueOf } from './catalogue.ts'
export { codeHash } from './code-hash.ts'
export { type Entity, entity, type KeyColumns, type KeyOf } from './entity.ts'
export {
  type AggregateNode,
  type AsOfNode,
  type CallNode,
  type ColumnNode,
  Expression,
  type ExpressionNode,
  type LiteralNode,
  literal,
  when,
} from './expression.ts'
export { type FunctionName, functionNames, resultType } from './functions.ts'
export { FeatureGroup, type FeatureGroupData, featureGroup, type ValuesOf } from './group.ts'
export { featureHash, groupHash, onDemandHash, sourceHash, viewHash } from './hash.ts'
export { csv, type FileHistory, fileHistory, type History, ndjson, parquet, type RowsHistory, rows } from './history.ts'
export { type Definition, loadDefinitions } from './load.ts'
export { OnDemand, onDemand } from './on-demand.ts'
export { offerOwnPackage } from './own-package.ts'
export { effectiveMoment, every, live, type Refresh } from './refresh.ts'
export { fingerprintOf, type Reloaded, reloadDefinitions } from './reload.ts'
export { Selection } from './selection.ts'
export { showExpression, showRefresh, showType, showWindow } from './show.ts'
export {
  type CodeOf,
  definitionsOf,
  type Incomplete,
  type Item,
  type ItemKind,
  itemId,
  type MadeItems,
  madeBefore,
  parseItemId,
  type Snapshot,
  snapshotOf,
  snapshotOfCatalogue,
  statusOfItem,
} from './snapshot.ts'
export { type Columns, events, type InvalidRows, type Row, type RowValues, rowOf, type Source, type SourceData, table } from './source.ts'
export { type DefinitionStatus, highestVersion } from './status.ts'
export { type StreamData, type StreamFormat, showFormat, type Topic, type TopicOptions, topic } from './stream.ts'
export {
  type AnyView,
  FeatureView,
  featureView,
  type KeysOf,
  type RequestOf,
  selectionsOf,
  type TrainingRowOf,
  type VectorOf,
} from './view.ts'
export type { WindowData } from './window.ts'
