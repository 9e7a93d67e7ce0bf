import { LockstepError } from '../errors.ts'
import { type ActorOptions, actorOf } from '../lib/actor.ts'
import type { Project } from './project.ts'

/** Who is acting: whose token `LOCKSTEP_TOKEN` is, else who they say to be. Throws `UNAUTHENTICATED` for a token that does not count. */
export async function actingAs(project: Project, options: ActorOptions): Promise<string> {
  const token = process.env.LOCKSTEP_TOKEN
  if (token === undefined) return actorOf(options)
  const { access, clock } = await project.registry()
  const found = (await access.state()).find(token, clock.now())
  if (found) return found.principal
  throw new LockstepError('UNAUTHENTICATED', 'The token in LOCKSTEP_TOKEN does not count', {
    remedy: 'Set it to a token of a principal, or to none: lockstep token create NAME --principal makes one.',
  })
}
