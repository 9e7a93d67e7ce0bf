import { type Catalogue, type Item, itemId, snapshotOfCatalogue } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { canonicalHash } from '../lib/canonical-json.ts'
import { suggestion } from '../lib/suggestion.ts'
import { Lineage, type LineageReaders } from '../plan/index.ts'
import { accessTarget, type BrownOut, type LifeCycle, type Registry, type Target } from '../registry/index.ts'

/** A feature, group or view that is to be deprecated or removed. */
export interface LifeCycleSubject {
  /** As `LifeCycle` has it. */
  readonly id: string
  readonly kind: 'feature' | 'group' | 'view'
  readonly name: string
  readonly version: number
  readonly feature: string | null
  /** What roles on it are on. */
  readonly target: Target
}

/** Who depends on something. */
export interface Consumers {
  /** `ranking@1`, those that are applied. */
  readonly views: readonly string[]
  readonly callers: readonly { readonly caller: string; readonly model: string; readonly view: string; readonly last: number }[]
  /** `churn`, with a live version. */
  readonly models: readonly string[]
  /** Ids of those that are live. */
  readonly trainingSets: readonly string[]
}

/**
 * What a name means: `user_orders@1.total`, `user_orders.total`, `total` where one group has it; `group:user_orders@1`, `view:ranking@2`.
 * Without a version that is the highest one. Throws `UNKNOWN_NAME`.
 */
export function lifeCycleSubject({ groups, views }: Catalogue, name: string, environment: string): LifeCycleSubject {
  const [, kind, own, versionText] = /^(group|view):([^@]+)(?:@(\d+))?$/.exec(name) ?? []
  const version = versionText === undefined ? undefined : Number(versionText)
  if (kind !== undefined && own !== undefined) {
    const all = (kind === 'group' ? groups : views).filter((one) => one.name === own && (version === undefined || one.version === version))
    const found = all.toSorted((a, b) => b.version - a.version)[0]
    if (!found)
      throw unknown(name, [
        ...groups.map((one) => itemId({ ...one, kind: 'group' })),
        ...views.map((one) => itemId({ ...one, kind: 'view' })),
      ])
    const id = itemId({ kind: kind as 'group' | 'view', name: own, version: found.version })
    return {
      id,
      kind: kind as 'group' | 'view',
      name: own,
      version: found.version,
      feature: null,
      target: accessTarget(environment, found),
    }
  }
  const [, group, of, feature] = /^(?:([^@.]+)(?:@(\d+))?\.)?([^@.:]+)$/.exec(name) ?? []
  const matching = groups.filter(
    (one) =>
      (group === undefined || one.name === group) &&
      (of === undefined || one.version === Number(of)) &&
      feature !== undefined &&
      Object.hasOwn(one.features, feature),
  )
  const found = matching.toSorted((a, b) => b.version - a.version)[0]
  const known = groups.flatMap((one) => Object.keys(one.features).map((each) => `${one.name}@${one.version}.${each}`))
  if (!found || feature === undefined) throw unknown(name, known)
  const others = new Set(matching.map((one) => one.name))
  if (others.size > 1)
    throw new LockstepError('UNKNOWN_NAME', `${name} is a feature of ${[...others].join(', ')}`, {
      remedy: 'Name the group too: GROUP.FEATURE.',
    })
  const id = `${found.name}@${found.version}.${feature}`
  return { id, kind: 'feature', name: found.name, version: found.version, feature, target: accessTarget(environment, found) }
}

const unknown = (name: string, known: readonly string[]) =>
  new LockstepError('UNKNOWN_NAME', `There is nothing called ${name}${suggestion(name, known)}`, {
    remedy: 'Write GROUP@VERSION.FEATURE, group:NAME@VERSION or view:NAME@VERSION; lockstep list shows all.',
  })

/** Who depends on something: views that are defined, callers that read since a moment, live training sets, and live models of them. */
export async function consumersOf(
  registry: Registry,
  catalogue: Catalogue,
  environment: string,
  subject: LifeCycleSubject,
  since: number,
): Promise<Consumers> {
  const reads = (await registry.usage.read(environment, { since })).filter(({ last }) => last >= since)
  const trainingSets = await registry.trainingSets.list({ environment, live: true })
  const models = (await registry.models.list()).map(({ name, versions }) => ({ name, versions: versions.filter(({ live }) => live) }))
  const readers: LineageReaders = { reads, trainingSets, models: models.filter(({ versions }) => versions.length > 0) }
  const lineage = new Lineage(catalogue, readers)
  const found = lineage.reach(lineage.find(subject.kind === 'group' ? subject.id.slice('group:'.length) : subject.id), 'down').nodes
  const ids = (kind: string) => found.filter((node) => node.kind === kind).map(({ id }) => id)
  const viewOf = (id: string) => /^view:([^.]+)\./.exec(id)?.[1] ?? ''
  const features = new Set(ids('viewFeature'))
  const callers = new Map<string, Consumers['callers'][number]>()
  for (const { caller, model, view, version, feature, last } of reads) {
    const name = `${view}@${version}`
    if (!features.has(`view:${name}.${feature}`)) continue
    const key = [caller, model, name].join('\0')
    callers.set(key, { caller, model, view: name, last: Math.max(last, callers.get(key)?.last ?? 0) })
  }
  return {
    views: subject.kind === 'view' ? [] : [...new Set([...features].map(viewOf))].sort(),
    callers: [...callers.values()],
    models: ids('model').map((id) => id.slice('model:'.length)),
    trainingSets: ids('trainingSet').map((id) => id.slice('trainingSet:'.length)),
  }
}

