import { featureHash } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { foundKinds } from '../../plan/index.ts'
import { type LifeStatus, lifeStatuses, searchWithStatus } from '../../registry/index.ts'
import { inPath } from '../error-response.ts'
import { objectOf } from '../json-schema.ts'
import { type FeatureEntry, registryCatalogue } from '../registry-catalogue.ts'
import { lineageFor } from '../registry-lineage.ts'
import { allowedOn, neighboursOf } from '../registry-page.ts'
import { pathParameter, type Route } from '../route.ts'
import type { ServerContext } from '../server-context.ts'
import { standingsOf, withStatus } from '../with-status.ts'
import { listRoute, passes, text } from './registry-list.ts'

const status = { enum: lifeStatuses }
const filters = { tag: text, owner: text, status }
const idOf = ({ id }: { readonly id: string }): string => id

const features = listRoute({
  path: '/registry/features',
  operationId: 'listFeatures',
  summary: 'Features of groups and of on-demand code',
  filters: {
    ...filters,
    q: { ...text, description: 'Words of names, descriptions, tags, owners and columns; the best come first.' },
    kind: { enum: ['group', 'onDemand'] },
    name: text,
    entity: text,
    group: text,
    source: text,
  },
  idOf,
  async items(query, context) {
    const served = registryCatalogue(context.store)
    const found = (await withStatus(context, served.features)).filter((one) =>
      passes(query, {
        tag: one.tags,
        owner: one.owner,
        status: one.status,
        kind: one.kind,
        name: one.feature,
        entity: one.entity,
        group: one.group,
        source: one.source,
      }),
    )
    if (query.q === undefined) return found
    const ranked = served.search.search(String(query.q), { kind: 'feature', limit: 1000 })
    const byId = new Map(found.map((one) => [one.id, one]))
    return ranked.flatMap(({ id }) => byId.get(id) ?? [])
  },
})

const feature: Route = {
  method: 'GET',
  path: '/registry/features/{group}/{version}/{feature}',
  operationId: 'describeFeature',
  summary: 'A feature: what it is, where it comes from, who reads it, what its values are like',
  permission: { operation: 'read' },
  answer: { schema: { type: 'object' } },
  errors: [404],
  async handle(request, _reply, context) {
    const { store } = context
    const entry = inPath(() => featureEntry(request, context))
    const [described] = await withStatus(context, [entry])
    const group = `${entry.group}@${entry.version}`
    const mayRead = request.token === null || context.access.mayReadFeature(request.token, group, entry.feature)
    const { catalogue, similar } = registryCatalogue(store)
    const data = catalogue.groups.find(({ name, version }) => name === entry.group && version === entry.version)
    return {
      ...described,
      hash: data ? featureHash(data, entry.feature) : null,
      ...(await neighboursOf(context, request.token, [entry.id])),
      similar: data
        ? similar.of(data, entry.feature).map(({ id, differsIn, definition }) => ({ id, differs_in: differsIn, definition }))
        : [],
      may: allowedOn(context, request.token, { kind: entry.kind, name: entry.group, version: entry.version, feature: entry.feature }),
      statistics: mayRead ? await store.registry.statistics.list(store.environment, group, { feature: entry.feature, limit: 10 }) : [],
    }
  },
}

/** Throws `UNKNOWN_NAME`. */
export function featureEntry(request: Parameters<Route['handle']>[0], { store }: ServerContext): FeatureEntry {
  const [group, version, name] = ['group', 'version', 'feature'].map((part) => pathParameter(request, part))
  const id = `${group}@${version}.${name}`
  const all = registryCatalogue(store).features
  const found = all.find((one) => one.id === id)
  if (found) return found
  throw new LockstepError('UNKNOWN_NAME', `There is no feature ${id}${suggestion(id, all.map(idOf))}`)
}

const groups = listRoute({
  path: '/registry/groups',
  operationId: 'listGroups',
  summary: 'Feature groups',
  filters: { ...filters, entity: text, name: text },
  idOf,
  items: async (query, context) =>
    (await withStatus(context, registryCatalogue(context.store).groups)).filter((one) =>
      passes(query, { tag: one.tags, owner: one.owner, status: one.status, entity: one.entity, name: one.name }),
    ),
})

