import type { ConnectionOptions } from 'node:tls'
import type { Duration } from '../lib/duration.ts'

/** Where Redis or Valkey is and how to reach it. Apart from its driver, so that nobody needs the client for types. */
export interface RedisOnlineStoreOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for encrypted connections. Of a cluster: of one of its nodes. */
  readonly url?: string
  /** In place of `url`: some nodes of a cluster, each as `host:port`; the others are found by them. */
  readonly nodes?: readonly string[]
  /** The servers are a cluster. Default: whether `nodes` are given. */
  readonly cluster?: boolean
  /**
   * In a cluster: the rows of a table lie on all nodes, each by its key. Default: false, where a feature group lies on one node as a
   * whole, which a stream needs to keep it up to date. All processes have to say the same.
   */
  readonly spread?: boolean
  /** Encrypts connections; what Node.js takes for `tls.connect`, such as `ca`, `cert` and `key`. `{}` trusts the usual authorities. */
  readonly tls?: ConnectionOptions
  readonly username?: string
  readonly password?: string
  /** What the names of all keys begin with: letters, digits and `_ @ . -`. Default: `lockstep`. */
  readonly prefix?: string
  /** Rows that were not written for so long are removed by the server. Default: never. */
  readonly expireAfter?: Duration
  /** How long a connection may take, in milliseconds. Default: 3,000. */
  readonly connectTimeout?: number
  /** How long a command may wait for its answer, in milliseconds, with all attempts. Default: 5,000. */
  readonly commandTimeout?: number
}
