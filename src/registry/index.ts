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
