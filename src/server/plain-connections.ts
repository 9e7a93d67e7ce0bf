import { type Server as HttpServer, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { DirectAnswer, DirectRoute, RouteParams } from './direct-route.ts'
import { mostBytes, PlainConnection } from './plain-connection.ts'
import { type PlainHead, plainHead } from './plain-head.ts'

export interface PlainConnectionsOptions {
  /** Milliseconds that a connection may rest. */
  readonly idle: number
  /** Whether each answer is the last one on its connection. */
  readonly isEnding: () => boolean
  /** Is told of an answer that could not be made. */
  readonly failed: (error: unknown) => void
}

/** A request for the direct route. */
export interface PlainRequest {
  readonly head: PlainHead
  readonly params: RouteParams
}

/** What it takes of a route. */
type AnsweringRoute = Pick<DirectRoute, 'paramsOf' | 'answer'>

const headEnd = Buffer.from('\r\n\r\n')
const mostHeadBytes = 8 * 1024
/** P */
const firstByte = 0x50

/** Clients write the same few heads again and again. */
const mostHeads = 1000
const mostKeptHead = 1024

/** Milliseconds between two looks at what does not come. */
const lookEvery = 500

/**
 * Answers the requests of one route straight from their connections. The HTTP server of Node.js takes longer to carry a request than all
 * that is done for it. With the first request that is another's, is not written plainly, or comes slowly, a connection goes to that server
 * for good, with all that is not answered: what is wrong, and what is answered to it, is decided there.
 */
export class PlainConnections {
  readonly options: PlainConnectionsOptions
  readonly #route: AnsweringRoute
  readonly #general: (socket: Socket) => void
  readonly #heads = new Map<string, PlainRequest | null>()
  readonly #all = new Set<PlainConnection>()
  #second = -1
  #date = ''

  private constructor(route: AnsweringRoute, options: PlainConnectionsOptions, general: (socket: Socket) => void) {
    this.#route = route
    this.options = options
    this.#general = general
  }

  /** Takes the connections of a server from now on. `event`: what it tells of them, `secureConnection` with TLS. */
  static of(
    server: HttpServer,
    event: 'connection' | 'secureConnection',
    route: AnsweringRoute,
    options: PlainConnectionsOptions,
  ): PlainConnections {
    const [general] = server.listeners(event) as [(socket: Socket) => void]
    const connections = new PlainConnections(route, options, (socket) => general.call(server, socket))
    server.removeListener(event, general)
    server.on(event, (socket: Socket) => connections.#all.add(new PlainConnection(socket, connections)))
    server.once('listening', () => {
      const looking = setInterval(() => connections.#handOverSlow(), lookEvery).unref()
      server.once('close', () => clearInterval(looking))
    })
    return connections
  }

  /** The request that bytes begin with: undefined where its head is not all there yet, null where it is not for the direct route. */
  next(bytes: Buffer): PlainRequest | null | undefined {
    if (bytes[0] !== firstByte) return null
    const end = bytes.indexOf(headEnd)
    if (end < 0 || end > mostHeadBytes) return bytes.length > mostHeadBytes ? null : undefined
    const text = bytes.toString('latin1', 0, end)
    const known = this.#heads.get(text)
    if (known !== undefined) return known
    const request = this.#read(text)
    if (this.#heads.size >= mostHeads) this.#heads.clear()
    if (text.length <= mostKeptHead) this.#heads.set(text, request)
    return request
  }

  #read(text: string): PlainRequest | null {
    const head = plainHead(text)
    if (head === null || head.size + head.length > mostBytes) return null
    const params = this.#route.paramsOf(head)
    return params && { head, params }
  }

  answer({ head, params }: PlainRequest, body: string): Promise<DirectAnswer> {
    return this.#route.answer(head, params, body)
  }

  /** An answer as it is sent. */
  bytes({ status, headers, body }: DirectAnswer, isLast: boolean): Buffer {
    const end = isLast ? 'close' : `keep-alive\r\nkeep-alive: timeout=${Math.floor(this.options.idle / 1000)}`
    const lines = `content-length: ${body.length}\r\ndate: ${this.#now()}\r\nconnection: ${end}`
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${headers}${lines}\r\n\r\n`
    const bytes = Buffer.allocUnsafe(head.length + body.length)
    bytes.write(head, 'latin1')
    bytes.set(body, head.length)
    return bytes
  }

  /** Of a connection that is closed, or whose socket is for the server of Node.js. */
  left(connection: PlainConnection, socket?: Socket): void {
    this.#all.delete(connection)
    if (socket) this.#general(socket)
  }

  /** Closes those on which nothing is under way. */
  closeIdle(): void {
    for (const connection of this.#all) if (connection.isIdle) connection.closeSoon()
  }

  closeAll(): void {
    for (const connection of this.#all) connection.close()
  }

  #handOverSlow(): void {
    const now = performance.now()
    for (const connection of this.#all) connection.handOverSlow(now)
  }

  /** As HTTP writes it; made once a second. */
  #now(): string {
    const second = Math.floor(Date.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#date = new Date(second * 1000).toUTCString()
    }
    return this.#date
  }
}