export interface Deprecation {
  readonly replacement?: string
  /** ISO 8601, UTC. */
  readonly removeAfter?: string
  readonly reason: string
  readonly brownOuts?: readonly BrownOut[]
}

/** Says that something is to be read no more. Readers are warned from now on. Throws `NAME_RETIRED` for what was removed. */
export async function deprecate(
  registry: Registry,
  environment: string,
  { id }: LifeCycleSubject,
  by: string,
  { replacement, removeAfter, reason, brownOuts = [] }: Deprecation,
): Promise<LifeCycle> {
  const before = await registry.lifeCycles.get(environment, id)
  if (before?.status === 'removed') throw new LockstepError('NAME_RETIRED', `${id} was removed in ${environment}`)
  if (replacement === id) throw new LockstepError('INVALID_ARGUMENT', `${id} cannot be its own replacement`)
  const cycle = {
    id,
    status: 'deprecated' as const,
    replacement: replacement ?? null,
    removeAfter: removeAfter ?? null,
    reason,
    brownOuts,
    by,
  }
  return await registry.lifeCycles.set(environment, cycle, 'deprecate')
}

export interface RemoveOptions {
  readonly by: string
  /** Callers that have read it since then hold it up. */
  readonly since: number
  readonly reason?: string
}

/**
 * Takes something away for good, and leaves a tombstone. A view or group leaves what is applied, in the same commit. Throws `IN_USE`,
 * which says who: a view that has it, a caller that read it, a live training set or model made of it.
 */
export async function remove(
  registry: Registry,
  catalogue: Catalogue,
  environment: string,
  subject: LifeCycleSubject,
  { by, since, reason = '' }: RemoveOptions,
): Promise<LifeCycle> {
  const { id } = subject
  const before = await registry.lifeCycles.get(environment, id)
  const head = await registry.applies.head(environment)
  const isApplied = subject.kind !== 'feature' && (head?.items.has(id) ?? false)
  // A rollback may have brought it back.
  if (before?.status === 'removed' && !isApplied) throw new LockstepError('NAME_RETIRED', `${id} was removed in ${environment} already`)
  if (before?.removeAfter && registry.clock.now() / 1000 < Date.parse(before.removeAfter))
    throw new LockstepError('IN_USE', `${id} was promised to stay until ${before.removeAfter}`, {
      remedy: 'Wait, or deprecate it again with another date.',
    })
  const consumers = await consumersOf(registry, catalogue, environment, subject, since)
  const holders = holdersOf(consumers)
  if (holders.length > 0)
    throw new LockstepError('IN_USE', `${id} cannot be removed: ${holders.join('; ')}`, {
      remedy: before?.replacement ? `Move them to ${before.replacement} first.` : 'Move them to something else first.',
    })
  const snapshot = snapshotOfCatalogue(catalogue)
  const cycle = {
    id,
    status: 'removed' as const,
    replacement: before?.replacement ?? null,
    removeAfter: null,
    reason: reason || before?.reason || '',
    brownOuts: [],
    by,
  }
  const stone = registry.lifeCycles.tombstone(...tombstoneOf(subject, snapshot), by)
  if (!isApplied || head === null) return await registry.lifeCycles.set(environment, cycle, 'remove', { puts: [stone] })
  const items = new Map([...(await registry.applies.items(head))].filter(([each]) => each !== id))
  const { after, ...put } = registry.lifeCycles.put(environment, cycle)
  const event = registry.audit.put({ by, action: 'remove', on: id, environment, before, after, why: cycle.reason })
  await registry.applies.append({
    environment,
    base: head,
    snapshot: items,
    kind: 'apply',
    by,
    message: `removed ${id}`,
    also: { puts: [put, stone, event] },
  })
  return after
}

function holdersOf({ views: pinned, callers, models, trainingSets }: Consumers): string[] {
  return [
    ...(pinned.length > 0 ? [`the view${pinned.length > 1 ? 's' : ''} ${pinned.join(', ')} pin${pinned.length > 1 ? '' : 's'} it`] : []),
    ...callers.map(
      ({ caller, view, last }) => `${caller || 'somebody'} read it by ${view}, last on ${new Date(last / 1000).toISOString().slice(0, 10)}`,
    ),
    ...(models.length > 0
      ? [`the model${models.length > 1 ? 's' : ''} ${models.join(', ')} depend${models.length > 1 ? '' : 's'} on it`]
      : []),
    ...(trainingSets.length > 0
      ? [
          `the live training set${trainingSets.length > 1 ? 's' : ''} ${trainingSets.join(', ')} hold${trainingSets.length > 1 ? '' : 's'} it`,
        ]
      : []),
  ]
}

/** The id of a tombstone and what the name meant. */
function tombstoneOf({ id, kind, name, version, feature }: LifeCycleSubject, snapshot: ReadonlyMap<string, Item>): [string, string] {
  if (kind !== 'feature') return [id, snapshot.get(id)?.meaning ?? '']
  const group = snapshot.get(itemId({ kind: 'group', name, version }))
  return [`feature:${id}`, (group && featureMeanings(group).get(feature ?? '')) ?? '']
}

/** What each feature of a group is, by its name: equal where they are computed in the same way from the same source. */
export function featureMeanings({ text }: Item): ReadonlyMap<string, string> {
  const { source, features } = JSON.parse(text) as { source: string; features: [string, unknown][] }
  return new Map(features.map(([name, data]) => [name, canonicalHash([source, data])]))
}

/** Whether something answers as if it were removed, at a moment in milliseconds. */
export const isBrownedOut = ({ brownOuts }: LifeCycle, now: number): boolean =>
  brownOuts.some(({ from, to }) => Date.parse(from) <= now && now < Date.parse(to))
