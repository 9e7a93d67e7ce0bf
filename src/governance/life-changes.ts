import type { Item, Snapshot } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalHash } from '../lib/canonical-json.ts'
import { bareId } from '../plan/index.ts'
import type { Commit, LifeCycle, NewLifeCycle, Registry } from '../registry/index.ts'

/** What belongs to the commit that takes items away or brings them back, and what their life cycles say then. */
export type LifeChanges = Required<Commit> & { readonly after: readonly LifeCycle[] }

/**
 * What goes is removed, and leaves a tombstone; what comes back with the meaning that it had is active, and its tombstone goes.
 * Throws `NAME_RETIRED` where something comes back with another meaning.
 */
export async function lifeChanges(
  registry: Registry,
  environment: string,
  before: Snapshot,
  after: Snapshot,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<LifeChanges> {
  const { lifeCycles } = registry
  const gone = [...before].filter(([id]) => !after.has(id))
  const come = [...after].filter(([id]) => !before.has(id))
  if (gone.length === 0 && come.length === 0) return { conditions: [], puts: [], deletes: [], after: [] }
  const known = new Map((await lifeCycles.list(environment)).map((cycle) => [cycle.id, cycle]))
  const meanings = new Map((await lifeCycles.tombstones(environment)).map(({ id, meaning }) => [id, meaning]))
  const returned = come.filter(([id]) => meanings.has(id))
  for (const [id, { meaning }] of returned)
    if (meanings.get(id) !== meaning)
      throw new LockstepError('NAME_RETIRED', `${bareId(id)} was removed, and is not used again with another meaning`, { where: id })
  const nothing = { replacement: null, removeAfter: null, brownOuts: [], by }
  const removed = gone.flatMap(([id, { version }]): NewLifeCycle[] => {
    const cycle = known.get(id)
    const said = { replacement: cycle?.replacement ?? null, reason: reason || cycle?.reason || '' }
    // Sources and entities come and go with what reads them.
    return version === 0 ? [] : [{ ...nothing, ...said, id, status: 'removed' }]
  })
  const active = come.flatMap(([id]): NewLifeCycle[] =>
    known.get(id)?.status === 'removed' ? [{ ...nothing, id, status: 'active', reason }] : [],
  )
  const changes = await lifeCycles.changes(environment, [...removed, ...active])
  return {
    conditions: changes.conditions,
    puts: [...changes.puts, ...gone.map(([id, { meaning }]) => lifeCycles.tombstone(environment, id, meaning, by))],
    deletes: returned.map(([id]) => lifeCycles.tombstonePlace(environment, id)),
    after: changes.after,
  }
}

/** What each feature of a group or on-demand view is, by its name: equal where computed in the same way from the same source. */
export function featureMeanings({ text }: Item): ReadonlyMap<string, string> {
  const { source, code, features } = JSON.parse(text) as { source?: string; code?: string; features: [string, unknown][] }
  return new Map(features.map(([name, data]) => [name, canonicalHash([source ?? code, data])]))
}
