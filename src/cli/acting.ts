import { type ActorOptions, actorOf } from '../lib/actor.ts'
import { actingIn, type Registry } from '../registry/index.ts'

/**
 * Who is acting: whose token `LOCKSTEP_TOKEN` is. Without one, as long as roles do not count, it is who they say to be. Where roles count
 * a name alone is worth nothing (`actingIn`). What they do is judged from then on within the environments of the token. Throws
 * `UNAUTHENTICATED`.
 */
export async function actingAs(registry: Registry | null, options: ActorOptions): Promise<string> {
  if (registry === null) return actorOf(options)
  // An empty one is none.
  const token = process.env.LOCKSTEP_TOKEN || undefined
  const state = await registry.access.state()
  if (!state.isEnforced && token === undefined) return actorOf(options)
  const acting = actingIn(registry, state, token, options.as ?? process.env.LOCKSTEP_USER)
  registry.access.limit(acting)
  return acting.name
}
