import { LockstepError } from '../../errors.ts'
import { durationMicros } from '../../lib/duration.ts'
import { momentMicros } from '../../lib/moment.ts'
import { differenceOf } from '../../plan/index.ts'
import type { AuditEntry, RunKind } from '../../registry/index.ts'
import { objectOf } from '../json-schema.ts'
import { registryCatalogue } from '../registry-catalogue.ts'
import { readableModels } from '../registry-lineage.ts'
import { pathParameter, type Route } from '../route.ts'
import { environmentOf, listRoute, passes, type Query, text } from './registry-list.ts'

const environment = { ...text, description: 'That of the server by default.' }
const moment = { ...text, description: 'ISO 8601' }
const word = (query: Query, name: string): string | undefined => (query[name] === undefined ? undefined : String(query[name]))

const environments = listRoute({
  path: '/registry/environments',
  operationId: 'listEnvironments',
  summary: 'Environments that may be read, how far each was applied, and the one that is served',
  idOf: ({ name }: { readonly name: string }) => name,
  async items(_query, { store, access }, { token }) {
    const { applies } = store.registry
    const all = [...new Set([...(await applies.environments()), store.environment])].sort()
    const names = all.filter((name) => token === null || access.allows(token, 'read', undefined, name))
    return await Promise.all(
      names.map(async (name) => {
        const head = await applies.head(name)
        const current = head && Object.fromEntries(head.current)
        return { name, served: name === store.environment, apply: head?.apply ?? null, items: head?.items.size ?? 0, current }
      }),
    )
  },
})

const applies = listRoute({
  path: '/registry/applies',
  operationId: 'listApplies',
  summary: 'What was applied in an environment, the newest first',
  filters: { environment },
  idOf: ({ number }: { readonly number: number }) => String(number),
  isId: (id) => /^\d{1,15}$/.test(id),
  paged: true,
  items: (query, { store }, { most, after }) =>
    store.registry.applies.history(word(query, 'environment') ?? store.environment, {
      limit: most,
      ...(after === null ? {} : { before: Number(after) }),
    }),
})

const apply: Route = {
  method: 'GET',
  path: '/registry/applies/{number}',
  operationId: 'describeApply',
  summary: 'What an apply changed, item by item and part by part, against the one before it; by whom and when',
  permission: { operation: 'read', in: environmentOf },
  query: objectOf({ environment }),
  answer: {
    schema: {
      type: 'object',
      properties: {
        ...{ number: { type: 'integer' }, environment: { type: 'string' }, kind: { type: 'string' }, at: { type: 'string' } },
        ...{ by: { type: 'string' }, message: { type: 'string' } },
        current: { type: 'array', items: { type: 'object' }, description: 'The views whose current version became another.' },
        difference: {
          type: 'array',
          items: { type: 'object' },
          description: 'What was added, removed, or has other values or another description; with its parts before and after.',
        },
        to: { type: 'integer', description: 'Of a rollback: the apply whose state came back.' },
      },
    },
  },
  errors: [404],
  async handle(request, _reply, { store }) {
    const { applies: all } = store.registry
    const text = pathParameter(request, 'number')
    const number = /^\d{1,15}$/.test(text) ? Number(text) : 0
    const where = environmentOf(request) ?? store.environment
    const head = await all.head(where)
    const [found] = await all.history(where, { before: number + 1, limit: 1 })
    if (!head || !found || found.number !== number)
      throw Object.assign(new LockstepError('UNKNOWN_NAME', `There is no apply ${text} of ${where}, or none any more`), { status: 404 })
    const { changes, ...about } = found
    const after = await all.stateAfter(head, number)
    const before = new Map(after.items)
    for (const { id, before: reference } of changes) {
      if (reference === null) before.delete(id)
      else before.set(id, reference)
    }
    return { ...about, difference: differenceOf(await all.items({ items: before }), await all.items(after)).items }
  },
}

const runs = listRoute({
  path: '/registry/runs',
  operationId: 'listRuns',
  summary: 'Work that was done: applies, backfills, materializations, training sets; the newest first',
  filters: { environment, kind: text, subject: text },
  idOf: ({ id }: { readonly id: string }) => id,
  paged: true,
  items: (query, { store }, { most, after }) =>
    store.registry.runs.list({
      environment: word(query, 'environment') ?? store.environment,
      kind: word(query, 'kind') as RunKind | undefined,
      subject: word(query, 'subject'),
      limit: most,
      ...(after === null ? {} : { before: after }),
    }),
})

