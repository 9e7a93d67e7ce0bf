export type { OnlineRead, OnlineRow, OnlineStore, OnlineStoreCapabilities, OnlineValues, WriteResult } from './store.ts'
