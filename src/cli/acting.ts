import { LockstepError } from '../errors.ts'
import { type ActorOptions, actorOf, loggedIn } from '../lib/actor.ts'
import type { Registry } from '../registry/index.ts'

/**
 * Who is acting: whose token `LOCKSTEP_TOKEN` is. Without one, as long as roles do not count, it is who they say to be. Where roles count
 * a name alone is worth nothing: then it is the user of this machine, or with a registry that machines share, nobody. Throws
 * `UNAUTHENTICATED`.
 */
export async function actingAs(registry: Registry | null, options: ActorOptions): Promise<string> {
  if (registry === null) return actorOf(options)
  const text = process.env.LOCKSTEP_TOKEN
  const state = await registry.access.state()
  if (text !== undefined) {
    const found = state.find(text, registry.clock.now())
    if (found) return found.principal
    throw unauthenticated('The token in LOCKSTEP_TOKEN does not count', 'Set it to a token of a principal, or to none')
  }
  if (!state.isEnforced) return actorOf(options)
  if (registry.documents.capabilities.sharedByMachines)
    throw unauthenticated('Roles count, and nothing says who is acting', 'Set LOCKSTEP_TOKEN to a token of yours')
  const [own, named] = [loggedIn(), options.as ?? process.env.LOCKSTEP_USER ?? '']
  if (named === '' || named === own) return own
  throw unauthenticated(`Roles count, and nothing shows that ${own} is ${named}`, `Set LOCKSTEP_TOKEN to a token of ${named}`)
}

const unauthenticated = (message: string, remedy: string): LockstepError =>
  new LockstepError('UNAUTHENTICATED', message, { remedy: `${remedy}: an admin makes one by lockstep token create NAME --principal.` })
