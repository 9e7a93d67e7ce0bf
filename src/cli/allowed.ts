import { accessTarget, type Operation } from '../registry/index.ts'
import type { Session } from './session.ts'

type Thing = Parameters<typeof accessTarget>[1]

/**
 * Throws `FORBIDDEN` unless who is acting may do something to things, or where none are given to the environment as a whole. To be asked
 * by a command before it changes anything. While nobody is an admin everybody may do everything.
 */
export async function checkAllowed({ project, actor }: Session, operation: Operation, things?: readonly Thing[]): Promise<void> {
  const { environment, catalogue } = project
  const targets = things?.map((thing) => accessTarget(environment, thing, catalogue.groups)) ?? { environment }
  await (await project.registry()).access.check(actor, operation, targets)
}
