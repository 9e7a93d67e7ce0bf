import { catalogueOf, type Definition, itemId, type Snapshot } from '../definition/index.ts'
import { formatMoment } from '../lib/moment.ts'
import type { SourcePlaces } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import {
  checkDefinitions,
  type Difference,
  differenceOf,
  type Finding,
  featureId,
  type Policy,
  type Severity,
  type SimilarFeature,
  SimilarFeatures,
  type Target,
  targetOf,
} from '../plan/index.ts'
import { type CurrentVersions, currentAfter, type Head, type ItemReference, type Registry, stateHash } from '../registry/index.ts'
import { compareChanges, type GroupComparison } from './compare-changes.ts'
import { costOf, type GroupCost } from './cost.ts'
import { type Impact, impactOf } from './impact.ts'
import { changedTopics, changedVersions, missingCode, type Refusal } from './refusal.ts'
import { deprecationNotices, refusedRemovals, retiredNames } from './removals.ts'

export interface PlanOptions {
  readonly registry: Registry
  readonly environment: string
  /** What the environment shall define: the project's files, or what another environment has. */
  readonly definitions: readonly Definition[]
  /** Versions that shall be current of views that had none: those of another environment. The highest ones by default. */
  readonly current?: CurrentVersions
  readonly checks?: Readonly<Record<string, Severity>>
  readonly policies?: readonly Policy[]
  /** Keys by which changed groups and on-demand views are compared. Default: 300. 0: nothing of history is read. */
  readonly sample?: number
  readonly seed?: number
  /** Changed groups and on-demand views that are compared, in the order of the plan. Default: 10. */
  readonly compared?: number
  /** Whether comparisons give examples of real values: never of what derives from a column tagged `pii`. Default: true. */
  readonly examples?: boolean
  /** Groups whose cost is measured where no run tells it; those beyond are reckoned by what was measured. Default: 3. */
  readonly measured?: number
  readonly places?: SourcePlaces
  /** An empty online store for what is measured. */
  readonly scratch?: () => OnlineStore
  readonly signal?: AbortSignal
}

/** What an apply would do, and what it means. As JSON it is what `lockstep apply PLAN` takes. */
export interface Plan {
  readonly format: 1
  readonly environment: string
  /** ISO 8601, UTC. */
  readonly made: string
  /** The number of the apply that it was made on; 0: nothing was applied. */
  readonly base: number
  /** The hash of what that apply left: after an import another one may have its number. */
  readonly baseHash: string
  /** All that the environment holds after it. */
  readonly items: Readonly<Record<string, ItemReference>>
  readonly difference: Difference
  /** Applied versions that the files do not define any more, and that stay. */
  readonly kept: readonly string[]
  /** The versions that become current, by view: of views that are new, or whose current version goes. */
  readonly current: Readonly<Record<string, number>>
  readonly refusals: readonly Refusal[]
  readonly findings: readonly Finding[]
  /** Deprecated features, groups and views, and who reads them, in words. */
  readonly deprecations: readonly string[]
  readonly impact: Impact
  readonly cost: readonly GroupCost[]
  readonly comparisons: readonly GroupComparison[]
  /** Changed groups and on-demand views that were not compared, as there are so many. */
  readonly uncompared: readonly string[]
  /** Features that are added, and those that are there already and would do. */
  readonly similar: readonly NearDuplicate[]
}

export interface NearDuplicate {
  readonly feature: string
  readonly like: readonly SimilarFeature[]
}

/** A plan, with what it was made of. */
export interface PlannedChanges {
  readonly plan: Plan
  readonly head: Head | null
  readonly target: Target
  readonly before: Snapshot
  /** The versions that are current then, of all views. */
  readonly current: CurrentVersions
}

/** Features that are named which one that is added is like. */
const mostLike = 3

