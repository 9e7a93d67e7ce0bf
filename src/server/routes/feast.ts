import type { FastifyRequest } from 'fastify'
import { LockstepError } from '../../errors.ts'
import type { Keys } from '../../serving/index.ts'
import { ExactValues } from '../exact-values.ts'
import { type FeastColumn, feastAnswer, featureColumns, keyColumn } from '../feast-answer.ts'
import { type JsonSchema, listOf, objectOf } from '../json-schema.ts'
import type { Route } from '../route.ts'
import type { ServedView } from '../served-views.ts'
import type { ServerContext } from '../server-context.ts'
import { readVectors } from './vectors.ts'

/** As Feast's feature server takes it; what it does not know it skips, and so does this. */
interface FeastRequest {
  readonly entities: Readonly<Record<string, readonly unknown[]>>
  readonly feature_service?: string | null
  readonly features?: readonly string[]
  readonly full_feature_names?: boolean
  readonly include_feature_view_version_metadata?: boolean
}

const open = (schema: JsonSchema): JsonSchema => ({ ...schema, additionalProperties: true })

const column: JsonSchema = objectOf(
  { values: { type: 'array' }, statuses: { type: 'array', items: { type: 'string' } }, event_timestamps: { type: 'array' } },
  ['values', 'statuses', 'event_timestamps'],
)

export const feastReadRoute: Route = {
  method: 'POST',
  path: '/get-online-features',
  operationId: 'feastGetOnlineFeatures',
  summary: "The values of views, as Feast's clients ask for them",
  description:
    'A feature service is a view; so is what stands before the colon of a feature: `ranking:item_price`, or `ranking@v2:item_price`.',
  permission: { operation: 'read', of: (request) => askedOf((request.body ?? {}) as FeastRequest)[0]?.name ?? '' },
  body: open(
    objectOf(
      {
        entities: {
          type: 'object',
          description: 'Key columns and request values, by name: a value for each row.',
          additionalProperties: { type: 'array' },
          maxProperties: 288,
        },
        feature_service: { type: ['string', 'null'], maxLength: 200, description: 'A view.' },
        features: { ...listOf({ type: 'string', maxLength: 400 }, 10_000), description: '`view:feature`, instead.' },
        full_feature_names: { type: 'boolean', default: false, description: 'Name features `view__feature`.' },
        include_feature_view_version_metadata: { type: 'boolean', default: false, description: 'Tell the versions of the views.' },
      },
      ['entities'],
    ),
  ),
  answer: {
    schema: objectOf(
      {
        metadata: objectOf({ feature_names: { type: 'array', items: { type: 'string' } }, feature_view_metadata: { type: 'array' } }),
        results: { type: 'array', items: column },
        status: { type: 'boolean' },
      },
      ['metadata', 'results', 'status'],
    ),
  },
  errors: [503],
  async handle(request, reply, context) {
    const started = performance.now()
    const body = request.body as FeastRequest
    const asked = askedOf(body)
    if (asked.length === 0) throw invalid('Give a feature_service, or features', 'features')
    const reads = asked.map(({ name, version, features }) => ({ served: allowed(request, context, name, version), features }))
    const length = rowsOf(body)
    const keys = new Map<string, FeastColumn>()
    const columns: FeastColumn[] = []
    const answers = await Promise.all(
      reads.map(({ served, features }) => {
        const [keys, given] = [served.view.keys, served.view.request].map(Object.keys) as [string[], string[]]
        const wanted = {
          rows: rowsBy(keys, body, length),
          ...(given.length > 0 ? { requests: rowsBy(given, body, length) } : {}),
          ...(features.length > 0 ? { features } : {}),
        }
        return readVectors(served, wanted, request, context, started)
      }),
    )
    for (const [at, { answer, rows }] of answers.entries()) {
      const { view } = (reads[at] as (typeof reads)[number]).served
      for (const name of Object.keys(view.keys)) keys.set(name, keyColumn(name, rows))
      columns.push(...featureColumns(answer, body.full_feature_names ? `${view.name}__` : ''))
    }
    const views = body.include_feature_view_version_metadata ? reads.map(({ served }) => served.view) : []
    const ids = answers.map(({ id }) => id).join(', ')
    return reply
      .header('lockstep-read-id', ids)
      .type('application/json; charset=utf-8')
      .send(feastAnswer([...keys.values(), ...columns], views))
  },
}

