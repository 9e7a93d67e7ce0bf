import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { Connection } from '@platformatic/kafka'
import type { KafkaSasl } from '../../kafka-options.ts'
import type { Protocol } from './protocol.ts'
import { Refusal } from './refusal.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface LinkOptions {
  readonly clientId: string
  readonly tls?: ConnectionOptions | undefined
  readonly sasl?: KafkaSasl | undefined
  /** How long a connection may take to be made, and a request to be answered, in milliseconds. */
  readonly connectTimeout: number
  readonly requestTimeout: number
}

/** One version of one kind of request, as the library has it. */
export interface Api<Arguments extends unknown[], Answer> {
  readonly key: number
  readonly version: number
  readonly async: (connection: Connection, ...values: Arguments) => Promise<Answer>
}

/** One connection to one broker, which serves its requests one after the other. Once a request has failed it is not used again. */
export class Link {
  readonly #protocol: Protocol
  readonly #connection: Connection
  readonly #versions = new Map<number, { readonly least: number; readonly most: number }>()
  #broken = false

  private constructor(protocol: Protocol, connection: Connection) {
    this.#protocol = protocol
    this.#connection = connection
  }

  static async open(protocol: Protocol, { host, port }: Address, options: LinkOptions): Promise<Link> {
    const { clientId, tls, sasl, connectTimeout, requestTimeout } = options
    const connection = new protocol.Connection(clientId, {
      connectTimeout,
      requestTimeout,
      // A name is told to the server and must be that of its certificate; an address must not be told.
      ...(tls === undefined ? {} : { tls, tlsServerName: tls.servername ?? isIP(host) === 0 }),
      ...(sasl === undefined ? {} : { sasl }),
    })
    const link = new Link(protocol, connection)
    // The requests under way are told of it; nobody else has to know.
    connection.on('error', () => link.close())
    connection.once('close', () => link.close())
    try {
      await connection.connect(host, port)
      const { apiKeys } = await link.call([protocol.apiVersionsV3.api], 'lockstep', '1')
      for (const { apiKey, minVersion, maxVersion } of apiKeys) link.#versions.set(apiKey, { least: minVersion, most: maxVersion })
      return link
    } catch (error) {
      link.close()
      throw error
    }
  }

  get broken(): boolean {
    return this.#broken
  }

  /** The newest of some versions that the broker knows too. */
  choose<A extends { readonly key: number; readonly version: number }>(apis: readonly A[]): A {
    const chosen = apis.find(({ key, version }) => {
      const known = this.#versions.get(key)
      return known === undefined ? this.#versions.size === 0 : version >= known.least && version <= known.most
    })
    if (chosen === undefined)
      throw new this.#protocol.UnsupportedApiError('the broker is too old, or too new, for this version of Lockstep')
    return chosen
  }

  /** Asks in the newest version that both sides know; error codes within the answer are left to the caller. */
  async call<Arguments extends unknown[], Answer>(apis: readonly Api<Arguments, Answer>[], ...values: Arguments): Promise<Answer> {
    try {
      return await this.choose(apis).async(this.#connection, ...values)
    } catch (error) {
      if (error instanceof this.#protocol.ResponseError) return (error as unknown as { response: Answer }).response
      // A late answer would be taken for that of another request.
      if (!(error instanceof Refusal)) this.close()
      throw error
    }
  }

  close(): void {
    if (this.#broken) return
    this.#broken = true
    this.#connection.socket?.destroy()
  }
}

/** Connections for one purpose, one to each broker, made when they are asked for. */
export class Links {
  readonly #protocol: Protocol
  readonly #options: LinkOptions
  readonly #links = new Map<string, Promise<Link>>()
  #closed = false

  constructor(protocol: Protocol, options: LinkOptions) {
    this.#protocol = protocol
    this.#options = options
  }

  async to(address: Address): Promise<Link> {
    if (this.#closed) throw new this.#protocol.UserError('the event log is closed')
    const name = `${address.host}:${address.port}`
    const known = this.#links.get(name)
    if (known !== undefined) {
      const link = await known
      if (!link.broken) return link
      if (this.#links.get(name) !== known) return this.to(address)
    }
    const opening = Link.open(this.#protocol, address, this.#options)
    this.#links.set(name, opening)
    try {
      const link = await opening
      if (this.#closed) link.close()
      return link
    } catch (error) {
      if (this.#links.get(name) === opening) this.#links.delete(name)
      throw error
    }
  }

  close(): void {
    this.#closed = true
    for (const opening of this.#links.values()) {
      opening.then(
        (link) => link.close(),
        () => undefined,
      )
    }
    this.#links.clear()
  }
}
