import type { Definition, History } from '../definition/index.ts'
import type { EventLog, KafkaEventLogOptions } from '../eventlog/index.ts'
import type { OpenLineageOptions } from '../governance/index.ts'
import type { OfflineStore } from '../offline/index.ts'
import type { OnlineStore, PostgresOnlineStoreOptions, RedisOnlineStoreOptions } from '../online/index.ts'
import type { Head } from '../registry/index.ts'
import type { RegistryOptions } from './stores.ts'

export interface StoreOptions {
  /** A definitions module, a folder of them, or the definitions themselves. */
  readonly definitions: string | readonly Definition[]
  /** Where the embedded stores keep their files; `.lockstep` by default. */
  readonly folder?: string
  /** The online store: `lmdb` (default), `memory`, the url of a server of Redis or PostgreSQL or all of its options, or a driver. */
  readonly online?:
    | 'lmdb'
    | 'memory'
    | { readonly postgres: string | PostgresOnlineStoreOptions }
    | { readonly redis: string | RedisOnlineStoreOptions }
    | OnlineStore
  /** The offline store: Parquet files below `folder` by default, or a driver. */
  readonly offline?: OfflineStore
  /** Other places of sources' histories, by the name of the source. */
  readonly history?: Readonly<Record<string, History>>
  /** Where events are pushed to: `segments` (default), files of this machine's disk; the brokers of Kafka, or all of its options; or a driver. */
  readonly log?: 'segments' | { readonly kafka: readonly string[] | KafkaEventLogOptions } | EventLog
  /** What is known of the definitions: a file of SQLite in `folder` by default, `{ sqlite }`, `{ postgres }`, each with a `retention`, or a driver. */
  readonly registry?: NonNullable<RegistryOptions['registry']>
  /** The name under which the registry keeps what it knows of this store; `dev` by default. */
  readonly environment?: string
  /** What is applied in the environment, where the definitions were made of it: says which versions of views are current. */
  readonly head?: Head | null
  /** The token of who is acting, where roles count in the registry; LOCKSTEP_TOKEN by default, else the user of this machine. */
  readonly token?: string
  /** Who is acting, as the registry records it until roles count in it; LOCKSTEP_USER or the user of this machine by default. */
  readonly by?: string
  /**
   * Who reads with `vector` and `vectors`: where it is named, its reads are told to the registry every ten seconds and at `close`, as those of
   * servers are, and hold up removals. LOCKSTEP_CALLER by default.
   */
  readonly caller?: string
  /** The model that it reads for. */
  readonly model?: string
  /** Whether materialize, backfill and training sets tell the registry, too, what the values of features are like. Off by default. */
  readonly statistics?: boolean
  /** Where events of OpenLineage go that tell of materialize, backfill and training sets: `{ file }` or `{ url }`; nowhere by default. */
  readonly openLineage?: OpenLineageOptions | undefined
  /** Told of what fails beside the work, such as that a registry is away; a warning of the process by default. */
  readonly warn?: (error: unknown) => void
  /** What time it is; the machine's clock by default. */
  readonly clock?: () => Date
}
