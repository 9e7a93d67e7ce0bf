import { catalogueOf, type Definition, itemId, type Snapshot } from '../definition/index.ts'
import type { Micros } from '../lib/moment.ts'
import { bareId, type Difference, Lineage, type Target } from '../plan/index.ts'
import type { LifeCycle, Registry } from '../registry/index.ts'
import { type Consumers, catalogueOfItems, consumersIn, holdersOf, readersOf, usageSince } from './consumers.ts'
import { featureMeanings } from './life-changes.ts'
import type { Refusal } from './refusal.ts'

/**
 * Why groups and views may not go that an environment holds before and not after, whichever way they go: a view that stays pins them, a
 * caller read them in the last 30 days, a live training set or model is made of them, or they were promised to stay for longer.
 */
export async function refusedRemovals(before: Snapshot, after: Snapshot, registry: Registry, environment: string): Promise<Refusal[]> {
  const removed = [...before.values()].filter((item) => item.version > 0 && !after.has(itemId(item)))
  if (removed.length === 0) return []
  const now = registry.clock.now()
  const lineage = new Lineage(catalogueOfItems(before))
  const readers = await readersOf(registry, environment, usageSince(now))
  const cycles = new Map((await registry.lifeCycles.list(environment)).map((cycle) => [cycle.id, cycle]))
  return removed.flatMap((item): Refusal[] => {
    const id = itemId(item)
    const { views, ...consumers } = consumersIn(lineage, readers, { id, kind: item.kind })
    const pinned = views.filter((view) => after.has(`view:${view}`))
    // Who reads a group reads it by views: where those go too, they are what is held up.
    const own = item.kind === 'view' || pinned.length > 0 ? consumers : nobody
    const why = heldUp({ ...own, views: pinned }, cycles.get(id) ?? null, now)
    if (why.length === 0) return []
    return [
      {
        code: 'IN_USE',
        where: `${item.kind} ${bareId(id)}`,
        message: `It cannot be removed: ${why.join('; ')}`,
        remedy: 'Keep it, or move those who use it to another first; --force removes it all the same.',
      },
    ]
  })
}

const nobody: Omit<Consumers, 'views'> = { callers: [], models: [], trainingSets: [] }

/** What holds a removal up, in words. */
export function heldUp(consumers: Consumers, cycle: LifeCycle | null, now: Micros): string[] {
  const promised = cycle?.removeAfter ?? null
  const isPromised = promised !== null && now / 1000 < Date.parse(promised)
  return [...(isPromised ? [`it was promised to stay until ${promised}`] : []), ...holdersOf(consumers)]
}

/** Names that were removed and are to come back with another meaning, and removed features that views are to read. */
export async function retiredNames(
  { items }: Difference,
  registry: Registry,
  environment: string,
  { snapshot, definitions }: Pick<Target, 'snapshot' | 'definitions'>,
): Promise<Refusal[]> {
  const stones = new Map((await registry.lifeCycles.tombstones(environment)).map((stone) => [stone.id, stone]))
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
    if ((kind !== 'group' && kind !== 'onDemand') || !group) return []
    const prefix = `feature:${name}@`
    const removed = [...stones.values()].filter((stone) => stone.id.startsWith(prefix))
    return [...featureMeanings(group)].flatMap(([feature, meaning]) => {
      const meanings = removed.filter((stone) => stone.id.endsWith(`.${feature}`)).map((stone) => stone.meaning)
      const isOther = meanings.length > 0 && !meanings.includes(meaning)
      return isOther ? [{ ...retired(`${kind} ${bareId(id)}`, `${name}.${feature}`), remedy: 'Choose another name for the feature.' }] : []
    })
  })
  const written = new Set(
    items.filter(({ kind, effect }) => kind === 'view' && (effect === 'added' || effect === 'values')).map(({ id }) => id),
  )
  const read = [...viewsOfFeatures(definitions)].flatMap(([feature, views]) => {
    if (!stones.has(`feature:${feature}`)) return []
    return views
      .filter((view) => written.has(view))
      .map(
        (view): Refusal => ({
          code: 'NAME_RETIRED',
          where: `view ${bareId(view)}`,
          message: `It reads ${feature}, which was removed`,
          remedy: `Leave it out, read another feature, or bring it back: lockstep restore ${feature}.`,
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
