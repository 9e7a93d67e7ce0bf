export type { ProjectConfig } from './project-config.ts'
export { openStore, type ReadOptions, Store, type StoreOptions } from './store.ts'
