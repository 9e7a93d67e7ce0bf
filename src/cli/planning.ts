import { type Catalogue, catalogueOf, type Definition, type Snapshot } from '../definition/index.ts'
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
 * tag by the tags that are applied, in any version; what is new altogether by what it says of itself.
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
  const targets = [...changed].map((on): Target => ({ environment, on, tags: old(on) ?? fresh(on) ?? [] }))
  await (await project.registry()).access.check(actor, 'define', targets)
}

/** A plan as who is acting may see it: with examples of values only of groups that they may read, judged by tags as `checkMayApply` does. */
export async function planFor({ project, actor }: Session, { plan, before, target }: PlannedChanges): Promise<Plan> {
  const state = await (await project.registry()).access.state()
  const [old, fresh] = [tagsByName(before), tagsByName(target.snapshot)]
  const comparisons = plan.comparisons.map((one) => {
    const on = `group:${one.group.slice(0, one.group.lastIndexOf('@'))}`
    const of = { environment: project.environment, on, tags: old(on) ?? fresh(on) ?? [] }
    if (one.comparison === null || state.allows(actor, 'read', of)) return one
    return { ...one, comparison: { ...one.comparison, features: one.comparison.features.map((each) => ({ ...each, examples: [] })) } }
  })
  return { ...plan, comparisons }
}

/** The tags that all versions of a name have; undefined where there is none. */
function tagsByName(items: Snapshot): (on: string) => readonly string[] | undefined {
  const versions = Map.groupBy(items.values(), ({ kind, name }) => `${kind}:${name}`)
  return (on) => {
    const lists = versions.get(on)?.map(({ text }) => (JSON.parse(text) as { readonly tags?: readonly string[] }).tags ?? [])
    return lists?.[0]?.filter((tag) => lists.every((list) => list.includes(tag)))
  }
}
