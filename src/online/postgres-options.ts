import type { ConnectionOptions } from 'node:tls'

/** Where a PostgreSQL server is and how to use it. Apart from its driver, so that nobody needs the package of PostgreSQL for types. */
export interface PostgresOnlineStoreOptions {
  /** `postgres://user:password@host:5432/database`; what it leaves out comes from the variables `PGUSER`, `PGPASSWORD` and so on. */
  readonly url: string
  /** Encrypts connections; what Node.js takes for `tls.connect`, such as `ca`. `{}` trusts the usual authorities. The url's `sslmode` goes before. */
  readonly tls?: ConnectionOptions
  /** The schema that holds the tables, both made where they are not there. Default: `lockstep`. */
  readonly schema?: string
  /** How many connections this process holds at most. Default: 10. */
  readonly connections?: number
  /** How long to wait for a connection, in milliseconds. Default: 5,000. */
  readonly connectTimeout?: number
  /** How long a statement may take, in milliseconds; a call may need several. Default: 10,000. */
  readonly timeout?: number
}
