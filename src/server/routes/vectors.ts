import { LockstepError } from '../../errors.ts'
import { durationMicros } from '../../lib/duration.ts'
import { formatMoment, momentMicros } from '../../lib/moment.ts'
import type { ReadRecord } from '../../monitoring/index.ts'
import type { Answer, Keys } from '../../serving/index.ts'
import type { AnswerForm } from '../answer-encoder.ts'
import { arrowType, encodeArrowAnswer } from '../arrow-answer.ts'
import { placedInBody } from '../body-place.ts'
import { callerOf } from '../caller.ts'
import type { DeprecationNotice } from '../deprecations.ts'
import { inPath } from '../error-response.ts'
import { type JsonSchema, listOf, objectOf } from '../json-schema.ts'
import { pathParameter, type Route, type RouteRequest } from '../route.ts'
import type { ServedView } from '../served-views.ts'
import { defaultLimits, type ServerContext } from '../server-context.ts'

/** The body of a read. */
export interface VectorsRequest {
  readonly version?: number
  readonly keys?: Keys
  readonly rows?: readonly Keys[]
  readonly request?: Keys
  readonly requests?: readonly Keys[]
  readonly features?: readonly string[]
  readonly as_of?: string
  readonly as_known?: boolean
  readonly max_staleness?: string
  readonly budget_ms?: number
  readonly layout?: AnswerForm['layout']
  readonly names?: AnswerForm['names']
  readonly include?: readonly ('statuses' | 'event_times' | 'types' | 'timings')[]
  readonly int64?: AnswerForm['int64']
  readonly on_demand_errors?: 'mark' | 'fail'
  readonly store_errors?: 'fail' | 'mark'
  readonly explain?: boolean
  readonly caller?: string
  readonly model?: string
}

const keysSchema: JsonSchema = { type: 'object', description: 'Values of key columns by name.', maxProperties: 32 }
const requestSchema: JsonSchema = { type: 'object', description: 'Request values by name.', maxProperties: 256 }

export const vectorsBody: JsonSchema = objectOf({
  version: { type: 'integer', minimum: 1, description: 'The version of the view; the one that is current by default.' },
  keys: { ...keysSchema, description: 'Keys that all rows share. Without rows, those of the one row.' },
  rows: { ...listOf(keysSchema, defaultLimits.rows, 1), description: 'The keys of each row, as far as they are not shared.' },
  request: { ...requestSchema, description: 'Request values of all rows.' },
  requests: { ...listOf(requestSchema, defaultLimits.rows, 1), description: 'Request values of each row, instead.' },
  features: { ...listOf({ type: 'string', maxLength: 200 }, 10_000, 1), description: 'Only these, in this order.' },
  as_of: { type: 'string', maxLength: 40, description: 'ISO 8601; now by default.' },
  as_known: { type: 'boolean', description: 'As known at as_of, from history: what came late does not count. Takes seconds.' },
  max_staleness: { type: 'string', maxLength: 40, description: "A duration, '1h': what was stored longer before is STALE and null." },
  budget_ms: { type: 'number', minimum: 0, maximum: 60_000, description: 'After it, what is not there is TIME_OUT.' },
  layout: { enum: ['rows', 'columns'], default: 'rows', description: 'Values row by row, or feature by feature.' },
  names: { enum: ['once', 'per_row'], default: 'once', description: 'per_row: values as objects.' },
  include: {
    ...listOf({ enum: ['statuses', 'event_times', 'types', 'timings'] }, 4),
    uniqueItems: true,
    default: ['statuses'],
    description: 'What comes beside the values.',
  },
  int64: { enum: ['string', 'number'], default: 'string', description: 'How 64-bit integers are written.' },
  on_demand_errors: {
    enum: ['mark', 'fail'],
    default: 'mark',
    description: 'On-demand code that throws: FAILED features, or a failed request.',
  },
  store_errors: { enum: ['fail', 'mark'], default: 'fail', description: 'A store that is down: a failed request, or FAILED features.' },
  explain: { type: 'boolean', description: 'Keep this read, so that it can be explained by its id.' },
  caller: { type: 'string', maxLength: 200, description: 'Who asks; instead of the header lockstep-caller.' },
  model: { type: 'string', maxLength: 200, description: 'For which model; instead of the header lockstep-model.' },
})

