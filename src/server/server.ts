import { createRequire } from 'node:module'
import { isIPv4, isIPv6 } from 'node:net'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify, LogController } from 'fastify'
import { LockstepError } from '../errors.ts'
import { durationMicros } from '../lib/duration.ts'
import { type Follower, type Store, unguarded } from '../store/index.ts'
import { authenticate, authorize } from './access/authorize.ts'
import { RateLimit } from './access/rate-limit.ts'
import { ServerAccess } from './access/server-access.ts'
import { callerOf } from './caller.ts'
import { answerClientError } from './client-error.ts'
import { Deprecations } from './deprecations.ts'
import { DirectRoute } from './direct-route.ts'
import { publicError, type Refusal, refusal, refusalOf } from './error-response.ts'
import { Gate } from './gate.ts'
import { jsonBodyParser } from './json-body.ts'
import { KeptReads } from './kept-reads.ts'
import { Observation } from './observation.ts'
import { OpenParts } from './open-parts.ts'
import { openApiDocument } from './openapi.ts'
import { PlainConnections } from './plain-connections.ts'
import { frameworkPath, type Route } from './route.ts'
import { eventsRoute } from './routes/events.ts'
import { explainReadRoute, explainRoute } from './routes/explain.ts'
import { feastPushRoute, feastReadRoute } from './routes/feast.ts'
import { materializeRoute } from './routes/groups.ts'
import { healthRoute, readyRoute } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { openApiRoute } from './routes/openapi.ts'
import { catalogueRoutes } from './routes/registry-catalogue.ts'
import { lifeCycleRoutes } from './routes/registry-life-cycle.ts'
import { lifeCycleListRoutes } from './routes/registry-life-cycles.ts'
import { callerRoutes } from './routes/registry-me.ts'
import { recordRoutes } from './routes/registry-records.ts'
import { thingRoutes } from './routes/registry-things.ts'
import { tectonRoute } from './routes/tecton.ts'
import { vectorsRoute } from './routes/vectors.ts'
import { viewRoute, viewsRoute } from './routes/views.ts'
import { ServedViews } from './served-views.ts'
import { defaultLimits, type ServerContext, type ServerLimits, type ServerState } from './server-context.ts'
import { Turnstile } from './turnstile.ts'

export interface ServerOptions {
  /** 127.0.0.1 by default. Others need tokens or `insecure`. */
  readonly host?: string
  /** 0 (default): any that is free. */
  readonly port?: number
  /** PEM texts of a certificate and its key. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Whether a token is asked for: off the loopback interface always, on it where this says so. */
  readonly tokens?: boolean
  /** Serves other machines without tokens. */
  readonly insecure?: boolean
  readonly limits?: Partial<ServerLimits>
  /** The share of reads that is kept for explanations (0.001), and for how long ('1h'). */
  readonly explain?: { readonly share?: number; readonly keep?: string }
  /** A sample of what is served, as Parquet below a folder; off by default. */
  readonly featureLog?: { readonly folder: string; readonly share: number }
  /** What goes to the log, on stderr: `info` tells of start, stop and failures, `debug` of each request. */
  readonly log?: 'silent' | 'error' | 'warn' | 'info' | 'debug'
  /** Has the store adopt what is applied while it is served, which `/ready` and metrics tell of. */
  readonly follower?: Follower
  /** Until it resolves `/ready` fails: what has to be there before requests are sent here. */
  readonly after?: Promise<unknown>
  /** Milliseconds between being told to stop and refusing connections, so that balancers see `/ready` fail. */
  readonly drain?: number
}

/** Serves the views of a store over HTTP until it is closed. */
export class Server implements AsyncDisposable {
  /** `http://127.0.0.1:8080` */
  readonly url: string
  readonly #app: FastifyInstance
  readonly #closing: () => Promise<void>
  #closed: Promise<void> | null = null

  private constructor(url: string, app: FastifyInstance, closing: () => Promise<void>) {
    this.url = url
    this.#app = app
    this.#closing = closing
  }

  /**
   * Opens the views of a store, and listens. Throws `DEFINITION_MISMATCH` where the online store holds rows of other definitions, and
   * `INVALID_ARGUMENT` where other machines could read without a token, or the port is taken.
   */
  static async start(store: Store, options: ServerOptions = {}): Promise<Server> {
    const parts = new OpenParts()
    try {
      return await Server.#start(store, options, parts)
    } catch (error) {
      await parts.close()
      throw error
    }
  }

