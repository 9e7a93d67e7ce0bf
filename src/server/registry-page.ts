import { usageSince } from '../governance/index.ts'
import { formatMoment } from '../lib/moment.ts'
import type { LineageNode } from '../plan/index.ts'
import { accessTarget } from '../registry/index.ts'
import { registryCatalogue, versioned } from './registry-catalogue.ts'
import { lineageFor } from './registry-lineage.ts'
import type { RouteRequest } from './route.ts'
import type { ServerContext } from './server-context.ts'

type Token = RouteRequest['token']

/** Of nodes of one kind what is behind the kind in their ids. */
const named = (nodes: readonly LineageNode[], kind: LineageNode['kind']): string[] =>
  nodes.flatMap((node) => (node.kind === kind ? [node.id.slice(node.id.indexOf(':') + 1)] : []))

/** What something comes from and what comes of it, and who read that in the last thirty days. `start`: what the lineage calls it, or its parts. */
export async function neighboursOf(context: ServerContext, token: Token, start: readonly string[]) {
  const { lineage, reads } = await lineageFor(context, token)
  const own = new Set(start.flatMap((name) => lineage.find(name)))
  const [up, down] = (['up', 'down'] as const).map((direction) =>
    lineage.reach([...own], direction).nodes.filter(({ id }) => !own.has(id)),
  ) as [LineageNode[], LineageNode[]]
  const viewFeatures = named([...down, ...[...own].map((id) => lineage.nodes.get(id) as LineageNode)], 'viewFeature')
  const since = usageSince(context.store.registry.clock.now())
  const touched = new Set(viewFeatures)
  const readers = Map.groupBy(
    reads.filter(({ last, view, version, feature }) => last >= since && touched.has(`${view}@${version}.${feature}`)),
    ({ caller, model, view, version }) => JSON.stringify([caller, model, `${view}@${version}`]),
  )
  return {
    columns: up.flatMap(({ id, kind }) => (kind === 'column' ? [id] : [])),
    from_features: up.flatMap(({ id, kind }) => (kind === 'feature' ? [id] : [])),
    to_features: down.flatMap(({ id, kind }) => (kind === 'feature' ? [id] : [])),
    views: [...new Set(viewFeatures.map((id) => id.slice(0, id.indexOf('.'))))].sort(),
    callers: named(down, 'caller'),
    models: named(down, 'model'),
    training_sets: named(down, 'trainingSet'),
    readers: [...readers].map(([key, of]) => {
      const [caller, model, view] = JSON.parse(key) as [string, string, string]
      return {
        ...{ caller, model, view },
        first: formatMoment(Math.min(...of.map(({ first }) => first))),
        last: formatMoment(Math.max(...of.map(({ last }) => last))),
      }
    }),
  }
}

type Kind = 'group' | 'view' | 'onDemand' | 'source'

/** What a token allows to do to one thing; of a group to read all of its features, or the one that is named. */
export function allowedOn(
  { store, access }: ServerContext,
  token: Token,
  { kind, name, version, feature }: { readonly kind: Kind; readonly name: string; readonly version?: number; readonly feature?: string },
): Readonly<Record<string, boolean>> {
  const may = (asks: (known: NonNullable<Token>) => boolean): boolean => token === null || asks(token)
  if (kind === 'source') return { push: may((known) => access.allows(known, 'push', name)) }
  const { catalogue } = registryCatalogue(store)
  const isNamed = (one: { readonly name: string; readonly version: number }) => one.name === name && one.version === version
  const group = kind === 'group' ? catalogue.groups.find(isNamed) : undefined
  const thing = group ?? (kind === 'view' ? catalogue.views : catalogue.onDemand).find(isNamed)
  if (thing === undefined) return {}
  const own = { own: may((known) => access.mayOwn(known, accessTarget(store.environment, thing))) }
  if (kind === 'view') return { read: may((known) => access.allows(known, 'read', name)), ...own }
  if (group === undefined) return own
  const features = feature === undefined ? Object.keys(group.features) : [feature]
  return {
    read: may((known) => features.every((each) => access.mayReadFeature(known, versioned(group), each))),
    write: may((known) => access.allows(known, 'write', name)),
    ...own,
  }
}