const named: JsonSchema = { type: ['array', 'object'], description: 'In the order of features, or by name.' }

export const vectorsAnswer: JsonSchema = objectOf(
  {
    read_id: { type: 'string' },
    view: { type: 'string' },
    version: { type: 'integer' },
    as_of: { type: 'string' },
    source: { enum: ['online', 'history'] },
    features: { type: 'array', items: { type: 'string' } },
    types: { type: 'array', items: { type: 'string' } },
    rows: { type: 'array', items: objectOf({ values: named, statuses: named, event_times: named }, ['values']) },
    columns: {
      type: 'array',
      items: objectOf(
        {
          name: { type: 'string' },
          values: { type: 'array' },
          statuses: { type: 'array', items: { type: 'string' } },
          event_times: { type: 'array' },
        },
        ['name', 'values'],
      ),
    },
    errors: { type: 'array', items: { type: 'object' }, description: 'Why features are FAILED.' },
    deprecated: {
      type: 'array',
      items: { type: 'object' },
      description: 'Features that are deprecated: since when, why, what to read instead, and until when they stay.',
    },
    timings: objectOf({ total_ms: { type: 'number' } }),
  },
  ['read_id', 'view', 'version', 'as_of', 'features'],
)

export const vectorsRoute: Route = {
  method: 'POST',
  path: '/v1/views/{view}/vectors',
  operationId: 'readVectors',
  summary: 'The values of a view for entity rows',
  permission: { operation: 'read', of: (request) => pathParameter(request, 'view') },
  body: vectorsBody,
  answer: { schema: vectorsAnswer },
  errors: [404, 503],
  async handle(request, reply, context) {
    const started = performance.now()
    const body = (request.body ?? {}) as VectorsRequest
    const served = inPath(() => context.views.get(pathParameter(request, 'view'), body.version))
    const read = await readVectors(served, body, request, context, started).catch((error: unknown) => {
      throw placedInBody(error, body, served)
    })
    read.notice?.header(reply)
    const include = body.include ?? ['statuses']
    if (accepts(request, arrowType)) {
      const { answer } = read
      const { view } = served
      return await reply
        .type(arrowType)
        .header('lockstep-read-id', read.id)
        .send(await encodeArrowAnswer(answer, view.keys, read.rows, include))
    }
    const form: AnswerForm = {
      layout: body.layout ?? 'rows',
      names: body.names ?? 'once',
      statuses: include.includes('statuses'),
      eventTimes: include.includes('event_times'),
      types: include.includes('types'),
      int64: body.int64 ?? 'string',
    }
    const { answer, id, notice } = read
    const { name, version } = served.view
    const head = `{"read_id":"${id}","view":"${name}","version":${version},"as_of":"${formatMoment(answer.moment)}","source":"${read.source}",`
    const errors = answer.failures.length > 0 ? `,"errors":${JSON.stringify(answer.failures)}` : ''
    const timings = () => (include.includes('timings') ? `,"timings":{"total_ms":${(performance.now() - started).toFixed(3)}}` : '')
    const text = served.encoder(answer.plan, form.int64).encode(answer, form, head, () => `${errors}${notice?.member ?? ''}${timings()}}`)
    return reply.type('application/json; charset=utf-8').send(text)
  },
}

export interface ServedRead {
  readonly id: string
  readonly answer: Answer
  readonly source: 'online' | 'history'
  readonly rows: readonly Keys[]
  /** What is deprecated of what was read; null: nothing. */
  readonly notice: DeprecationNotice | null
}

