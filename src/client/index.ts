/** Reads the views of a `lockstep serve` over HTTP: nothing of the stores is loaded. */
import { Client, type ClientOptions } from './client.ts'

export { LockstepError } from '../errors.ts'
export {
  Client,
  type ClientOptions,
  type ExplainedRead,
  type Pushed,
  type ReadVector,
  type ReadVectors,
  type VectorOptions,
  ViewClient,
} from './client.ts'
export type { CallOptions } from './connection.ts'

/** A client of a server. Nothing is sent before the first call. Throws `INVALID_ARGUMENT` for what is no url. */
export const connect = (options: ClientOptions): Client => new Client(options)
