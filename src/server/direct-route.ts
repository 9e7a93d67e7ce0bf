import { validateHeaderValue } from 'node:http'
import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { authenticate, authorize } from './access/authorize.ts'
import type { Token } from './access/tokens.ts'
import { refusal } from './error-response.ts'
import type { Gate } from './gate.ts'
import { jsonBodyParser } from './json-body.ts'
import type { PlainHead } from './plain-head.ts'
import { frameworkPath, type Route, type RouteReply, type RouteRequest } from './route.ts'
import type { ServerContext } from './server-context.ts'

/** What stands in a path for the names of a route. */
export type RouteParams = Readonly<Record<string, string>>

export interface DirectAnswer {
  readonly status: number
  /** Lines, each with its end. */
  readonly headers: string
  readonly body: Uint8Array
  /** Told once it is sent, with its status, or with 499 where it could not be. */
  readonly sent: (code: number) => void
}

const jsonType = /^application\/json(?:; ?charset=utf-8)?$/i

/**
 * A route whose requests are answered without the framework, which takes longer for one than the store for a read. It takes what is
 * written plainly, and leaves all else to the framework. The guards are the same, in the same order.
 */
export class DirectRoute {
  readonly #route: Route
  readonly #path: RegExp
  readonly #names: readonly string[]
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

  /** Of a request that is for this route; null: it is another's. */
  paramsOf({ method, path, headers, length }: PlainHead): RouteParams | null {
    if (method !== this.#route.method || !jsonType.test(headers['content-type'] ?? '') || length > this.#context.limits.body) return null
    const found = this.#path.exec(path)
    return found && Object.fromEntries(this.#names.map((name, place) => [name, found[place + 1] as string]))
  }

  /** Answers a request, also with what is wrong with it. */
  async answer({ path, headers }: PlainHead, params: RouteParams, text: string): Promise<DirectAnswer> {
    const request = new DirectRequest(headers, this.#log, params)
    const sent = this.#gate.enter(request, this.#told)
    try {
      const reply = new DirectReply()
      this.#gate.refuseTooMany()
      await this.#handle(request, text, reply)
      return { status: 200, headers: reply.headers, body: reply.body, sent }
    } catch (error) {
      this.#context.observation.refused(error)
      const { status, headers: more, body } = refusal(error, request, path)
      const reply = new DirectReply().type('application/json; charset=utf-8')
      for (const [name, value] of Object.entries(more)) reply.header(name, value)
      reply.send(JSON.stringify(body))
      return { status, headers: reply.headers, body: reply.body, sent }
    }
  }

  #handle(request: DirectRequest, text: string, reply: DirectReply): unknown {
    const { permission } = this.#route
    if (permission) authenticate(request, this.#context)
    this.#parse(request, text, (error, body) => {
      if (error) throw error
      request.body = body
    })
    if (!this.#validate(request.body)) throw Object.assign(new Error('The body is not as described'), { validation: this.#validate.errors })
    if (permission) authorize(request, permission, this.#context)
    return this.#route.handle(request, reply, this.#context)
  }
}

class DirectRequest implements RouteRequest {
  readonly headers: RouteRequest['headers']
  readonly log: FastifyBaseLogger
  readonly params: RouteParams
  readonly query = {}
  readonly span = null
  body: unknown = undefined
  token: Token | null = null
  readId = ''
  view = ''

  constructor(headers: RouteRequest['headers'], log: FastifyBaseLogger, params: RouteParams) {
    this.headers = headers
    this.log = log
    this.params = params
  }
}

const nothing = new Uint8Array(0)

class DirectReply implements RouteReply {
  headers = ''
  body: Uint8Array = nothing

  type(value: string): this {
    return this.header('content-type', value)
  }

  header(name: string, value: string): this {
    validateHeaderValue(name, value)
    this.headers += `${name}: ${value}\r\n`
    return this
  }

  send(body: string | Uint8Array): void {
    this.body = typeof body === 'string' ? Buffer.from(body) : body
  }
}
