export { openStore, type ReadOptions, Store, type StoreOptions } from './store.ts'
