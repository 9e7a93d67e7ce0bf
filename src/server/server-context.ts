import type { Follower, Store } from '../store/index.ts'
import type { RateLimit } from './access/rate-limit.ts'
import type { ServerAccess } from './access/server-access.ts'
import type { Token } from './access/tokens.ts'
import type { Deprecations } from './deprecations.ts'
import type { KeptReads } from './kept-reads.ts'
import type { Observation } from './observation.ts'
import type { ServedViews } from './served-views.ts'
import type { Turnstile } from './turnstile.ts'

/** What the routes of a server share. */
export interface ServerContext {
  readonly store: Store
  readonly views: ServedViews
  /** Has the store adopt what is applied; null where it serves what it was opened with. */
  readonly follower: Follower | null
  readonly kept: KeptReads
  readonly observation: Observation
  readonly access: ServerAccess
  readonly deprecations: Deprecations
  readonly rates: RateLimit
  readonly limits: ServerLimits
  /** Reads of history, of which few run at a time. */
  readonly history: Turnstile
  /** Microseconds, by the store's clock. */
  now(): number
  state(): ServerState
}

/** Whether requests should be sent to a server: not before it can answer all of them, nor once it is told to close. */
export type ServerState = 'starting' | 'ready' | 'ending'

/** What one request may ask. */
export interface ServerLimits {
  /** Bytes of a body. */
  readonly body: number
  /** Entity rows of a read. */
  readonly rows: number
  /** Values of a read: rows times features. */
  readonly values: number
  /** Events of a push. */
  readonly events: number
  /** Requests that are worked on at the same time; more are answered with 429. */
  readonly inFlight: number
  /** Milliseconds that the on-demand code of a read may take. */
  readonly onDemand: number
  /** Milliseconds for a whole request. */
  readonly request: number
}

export const defaultLimits: ServerLimits = {
  body: 1 << 20,
  rows: 1000,
  values: 250_000,
  events: 10_000,
  inFlight: 1000,
  onDemand: 100,
  request: 30_000,
}

/** Who sent a request: the name of their token, and what they call themselves. */
export interface Caller {
  readonly name: string
  readonly model: string
  readonly token: Token | null
}
