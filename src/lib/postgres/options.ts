import type { ConnectionOptions } from 'node:tls'
import { LockstepError } from '../../errors.ts'

/** Where a PostgreSQL server is and how to use it. Apart from its drivers, so that nobody needs the package of PostgreSQL for types. */
export interface PostgresOptions {
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

/** Options that make sense, with what is used where they say nothing, and the place for messages. */
export interface CheckedPostgresOptions extends Required<Omit<PostgresOptions, 'tls'>>, Pick<PostgresOptions, 'tls'> {
  readonly where: string
}

/** Throws `INVALID_ARGUMENT` where an option makes no sense. */
export function checkPostgresOptions(options: PostgresOptions): CheckedPostgresOptions {
  const { schema = 'lockstep', connections = 10, connectTimeout = 5_000, timeout = 10_000 } = options
  const where = placeOf(options.url)
  if (!/^[a-z_]\w{0,50}$/i.test(schema)) throw invalid('schema', `${JSON.stringify(schema)} is no name for a schema`)
  if (!Number.isSafeInteger(connections) || connections < 1) throw invalid('connections', 'A store needs a connection')
  for (const [option, limit] of Object.entries({ connectTimeout, timeout })) {
    if (!(limit > 0 && limit < 2 ** 31)) throw invalid(option, `A timeout is above 0, not ${limit}`)
  }
  return { ...options, schema, connections, connectTimeout, timeout, where }
}

/** Host and database of a url, for messages: without who comes and how. */
function placeOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new LockstepError('INVALID_ARGUMENT', 'That is no url of a PostgreSQL server', {
      where: 'url',
      remedy: 'Write postgres://user:password@host:5432/database, with special characters as %XX.',
    })
  }
  return `${parsed.host || 'localhost'}${parsed.pathname}`
}

const invalid = (where: string, message: string): LockstepError => new LockstepError('INVALID_ARGUMENT', message, { where })
