import { LockstepError } from '../../../errors.ts'
import { type Access, type Address, splitAddress } from './settings.ts'

/** What an argument of a command may be. A text is sent as UTF-8. */
export type Argument = string | Buffer
/** Bulk strings are buffers; errors within arrays do not occur with the commands that are used here. */
export type Reply = Buffer | string | number | null | Reply[]

/** A connection of the package, as far as it is used. */
export interface Client {
  connect(): Promise<unknown>
  destroy(): void
  sendCommand(command: readonly Argument[]): Promise<unknown>
  on(event: 'ready' | 'error', listener: (error?: unknown) => void): unknown
}

export type Package = typeof import('@redis/client')

/** The package is loaded when a store is first used: nobody else needs it. */
export async function loadPackage(): Promise<Package> {
  try {
    return await import('@redis/client')
  } catch (cause) {
    throw new LockstepError('STORE_UNAVAILABLE', 'The package @redis/client, which speaks to Redis, cannot be loaded', {
      remedy: 'npm install @redis/client',
      cause,
    })
  }
}

const firstPause = 20
const longestPause = 500
/** So many commands may wait for their answers. */
const mostWaiting = 10_000

/** A connection that tries to be one from `connect` to `destroy`; while it is none, commands fail at once. */
export function makeClient({ createClient, RESP_TYPES }: Package, address: Address, access: Access): Client {
  const { username, password, database, tls, connectTimeout } = access
  const { host, port } = splitAddress(address)
  return createClient({
    RESP: 2,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    database,
    socket: {
      ...(tls === null ? {} : { servername: isName(host) ? host : '', ...tls, tls: true }),
      host,
      port,
      connectTimeout,
      reconnectStrategy: (retries: number) => Math.min(longestPause, firstPause * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2),
    },
    disableOfflineQueue: true,
    disableClientInfo: true,
    commandsQueueMaxLength: mostWaiting,
    commandOptions: { timeout: 0, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  }) as unknown as Client
}

/** Only names, and not addresses, tell a server which certificate to show. */
const isName = (host: string): boolean => !/^[\d.]+$|:/.test(host)
