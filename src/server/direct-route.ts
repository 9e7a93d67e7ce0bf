import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { authenticate, authorize } from './access/authorize.ts'
import type { Token } from './access/tokens.ts'
import { refusal } from './error-response.ts'
import type { Gate } from './gate.ts'
import { jsonBodyParser } from './json-body.ts'
import { frameworkPath, type Route, type RouteReply, type RouteRequest } from './route.ts'
import type { ServerContext } from './server-context.ts'

const jsonType = /^application\/json(?:; ?charset=utf-8)?$/i

/** Beyond so many, paths are taken apart each time. */
const mostPaths = 1000

/**
 * A route that sends its answers itself, as Node.js carries it, without the framework, which takes as long for a request as a read of
 * the store. It takes what is written plainly: a path without escapes or a query, and JSON of a length that is told. All else it leaves
 * to the framework. The guards are the same, in the same order.
 */
export class DirectRoute {
  readonly #route: Route
  readonly #path: RegExp
  readonly #names: readonly string[]
  readonly #paths = new Map<string, DirectRequest['params']>()
  /** Its path, as metrics tell it. */
  readonly #told: string
  readonly #context: ServerContext
  readonly #gate: Gate
  readonly #log: FastifyBaseLogger
  readonly #parse: ReturnType<typeof jsonBodyParser>
  readonly #validate: ValidateFunction

  constructor(route: Route, app: FastifyInstance, gate: Gate, schemas: Ajv2020, context: ServerContext) {
    this.#route = route
    this.#path = new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '([\\w.-]{1,100})')}$`)
    this.#names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
    this.#told = frameworkPath(route)
    this.#context = context
    this.#gate = gate
    this.#log = app.log
    this.#parse = jsonBodyParser(app)
    this.#validate = schemas.compile(route.body ?? {})
  }

  /** Takes a request, or says that it is another's. */
  takes(raw: IncomingMessage, response: ServerResponse): boolean {
    const { method, url = '', headers } = raw
    if (method !== this.#route.method || !jsonType.test(headers['content-type'] ?? '') || this.#context.state() === 'ending') return false
    // Also where there is none.
    if (!(Number(headers['content-length']) <= this.#context.limits.body)) return false
    const params = this.#paramsOf(url)
    if (params === null) return false
    const request = new DirectRequest(headers, this.#log, params)
    try {
      this.#gate.enter(request, response, this.#told)
      // Before the body is read: who is not known sends nothing.
      if (this.#route.permission) authenticate(request, this.#context)
    } catch (error) {
      this.#refuse(request, raw, response, error)
      return true
    }
    const chunks: Buffer[] = []
    raw.on('data', (chunk: Buffer) => chunks.push(chunk))
    raw.on('end', () => {
      const text = (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString()
      this.#answer(request, text, new DirectReply(response)).catch((error: unknown) => this.#refuse(request, raw, response, error))
    })
    return true
  }

  /** What stands in a path for the route's names; null: it is another's. */
  #paramsOf(path: string): DirectRequest['params'] | null {
    const known = this.#paths.get(path)
    if (known) return known
    const found = this.#path.exec(path)
    if (!found) return null
    const params = Object.fromEntries(this.#names.map((name, place) => [name, found[place + 1]]))
    if (this.#paths.size < mostPaths) this.#paths.set(path, params)
    return params
  }

  async #answer(request: DirectRequest, text: string, reply: DirectReply): Promise<void> {
    this.#parse(request, text, (error, body) => {
      if (error) throw error
      request.body = body
    })
    if (!this.#validate(request.body)) throw Object.assign(new Error('The body is not as described'), { validation: this.#validate.errors })
    if (this.#route.permission) authorize(request, this.#route.permission, this.#context)
    await this.#route.handle(request, reply, this.#context)
  }

  #refuse(request: DirectRequest, { url }: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    // It failed with the answer under way: who reads it sees that it ends too soon.
    if (response.headersSent) return void response.destroy()
    this.#context.observation.refused(thrown)
    const { status, headers, body } = refusal(thrown, request, url)
    const text = Buffer.from(JSON.stringify(body))
    response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8', 'content-length': text.length }).end(text)
  }
}

class DirectRequest implements RouteRequest {
  readonly headers: IncomingHttpHeaders
  readonly log: FastifyBaseLogger
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query = {}
  readonly span = null
  body: unknown = undefined
  token: Token | null = null
  readId = ''
  view = ''

  constructor(headers: IncomingHttpHeaders, log: FastifyBaseLogger, params: DirectRequest['params']) {
    this.headers = headers
    this.log = log
    this.params = params
  }
}

class DirectReply implements RouteReply {
  readonly #response: ServerResponse
  readonly #headers: Record<string, string | number> = {}

  constructor(response: ServerResponse) {
    this.#response = response
  }

  type(value: string): this {
    return this.header('content-type', value)
  }

  header(name: string, value: string): this {
    this.#headers[name] = value
    return this
  }

  send(body: string | Uint8Array): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.#headers['content-length'] = bytes.length
    this.#response.writeHead(200, this.#headers).end(bytes)
  }
}
