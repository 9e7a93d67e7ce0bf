import { type Catalogue, catalogueOf, type Definition } from '../definition/index.ts'
import type { Plan, PlanOptions } from '../governance/index.ts'
import type { SourcePlaces } from '../offline/index.ts'
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

/** Throws `FORBIDDEN` unless who is acting may change all that a plan changes: those with a tag by the tags that are applied. */
export async function checkMayApply(
  { project, actor }: Session,
  { difference }: Plan,
  tagsOf: (id: string) => readonly string[],
): Promise<void> {
  const targets: Target[] = difference.items.map(({ id, kind, name }) => ({
    environment: project.environment,
    on: `${kind}:${name}`,
    tags: tagsOf(id),
  }))
  if (targets.length > 0) await (await project.registry()).access.check(actor, 'define', targets)
}

/** The tags of each item, by what is applied; those of new items by what they say of themselves. */
export function appliedTags(before: ReadonlyMap<string, { readonly text: string }>, after: ReadonlyMap<string, { readonly text: string }>) {
  return (id: string): readonly string[] => {
    const { tags = [] } = JSON.parse((before.get(id) ?? after.get(id))?.text ?? '{}') as { tags?: readonly string[] }
    return tags
  }
}
