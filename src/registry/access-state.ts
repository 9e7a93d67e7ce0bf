import { apiTokenId, isApiToken } from '../lib/api-token.ts'
import type { Micros } from '../lib/moment.ts'
import { allows, type Grant, grantFor, grantsWithin, type Operation, type Target } from './grants.ts'

/** Somebody who may do something. */
export interface Principal {
  readonly name: string
  /** A person, or a program. */
  readonly kind: 'user' | 'service'
  readonly grants: readonly Grant[]
  /** ISO 8601, UTC. */
  readonly created: string
}

/** What is known of a token of a principal; its secret is known to its holder only. */
export interface PrincipalToken {
  readonly id: string
  readonly principal: string
  /** Requests per second; null without a limit. */
  readonly rate: number | null
  readonly created: Micros
  readonly createdBy: string
  /**
   * The environments in which it counts, null for all: who makes a token of somebody else hands on no more than they could give, also
   * where its principal gets roles elsewhere later.
   */
  readonly environments: readonly string[] | null
  /** From then on it is worth nothing; null for never. */
  readonly expires: Micros | null
  readonly revoked: Micros | null
}

export interface KnownToken {
  readonly token: PrincipalToken
  readonly hash: Uint8Array
}

/** Who may do what as of one revision of the registry: all in memory. */
export class AccessState {
  readonly principals: ReadonlyMap<string, Principal>
  readonly tokens: ReadonlyMap<string, KnownToken>
  /** Whether roles count: somebody is an admin. Else it is the registry of one user, and everything is allowed. */
  readonly isEnforced: boolean

  constructor(principals: ReadonlyMap<string, Principal>, tokens: ReadonlyMap<string, KnownToken>) {
    this.principals = principals
    this.tokens = tokens
    this.isEnforced = [...principals.values()].some(({ grants }) => grants.some(isAdminOfAll))
  }

  /** Whether somebody may do something, within the environments in which they act; null for all. */
  allows(who: string, operation: Operation, target: Target, environments: readonly string[] | null = null): boolean {
    return !this.isEnforced || allows(grantsWithin(this.grantsOf(who), environments), operation, target)
  }

  /** The grants of a principal; none of anybody else. */
  grantsOf(who: string): readonly Grant[] {
    return this.principals.get(who)?.grants ?? []
  }

  /** Who may do something, each with the grant that allows it. */
  whoMay(operation: Operation, target: Target): { readonly principal: Principal; readonly grant: Grant }[] {
    return [...this.principals.values()].flatMap((principal) => {
      const grant = grantFor(principal.grants, operation, target)
      return grant === null ? [] : [{ principal, grant }]
    })
  }

  /** The token that a text is; null where it is none, or one that expired or was revoked, or its principal is no more. */
  find(text: string, now: Micros): PrincipalToken | null {
    const known = this.tokens.get(apiTokenId(text))
    if (!isApiToken(text, known?.hash) || known === undefined) return null
    const { token } = known
    return isValid(token, now) && this.principals.has(token.principal) ? token : null
  }
}

/** Whether a token is neither revoked nor expired. */
export const isValid = ({ revoked, expires }: Pick<PrincipalToken, 'revoked' | 'expires'>, now: Micros): boolean =>
  revoked === null && (expires === null || now < expires)

export const isAdminOfAll = ({ role, environment }: Grant): boolean => role === 'admin' && environment === '*'
