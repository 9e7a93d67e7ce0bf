import { bareId, type Difference } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
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

/** Names that were removed and are to come back with another meaning. */
export async function retiredNames(
  { items }: Difference,
  registry: Registry,
  meanings: ReadonlyMap<string, { readonly meaning: string }>,
): Promise<Refusal[]> {
  const added = items.filter(({ effect }) => effect === 'added')
  const tombstones = await registry.documents.read(added.map(({ id }) => ({ table: 'tombstones', key: id })))
  return added.flatMap(({ id, kind }, index): Refusal[] => {
    const stone = tombstones[index]
    if (!stone || (JSON.parse(stone.text) as { meaning?: string }).meaning === meanings.get(id)?.meaning) return []
    return [
      {
        code: 'NAME_RETIRED',
        where: `${kind} ${bareId(id)}`,
        message: `${bareId(id)} was removed, and is not used again with another meaning`,
        remedy: 'Choose another name, or raise the version.',
      },
    ]
  })
}
