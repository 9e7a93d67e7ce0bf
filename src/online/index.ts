export type { PostgresOnlineStoreOptions } from './postgres-options.ts'
export type {
  OnlineRead,
  OnlineRow,
  OnlineStore,
  OnlineStoreCapabilities,
  OnlineValues,
  TableRows,
  TextChange,
  WriteResult,
} from './store.ts'
