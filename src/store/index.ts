export type { PushOptions, StreamOptions } from './live-path.ts'
export type { OnlineRequest } from './online-reads.ts'
export type { ProjectConfig } from './project-config.ts'
export { type ExplainReadOptions, openStore, type ReadOptions, Store, type StoreOptions } from './store.ts'
