import { catalogueOf, type Definition } from '../definition/index.ts'
import { bareId, type Difference, Lineage, type Target } from '../plan/index.ts'
import type { LifeCycle, Registry } from '../registry/index.ts'
import { featureMeanings } from './life-cycle.ts'
import type { Refusal } from './refusal.ts'

const day = 86_400_000_000
const usageDays = 30

/** Why items may not be removed: a caller read them in the last 30 days, or a live training set was made of them. */
export async function refusedRemovals({ items }: Difference, registry: Registry, environment: string): Promise<Refusal[]> {
  const views = items.filter(({ kind, effect }) => kind === 'view' && effect === 'removed')
  if (views.length === 0) return []
  const reads = await registry.usage.read(environment, { since: registry.clock.now() - usageDays * day })
  const sets = await registry.trainingSets.list({ environment, live: true })
  return views.flatMap(({ id, name, version }): Refusal[] => {
    const callers = [
      ...new Set(reads.filter((read) => read.view === name && read.version === version).map(({ caller }) => caller || 'somebody')),
    ]
    const live = sets.filter((set) => set.view === name && set.version === version).map((set) => set.id)
    const who = [
      ...(callers.length > 0 ? [`${callers.join(', ')} read it in the last ${usageDays} days`] : []),
      ...(live.length > 0 ? [`the training sets ${live.join(', ')} were made of it`] : []),
    ]
    if (who.length === 0) return []
    return [
      {
        code: 'IN_USE',
        where: `view ${bareId(id)}`,
        message: `It cannot be removed: ${who.join('; ')}`,
        remedy: 'Put the definition back, or move those who use it to another view first.',
      },
    ]
  })
}

/** Names that were removed and are to come back with another meaning, and removed features that views are to read. */
export async function retiredNames({ items }: Difference, registry: Registry, { snapshot, definitions }: Target): Promise<Refusal[]> {
  const stones = new Map((await registry.lifeCycles.tombstones()).map((stone) => [stone.id, stone]))
  if (stones.size === 0) return []
  const added = items.filter(({ effect }) => effect === 'added')
  const retired = (where: string, what: string) => ({
    code: 'NAME_RETIRED' as const,
    where,
    message: `${what} was removed, and is not used again with another meaning`,
    remedy: 'Choose another name, or raise the version.',
  })
  const names = added.flatMap(({ id, kind }) => {
    const stone = stones.get(id)
    return stone && stone.meaning !== snapshot.get(id)?.meaning ? [retired(`${kind} ${bareId(id)}`, bareId(id))] : []
  })
  const features = added.flatMap(({ id, kind, name }) => {
    const group = snapshot.get(id)
    if (kind !== 'group' || !group) return []
    const prefix = `feature:${name}@`
    const removed = [...stones.values()].filter((stone) => stone.id.startsWith(prefix))
    return [...featureMeanings(group)].flatMap(([feature, meaning]) => {
      const other = removed.find((stone) => stone.id.endsWith(`.${feature}`) && stone.meaning !== meaning)
      return other ? [{ ...retired(`group ${bareId(id)}`, `${name}.${feature}`), remedy: 'Choose another name for the feature.' }] : []
    })
  })
  const written = new Set(items.filter(({ kind, effect }) => kind === 'view' && effect !== 'removed').map(({ id }) => id))
  const read = [...viewsOfFeatures(definitions)].flatMap(([feature, views]) => {
    if (!stones.has(`feature:${feature}`)) return []
    return views
      .filter((view) => written.has(view))
      .map(
        (view): Refusal => ({
          code: 'NAME_RETIRED',
          where: `view ${bareId(view)}`,
          message: `It reads ${feature}, which was removed`,
          remedy: 'Leave it out, or read another feature.',
        }),
      )
  })
  return [...names, ...features, ...read]
}

/** Deprecated features, groups and views that views read, in words. */
export async function deprecationNotices(
  { definitions }: Pick<Target, 'definitions'>,
  registry: Registry,
  environment: string,
): Promise<string[]> {
  const cycles = (await registry.lifeCycles.list(environment)).filter(({ status }) => status === 'deprecated')
  if (cycles.length === 0) return []
  const features = [...viewsOfFeatures(definitions)]
  return cycles.map((cycle) => {
    const { id } = cycle
    const of = features.filter(([feature]) => feature === id || (id.startsWith('group:') && feature.startsWith(`${bareId(id)}.`)))
    const views = [...new Set(of.flatMap(([, each]) => each.map(bareId)))].sort()
    return `${showDeprecation(cycle)}${views.length > 0 ? ` Read by ${views.join(', ')}.` : ''}`
  })
}

/** `user_orders@1.total is deprecated (too coarse); read user_orders@2.total instead; it goes after 2026-12-01.` */
export function showDeprecation({ id, reason, replacement, removeAfter }: LifeCycle): string {
  const why = reason === '' ? '' : ` (${reason})`
  const instead = replacement === null ? '' : `; read ${replacement} instead`
  return `${id} is deprecated${why}${instead}${removeAfter === null ? '' : `; it goes after ${removeAfter.slice(0, 10)}`}.`
}

/** By each feature, the ids of the views that read it, be it through code. */
function viewsOfFeatures(definitions: readonly Definition[]): Map<string, string[]> {
  const lineage = new Lineage(catalogueOf(definitions))
  const features = [...lineage.nodes.values()].filter(({ kind }) => kind === 'feature')
  return new Map(
    features.map(({ id }) => {
      const below = lineage.reach([id], 'down').nodes.filter(({ kind }) => kind === 'viewFeature')
      return [id, [...new Set(below.map((node) => node.id.slice(0, node.id.indexOf('.'))))]]
    }),
  )
}
