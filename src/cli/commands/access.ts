import type { Command } from 'commander'
import type { Catalogue } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { loggedIn } from '../../lib/actor.ts'
import { closestName, suggestion } from '../../lib/suggestion.ts'
import {
  type AccessState,
  accessTarget,
  type Grant,
  isAdminOfAll,
  type Operation,
  operations,
  type Registry,
  type Role,
  roles,
  showGrant,
  type Target,
} from '../../registry/index.ts'
import { withExamples } from '../examples.ts'
import { type Session, sessionOf } from '../session.ts'

interface AccessOptions {
  readonly on: string
  readonly all?: boolean
  readonly service?: boolean
}

type Action = (session: Session, registry: Registry, names: readonly string[], options: AccessOptions) => Promise<void>
const actions = { grant, revoke, list, who } as const satisfies Record<string, Action>

export function addAccess(program: Command): void {
  const command = program
    .command('access')
    .description(
      'Says who may do what. Roles: reader (reads values), writer (pushes events, materializes), owner (changes, deprecates and removes definitions), admin (all, access too); each holds those before it. Until there is an admin everybody may do everything.',
    )
    .argument('<action>', 'grant, revoke, list or who', parseAction)
    .argument('[name...]', 'grant, revoke: NAME ROLE (revoke without ROLE removes NAME with all its tokens); who: OPERATION [THING]')
    .option(
      '--on <thing>',
      'what the role is on: group:NAME, view:NAME, source:NAME, entity:NAME, onDemand:NAME, tag:NAME, or * for all',
      '*',
    )
    .option('--all', 'the role is one in all environments, instead of that of --environment')
    .option('--service', 'grant: NAME is a program, and no person')
    .action(access)
  withExamples(command, [
    'lockstep access grant ann admin --all',
    'lockstep access grant growth-team owner --on tag:growth --environment prod',
    'lockstep access grant ranking-api reader --on view:ranking --service',
    'lockstep access revoke ranking-api',
    'lockstep access who define group:user_orders',
  ])
}

const wrong = (message: string, remedy: string) => new LockstepError('INVALID_ARGUMENT', message, { remedy })
const openNote = 'Nobody is an admin yet, so everybody may do everything: lockstep access grant NAME admin --all.'

function parseAction(text: string): keyof typeof actions {
  if (Object.hasOwn(actions, text)) return text as keyof typeof actions
  throw wrong(`${JSON.stringify(text)} is nothing that can be done with access`, 'Write grant, revoke, list or who.')
}

async function access(action: keyof typeof actions, names: readonly string[], options: AccessOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const registry = await session.project.registry()
  await actions[action](session, registry, names, options)
  if (!(await registry.access.state()).isEnforced) session.output.note(openNote)
}

async function grant(session: Session, registry: Registry, names: readonly string[], options: AccessOptions): Promise<void> {
  const [name, role] = names
  if (name === undefined || role === undefined || names.length > 2)
    throw wrong('A name and a role are needed', `Write lockstep access grant NAME ROLE, the role one of ${roles.join(', ')}.`)
  const given = grantOf(session, role, options)
  await checkMayAdminister(session, registry, given)
  const known = ['*', ...namesOf(session.project.catalogue)]
  if (!known.includes(given.on)) {
    const meant = closestName(given.on, known)
    session.output.warn(`Nothing has the name or tag in ${given.on}${meant === null ? '.' : `; did you mean ${meant}?`}`)
  }
  const kind = options.service ? ({ kind: 'service' } as const) : {}
  const isFirst = isAdminOfAll(given) && !(await registry.access.state()).isEnforced
  // From now on a name is worth nothing: without a token nobody could act as the admin, nor make one.
  const isKnownByToken = name !== loggedIn() || registry.documents.capabilities.sharedByMachines
  const made = isFirst && isKnownByToken ? registry.access.newToken({ principal: name, by: session.actor }) : null
  const principal = await registry.access.grant(name, given, { by: session.actor, also: made?.puts ?? [], ...kind })
  if (isFirst) session.output.note(`Roles count from now on. ${made ? nextWithToken(name) : nextWithout(name)}`)
  session.output.result({ ...principal, ...(made ? { token: made.text } : {}) }, () =>
    [`${name} is ${showGrant(given)}.`, ...(made ? [made.text] : [])].join('\n'),
  )
}

const nextWithToken = (name: string) =>
  `To act as ${name}, set LOCKSTEP_TOKEN to this token, which is shown only now. It does not expire: make others that do (lockstep token create ${name} --principal) and revoke it.`
const nextWithout = (name: string) =>
  `${name} is who acts on this machine without a token; everybody else needs one, or an account of that name: lockstep token create NAME --principal.`

