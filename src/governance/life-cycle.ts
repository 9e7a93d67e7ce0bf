import { type Catalogue, type Item, itemId, type Snapshot, snapshotOfCatalogue } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import { accessTarget, type BrownOut, currentAfter, type Head, type LifeCycle, type Registry, type Target } from '../registry/index.ts'
import { type Consumers, catalogueOfItems, consumersOf, holdersOf } from './consumers.ts'
import { featureMeanings, lifeChanges } from './life-changes.ts'
import { heldUp } from './removals.ts'

/** A feature, group, on-demand view or view that is to be deprecated or removed. */
export interface LifeCycleSubject {
  /** As `LifeCycle` has it. */
  readonly id: string
  readonly kind: 'feature' | 'group' | 'onDemand' | 'view'
  readonly name: string
  readonly version: number
  readonly feature: string | null
  /** What roles on it are on. */
  readonly target: Target
}

const kinds = { group: 'groups', onDemand: 'onDemand', view: 'views' } as const

/**
 * What a name means: `user_orders@1.total`, `user_orders.total`, `total` where one group has it; `group:user_orders@1`,
 * `onDemand:context@1`, `view:ranking@2`. Without a version that is the highest one. Throws `UNKNOWN_NAME`.
 */
export function lifeCycleSubject(catalogue: Catalogue, name: string, environment: string): LifeCycleSubject {
  const [, kind, own, versionText] = /^(group|onDemand|view):([^@]+)(?:@(\d+))?$/.exec(name) ?? []
  return kind === undefined || own === undefined
    ? featureSubject(catalogue, name, environment)
    : wholeSubject(catalogue, kind as keyof typeof kinds, own, versionText === undefined ? undefined : Number(versionText), environment)
}

function wholeSubject(catalogue: Catalogue, kind: keyof typeof kinds, name: string, version: number | undefined, environment: string) {
  const all = catalogue[kinds[kind]].filter((one) => one.name === name && (version === undefined || one.version === version))
  const found = all.toSorted((a, b) => b.version - a.version)[0]
  if (!found) {
    const known = (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((each) =>
      catalogue[kinds[each]].map((one) => itemId({ ...one, kind: each })),
    )
    throw unknown(`${kind}:${name}${version === undefined ? '' : `@${version}`}`, known)
  }
  const id = itemId({ kind, name, version: found.version })
  return { id, kind, name, version: found.version, feature: null, target: accessTarget(environment, found) }
}

function featureSubject({ groups, onDemand }: Catalogue, name: string, environment: string): LifeCycleSubject {
  const all = [...groups, ...onDemand]
  const [, group, of, feature] = /^(?:([^@.]+)(?:@(\d+))?\.)?([^@.:]+)$/.exec(name) ?? []
  const matching = all.filter(
    (one) =>
      (group === undefined || one.name === group) &&
      (of === undefined || one.version === Number(of)) &&
      feature !== undefined &&
      Object.hasOwn(one.features, feature),
  )
  const found = matching.toSorted((a, b) => b.version - a.version)[0]
  const known = all.flatMap((one) => Object.keys(one.features).map((each) => `${one.name}@${one.version}.${each}`))
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
    remedy: 'Write GROUP@VERSION.FEATURE, group:NAME@VERSION, onDemand:NAME@VERSION or view:NAME@VERSION; lockstep list shows all.',
  })

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
  /** Removes it also where somebody depends on it or it is the current version, and tells the audit log so; never what a view pins. */
  readonly force?: boolean
}

/**
 * Takes something away for good, and leaves a tombstone. A view, on-demand view or group leaves what is applied, in the same commit.
 * What depends on it is judged by what is applied, or by the catalogue where nothing is. Throws `IN_USE`, which says who: a view that
 * has it, a caller that read it, a live training set or model made of it; and for the current version of a view with others, as which of
 * them is current is for somebody to say.
 */
