import { LockstepError } from '../../errors.ts'
import { formatMoment } from '../../lib/moment.ts'
import type { Cell, TypeData } from '../../schema/index.ts'
import type { FeatureStatus, Keys } from '../../serving/index.ts'
import { cellText } from '../answer-encoder.ts'
import { type JsonSchema, objectOf } from '../json-schema.ts'
import type { Route } from '../route.ts'
import { readVectors, type ServedRead } from './vectors.ts'

/** Parameters stand in snake case or in camel case. */
type Parameters = Readonly<Record<string, unknown>>

/** Tecton has four statuses. */
const tectonStatuses: Readonly<Record<FeatureStatus, string>> = {
  PRESENT: 'PRESENT',
  DEFAULTED: 'PRESENT',
  NULL: 'MISSING_DATA',
  NOT_FOUND: 'MISSING_DATA',
  STALE: 'MISSING_DATA',
  TIME_OUT: 'TIME_OUT',
  FAILED: 'UNKNOWN_STATUS',
}

const camelCase = (snake: string): string => snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
const both = (snake: string, schema: JsonSchema): Readonly<Record<string, JsonSchema>> => ({ [snake]: schema, [camelCase(snake)]: schema })
const name: JsonSchema = { type: 'string', maxLength: 200 }
const values: JsonSchema = { type: 'object', maxProperties: 288 }
const flag: JsonSchema = { type: 'boolean' }

export const tectonRoute: Route = {
  method: 'POST',
  path: '/api/v1/feature-service/get-features',
  operationId: 'tectonGetFeatures',
  summary: "The values of a view for one entity row, as Tecton's clients ask for them",
  description: 'A feature service is a view: `ranking`, or `ranking:v2` for its version 2. Names may be in snake case or camel case.',
  permission: { operation: 'read', of: (request) => serviceOf(paramsOf(request.body)).view },
  body: objectOf(
    {
      params: {
        ...objectOf({
          ...both('feature_service_name', { ...name, description: 'A view.' }),
          ...both('workspace_name', { ...name, description: 'Not looked at.' }),
          ...both('join_key_map', { ...values, description: 'Key columns. Integers may be texts.' }),
          ...both('request_context_map', { ...values, description: 'Request values. Integers may be texts.' }),
          ...both('metadata_options', {
            type: 'object',
            properties: Object.assign(
              {},
              ...['names', 'effective_times', 'data_types', 'slo_info', 'serving_status'].map((each) => both(`include_${each}`, flag)),
            ) as Record<string, JsonSchema>,
          }),
          ...both('request_options', {
            type: 'object',
            properties: both('latency_budget_ms', {
              type: 'number',
              minimum: 0,
              maximum: 60_000,
              description: 'After it, what is not there is TIME_OUT.',
            }),
          }),
        }),
        additionalProperties: true,
      },
    },
    ['params'],
  ),
  answer: {
    schema: objectOf(
      {
        result: objectOf({ features: { type: 'array' } }),
        metadata: objectOf({ features: { type: 'array', items: { type: 'object' } }, sloInfo: { type: 'object' } }),
      },
      ['result'],
    ),
  },
  errors: [503],
  async handle(request, reply, context) {
    const started = performance.now()
    const params = paramsOf(request.body)
    const { view, version } = serviceOf(params)
    const served = context.views.get(view, version)
    const row = asValues(served.view.keys, of(params, 'join_key_map'))
    const given = asValues(served.view.request, of(params, 'request_context_map'))
    const budget = member(of(params, 'request_options'), 'latency_budget_ms')
    const limited = typeof budget === 'number' ? { budget_ms: budget } : {}
    const read = await readVectors(served, { rows: [row], request: given, ...limited }, request, context, started)
    read.notice?.header(reply)
    const metadata = metadataOf(view, read, of(params, 'metadata_options'), performance.now() - started)
    const { output } = read.answer.plan
    const features = output.map(({ type }, feature) => valueText(type, read.answer.cells[feature] as Cell))
    return reply
      .header('lockstep-read-id', read.id)
      .type('application/json; charset=utf-8')
      .send(`{"result":{"features":[${features.join(',')}]}${metadata === undefined ? '' : `,"metadata":${JSON.stringify(metadata)}`}}`)
  },
}

const paramsOf = (body: unknown): Parameters => (body as { params?: Parameters } | undefined)?.params ?? {}

const member = (params: Parameters, snake: string): unknown => params[snake] ?? params[camelCase(snake)]

const of = (params: Parameters, snake: string): Parameters => (member(params, snake) ?? {}) as Parameters

function serviceOf(params: Parameters): { readonly view: string; readonly version: number | undefined } {
  const service = member(params, 'feature_service_name')
  if (typeof service !== 'string') throw new LockstepError('INVALID_REQUEST', 'Give a feature_service_name', { where: 'body.params' })
  const [, view = service, version] = /^(.+):v(\d{1,9})$/.exec(service) ?? []
  return { view, version: version === undefined ? undefined : Number(version) }
}

/** Tecton's clients write integers as texts. */
function asValues(types: Readonly<Record<string, TypeData>>, given: Parameters): Keys {
  return Object.fromEntries(
    Object.entries(given).map(([each, value]) => {
      const isNumber = types[each]?.kind === 'integer' && typeof value === 'string' && /^-?\d{1,16}$/.test(value)
      return [each, isNumber ? Number(value) : value]
    }),
  )
}

function metadataOf(view: string, { answer }: ServedRead, options: Parameters, milliseconds: number): object | undefined {
  const wants = (what: string) => member(options, `include_${what}`) === true
  if (!['names', 'effective_times', 'data_types', 'slo_info', 'serving_status'].some(wants)) return undefined
  const features = answer.plan.output.map(({ name, type }, feature) => {
    const time = answer.eventTime(0, feature)
    return {
      ...(wants('names') ? { name: `${view}.${name}` } : {}),
      ...(wants('effective_times') && time !== null ? { effectiveTime: formatMoment(time) } : {}),
      ...(wants('data_types') ? { dataType: tectonType(type) } : {}),
      ...(wants('serving_status') ? { status: tectonStatuses[answer.status(0, feature)] } : {}),
    }
  })
  const sloInfo = { serverTimeSeconds: milliseconds / 1000 }
  return { features, ...(wants('slo_info') ? { sloInfo } : {}) }
}

/** Integers stand as texts, as Tecton's do. */
function valueText(type: TypeData, cell: Cell): string {
  if (cell === null) return 'null'
  if (type.kind === 'integer') return `"${cell}"`
  // Structs of Tecton say their fields beforehand; these are JSON as text.
  if (type.kind === 'struct') return JSON.stringify(cell)
  if (type.kind === 'list') return `[${(cell as readonly Cell[]).map((one) => valueText(type.element as TypeData, one)).join(',')}]`
  return cellText(type, 'string')(cell)
}

interface TectonType {
  readonly type: string
  readonly elementType?: TectonType
}

function tectonType(type: TypeData): TectonType {
  switch (type.kind) {
    case 'boolean':
    case 'timestamp':
      return { type: type.kind }
    case 'integer':
    case 'int64':
      return { type: 'int64' }
    case 'float':
      return { type: 'float64' }
    case 'list':
      return { type: 'array', elementType: tectonType(type.element as TypeData) }
    case 'vector':
      return { type: 'array', elementType: { type: 'float32' } }
    default:
      return { type: 'string' }
  }
}