  static async #start(given: Store, options: ServerOptions, parts: OpenParts): Promise<Server> {
    // It judges each request by itself, and hands out what all views hold.
    const store = await unguarded(given, 'write')
    const { host = '127.0.0.1', port = 0, tls, insecure = false, drain = 0 } = options
    const needed = options.tokens ?? (!isLoopback(host) && !insecure)
    if (!isLoopback(host) && !needed && !insecure) throw openToAll(host)
    const limits = { ...defaultLimits, ...options.limits }
    const clock = { now: () => store.now(), sleep: () => Promise.resolve() }
    const kept = new KeptReads({
      folder: join(store.folder, 'reads'),
      share: options.explain?.share ?? 0.001,
      keep: durationMicros(options.explain?.keep ?? '1h', 'explain.keep'),
      rows: 100,
      clock,
    })
    const views = await parts.opened(ServedViews.open(store))
    const connections = {
      maxHeaderSize: 16_384,
      // Node.js keeps to it only where its limit of headers, a minute, is no longer: given here, it shortens both.
      requestTimeout: limits.request,
      connectionsCheckingInterval: Math.min(5000, Math.max(100, limits.request / 4)),
    }
    const app = fastify({
      logger: { level: options.log ?? 'warn', redact: ['req.headers.authorization'], stream: process.stderr },
      // A request has its read id; a logger of its own would cost it as much as its read of the store.
      childLoggerFactory: (logger: FastifyBaseLogger) => logger,
      logController: new LogController({ disableRequestLogging: true }),
      bodyLimit: limits.body,
      requestTimeout: limits.request,
      keepAliveTimeout: keepAlive,
      http: connections,
      forceCloseConnections: 'idle',
      exposeHeadRoutes: false,
      clientErrorHandler: answerClientError,
      frameworkErrors: (thrown: Error, _request: FastifyRequest, reply: FastifyReply) => {
        const { status, error } = publicError(thrown)
        send(reply, refusalOf(status, error))
      },
      ...(tls ? { https: { ...checkedTls(tls), ...connections } } : {}),
    } as object) as unknown as FastifyInstance
    const access = await parts.opened(ServerAccess.open(store, { needed, insecure }, app.log))
    const observation = await parts.opened(Observation.open(store, options.featureLog, options.follower ?? null, app.log))
    const deprecations = await parts.opened(Deprecations.open(store, app.log))
    let state: ServerState = options.after === undefined ? 'ready' : 'starting'
    options.after?.then(
      () => {
        if (state === 'starting') state = 'ready'
      },
      (error) => app.log.error(error),
    )
    const context: ServerContext = {
      store,
      views,
      follower: options.follower ?? null,
      kept,
      observation,
      access,
      deprecations,
      rates: new RateLimit(),
      limits,
      history: new Turnstile(1, 32),
      now: () => store.now(),
      state: () => state,
    }
    const routes: Route[] = [
      ...[vectorsRoute, viewsRoute, viewRoute, eventsRoute, explainReadRoute, explainRoute, materializeRoute],
      ...[feastReadRoute, feastPushRoute, tectonRoute],
      ...[...callerRoutes, ...catalogueRoutes, ...thingRoutes, ...recordRoutes, ...lifeCycleListRoutes, ...lifeCycleRoutes],
      ...[healthRoute, readyRoute, metricsRoute(observation.metrics), openApiRoute(() => (access.isNeeded ? guarded : open))],
    ]
    const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
    const [open, guarded] = [false, true].map((needsToken) => openApiDocument(routes, version, needsToken)) as [object, object]
    if (!isLoopback(host) && !access.isNeeded) app.log.warn({ host }, 'Other machines can read and write without a token')
    observation.watch(app)
    if (options.log === 'debug') app.addHook('onResponse', hook(tell))
    const gate = new Gate(observation, limits.inFlight)
    // Queries hold texts only.
    const [strict, lenient] = [new Ajv2020({ strict: false, allErrors: false }), new Ajv2020({ strict: false, coerceTypes: true })]
    app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? strict : lenient).compile(schema))
    prepare(app, gate, () => state === 'ending')
    for (const route of routes) addRoute(app, route, context)
    // What traces requests and logs each of them is in the framework; else most reads go without it.
    const isDirect = !observation.traces && options.log !== 'debug'
    const plain = isDirect
      ? PlainConnections.of(
          app.server,
          tls ? 'secureConnection' : 'connection',
          new DirectRoute(vectorsRoute, app, gate, strict, context),
          {
            idle: keepAlive,
            isEnding: () => state === 'ending',
            failed: (error) => app.log.error(error),
          },
        )
      : null
    const url = await app.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
      throw new LockstepError('INVALID_ARGUMENT', `The server cannot listen on ${host}:${port}: ${error.message}`, { cause: error })
    })
    return new Server(url, app, async () => {
      state = 'ending'
      if (drain > 0) await new Promise((resolve) => setTimeout(resolve, drain))
      // Connections that are kept alive end as soon as nothing is under way on them.
      const idle = setInterval(() => {
        app.server.closeIdleConnections()
        plain?.closeIdle()
      }, 50)
      // Who has not sent the whole of a request by then is not waited for.
      const limit = setTimeout(() => {
        app.server.closeAllConnections()
        plain?.closeAll()
      }, limits.request)
      await app.close().finally(() => {
        clearInterval(idle)
        clearTimeout(limit)
      })
      await parts.close()
    })
  }

  /** The server underneath, for requests without a network. */
  get app(): FastifyInstance {
    return this.#app
  }

  /** Says at `/ready` that it ends, answers what is under way, and closes. The store stays open. */
  async close(): Promise<void> {
    this.#closed ??= this.#closing()
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Milliseconds that a connection may rest: longer than balancers keep theirs. */
const keepAlive = 72_000

/** Refusals and errors that all routes share. */
function prepare(app: FastifyInstance, gate: Gate, isEnding: () => boolean): void {
  app.addContentTypeParser('application/json', { parseAs: 'string' }, jsonBodyParser(app) as never)
  app.decorateRequest('token', null)
  app.decorateRequest('readId', '')
  const enter = (request: FastifyRequest, reply: FastifyReply): void => {
    const { url = 'unknown', config } = request.routeOptions
    const leave = gate.enter(request, url, config.isOpen)
    // Also of requests that are cut off.
    reply.raw.on('close', () => leave(reply.raw.writableFinished ? reply.raw.statusCode : 499))
    // Clients ask elsewhere before their connections are closed.
    if (isEnding()) reply.header('connection', 'close')
    if (!config.isOpen) gate.refuseTooMany()
  }
  app.addHook('onRequest', hook(enter))
  app.setErrorHandler((thrown: Error & { code?: string }, request, reply) => {
    const { bodyLimit } = request.routeOptions
    const told = thrown.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? Object.assign(thrown, { bodyLimit }) : thrown
    send(reply, refusal(told, request, request.url))
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new LockstepError('UNKNOWN_NAME', `There is no ${request.method} ${request.url.split('?')[0]}`, {
      remedy: '/openapi.json lists all endpoints.',
    })
    send(reply, refusalOf(404, error))
  })
}

const send = (reply: FastifyReply, { status, headers, body }: Refusal): void => void reply.status(status).headers(headers).send(body)

function addRoute(app: FastifyInstance, route: Route, context: ServerContext): void {
  const { method, permission, query, body } = route
  const guards =
    permission === null
      ? {}
      : {
          // Before the body is read: who is not known sends nothing.
          preParsing: hook((request) => authenticate(request, context)),
          preHandler: hook((request) => authorize(request, permission, context)),
        }
  app.route({
    method,
    url: frameworkPath(route),
    schema: { ...(query ? { querystring: query } : {}), ...(body ? { body } : {}) },
    config: { isOpen: permission === null },
    // Balancers ask by HEAD too.
    exposeHeadRoute: method === 'GET' && permission === null,
    ...guards,
    handler: (request, reply) => route.handle(request, reply, context),
  })
}

/** A check as a hook of Fastify, whatever the hook's other arguments; the last one goes on. */
const hook =
  (check: (request: FastifyRequest, reply: FastifyReply) => void) =>
  (request: FastifyRequest, reply: FastifyReply, ...rest: unknown[]): void => {
    const done = rest.at(-1) as (error?: Error) => void
    let refused: Error | undefined
    try {
      check(request, reply)
    } catch (error) {
      refused = error as Error
    }
    done(refused)
  }

/** Tells the log of a request that was answered; without its query, in which some have secrets. */
function tell(request: FastifyRequest, reply: FastifyReply): void {
  const { method, url, view, readId } = request
  const { name: caller } = callerOf(request)
  const ms = Math.round(reply.elapsedTime * 1000) / 1000
  request.log.debug(
    { read_id: readId || undefined, method, path: url.split('?')[0], view, caller, status: reply.statusCode, ms },
    'request',
  )
}

/** Throws `INVALID_ARGUMENT` where a certificate or a key is none, or they do not belong together. */
function checkedTls({ certificate, key }: NonNullable<ServerOptions['tls']>): { cert: string; key: string } {
  const pair = { cert: certificate, key }
  try {
    createSecureContext(pair)
  } catch (cause) {
    throw new LockstepError('INVALID_ARGUMENT', `The certificate or its key cannot be used: ${(cause as Error).message}`, { cause })
  }
  return pair
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && host === '::1')

const openToAll = (host: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `On ${host} other machines could read everything without a token`, {
    remedy: 'Serve with tokens (lockstep token create), or say --insecure.',
  })
