import { setTimeout } from 'node:timers/promises'
import type { Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { LockstepError } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of the request, where the server is traced. */
    span: Span | null
  }
}

const packages = ['api', 'sdk-trace', 'resources', 'exporter-trace-otlp-http'].map((name) => `@opentelemetry/${name}`)

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceParent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** Milliseconds that a collector is given to take what waits when the server ends. */
const lastChance = 2000

/** Spans of requests, as OpenTelemetry has them: part of the caller's trace where it sends `traceparent`. */
export class Tracing {
  readonly #api: typeof import('@opentelemetry/api')
  readonly #tracer: Tracer
  readonly #shutdown: () => Promise<void>
  readonly #log: FastifyBaseLogger

  private constructor(api: typeof import('@opentelemetry/api'), tracer: Tracer, shutdown: () => Promise<void>, log: FastifyBaseLogger) {
    this.#api = api
    this.#tracer = tracer
    this.#shutdown = shutdown
    this.#log = log
  }

  /**
   * Traces where the environment names a collector, by the variables that all of OpenTelemetry has
   * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/): OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, ... Null where it
   * names none. Throws `INVALID_ARGUMENT` where the packages are missing.
   */
  static async open(log: FastifyBaseLogger, environment: NodeJS.ProcessEnv = process.env): Promise<Tracing | null> {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_SDK_DISABLED: off } = environment
    if ((!all && !traces) || off === 'true') return null
    const [api, sdk, resources, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]).catch((cause: unknown) => {
      throw new LockstepError('INVALID_ARGUMENT', 'A collector is named, and the packages of OpenTelemetry are missing', {
        remedy: `npm install ${packages.join(' ')}`,
        cause,
      })
    })
    const exporter = new OTLPTraceExporter({ url: traces ?? `${all?.replace(/\/$/, '')}/v1/traces` })
    const { defaultResource, detectResources, resourceFromAttributes, resourceAttributesEnvDetector, serviceNameEnvDetector } = resources
    const resource = defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'lockstep' }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))
    const provider = new sdk.TracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor({ exporter })] })
    return new Tracing(api, provider.getTracer('lockstep'), () => provider.shutdown(), log)
  }

  begin(request: FastifyRequest): void {
    const { ROOT_CONTEXT, SpanKind, trace } = this.#api
    const [, traceId, spanId, flags] = traceParent.exec(String(request.headers.traceparent ?? '')) ?? []
    const caller: SpanContext | null =
      traceId && spanId && flags ? { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true } : null
    const parent = caller ? trace.setSpanContext(ROOT_CONTEXT, caller) : ROOT_CONTEXT
    const route = request.routeOptions.url ?? 'unknown'
    const attributes = { 'http.request.method': request.method, 'http.route': route }
    request.span = this.#tracer.startSpan(`${request.method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
  }

  end({ span }: Pick<FastifyRequest, 'span'>, status: number): void {
    if (!span) return
    span.setAttribute('http.response.status_code', status)
    if (status >= 500) span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    span.end()
  }

  /** Sends what waits. A collector that is away costs its spans, and a moment; it is no failure of the server. */
  async close(): Promise<void> {
    const late = setTimeout(lastChance, 'The collector took too long', { ref: false })
    const failed = await Promise.race([this.#shutdown().catch((error: Error) => error.message), late])
    if (failed) this.#log.warn({ reason: failed }, 'The last spans could not be sent')
  }
}