export const feastPushRoute: Route = {
  method: 'POST',
  path: '/push',
  operationId: 'feastPush',
  summary: "Appends events to the topic of a source, as Feast's clients send them",
  description: 'A push source is a source. Where it goes (`to`) is the same for all: a stream feeds online and history from one topic.',
  permission: {
    operation: 'push',
    of: (request) => String((request.body as { push_source_name?: unknown } | undefined)?.push_source_name ?? ''),
  },
  body: open(
    objectOf(
      {
        push_source_name: { type: 'string', maxLength: 200 },
        df: {
          type: 'object',
          description: 'Columns by name: a value for each event.',
          additionalProperties: { type: 'array' },
          maxProperties: 1000,
        },
        to: { enum: ['online', 'offline', 'online_and_offline'], default: 'online' },
      },
      ['push_source_name', 'df'],
    ),
  ),
  answer: { schema: { type: 'null' } },
  errors: [503],
  async handle(request, _reply, { store, limits }) {
    const { push_source_name: source, df } = request.body as { push_source_name: string; df: FeastRequest['entities'] }
    const length = lengthOf(df, 'df')
    if (length > limits.events) throw invalid(`There are ${length} events, ${limits.events} at most`, 'df')
    const exact = new ExactValues(store.streamedSource(source).columns)
    await store.push(
      source,
      rowsOfColumns(Object.keys(df), df, length).map((row) => exact.read(row)),
    )
    return null
  },
}

interface Asked {
  readonly name: string
  readonly version: number | undefined
  /** None: all. */
  readonly features: string[]
}

const reference = /^([^:@]+)(?:@v?(\d{1,9}))?:(.+)$/

/** The views that are asked for, each with its features in the order of the request. */
function askedOf({ feature_service: service, features = [] }: FeastRequest): Asked[] {
  if (typeof service === 'string' && service !== '') {
    const [, name = service, version] = /^(.+)@v?(\d{1,9})$/.exec(service) ?? []
    return [{ name, version: version === undefined ? undefined : Number(version), features: [] }]
  }
  const asked = new Map<string, Asked>()
  for (const [at, text] of (Array.isArray(features) ? features : []).entries()) {
    const [, name = '', version, feature = ''] = reference.exec(String(text)) ?? []
    if (feature === '') throw invalid(`${JSON.stringify(text)} is not a feature of a view`, `features.${at}`, 'Write view:feature.')
    const key = `${name}@${version ?? ''}`
    const one = asked.get(key) ?? { name, version: version === undefined ? undefined : Number(version), features: [] }
    one.features.push(feature)
    asked.set(key, one)
  }
  return [...asked.values()]
}

/** The first view was checked before; each other one is here. Throws `FORBIDDEN` and `UNKNOWN_NAME`. */
function allowed(request: FastifyRequest, { tokens, views }: ServerContext, name: string, version: number | undefined): ServedView {
  if (request.token && !tokens?.allows(request.token, 'read', name))
    throw new LockstepError('FORBIDDEN', `The token does not allow read:${name}`)
  return views.get(name, version)
}

const rowsOf = ({ entities }: FeastRequest): number => lengthOf(entities, 'entities')

function lengthOf(columns: FeastRequest['entities'], where: string): number {
  const [[first, values] = ['', []], ...others] = Object.entries(columns)
  for (const [name, other] of others) {
    if (other.length !== values.length) throw invalid(`${first} has ${values.length} values and ${name} has ${other.length}`, where)
  }
  return values.length
}

const rowsBy = (names: readonly string[], { entities }: FeastRequest, length: number): Keys[] =>
  rowsOfColumns(
    names.filter((name) => Object.hasOwn(entities, name)),
    entities,
    length,
  )

const rowsOfColumns = (names: readonly string[], columns: FeastRequest['entities'], length: number): Keys[] =>
  Array.from({ length }, (_, row) => Object.fromEntries(names.map((name) => [name, columns[name]?.[row]])))

const invalid = (message: string, field: string, remedy?: string): LockstepError =>
  new LockstepError('INVALID_REQUEST', message, { where: `body.${field}`, ...(remedy === undefined ? {} : { remedy }) })