const views = listRoute({
  path: '/registry/views',
  operationId: 'listCatalogueViews',
  summary: 'Feature views, those in use and those beside them',
  filters: { ...filters, name: text },
  idOf,
  items: async (query, context) =>
    (await withStatus(context, registryCatalogue(context.store).views)).flatMap((one) => {
      const view = context.store.views.find(({ name, version }) => `view:${name}@${version}` === one.id)
      const shown = { ...one, current: view !== undefined && context.store.adopted.isCurrent(view) }
      return passes(query, { tag: one.tags, owner: one.owner, status: one.status, name: one.name }) ? [shown] : []
    }),
})

const onDemand = listRoute({
  path: '/registry/on-demand',
  operationId: 'listOnDemand',
  summary: 'On-demand views: what their code takes and gives',
  filters: { ...filters, name: text },
  idOf,
  items: async (query, context) =>
    (await withStatus(context, registryCatalogue(context.store).onDemand)).filter((one) =>
      passes(query, { tag: one.tags, owner: one.owner, status: one.status, name: one.name }),
    ),
})

const sources = listRoute({
  path: '/registry/sources',
  operationId: 'listSources',
  summary: 'Sources, with their columns',
  filters: { tag: text, owner: text, name: text },
  idOf,
  items: (query, { store }) =>
    registryCatalogue(store).sources.filter(({ tags, owner, name }) => passes(query, { tag: tags, owner, name })),
})

const entities = listRoute({
  path: '/registry/entities',
  operationId: 'listEntities',
  summary: 'Entities, with their keys',
  filters: { name: text },
  idOf,
  items: (query, { store }) => registryCatalogue(store).entities.filter(({ name }) => passes(query, { name })),
})

const search: Route = {
  method: 'GET',
  path: '/registry/search',
  operationId: 'searchRegistry',
  summary: 'Features, views, groups, sources, columns and entities by words, the best first',
  permission: { operation: 'read' },
  query: objectOf(
    {
      q: { ...text, minLength: 1 },
      kind: { enum: foundKinds },
      status,
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
    },
    ['q'],
  ),
  answer: { schema: objectOf({ items: { type: 'array', items: { type: 'object' } } }, ['items']) },
  async handle(request, _reply, { store }) {
    const {
      q,
      kind,
      limit = 20,
      status: wanted,
    } = request.query as {
      q: string
      kind?: (typeof foundKinds)[number]
      limit?: number
      status?: LifeStatus
    }
    const standings = await standingsOf(store)
    return { items: searchWithStatus(registryCatalogue(store).search, standings, q, { kind, limit, status: wanted }) }
  },
}

const lineage: Route = {
  method: 'GET',
  path: '/registry/lineage',
  operationId: 'readLineage',
  summary: 'What something comes from, and what comes from it: columns, features, views, training sets, models, callers',
  permission: { operation: 'read' },
  query: objectOf(
    {
      of: { ...text, minLength: 1, description: 'source:NAME.COLUMN, GROUP@VERSION.FEATURE, view:NAME@VERSION, model:NAME, caller:NAME' },
      direction: { enum: ['up', 'down', 'both'], default: 'both' },
      depth: { type: 'integer', minimum: 1, maximum: 100 },
    },
    ['of'],
  ),
  answer: { schema: { type: 'object' } },
  errors: [404],
  async handle(request, _reply, context) {
    const { of, direction = 'both', depth } = request.query as { of: string; direction?: 'up' | 'down' | 'both'; depth?: number }
    const { lineage: all } = await lineageFor(context, request.token)
    const start = inPath(() => all.find(of))
    const part = (one: 'up' | 'down') => {
      const { nodes, edges } = all.reach(start, one, depth)
      return { nodes, edges }
    }
    return { start, ...(direction === 'down' ? {} : { up: part('up') }), ...(direction === 'up' ? {} : { down: part('down') }) }
  },
}

export const catalogueRoutes: readonly Route[] = [features, feature, groups, views, onDemand, sources, entities, search, lineage]
