import { join } from 'node:path'
import { LockstepError } from '../errors.ts'
import { segmentsEventLog } from '../eventlog/drivers/segments.ts'
import { type EventLog, prefixedLog } from '../eventlog/index.ts'
import { systemClock } from '../lib/clock.ts'
import type { PostgresOptions } from '../lib/postgres/options.ts'
import { parquetOfflineStore } from '../offline/drivers/parquet.ts'
import type { OfflineStore } from '../offline/index.ts'
import { lmdbOnlineStore } from '../online/drivers/lmdb.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { postgresOnlineStore } from '../online/drivers/postgres.ts'
import { redisOnlineStore } from '../online/drivers/redis.ts'
import type { OnlineStore } from '../online/index.ts'
import { postgresDocumentStore } from '../registry/drivers/postgres.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { type DocumentStore, Registry, type Retention } from '../registry/index.ts'
import type { StoreOptions } from './store-options.ts'

/** The stores behind a store, each opened when it is first used. */
export class Stores {
  readonly #options: StoreOptions
  #online: OnlineStore | null = null
  /** For what the online store is known to be free, or this environment's. */
  #owned: 'read' | 'write' | null = null
  #offline: OfflineStore | null = null
  #log: Promise<EventLog> | null = null
  #registry: Registry | null = null

  constructor(options: StoreOptions) {
    this.#options = options
  }

  get online(): OnlineStore {
    this.#online ??= this.#openOnline()
    return this.#online
  }

  /**
   * The online store once it is known that no other environment has its rows there: they are named by group and version, so two would
   * overwrite each other's. From the first that writes on it is its own. Throws `INVALID_ARGUMENT`.
   */
  async ownOnline(use: 'read' | 'write'): Promise<OnlineStore> {
    const { online } = this
    if (this.#owned === 'write' || this.#owned === use) return online
    for (let owner = await online.readMeta(ownerTable); owner !== this.environment; owner = await online.readMeta(ownerTable)) {
      if (owner !== null) throw ofAnother(online.name, owner, this.environment)
      if (use === 'read') break
      if (online.commit) await online.commit([{ table: ownerTable, expected: null, text: this.environment }], [])
      else await online.writeMeta(ownerTable, this.environment)
    }
    this.#owned = use
    return online
  }

  get offline(): OfflineStore {
    this.#offline ??= this.#options.offline ?? parquetOfflineStore({ path: join(this.folder, 'offline') })
    return this.#offline
  }

  get registry(): Registry {
    this.#registry ??= openRegistry(this.#options)
    return this.#registry
  }

  /** The log that events are pushed to. The client of Kafka is loaded only where it is used. */
  get log(): Promise<EventLog> {
    this.#log ??= this.#openLog()
    return this.#log
  }

  /** Where the events of streams land as history. */
  get landingFolder(): string {
    return join(this.folder, 'landed')
  }

  #openOnline(): OnlineStore {
    const { online = 'lmdb' } = this.#options
    if (online === 'memory') return memoryOnlineStore()
    if (online === 'lmdb') return lmdbOnlineStore({ path: join(this.folder, 'online') })
    if ('postgres' in online) return postgresOnlineStore(typeof online.postgres === 'string' ? { url: online.postgres } : online.postgres)
    if ('redis' in online) return redisOnlineStore(typeof online.redis === 'string' ? { url: online.redis } : online.redis)
    return online
  }

  async #openLog(): Promise<EventLog> {
    const { log = 'segments' } = this.#options
    if (log === 'segments') return segmentsEventLog({ path: join(this.folder, 'log') })
    if (!('kafka' in log)) return log
    const { kafkaEventLog } = await import('../eventlog/drivers/kafka.ts')
    const options = 'brokers' in log.kafka ? log.kafka : { brokers: log.kafka }
    const { prefix = '' } = options
    if (!/^[\w.-]{0,100}$/.test(prefix))
      throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(prefix)} is no prefix of topics`, {
        where: 'log.kafka.prefix',
        remedy: 'Use up to 100 letters, digits and _ . -',
      })
    return prefix === '' ? kafkaEventLog(options) : prefixedLog(kafkaEventLog(options), prefix)
  }

  get environment(): string {
    return this.#options.environment ?? 'dev'
  }

  /** Where the embedded stores keep their files. */
  get folder(): string {
    return this.#options.folder ?? '.lockstep'
  }

  async close(): Promise<void> {
    if (this.#log) await (await this.#log).close()
    await this.#online?.close()
    await this.#offline?.close()
    await this.#registry?.close()
  }
}

/** Where a registry is, and how long it keeps what comes with use. Of a file of SQLite `registry.sqlite` in the folder by default. */
export type RegistryPlace =
  | { readonly sqlite?: string; readonly retention?: Retention }
  | { readonly postgres: string | PostgresOptions; readonly retention?: Retention }

/** A registry: a file of SQLite by default, a place, or a driver. */
export interface RegistryOptions {
  readonly registry?: 'sqlite' | RegistryPlace | DocumentStore | Registry
  readonly folder?: string
  readonly clock?: () => Date
}

/** Opens the registry of a project; nothing is made before the first commit. */
export function openRegistry({ registry = 'sqlite', folder = '.lockstep', clock }: RegistryOptions): Registry {
  if (registry instanceof Registry) return registry
  const retention = typeof registry === 'object' && 'retention' in registry ? registry.retention : undefined
  return new Registry(documentsOf(registry, folder), clock && { ...systemClock, now: () => clock().getTime() * 1000 }, retention)
}

function documentsOf(registry: Exclude<RegistryOptions['registry'], Registry | undefined>, folder: string): DocumentStore {
  if (registry === 'sqlite') return sqliteDocumentStore({ path: join(folder, 'registry.sqlite') })
  if ('commit' in registry) return registry
  const unknown = Object.keys(registry).find((name) => !['sqlite', 'postgres', 'retention'].includes(name))
  if (unknown !== undefined)
    throw new LockstepError('INVALID_ARGUMENT', `There is no registry of the kind ${unknown}`, {
      where: 'registry',
      remedy: "Use 'sqlite', { sqlite: path }, { postgres: url } or a driver; retention goes with those of a place.",
    })
  if (!('postgres' in registry)) return sqliteDocumentStore({ path: registry.sqlite ?? join(folder, 'registry.sqlite') })
  return postgresDocumentStore(typeof registry.postgres === 'string' ? { url: registry.postgres } : registry.postgres)
}

/** Its text is the name of the environment whose rows the online store holds. */
const ownerTable = 'environment'

const ofAnother = (store: string, owner: string, environment: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `The ${store} online store holds the rows of the environment ${owner}, and not of ${environment}`, {
    where: `environment ${environment}`,
    remedy:
      'Give each environment a folder of its own, another server, a prefix of its own in Redis, or a schema of its own in PostgreSQL.',
  })

/** An empty online store for what is measured, or thrown away. */
export const scratchOnlineStore = (): OnlineStore => memoryOnlineStore()
