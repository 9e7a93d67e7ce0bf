import { LockstepError } from '../errors.ts'

/** What somebody may do, each role all that those before it may. */
export const roles = ['reader', 'writer', 'owner', 'admin'] as const
export type Role = (typeof roles)[number]

/** What can be done, and the least role that it takes. */
export const operations = {
  /** Values of a view, explanations, and what the registry knows. */
  read: 'reader',
  /** Events of a source. */
  push: 'writer',
  /** Values of a group: materialize, backfill, replay. */
  write: 'writer',
  /** Definitions: apply, roll back, promote, switch. */
  define: 'owner',
  deprecate: 'owner',
  remove: 'owner',
  /** A subject, everywhere. */
  forget: 'admin',
  /** Principals, roles, tokens, the audit log, the registry as a whole, the server. */
  admin: 'admin',
} as const satisfies Record<string, Role>
export type Operation = keyof typeof operations

/** A role in an environment, or in all (`*`), on all things (`*`), on one by its kind and name in all versions, or on those with a tag. */
export interface Grant {
  readonly role: Role
  readonly environment: string
  /** `*`, `group:NAME`, `view:NAME`, `source:NAME`, `entity:NAME`, `onDemand:NAME` or `tag:NAME`. */
  readonly on: string
}

/** What something is done to; without `on` an environment as a whole. */
export interface Target {
  readonly environment: string
  /** `view:ranking` */
  readonly on?: string
  readonly tags?: readonly string[]
  /** Of a view the groups that it reads, of a source those that read it: who may read or push all of them may do so to it. */
  readonly parts?: readonly Omit<Target, 'environment' | 'parts'>[]
}

const onForm = /^(?:\*|(?:group|view|source|entity|onDemand|tag):[A-Za-z][\w-]*)$/
const environmentForm = /^(?:\*|[A-Za-z][\w-]*)$/

/** Throws `INVALID_ARGUMENT` where a grant says nothing. */
export function checkGrant({ role, environment, on }: Grant): void {
  if (!roles.includes(role)) throw refused(`There is no role ${role}`, `Use one of ${roles.join(', ')}.`)
  if (!environmentForm.test(environment)) throw refused(`${JSON.stringify(environment)} is no environment`, 'Write its name, or * for all.')
  if (!onForm.test(on))
    throw refused(
      `${JSON.stringify(on)} is nothing to have a role on`,
      'Write *, or one of group:, view:, source:, entity:, onDemand:, tag: and a name.',
    )
  if (role === 'admin' && on !== '*')
    throw refused('An admin is one of a whole environment', 'Leave out what it is on, or grant the role owner.')
}

/**
 * The grant by which an operation is allowed; null where none does. What is done to an environment as a whole takes a role on all of it;
 * but who may read something in it may read what is known of it.
 */
export function grantFor(grants: readonly Grant[], operation: Operation, target: Target): Grant | null {
  const least = roles.indexOf(operations[operation])
  const possible = grants.filter(
    ({ role, environment }) => roles.indexOf(role) >= least && (environment === '*' || environment === target.environment),
  )
  const { on, tags = [], parts = [] } = target
  if (on === undefined) return possible.find((grant) => operation === 'read' || grant.on === '*') ?? null
  const covering = (thing: string, tagged: readonly string[]) =>
    possible.find((grant) => grant.on === '*' || grant.on === thing || tagged.some((tag) => grant.on === `tag:${tag}`)) ?? null
  const own = covering(on, tags)
  if (own !== null || parts.length === 0 || (operation !== 'read' && operation !== 'push')) return own
  const ofParts = parts.map((part) => covering(part.on ?? '', part.tags ?? []))
  return ofParts.every((grant) => grant !== null) ? (ofParts[0] ?? null) : null
}

/** What is left of grants for who may act in some environments only; null for all. */
export const grantsWithin = (grants: readonly Grant[], environments: readonly string[] | null): readonly Grant[] =>
  environments === null
    ? grants
    : grants.flatMap((grant) =>
        environments
          .filter((one) => grant.environment === '*' || grant.environment === one)
          .map((environment) => ({ ...grant, environment })),
      )

/** Whether grants allow an operation. */
export const allows = (grants: readonly Grant[], operation: Operation, target: Target): boolean =>
  grantFor(grants, operation, target) !== null

export const sameGrant = (a: Grant, b: Grant): boolean => a.role === b.role && a.environment === b.environment && a.on === b.on

/** `owner of group:orders in prod` */
export const showGrant = ({ role, environment, on }: Grant): string =>
  `${role}${on === '*' ? '' : ` of ${on}`} in ${environment === '*' ? 'all environments' : environment}`

const refused = (message: string, remedy: string): LockstepError => new LockstepError('INVALID_ARGUMENT', message, { remedy })
