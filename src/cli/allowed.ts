import { accessTarget, broughtTarget, type Operation, type Target } from '../registry/index.ts'
import type { Session } from './session.ts'

type Thing = Parameters<typeof accessTarget>[1]

/**
 * Throws `FORBIDDEN` unless who is acting may do something to things, or where none are given to the environment as a whole. To be asked
 * by a command before it changes anything. While nobody is an admin everybody may do everything.
 */
export async function checkAllowed({ project, actor }: Session, operation: Operation, things?: readonly Thing[]): Promise<void> {
  const { environment, catalogue } = project
  const { access, applies } = await project.registry()
  const head = things && (await applies.head(environment))
  const applied = head ? await applies.items(head) : null
  const targets = things?.map((thing) => broughtTarget(environment, thing, catalogue.groups, applied)) ?? { environment }
  await access.check(actor, operation, targets)
}

/** The same of what was made from views, which may be gone since, in whatever environment. */
export async function checkAllowedOnViews(
  { project, actor }: Session,
  operation: Operation,
  views: readonly { readonly name: string; readonly environment: string }[],
): Promise<void> {
  const targets = views.flatMap(({ name, environment }): Target[] => {
    const known = environment === project.environment ? project.catalogue.views.filter((view) => view.name === name) : []
    return known.length === 0 ? [{ environment, on: `view:${name}` }] : known.map((view) => accessTarget(environment, view))
  })
  await (await project.registry()).access.check(actor, operation, targets)
}
