import { LockstepError } from '../errors.ts'
import { loggedIn } from '../lib/actor.ts'
import type { AccessState, PrincipalToken } from './access-state.ts'
import type { Registry } from './registry.ts'

/** Who is acting where roles count, and within what: the limits of their token, each null where there is none. */
export interface Acting extends Pick<PrincipalToken, 'environments' | 'expires' | 'rate'> {
  readonly name: string
}

/**
 * Whose token a text is. Without one, and an empty one is none, it is the user of this machine, or with a registry that machines share,
 * nobody. `named`: who they say to be, which is worth nothing and only must not be somebody else. Throws `UNAUTHENTICATED`.
 */
export function actingIn({ documents, clock }: Registry, state: AccessState, token: string | undefined, named = ''): Acting {
  if (token !== undefined && token !== '') {
    const found = state.find(token, clock.now())
    if (found) return { name: found.principal, environments: found.environments, expires: found.expires, rate: found.rate }
    throw unauthenticated('The token in LOCKSTEP_TOKEN does not count', 'Set it to a token of a principal, or to none')
  }
  if (documents.capabilities.sharedByMachines)
    throw unauthenticated('Roles count, and nothing says who is acting', 'Set LOCKSTEP_TOKEN to a token of yours')
  const own = loggedIn()
  if (named === '' || named === own) return { name: own, environments: null, expires: null, rate: null }
  throw unauthenticated(`Roles count, and nothing shows that ${own} is ${named}`, `Set LOCKSTEP_TOKEN to a token of ${named}`)
}

const unauthenticated = (message: string, remedy: string): LockstepError =>
  new LockstepError('UNAUTHENTICATED', message, { remedy: `${remedy}: an admin makes one by lockstep token create NAME --principal.` })