/** Reads what a request asks for, and reports it once it is answered. */
export async function readVectors(
  served: ServedView,
  body: VectorsRequest,
  request: RouteRequest,
  context: ServerContext,
  started: number,
): Promise<ServedRead> {
  const { store, limits, kept, observation } = context
  const { view } = served
  const id = kept.nextId()
  request.view = view.name
  request.readId = id
  const rows = body.rows?.map((row) => served.keys(row)) ?? [{}]
  const shared = served.keys(body.keys ?? {})
  if (body.request && body.requests) throw invalid('Both request and requests are given', 'requests')
  const requests = (body.requests ?? [body.request ?? {}]).map((given) => served.request(given))
  const values = rows.length * (body.features?.length ?? served.plan.output.length)
  if (rows.length > limits.rows) throw invalid(`There are ${rows.length} rows, ${limits.rows} at most`, 'rows')
  if (values > limits.values) throw invalid(`${values} values are asked for, ${limits.values} at most`, 'rows')
  const asOf = body.as_of === undefined ? context.now() : momentMicros(body.as_of, 'body.as_of')
  const features = body.features ? { features: body.features } : {}
  const history = body.as_known === true
  if (history) refuseLimits(body)
  // What becomes known from here on may or may not be in it.
  const knownAt = context.now()
  const read = {
    rows,
    shared,
    requests,
    moment: asOf,
    ...features,
    onDemandLimit: limits.onDemand,
    onDemandErrors: body.on_demand_errors ?? 'mark',
  }
  const answer = history
    ? await context.history.run(() => store.answerFromHistory(view, read))
    : await store.answer(view, {
        ...read,
        ...(body.max_staleness === undefined ? {} : { maxStaleness: durationMicros(body.max_staleness, 'body.max_staleness') }),
        ...(body.budget_ms === undefined ? {} : { deadline: started + body.budget_ms }),
        storeErrors: body.store_errors ?? 'fail',
      })
  const { name: caller, model } = callerOf(request, body)
  const { plan } = answer
  const notice = context.deprecations.of(plan)
  if (notice) {
    notice.brownOut(answer, knownAt / 1000)
    context.deprecations.tell(request.log, notice, `${view.name}@${view.version}`, caller)
  }
  const record: ReadRecord = {
    id,
    view: view.name,
    version: view.version,
    caller,
    model,
    moment: answer.moment,
    knownAt,
    ...context.views.columnsOf(plan),
    keys: body.keys === undefined ? rows : rows.map((row) => ({ ...shared, ...row })),
    requests,
    cell: (row, feature) => answer.cell(row, feature),
    status: (row, feature) => answer.status(row, feature),
    groups: served.groups,
    micros: Math.round((performance.now() - started) * 1000),
  }
  if (history) observation.used(record)
  else observation.read(record, answer)
  request.span?.setAttributes({ 'lockstep.view': view.name, 'lockstep.rows': rows.length, 'lockstep.read_id': id })
  const keep = () => kept.keep(record, { hash: served.hash, store: history ? 'history' : store.onlineName })
  if (body.explain) await keep()
  else if (kept.chosen()) void keep().catch((error) => request.log.warn(error))
  return { id, answer, source: history ? 'history' : 'online', rows: record.keys, notice }
}

/** History is read whole, however long it takes. */
function refuseLimits(body: VectorsRequest): void {
  for (const field of ['budget_ms', 'max_staleness'] as const)
    if (body[field] !== undefined) throw invalid(`${field} does not apply to a read as known`, field)
}

/** Whether a media type is among those that a request names. */
const accepts = ({ headers: { accept = '' } }: RouteRequest, type: string): boolean =>
  accept !== '' && accept.split(',').some((named) => named.split(';')[0]?.trim().toLowerCase() === type)

const invalid = (message: string, field: string): LockstepError => new LockstepError('INVALID_REQUEST', message, { where: `body.${field}` })
