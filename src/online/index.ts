export type { PostgresOptions as PostgresOnlineStoreOptions } from '../lib/postgres/options.ts'
export { tableFamily } from './family.ts'
export type { RedisOnlineStoreOptions } from './redis-options.ts'
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