/** What would change in an environment, what that means for values, stores, readers and policies, and what it costs. Changes nothing. */
export async function planChanges(options: PlanOptions): Promise<PlannedChanges> {
  const { registry, environment, definitions, checks = {}, policies = [], sample = 300 } = options
  const head = await registry.applies.head(environment)
  const before: Snapshot = head ? await registry.applies.items(head) : new Map()
  const target = targetOf(definitions, before)
  const difference = differenceOf(before, target.snapshot)
  const refusals = [
    ...changedVersions(difference, target),
    ...changedTopics(before, target.snapshot),
    ...missingCode(target),
    ...(await refusedRemovals(before, target.snapshot, registry, environment)),
    ...(await retiredNames(difference, registry, environment, target)),
  ]
  const known = head?.current ?? new Map<string, number>()
  const current = currentAfter(known, target.snapshot, options.current)
  const plan: Plan = {
    format: 1,
    environment,
    made: formatMoment(registry.clock.now()),
    base: head?.apply ?? 0,
    baseHash: stateHash(head),
    items: Object.fromEntries([...target.snapshot].map(([id, { hash, meaning }]) => [id, { hash, meaning }])),
    difference,
    kept: target.kept,
    current: Object.fromEntries([...current].filter(([view, version]) => known.get(view) !== version)),
    refusals,
    findings: checkDefinitions(target.definitions, checks, { policies, environment }),
    deprecations: await deprecationNotices(target, registry, environment),
    impact: await impactOf(difference, registry, environment),
    similar: nearDuplicates(difference, target),
    ...(sample > 0 ? await readHistory(options, sample, difference, target, head, before) : { cost: [], comparisons: [], uncompared: [] }),
  }
  return { plan, head, target, before, current }
}

/** Whether there is something to apply. */
export const hasChanges = ({ difference }: Pick<Plan, 'difference'>): boolean => difference.items.length > 0

function nearDuplicates({ items }: Difference, { definitions }: Target): NearDuplicate[] {
  const added = items.filter(({ kind, effect, parts }) => kind === 'group' && effect === 'added' && parts.length > 0)
  if (added.length === 0) return []
  const catalogue = catalogueOf(definitions)
  const groups = new Map(catalogue.groups.map((group) => [itemId({ ...group, kind: 'group' }), group]))
  const known = new SimilarFeatures(catalogue)
  return added.flatMap(({ id, parts }) => {
    const group = groups.get(id)
    if (!group) return []
    return parts.flatMap(({ name, effect }): NearDuplicate[] => {
      const like = effect === 'added' ? known.of(group, name).filter(({ isNearDuplicate }) => isNearDuplicate) : []
      return like.length > 0 ? [{ feature: featureId(group, name), like: like.slice(0, mostLike) }] : []
    })
  })
}

async function readHistory(
  { registry, places = {}, scratch, seed, signal, definitions, compared = 10, measured, examples = true }: PlanOptions,
  sample: number,
  { items }: Difference,
  target: Target,
  head: Head | null,
  before: Snapshot,
): Promise<Pick<Plan, 'cost' | 'comparisons' | 'uncompared'>> {
  const groups = new Map(catalogueOf(target.definitions).groups.map((group) => [itemId({ ...group, kind: 'group' }), group]))
  const written = items.filter(({ effect }) => effect === 'added' || effect === 'values')
  const previous = new Map(
    written.flatMap(({ kind, name, version, previous: old }) =>
      kind === 'group' && old ? [[`${name}@${version}`, old.slice('group:'.length)]] : [],
    ),
  )
  const asked = written.flatMap(({ id }) => groups.get(id) ?? [])
  const where: SourcePlaces = { ...places, history: { ...rowsOf(definitions), ...places.history } }
  const cost = await costOf(asked, { registry, places: where, scratch, previous, measured })
  const changed = written.filter(
    ({ kind, effect, previous: old }) => (kind === 'group' || kind === 'onDemand') && (effect === 'values' || old !== null),
  )
  if (!head) return { cost, comparisons: [], uncompared: [] }
  const comparisons = await compareChanges(
    changed.slice(0, compared),
    before,
    { files: definitions, definitions: target.definitions },
    {
      sample,
      places: where,
      ...(examples ? {} : { examples: 0 }),
      ...(seed === undefined ? {} : { seed }),
      ...(signal ? { signal } : {}),
    },
  )
  return { cost, comparisons, uncompared: changed.slice(compared).map(({ name, version }) => `${name}@${version}`) }
}

/** Rows in memory are not in the registry: applied groups read those of the files. */
function rowsOf(definitions: readonly Definition[]) {
  return Object.fromEntries(
    catalogueOf(definitions).sources.flatMap(({ name, history }) => (history?.kind === 'rows' ? [[name, history] as const] : [])),
  )
}
