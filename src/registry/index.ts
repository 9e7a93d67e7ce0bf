export {
  type Applied,
  Applies,
  type Apply,
  type ApplyKind,
  type CurrentChange,
  type CurrentVersions,
  currentAfter,
  type Head,
  type ItemChange,
  type ItemReference,
  itemChanges,
  itemParts,
  type NewApply,
  type State,
} from './applies.ts'
export type {
  Commit,
  Condition,
  Document,
  DocumentPlace,
  DocumentStore,
  DocumentStoreCapabilities,
  ListOptions,
} from './documents.ts'
export { Registry } from './registry.ts'
export { momentOfKey, timeKey, timePrefix } from './time-key.ts'
export { type FeatureRead, type ReadCount, Usage } from './usage.ts'