const usage = listRoute({
  path: '/registry/usage',
  operationId: 'listUsage',
  summary: 'Who read which feature of which view, how often, first and last',
  filters: { environment, since: { ...text, description: "A duration, '30d'." }, view: text, feature: text, caller: text, model: text },
  idOf: ({
    view,
    version,
    feature,
    caller,
    model,
  }: {
    readonly view: string
    readonly version: number
    readonly feature: string
    readonly caller: string
    readonly model: string
  }) => JSON.stringify([view, version, feature, caller, model]),
  async items(query, { store }) {
    const since = word(query, 'since') ?? '30d'
    const reads = await store.registry.usage.read(word(query, 'environment') ?? store.environment, {
      since: store.registry.clock.now() - durationMicros(since, 'since'),
      view: word(query, 'view'),
    })
    return reads
      .filter(({ feature, caller, model }) => passes(query, { feature, caller, model }))
      .map(({ first, last, ...read }) => ({ ...read, first: isoOf(first), last: isoOf(last) }))
  },
})

const isoOf = (micros: number): string => new Date(micros / 1000).toISOString()

const trainingSets = listRoute({
  path: '/registry/training-sets',
  operationId: 'listTrainingSets',
  summary: 'Training sets that were made, the newest first',
  filters: { environment, view: text, version: { type: 'integer', minimum: 1 }, live: { type: 'boolean' } },
  idOf: ({ id }: { readonly id: string }) => id,
  async items(query, { store }) {
    const all = await store.registry.trainingSets.list({ environment: word(query, 'environment') ?? store.environment })
    return all.filter(({ view, version, live }) => passes(query, { view, version, live }))
  },
})

const models = listRoute({
  path: '/registry/models',
  operationId: 'listModels',
  summary: 'Models, with the training set and view of each version; those of environments that may be read',
  filters: { name: text, owner: text, live: { type: 'boolean' } },
  idOf: ({ name }: { readonly name: string }) => name,
  items: async (query, context, { token }) =>
    (await readableModels(context, token)).filter(
      ({ name, versions }) => passes(query, { name }) && versions.some(({ owner, live }) => passes(query, { owner, live })),
    ),
})

const statistics = listRoute({
  path: '/registry/statistics',
  operationId: 'listStatistics',
  summary: 'What the values of features are like, the newest of each, of those that may be read',
  filters: {
    environment,
    group: { ...text, description: 'GROUP@VERSION; all by default.' },
    feature: text,
    periods: { type: 'integer', minimum: 1, maximum: 100, description: 'The newest times of each feature; 1 by default.' },
  },
  idOf: ({
    group,
    feature,
    from,
    to,
    origin,
  }: {
    readonly group: string
    readonly feature: string
    readonly from: string
    readonly to: string
    readonly origin: string
  }) => JSON.stringify([group, feature, from, to, origin]),
  async items(query, { store, access }, { token }) {
    const [named, feature] = [word(query, 'group'), word(query, 'feature')]
    const of = word(query, 'environment') ?? store.environment
    const features = registryCatalogue(store).features.map(({ group, version }) => `${group}@${version}`)
    const all = named === undefined ? [...new Set(features)] : [named]
    const found = all.map((group) =>
      store.registry.statistics.list(of, group, { limit: Number(query.periods ?? 1), ...(feature === undefined ? {} : { feature }) }),
    )
    const statisticsOf = (await Promise.all(found)).flat()
    return statisticsOf.filter((one) => token === null || access.mayReadFeature(token, one.group, one.feature, of))
  },
})

const audit = listRoute<AuditEntry>({
  path: '/registry/audit',
  operationId: 'listAudit',
  summary: 'Every change and every refused attempt, the newest first',
  // Without an environment it is about all of them.
  permission: { operation: 'admin', of: (request) => word(request.query as Query, 'environment') ?? '*' },
  filters: { environment: text, since: moment, until: moment, by: text, action: text, allowed: { type: 'boolean' } },
  idOf: ({ id }: { readonly id: string }) => id,
  paged: true,
  async items(query, { store }, { most, after }) {
    const at = (name: string) => (query[name] === undefined ? undefined : momentMicros(String(query[name]), name))
    const found: AuditEntry[] = []
    const filter = {
      since: at('since'),
      until: at('until'),
      by: word(query, 'by'),
      environment: word(query, 'environment'),
      action: word(query, 'action'),
      allowed: query.allowed as boolean | undefined,
      descending: true,
      ...(after === null ? {} : { after }),
    }
    for await (const entry of store.registry.audit.list(filter)) if (found.push(entry) >= most) break
    return found
  },
})

export const recordRoutes: readonly Route[] = [environments, applies, apply, runs, usage, trainingSets, models, statistics, audit]
