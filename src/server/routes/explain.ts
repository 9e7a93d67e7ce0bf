import { LockstepError } from '../../errors.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { formatMoment, momentMicros } from '../../lib/moment.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { fromCell } from '../../schema/index.ts'
import type { Keys } from '../../serving/index.ts'
import { authorize } from '../access/authorize.ts'
import { inPath } from '../error-response.ts'
import { plainJson } from '../exact-values.ts'
import { type JsonSchema, listOf, objectOf } from '../json-schema.ts'
import { lateEvents } from '../late-events.ts'
import { pathParameter, type Route } from '../route.ts'
import type { ServedView } from '../served-views.ts'
import type { ServerContext } from '../server-context.ts'

/** Explanations that one request may have: each reads the history of a key. */
const mostExplained = 50

const explanationSchema: JsonSchema = objectOf(
  {
    row: { type: 'integer', description: 'Of the read; 0 is the first.' },
    served: objectOf({ value: {}, status: { type: 'string' }, store: { type: 'string' } }),
    agrees: { type: 'boolean', description: 'Whether history gives the value that was served, with the default of the view for null.' },
    late: {
      type: 'array',
      items: { type: 'object' },
      description: 'Events that count now, of those shown, and became known after the read.',
    },
    explanation: { type: 'object', description: 'The value by history, its definition, the events in its window and those nearby.' },
  },
  ['explanation'],
)

const answerSchema = objectOf(
  {
    read: { type: ['object', 'null'], description: 'The read as it was answered.' },
    same_definition: { type: 'boolean', description: 'False: the view has changed since.' },
    explanations: { type: 'array', items: explanationSchema },
    left_off: { type: 'integer', description: 'Values that were not explained, as there were too many.' },
  },
  ['explanations', 'left_off'],
)

export const explainReadRoute: Route = {
  method: 'GET',
  path: '/v1/explain/{read_id}',
  operationId: 'explainRead',
  summary: 'Why a read was answered as it was',
  description: 'For reads that were sampled or asked for `"explain": true`, as long as they are kept.',
  permission: { operation: 'read' },
  query: objectOf({
    feature: { type: 'string', maxLength: 200, description: 'Only this feature.' },
    row: { type: 'integer', minimum: 0, description: 'Only this row; 0 is the first.' },
  }),
  answer: { schema: answerSchema },
  errors: [404],
  async handle(request, _reply, context) {
    const { feature, row } = request.query as { feature?: string; row?: number }
    const read = await context.kept.find(pathParameter(request, 'read_id'))
    authorize(request, { operation: 'read', of: () => read.view }, context)
    if (feature !== undefined && !read.features.includes(feature))
      throw new LockstepError('UNKNOWN_NAME', `The read has no feature ${feature}${suggestion(feature, read.features)}`)
    if (row !== undefined && row >= read.rows.length)
      throw new LockstepError('INVALID_REQUEST', `Of the read ${read.rows.length} rows are kept`, { where: 'querystring.row' })
    const asked = read.rows.flatMap((one, index) =>
      row !== undefined && row !== index
        ? []
        : read.features.flatMap((name, place) => (feature !== undefined && feature !== name ? [] : [{ one, index, name, place }])),
    )
    const served = inPath(() => context.views.get(read.view, read.version))
    const explanations = []
    for (const { one, index, name, place } of asked.slice(0, mostExplained)) {
      const told = { served: { value: one.values[place], status: one.statuses[place], store: read.store } }
      const explanation = await explain(context, served, read.moment, name, one)
      const agrees = canonicalJson(explanation.value ?? defaultOf(served, name)) === canonicalJson(told.served.value)
      explanations.push({ row: index, ...told, agrees, late: lateEvents(explanation, read.knownAt), explanation })
    }
    const { rows: _rows, features: _features, ...head } = read
    const shown = { ...head, moment: formatMoment(read.moment), knownAt: formatMoment(read.knownAt) }
    return { read: shown, same_definition: served.hash === read.hash, explanations, left_off: Math.max(0, asked.length - mostExplained) }
  },
}

/** What stands for null by the view, as JSON holds it. */
function defaultOf({ plan }: ServedView, feature: string): unknown {
  const output = plan.output.find(({ name }) => name === feature)
  return output && output.default !== null ? JSON.parse(JSON.stringify(fromCell(output.type, output.default), plainJson)) : null
}

async function explain(context: ServerContext, served: ServedView, moment: number, feature: string, row: { keys: Keys; request: Keys }) {
  return await context.history.run(() =>
    context.store.explain(served.view, feature, served.keys(row.keys), {
      asOf: formatMoment(moment),
      request: served.request(row.request),
    }),
  )
}

export const explainRoute: Route = {
  method: 'POST',
  path: '/v1/explain',
  operationId: 'explain',
  summary: 'Why features have their values for an entity key, as of a moment',
  permission: { operation: 'read', of: (request) => String((request.body as { view?: unknown } | undefined)?.view ?? '') },
  body: objectOf(
    {
      view: { type: 'string', maxLength: 200 },
      version: { type: 'integer', minimum: 1 },
      features: { ...listOf({ type: 'string', maxLength: 200 }, mostExplained, 1), description: 'All by default.' },
      keys: { type: 'object' },
      request: { type: 'object' },
      as_of: { type: 'string', maxLength: 40 },
    },
    ['view', 'keys'],
  ),
  answer: { schema: answerSchema },
  errors: [404],
  async handle(request, _reply, context) {
    const body = request.body as { view: string; version?: number; features?: string[]; keys: Keys; request?: Keys; as_of?: string }
    const served = context.views.get(body.view, body.version)
    const moment = body.as_of === undefined ? context.now() : momentMicros(body.as_of, 'as_of')
    const asked = body.features ?? [...served.view.featureNames]
    const explanations = []
    for (const feature of asked.slice(0, mostExplained)) {
      explanations.push({ explanation: await explain(context, served, moment, feature, { keys: body.keys, request: body.request ?? {} }) })
    }
    return { read: null, explanations, left_off: Math.max(0, asked.length - mostExplained) }
  },
}
