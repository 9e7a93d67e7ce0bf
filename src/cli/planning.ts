import { type Catalogue, catalogueOf, type Definition, type Item, type Snapshot } from '../definition/index.ts'
import type { Plan, PlannedChanges, PlanOptions } from '../governance/index.ts'
import type { SourcePlaces } from '../offline/index.ts'
import type { Difference } from '../plan/index.ts'
import type { Target } from '../registry/index.ts'
import type { Project } from './project.ts'
import type { Session } from './session.ts'

/** What a plan of the project's files, or of other definitions, is made with. */
export async function planOptions({ project }: Session, definitions: readonly Definition[] = project.files): Promise<PlanOptions> {
  const { scratchOnlineStore } = await import('../store/index.ts')
  const catalogue = catalogueOf(definitions)
  return {
    registry: await project.registry(),
    environment: project.environment,
    definitions,
    checks: project.config.checks ?? {},
    policies: project.config.policies ?? [],
    places: { ...(await landedPlaces(project, catalogue)), history: project.histories(catalogue) },
    scratch: scratchOnlineStore,
  }
}

/** What has landed of streams, which only a store knows. */
async function landedPlaces(project: Project, { sources, groups }: Catalogue): Promise<SourcePlaces> {
  if (sources.every(({ stream }) => stream === null)) return {}
  await using store = await project.open()
  return await store.places(groups)
}

/**
 * Throws `FORBIDDEN` unless who is acting may change all that differs, and the views whose current version does: those with a role on a
 * tag by the tags that are applied, in any version; what is new altogether by what it says of itself. What comes to read a group or a
 * source takes that they may read that, too: else who may change a view could show themselves everything by it.
 */
export async function checkMayApply(
  { project, actor }: Session,
  { items }: Difference,
  before: Snapshot,
  after: Snapshot,
  switched: readonly string[] = [],
): Promise<void> {
  const changed = new Set([...items.map(({ kind, name }) => `${kind}:${name}`), ...switched.map((view) => `view:${view}`)])
  if (changed.size === 0) return
  const [old, fresh] = [tagsByName(before), tagsByName(after)]
  const { environment } = project
  const targetOf = (on: string): Target => ({ environment, on, tags: old(on) ?? fresh(on) ?? [] })
  const { access } = await project.registry()
  await access.check(actor, 'define', [...changed].map(targetOf))
  const read = newlyRead(changed, before, after).filter((on) => !changed.has(on))
  if (read.length === 0) return
  const partsOf = (on: string) => (on.startsWith('source:') ? namesThatRead(on, before).map(targetOf) : [])
  await access.check(
    actor,
    'read',
    read.map((on) => ({ ...targetOf(on), parts: partsOf(on) })),
  )
}

/** The groups and sources, as `group:NAME`, that the items of these names read after a change and that none of their versions read before. */
function newlyRead(names: ReadonlySet<string>, before: Snapshot, after: Snapshot): string[] {
  const readBy = (items: Snapshot) =>
    Map.groupBy(
      [...items.values()]
        .filter((item) => names.has(nameOf(item)))
        .flatMap((item) => readsOf(item, items).map((on) => ({ by: nameOf(item), on }))),
      ({ by }) => by,
    )
  const old = readBy(before)
  return [
    ...new Set(
      [...readBy(after)].flatMap(([by, all]) => all.map(({ on }) => on).filter((on) => !old.get(by)?.some((one) => one.on === on))),
    ),
  ]
}

/** What a view or on-demand view reads by groups, what a group does by its source. */
function readsOf({ kind, text }: Item, items: Snapshot): string[] {
  const {
    source,
    items: own = [],
    from = own,
  } = JSON.parse(text) as {
    readonly source?: string
    readonly items?: readonly Reference[]
    readonly from?: readonly Reference[]
  }
  if (kind === 'group') return source === undefined ? [] : [source]
  return from.flatMap(({ group, onDemand = '' }) => {
    const inner = items.get(onDemand)
    return group === undefined ? (inner ? readsOf(inner, items) : []) : [group.replace(/@\d+$/, '')]
  })
}

/** Of what a view or on-demand view has: `group:orders@1` or `onDemand:context@1`. */
interface Reference {
  readonly group?: string
  readonly onDemand?: string
}

/** The groups that read a source, as `group:NAME`. */
const namesThatRead = (source: string, items: Snapshot): string[] => [
  ...new Set([...items.values()].filter((item) => item.kind === 'group' && readsOf(item, items).includes(source)).map(nameOf)),
]

const nameOf = ({ kind, name }: Item): string => `${kind}:${name}`

/** A plan as who is acting may see it: with examples of values only of groups that they may read, judged by tags as `checkMayApply` does. */
export async function planFor({ project, actor }: Session, { plan, before, target }: PlannedChanges): Promise<Plan> {
  const { withholding } = await import('../governance/index.ts')
  const state = await (await project.registry()).access.state()
  const [old, fresh] = [tagsByName(before), tagsByName(target.snapshot)]
  const mayRead = (on: string) => state.allows(actor, 'read', { environment: project.environment, on, tags: old(on) ?? fresh(on) ?? [] })
  const comparisons = plan.comparisons.map((one) => {
    const read = [
      [before, one.before],
      [target.snapshot, one.group],
    ] as const
    const groups = read.flatMap(([items, name]) => groupsReadBy(`${one.kind}:${name}`, items))
    return groups.every(mayRead) ? one : withholding(one, 'they take a role to read them')
  })
  return { ...plan, comparisons }
}

/** The group itself, or the groups that an on-demand view reads, as `group:NAME`. */
function groupsReadBy(id: string, items: Snapshot): string[] {
  const item = items.get(id)
  if (item === undefined) return []
  return item.kind === 'group' ? [nameOf(item)] : readsOf(item, items)
}

/** The tags that all versions of a name have; undefined where there is none. */
function tagsByName(items: Snapshot): (on: string) => readonly string[] | undefined {
  const versions = Map.groupBy(items.values(), ({ kind, name }) => `${kind}:${name}`)
  return (on) => {
    const lists = versions.get(on)?.map(({ text }) => (JSON.parse(text) as { readonly tags?: readonly string[] }).tags ?? [])
    return lists?.[0]?.filter((tag) => lists.every((list) => list.includes(tag)))
  }
}
