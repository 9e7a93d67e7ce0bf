import type { Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { FastifyRequest } from 'fastify'
import { LockstepError } from '../errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of the request, where the server is traced. */
    span: Span | null
  }
}

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceParent = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/

/** Spans of requests, as OpenTelemetry has them: part of the caller's trace where it sends `traceparent`. */
export class Tracing {
  readonly #api: typeof import('@opentelemetry/api')
  readonly #tracer: Tracer
  readonly #shutdown: () => Promise<void>

  private constructor(api: typeof import('@opentelemetry/api'), tracer: Tracer, shutdown: () => Promise<void>) {
    this.#api = api
    this.#tracer = tracer
    this.#shutdown = shutdown
  }

  /**
   * Traces where the environment names a collector, by the variables that all of OpenTelemetry has
   * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/): OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, ... Null where it
   * names none. Throws `INVALID_ARGUMENT` where the packages are missing.
   */
  static async open(environment: NodeJS.ProcessEnv = process.env): Promise<Tracing | null> {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces, OTEL_SDK_DISABLED: off } = environment
    if ((!all && !traces) || off === 'true') return null
    const [api, sdk, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]).catch((cause: unknown) => {
      throw new LockstepError('INVALID_ARGUMENT', 'A collector is named, and the packages of OpenTelemetry are missing', {
        remedy: 'npm install @opentelemetry/api @opentelemetry/sdk-trace @opentelemetry/exporter-trace-otlp-http',
        cause,
      })
    })
    const exporter = new OTLPTraceExporter({ url: traces ?? `${all?.replace(/\/$/, '')}/v1/traces` })
    const provider = new sdk.TracerProvider({ spanProcessors: [new sdk.BatchSpanProcessor({ exporter })] })
    return new Tracing(api, provider.getTracer('lockstep'), () => provider.shutdown())
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

  /** Sends what waits. */
  async close(): Promise<void> {
    await this.#shutdown()
  }
}
