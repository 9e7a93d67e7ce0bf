import { type Item, itemId, parseItemId, type Snapshot, snapshotOf } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import { bareId, differenceOf, SnapshotTexts } from '../plan/index.ts'
import type { Head, ItemReference, LifeCycle, NewLifeCycle, Registry, Target } from '../registry/index.ts'
import { refuseViolations } from './apply-plan.ts'
import { definitionsOfItems } from './consumers.ts'
import { lifeChanges } from './life-changes.ts'
import { retiredNames } from './removals.ts'

/** Something deprecated or removed that is to be active again. */
export interface Restorable {
  readonly cycle: LifeCycle
  /** What roles on it are on. */
  readonly target: Target
}

/**
 * What a name means of that which is deprecated or removed: as `lifeCycleSubject` reads names, without a version the highest that is.
 * Throws `UNKNOWN_NAME`.
 */
export async function restorable(registry: Registry, environment: string, name: string): Promise<Restorable> {
  const cycles = (await registry.lifeCycles.list(environment)).filter(({ status }) => status === 'deprecated' || status === 'removed')
  const fits = cycles.filter(({ id }) => [id, id.replace(/@\d+/, ''), featureOf(id)].includes(name))
  const [cycle] = fits.toSorted((a, b) => versionOf(b.id) - versionOf(a.id))
  if (!cycle) {
    const known = cycles.map(({ id }) => id)
    throw new LockstepError('UNKNOWN_NAME', `Nothing called ${name} is deprecated or removed in ${environment}${suggestion(name, known)}`, {
      remedy: '`lockstep list --status deprecated` shows what is deprecated; the audit log tells of what was removed.',
    })
  }
  const names = new Set(fits.map(({ id }) => id.replace(/@.*/, '')))
  if (names.size > 1)
    throw new LockstepError('UNKNOWN_NAME', `${name} is a feature of ${[...names].join(', ')}`, {
      remedy: 'Name the group too: GROUP.FEATURE.',
    })
  return { cycle, target: await targetOf(registry, environment, cycle.id) }
}

/** `total` of `user_orders@1.total`; what is no feature has none. */
const featureOf = (id: string): string | null => (id.includes(':') ? null : id.slice(id.indexOf('.') + 1))
const versionOf = (id: string): number => Number(/@(\d+)/.exec(id)?.[1] ?? 0)

/** Of what is gone, the tags that it had when it was there last. */
async function targetOf(registry: Registry, environment: string, id: string): Promise<Target> {
  const { applies } = registry
  const head = await applies.head(environment)
  const references = head ? await lastReferences(registry, head) : new Map<string, never>()
  const whole = id.includes(':') ? [id] : [`group:${id.split('.', 1)[0]}`, `onDemand:${id.split('.', 1)[0]}`]
  const [found] = whole.flatMap((each) => {
    const reference = references.get(each)
    return reference ? [[each, reference] as const] : []
  })
  const items: Snapshot = found ? await applies.items({ items: new Map([found]) }) : new Map()
  const [item] = items.values()
  const { kind, name } = item ?? parseItemId(whole[0] as string)
  const { tags = [] } = item ? (JSON.parse(item.text) as { readonly tags?: readonly string[] }) : {}
  return { environment, on: `${kind}:${name}`, tags }
}

/**
 * Makes what is deprecated or removed active again. What left what is applied comes back as it was there last, with what it refers to, in
 * the same commit. Throws `NAME_RETIRED` where that would mean something else than it did, or where it reads a feature that was removed.
 */
export async function restore(
  registry: Registry,
  environment: string,
  { cycle: { id, status } }: Restorable,
  { by, reason = '' }: { readonly by: string; readonly reason?: string },
): Promise<LifeCycle> {
  const { applies, lifeCycles } = registry
  const active: NewLifeCycle = { id, status: 'active', replacement: null, removeAfter: null, reason, brownOuts: [], by }
  if (status === 'deprecated') return await lifeCycles.set(environment, active, 'restore')
  const head = await applies.head(environment)
  const isFeature = !id.includes(':')
  if (head !== null && !isFeature && !head.items.has(id)) return await bringBack(registry, head, active)
  const stone = isFeature ? `feature:${id}` : id
  // A version of a group is what it was, or has a tombstone of its own: so is its feature.
  const held = head ? applies.hold(head) : { conditions: [], puts: [] }
  return await lifeCycles.set(environment, active, 'restore', { ...held, deletes: [lifeCycles.tombstonePlace(environment, stone)] })
}

async function bringBack(registry: Registry, head: Head, active: NewLifeCycle): Promise<LifeCycle> {
  const { applies } = registry
  const { environment } = head
  const { id, by, reason } = active
  const before = await applies.items(head)
  const after = await withItem(registry, head, before, id)
  const definitions = definitionsOfItems(after)
  const [other] = [...snapshotOf(definitions)].filter(([each, { meaning }]) => !before.has(each) && meaning !== after.get(each)?.meaning)
  if (other) throw otherMeaning(other[0])
  refuseViolations({
    refusals: await retiredNames(differenceOf(before, after), registry, environment, { snapshot: after, definitions }),
    findings: [],
  })
  const { after: cycles, ...changes } = await lifeChanges(registry, environment, before, after, { by, reason })
  const now = cycles.find((one) => one.id === id) as LifeCycle
  const told = registry.audit.put({ by, action: 'restore', on: id, environment, before: null, after: now, why: reason })
  const also = { ...changes, puts: [...changes.puts, told] }
  await applies.append({ environment, base: head, snapshot: after, kind: 'restore', by, message: `restored ${id}`, also })
  return now
}

/** What is applied, and an item as it was there last, with all that it refers to and that is gone too. */
async function withItem(registry: Registry, head: Head, before: Snapshot, id: string): Promise<Snapshot> {
  const { applies } = registry
  const last = await lastReferences(registry, head)
  const after = new Map<string, Item>(before)
  const add = async (each: string): Promise<void> => {
    const reference = last.get(each)
    if (after.has(each)) return
    if (!reference)
      throw new LockstepError('UNKNOWN_NAME', `${bareId(each)} was never applied in ${head.environment}`, {
        remedy: 'Apply the files that define it: lockstep apply.',
      })
    const found = await applies.items({ items: new Map([[each, reference]]) })
    for (const [own, item] of found) after.set(own, item)
    for (const needed of new SnapshotTexts(found).references(each)) await add(needed)
  }
  await add(id)
  return new Map([...after.values()].map((item) => [itemId(item), item] as const).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** All that was ever applied in the environment of a head, as it was last. */
async function lastReferences({ applies }: Pick<Registry, 'applies'>, head: Head): Promise<ReadonlyMap<string, ItemReference>> {
  const last = new Map<string, ItemReference>(head.items)
  const add = (id: string, reference: ItemReference | null) => {
    if (reference !== null && !last.has(id)) last.set(id, reference)
  }
  for (let before = head.apply + 1; before > 1; ) {
    const found = await applies.history(head.environment, { before, limit: page })
    for (const { changes } of found) for (const change of changes) add(change.id, change.before)
    before = found.at(-1)?.number ?? 0
  }
  for (const former of await applies.former(head.environment)) for (const [id, reference] of former) add(id, reference)
  return last
}

const page = 200

const otherMeaning = (id: string): LockstepError =>
  new LockstepError('NAME_RETIRED', `${bareId(id)} would mean something else than when it was removed, as what it reads has changed`, {
    where: id,
    remedy: 'Declare it in a new version, or under another name.',
  })
