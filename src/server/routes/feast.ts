import { LockstepError } from '../../errors.ts'
import type { Keys } from '../../serving/index.ts'
import { refused } from '../access/authorize.ts'
import type { Token } from '../access/tokens.ts'
import { ExactValues } from '../exact-values.ts'
import { type FeastColumn, feastAnswer, featureColumns, keyColumn } from '../feast-answer.ts'
import { FeastReferences } from '../feast-references.ts'
import { type JsonSchema, listOf, objectOf } from '../json-schema.ts'
import type { Route } from '../route.ts'
import type { ServedView } from '../served-views.ts'
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
  // Of each view that is asked for, when it is found.
  permission: { operation: 'read' },
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
        features: { ...listOf({ type: 'string', maxLength: 400 }, 10_000), description: '`view:feature` or `group:feature`, instead.' },
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
    const { feature_service: service, features = [], full_feature_names: inFull = false } = body
    const { token } = request
    const mayRead = (view: string) => token === null || context.access.allows(token, 'read', view)
    const references = new FeastReferences(context.views, mayRead, (view) => refused(token as Token, 'read', view, context))
    const asked = service ? references.service(service, inFull) : references.features(features, inFull)
    if (asked.length === 0) throw invalid('Give a feature_service, or features', 'features')
    const length = lengthOf(body.entities, 'entities')
    const views = new Map<ServedView, Set<string>>()
    for (const { served, own } of asked) views.set(served, (views.get(served) ?? new Set()).add(own))
    const keys = new Map<string, FeastColumn>()
    const answers = await Promise.all(
      [...views].map(async ([served, features]) => {
        const [keyNames, requestNames] = [served.view.keys, served.view.request].map((types) => given(types, body)) as [string[], string[]]
        const read = await readVectors(
          served,
          {
            rows: rowsOfColumns(keyNames, body.entities, length),
            ...(requestNames.length > 0 ? { requests: rowsOfColumns(requestNames, body.entities, length) } : {}),
            ...(service ? {} : { features: [...features] }),
          },
          request,
          context,
          started,
        )
        read.notice?.header(reply)
        for (const name of keyNames) keys.set(name, keyColumn(name, read.rows))
        return { served, read, columns: featureColumns(read.answer) }
      }),
    )
    const columns = asked.map(({ served, own, named }) => {
      const column = answers.find((answer) => answer.served === served)?.columns.get(own) as string
      return { name: named, text: column }
    })
    const told = body.include_feature_view_version_metadata ? [...views.keys()].map(({ view }) => view) : []
    const ids = answers.map(({ read }) => read.id).join(', ')
    return reply
      .header('lockstep-read-id', ids)
      .type('application/json; charset=utf-8')
      .send(feastAnswer([...keys.values(), ...columns], told))
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

/** Those of the names that the request has; of others the read tells that they are missing. */
const given = (types: Readonly<Record<string, unknown>>, { entities }: FeastRequest): string[] =>
  Object.keys(types).filter((name) => Object.hasOwn(entities, name))

function lengthOf(columns: FeastRequest['entities'], where: string): number {
  const [[first, values] = ['', []], ...others] = Object.entries(columns)
  for (const [name, other] of others) {
    if (other.length !== values.length) throw invalid(`${first} has ${values.length} values and ${name} has ${other.length}`, where)
  }
  return values.length
}

const rowsOfColumns = (names: readonly string[], columns: FeastRequest['entities'], length: number): Keys[] =>
  Array.from({ length }, (_, row) => Object.fromEntries(names.map((name) => [name, columns[name]?.[row]])))

const invalid = (message: string, field: string): LockstepError => new LockstepError('INVALID_REQUEST', message, { where: `body.${field}` })
