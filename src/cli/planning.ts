import type { Definition } from '../definition/index.ts'
import type { Plan, PlanOptions } from '../governance/index.ts'
import type { Target } from '../registry/index.ts'
import type { Session } from './session.ts'

/** What a plan of the project's files, or of other definitions, is made with. */
export async function planOptions({ project }: Session, definitions: readonly Definition[] = project.files): Promise<PlanOptions> {
  const { catalogueOf } = await import('../definition/index.ts')
  const { scratchOnlineStore } = await import('../store/index.ts')
  return {
    registry: await project.registry(),
    environment: project.environment,
    definitions,
    checks: project.config.checks ?? {},
    policies: project.config.policies ?? [],
    places: { history: project.histories(catalogueOf(definitions)) },
    scratch: scratchOnlineStore,
  }
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