async function revoke(session: Session, registry: Registry, [name, role]: readonly string[], options: AccessOptions): Promise<void> {
  if (name === undefined) throw wrong('The name is missing', 'Write lockstep access revoke NAME ROLE; without ROLE all is revoked.')
  if (role === undefined) {
    await checkMayAdminister(session, registry, { environment: '*' })
    await registry.access.remove(name, session.actor)
    session.output.result({ removed: name }, () => `${name} may do nothing any more; its tokens are worth nothing.`)
    return
  }
  const taken = grantOf(session, role, options)
  await checkMayAdminister(session, registry, taken)
  const principal = await registry.access.revoke(name, taken, session.actor)
  session.output.result(principal, () => `${name} is no longer ${showGrant(taken)}.`)
}

async function list({ output, actor }: Session, { access }: Registry): Promise<void> {
  const { principals: all, isEnforced } = await access.state()
  const mayRead = await access.mayIn(actor, 'read')
  const principals = [...all.values()].flatMap((principal) => {
    // What is one of all environments is one of those that may be read.
    const grants = principal.grants.filter(({ environment }) => environment === '*' || mayRead(environment))
    return grants.length > 0 || mayRead('*') ? [{ ...principal, grants }] : []
  })
  const rows = principals.flatMap(({ name, kind, grants }) =>
    (grants.length === 0 ? [null] : grants).map((each) => ({ name, kind, grant: each })),
  )
  output.result({ enforced: isEnforced, principals }, () =>
    rows.length === 0
      ? 'Nobody has a role.'
      : output.table(rows, [
          { title: 'name', value: ({ name }) => name },
          { title: 'kind', value: ({ kind }) => kind },
          { title: 'role', value: (row) => row.grant?.role ?? 'none' },
          { title: 'on', value: (row) => row.grant?.on ?? '' },
          { title: 'environment', value: (row) => row.grant?.environment ?? '' },
        ]),
  )
}

async function who({ output, project }: Session, registry: Registry, [operation, thing]: readonly string[]): Promise<void> {
  const known = Object.keys(operations)
  if (operation === undefined || !known.includes(operation))
    throw wrong(`${operation ?? 'Nothing'} is no operation${suggestion(operation ?? '', known)}`, `Write one of ${known.join(', ')}.`)
  const state = await registry.access.state()
  const targets = thing === undefined ? [{ environment: project.environment }] : targetsOf(project.catalogue, project.environment, thing)
  const rows = mayAll(state, operation as Operation, targets)
  output.result({ enforced: state.isEnforced, operation, environment: project.environment, on: thing ?? null, who: rows }, () =>
    rows.length === 0
      ? `Nobody has a role to ${operation}${thing === undefined ? '' : ` ${thing}`} in ${project.environment}.`
      : output.table(rows, [
          { title: 'name', value: ({ name }) => name },
          { title: 'kind', value: ({ kind }) => kind },
          { title: 'as', value: (row) => showGrant(row.grant) },
        ]),
  )
}

/** Who may do something to all versions of a thing, each with a grant that allows it. */
function mayAll(state: AccessState, operation: Operation, targets: readonly Target[]) {
  const allowed = targets.map((target) => state.whoMay(operation, target))
  const inAll = (allowed[0] ?? []).filter(({ principal }) => allowed.every((some) => some.some((each) => each.principal === principal)))
  return inAll.map(({ principal: { name, kind }, grant: by }) => ({ name, kind, grant: by }))
}

function targetsOf(catalogue: Catalogue, environment: string, thing: string): Target[] {
  const all = thingsOf(catalogue).map((one) => accessTarget(environment, one, catalogue.groups))
  const found = all.filter(({ on }) => on === thing)
  if (found.length > 0) return found
  throw new LockstepError('UNKNOWN_NAME', `There is no ${thing}${suggestion(thing, [...new Set(all.map(({ on }) => on ?? ''))])}`, {
    remedy: 'Write a kind and a name: group:NAME, view:NAME, source:NAME, entity:NAME or onDemand:NAME.',
  })
}

function grantOf({ project }: Session, role: string, { on, all = false }: AccessOptions): Grant {
  return { role: role as Role, environment: all ? '*' : project.environment, on }
}

/** An admin of an environment says who may do what in it. */
async function checkMayAdminister(session: Session, registry: Registry, { environment }: { readonly environment: string }): Promise<void> {
  await registry.access.check(session.actor, 'admin', { environment })
}

const thingsOf = ({ views, groups, onDemand, sources, entities }: Catalogue) => [...views, ...groups, ...onDemand, ...sources, ...entities]

/** What a role can be on: each thing, and each tag that one has. */
const namesOf = (catalogue: Catalogue): string[] => {
  const targets = thingsOf(catalogue).map((one) => accessTarget('*', one))
  return [...new Set(targets.flatMap(({ on = '*', tags = [] }) => [on, ...tags.map((tag) => `tag:${tag}`)]))]
}
