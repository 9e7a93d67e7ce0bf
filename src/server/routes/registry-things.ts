import { type FeatureGroupData, featureHash, OnDemand, showExpression } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { inPath } from '../error-response.ts'
import { type RegistryCatalogue, registryCatalogue, versioned } from '../registry-catalogue.ts'
import { allowedOn, neighboursOf } from '../registry-page.ts'
import { pathParameter, type Route, type RouteRequest } from '../route.ts'
import type { ServerContext } from '../server-context.ts'
import { withStatus } from '../with-status.ts'

interface Entry {
  readonly id: string
  readonly name: string
  readonly version?: number
}

/** The page of one thing: what its list says of it, its other versions, what it comes from, who reads it, and what the caller may do to it. */
interface Page<One extends Entry> {
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly all: (served: RegistryCatalogue) => readonly One[]
  /** What the path names, as it is in the list. */
  readonly idOf: (request: RouteRequest) => string
  /** What the lineage calls it. */
  readonly inLineage: (one: One, served: RegistryCatalogue) => readonly string[]
  readonly more: (one: One, context: ServerContext, request: RouteRequest) => object | Promise<object>
}

const page = <One extends Entry>({ path, operationId, summary, all, idOf, inLineage, more }: Page<One>): Route => ({
  method: 'GET',
  path,
  operationId,
  summary,
  permission: { operation: 'read' },
  answer: { schema: { type: 'object' } },
  errors: [404],
  async handle(request, _reply, context) {
    const served = registryCatalogue(context.store)
    const entries = all(served)
    const one = inPath(() => found(entries, idOf(request)))
    const [described] = await withStatus(context, [one])
    const versions = await withStatus(
      context,
      entries.filter(({ name }) => name === one.name),
    )
    return {
      ...described,
      ...(one.version === undefined ? {} : { versions: versions.map(({ version, status }) => ({ version, status })) }),
      ...(await neighboursOf(context, request.token, inLineage(one, served))),
      ...(await more(one, context, request)),
    }
  },
})

/** Throws `UNKNOWN_NAME`. */
function found<One extends Entry>(all: readonly One[], id: string): One {
  const one = all.find((each) => each.id === id)
  if (one) return one
  const known = all.map((each) => each.id)
  throw new LockstepError('UNKNOWN_NAME', `There is no ${id}${suggestion(id, known)}`)
}

const idFrom = (kind: string, parameter: string) => (request: RouteRequest) =>
  `${kind}:${pathParameter(request, parameter)}@${pathParameter(request, 'version')}`

/** The newest work that was done to something. */
const runsOf = async ({ store }: ServerContext, subject: string) =>
  await store.registry.runs.list({ environment: store.environment, subject, limit: 10 })

const group = page({
  path: '/registry/groups/{group}/{version}',
  operationId: 'describeGroup',
  summary: 'A feature group: its features and how they are computed, from what, who reads them, how fresh they are',
  all: ({ groups }) => groups,
  idOf: idFrom('group', 'group'),
  inLineage: (one) => [versioned(one)],
  async more(one, context, { token }) {
    const served = registryCatalogue(context.store)
    const data = served.catalogue.groups.find(({ name, version }) => name === one.name && version === one.version)
    const own = served.features.filter((each) => each.kind === 'group' && each.group === one.name && each.version === one.version)
    const features = await withStatus(context, own)
    return {
      features: features.map(({ id, feature, type, nullable, computed, description, status, views }) => {
        return { id, name: feature, type, nullable, computed, description, status, views, hash: data ? featureHash(data, feature) : null }
      }),
      seconds_behind: data ? await secondsBehind(context, data) : null,
      runs: await runsOf(context, versioned(one)),
      may: allowedOn(context, token, { kind: 'group', name: one.name, version: one.version }),
    }
  },
})

/** How old the state of a group is; null where it has none, or its store does not say. */
async function secondsBehind({ store }: ServerContext, of: FeatureGroupData): Promise<number | null> {
  const all = await store.freshness([of]).catch((error: unknown) => {
    if (error instanceof LockstepError) return {} as Record<string, number>
    throw error
  })
  return all[versioned(of)] ?? null
}

const view = page({
  path: '/registry/views/{view}/{version}',
  operationId: 'describeCatalogueView',
  summary: 'A feature view: its keys, request and features with what each is, who reads them, whether it is the version in use',
  all: ({ views }) => views,
  idOf: idFrom('view', 'view'),
  inLineage: ({ id }) => [id],
  async more(one, context, { token }) {
    const data = context.store.views.find(({ name, version }) => name === one.name && version === one.version)
    const types = new Map(one.features.map(({ name, type }) => [name, type]))
    const features = (data?.items ?? []).flatMap((item) => {
      const from = item instanceof OnDemand ? item : item.group
      return Object.keys(item.features).map((name) => {
        const own = item instanceof OnDemand ? name : (item.features[name] as string)
        const node = item instanceof OnDemand ? undefined : item.group.features[own]
        const computed = node ? showExpression(node) : 'on demand'
        return { name, type: types.get(name), feature: `${versioned(from)}.${own}`, computed }
      })
    })
    return {
      features,
      current: data !== undefined && context.store.adopted.isCurrent(data),
      runs: await runsOf(context, one.id),
      may: allowedOn(context, token, { kind: 'view', name: one.name, version: one.version }),
    }
  },
})

const onDemand = page({
  path: '/registry/on-demand/{on_demand}/{version}',
  operationId: 'describeOnDemand',
  summary: 'An on-demand view: what its code takes and gives, and who reads that',
  all: (served) => served.onDemand,
  idOf: idFrom('onDemand', 'on_demand'),
  inLineage: (one) => [versioned(one)],
  more: (one, context, { token }) => ({ may: allowedOn(context, token, { kind: 'onDemand', name: one.name, version: one.version }) }),
})

const source = page({
  path: '/registry/sources/{source}',
  operationId: 'describeSource',
  summary: 'A source: its columns, how its rows are told apart and in time, and all that is made of it',
  all: ({ sources }) => sources,
  idOf: (request) => `source:${pathParameter(request, 'source')}`,
  inLineage: ({ id }) => [id],
  more(one, context, { token }) {
    const { catalogue, groups } = registryCatalogue(context.store)
    const data = catalogue.sources.find(({ name }) => name === one.name)
    const columns = one.columns.map((column) => ({ ...column, tags: data?.columnTags[column.name] ?? [] }))
    return {
      columns,
      ...{ time_zone: data?.timeZone, event_id: data?.id, known: data?.known, order: data?.order, invalid_rows: data?.invalidRows },
      ...{ lateness_seconds: (data?.lateness ?? 0) / 1e6, partitions: data?.stream?.partitions ?? null },
      groups: groups.flatMap((each) => (each.source === one.name ? [versioned(each)] : [])),
      may: allowedOn(context, token, { kind: 'source', name: one.name }),
    }
  },
})

const entity = page({
  path: '/registry/entities/{entity}',
  operationId: 'describeEntity',
  summary: 'An entity: its keys, its groups, and all that is made of them',
  all: ({ entities }) => entities,
  idOf: (request) => `entity:${pathParameter(request, 'entity')}`,
  inLineage: (one, { groups }) => groups.flatMap((each) => (each.entity === one.name ? [versioned(each)] : [])),
  more: (one, { store }) => ({
    groups: registryCatalogue(store).groups.flatMap((each) => (each.entity === one.name ? [versioned(each)] : [])),
  }),
})

export const thingRoutes: readonly Route[] = [group, view, onDemand, source, entity]
