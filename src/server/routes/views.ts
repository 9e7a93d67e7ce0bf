import { showExpression } from '../../definition/index.ts'
import type { GroupUse } from '../../plan/index.ts'
import { typeName } from '../answer-encoder.ts'
import { inPath } from '../error-response.ts'
import type { JsonSchema } from '../json-schema.ts'
import { objectOf, valueSchema } from '../json-schema.ts'
import { pathParameter, type Route } from '../route.ts'
import type { ServedView } from '../served-views.ts'

const viewSchema: JsonSchema = objectOf(
  {
    name: { type: 'string' },
    version: { type: 'integer' },
    hash: { type: 'string' },
    description: { type: 'string' },
    owner: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    keys: { type: 'object', description: 'A JSON Schema for each key.' },
    request: { type: 'object', description: 'A JSON Schema for each request value.' },
    features: {
      type: 'array',
      items: objectOf({
        name: { type: 'string' },
        type: { type: 'string' },
        nullable: { type: 'boolean' },
        group: { type: ['string', 'null'] },
        description: { type: 'string' },
        computed: { type: 'string' },
        default: {},
      }),
    },
  },
  ['name', 'version', 'keys', 'request', 'features'],
)

export const viewsRoute: Route = {
  method: 'GET',
  path: '/v1/views',
  operationId: 'listViews',
  summary: 'The views that the caller may read',
  permission: { operation: 'read' },
  answer: { schema: objectOf({ views: { type: 'array', items: viewSchema } }, ['views']) },
  handle(request, _reply, { views, access }) {
    const mayRead = ({ view }: ServedView) => request.token === null || access.allows(request.token, 'read', view.name)
    return { views: views.all.filter(mayRead).map(describeView) }
  },
}

export const viewRoute: Route = {
  method: 'GET',
  path: '/v1/views/{view}',
  operationId: 'describeView',
  summary: 'A view: its keys, request values and features',
  permission: { operation: 'read', of: (request) => pathParameter(request, 'view') },
  query: objectOf({ version: { type: 'integer', minimum: 1 } }),
  answer: { schema: viewSchema },
  errors: [404],
  handle(request, _reply, { views }) {
    const { version } = request.query as { version?: number }
    return describeView(inPath(() => views.get(pathParameter(request, 'view'), version)))
  },
}

function describeView({ view, hash, plan }: ServedView) {
  const schemas = (types: typeof view.keys) => Object.fromEntries(Object.entries(types).map(([name, type]) => [name, valueSchema(type)]))
  const features = plan.output.map(({ name, type, source, default: standIn }) => {
    const shown = { name, type: typeName({ type }), nullable: type.nullable && standIn === null }
    const declared = standIn === null ? {} : { default: view.defaults[name] }
    if (source.from === 'step')
      return { ...shown, group: null, computed: `on demand by ${plan.steps[source.step]?.onDemand.name}`, ...declared }
    const { group, features: own } = (plan.uses[source.use] as GroupUse).plan
    const feature = own[source.feature] as (typeof own)[number]
    const description = group.descriptions[feature.name] ?? ''
    return { ...shown, group: `${group.name}@${group.version}`, description, computed: showExpression(feature.node), ...declared }
  })
  const { name, version, description, owner, tags } = view
  return { name, version, hash, description, owner, tags, keys: schemas(view.keys), request: schemas(view.request), features }
}