export async function remove(
  registry: Registry,
  catalogue: Catalogue,
  environment: string,
  subject: LifeCycleSubject,
  { by, since, reason = '', force = false }: RemoveOptions,
): Promise<LifeCycle> {
  const { id } = subject
  const head = await registry.applies.head(environment)
  const before = await registry.lifeCycles.get(environment, id)
  const items = head ? await registry.applies.items(head) : snapshotOfCatalogue(catalogue)
  const isItem = head !== null && subject.kind !== 'feature'
  if (isItem ? !items.has(id) : before?.status === 'removed')
    throw new LockstepError(
      'NAME_RETIRED',
      `${id} was removed in ${environment} already${before ? `, by ${before.by} on ${before.at.slice(0, 10)}` : ''}`,
      {
        remedy: `lockstep restore ${id} brings it back.`,
      },
    )
  const known = head ? catalogueOfItems(items) : catalogue
  const consumers = await consumersOf(registry, known, environment, subject, since)
  const left = new Map([...items].filter(([each]) => each !== id))
  const next = isItem && subject.kind === 'view' ? nextCurrent(head, left, subject) : null
  const isCurrent = next === null ? [] : [`it is the current version of ${subject.name}, and ${next} would silently become that`]
  const pins = holdersOf({ views: consumers.views, callers: [], models: [], trainingSets: [] })
  const why = [...isCurrent, ...heldUp(consumers, before, registry.clock.now())]
  // What no force sets aside is all that counts then.
  const refused = force ? pins : why
  if (refused.length > 0)
    throw new LockstepError('IN_USE', `${id} cannot be removed: ${refused.join('; ')}`, { remedy: wayOut(before, consumers, next, force) })
  const said = reason || before?.reason || ''
  const forced = why.length > 0 ? `${said}${said && '; '}forced, though ${why.join('; ')}` : said
  const cycle = {
    id,
    status: 'removed' as const,
    replacement: before?.replacement ?? null,
    removeAfter: null,
    reason: said,
    brownOuts: [],
    by,
  }
  if (!isItem) {
    const stone = registry.lifeCycles.tombstone(environment, ...tombstoneOf(subject, items), by)
    const held = head ? registry.applies.hold(head) : { conditions: [], puts: [] }
    return await registry.lifeCycles.set(environment, cycle, 'remove', { ...held, puts: [...held.puts, stone] }, forced)
  }
  const { after, ...changes } = await lifeChanges(registry, environment, items, left, { by, reason: said })
  const event = registry.audit.put({ by, action: 'remove', on: id, environment, before, after: after[0], why: forced })
  await registry.applies.append({
    environment,
    base: head,
    snapshot: left,
    kind: 'remove',
    by,
    message: `removed ${id}`,
    also: { ...changes, puts: [...changes.puts, event] },
  })
  return after[0] as LifeCycle
}

/** The version of a view, as `NAME@VERSION`, that would become current when its current one goes; null where that is another one, or the last. */
function nextCurrent({ current }: Head, left: Snapshot, { name, version }: LifeCycleSubject): string | null {
  if (current.get(name) !== version) return null
  const next = currentAfter(current, left).get(name)
  return next === undefined ? null : `${name}@${next}`
}

/** What to do for each that holds a removal up. */
function wayOut(before: LifeCycle | null, consumers: Consumers, next: string | null, isForced: boolean): string {
  const { views, callers, trainingSets, models } = consumers
  if (isForced) return `Remove ${views.map((view) => `lockstep remove view:${view}`).join(', ')} first, or leave it in.`
  const others = [
    ...(next === null ? [] : [`Switch first: lockstep switch ${next.replace('@', ' ')}.`]),
    ...(views.length === 0 ? [] : ['A view is removed by lockstep remove view:NAME@VERSION.']),
    ...(models.length === 0 ? [] : ['A model is retired by lockstep model retire NAME.']),
    ...(trainingSets.length === 0 ? [] : ['A training set is retired by lockstep training-set retire ID.']),
  ]
  const readers = before?.replacement ? `Move readers to ${before.replacement} first.` : 'Wait, or move readers to something else first.'
  const isWaitedFor = callers.length > 0 || others.length === 0
  return [...(isWaitedFor ? [readers] : []), ...others, ...(views.length === 0 ? ['--force removes it all the same.'] : [])].join(' ')
}

/** The id of a tombstone and what the name meant. */
function tombstoneOf({ id, kind, name, version, feature }: LifeCycleSubject, snapshot: ReadonlyMap<string, Item>): [string, string] {
  if (kind !== 'feature') return [id, snapshot.get(id)?.meaning ?? '']
  const group = snapshot.get(itemId({ kind: 'group', name, version })) ?? snapshot.get(itemId({ kind: 'onDemand', name, version }))
  return [`feature:${id}`, (group && featureMeanings(group).get(feature ?? '')) ?? '']
}

/** Whether something answers as if it were removed, at a moment in milliseconds. */
export const isBrownedOut = ({ brownOuts }: LifeCycle, now: number): boolean =>
  brownOuts.some(({ from, to }) => Date.parse(from) <= now && now < Date.parse(to))
