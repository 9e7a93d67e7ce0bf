import type { Command } from 'commander'
import type { Catalogue } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { durationMicros } from '../../lib/duration.ts'
import { formatMoment } from '../../lib/moment.ts'
import { type Grant, grantsWithin, isValid, type PrincipalToken, showGrant } from '../../registry/index.ts'
import type { NewToken, Token, TokenFile } from '../../server/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { type Session, sessionOf } from '../session.ts'
import { collectText, parseDuration } from '../values.ts'

interface TokenOptions {
  readonly principal?: boolean
  readonly scope?: readonly string[]
  readonly expires: string
  readonly rate?: number
}

const actions = { create, list, revoke } as const

export function addToken(program: Command): void {
  const command = program
    .command('token')
    .description(
      'Makes, lists and revokes the tokens that callers of lockstep serve are known by. A new one is printed once: nobody can read it later. A running server takes changes over within a second.',
    )
    .argument('<action>', 'create, list or revoke', parseAction)
    .argument('[name]', 'create: who is to have the token; revoke: the id of the token')
    .option(
      '--scope <scope>',
      'what a new token allows: read:VIEW, push:SOURCE, write:GROUP, own:GROUP, * for all, or admin; may be repeated',
      collectText,
    )
    .option('--principal', 'create: a token of the principal NAME of the registry, which allows what its roles say')
    .option('--expires <duration>', 'how long a new token is worth something, or never', parseExpiry, '90d')
    .option('--rate <number>', 'the requests that it may send in a second (default: as many as it likes)', parseRate)
    .action(token)
  withExamples(command, [
    'lockstep token create web --scope read:ranking --expires 90d',
    "lockstep token create collector --scope 'push:*' --rate 200",
    'lockstep token create ann --principal --expires 30d',
    'lockstep token list',
    'lockstep token revoke 4f1c2a9b7d3e5f60',
  ])
}

const wrong = (message: string, remedy: string) => new LockstepError('INVALID_ARGUMENT', message, { remedy })

function parseAction(text: string): keyof typeof actions {
  if (Object.hasOwn(actions, text)) return text as keyof typeof actions
  throw wrong(`${JSON.stringify(text)} is nothing that can be done with tokens`, 'Write create, list or revoke.')
}

function parseRate(text: string): number {
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text) && Number(text) > 0) return Number(text)
  throw wrong(`${JSON.stringify(text)} is not a number of requests`, 'Write a number above 0.')
}

const parseExpiry = (text: string): string => (text === 'never' ? text : parseDuration(text))

async function token(action: keyof typeof actions, name: string | undefined, options: TokenOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { TokenFile, tokensPath } = await import('../../server/index.ts')
  const file = TokenFile.open(tokensPath(session.project.config.folder ?? '.lockstep'))
  if (action === 'list' && name !== undefined) throw wrong('All tokens are listed', 'Write lockstep token list.')
  await actions[action](file, session, name, options)
}

async function create(file: TokenFile, session: Session, name: string | undefined, options: TokenOptions): Promise<void> {
  if (name === undefined) throw wrong('The token needs a name', 'Say who is to have it: lockstep token create NAME --scope read:VIEW.')
  const { output, project, actor } = session
  const { scope: scopes = [], expires, rate, principal = false } = options
  if (principal && scopes.length > 0)
    throw wrong('A token of a principal has no scopes', 'Leave out --scope: its roles say what it allows.')
  if (!principal && scopes.length === 0) throw wrong('The token needs a scope', 'Add --scope read:VIEW, push:SOURCE, write:GROUP or admin.')
  const { access, audit } = await project.registry()
  if (principal) await access.checkMayActAs(actor, name)
  else await checkAllowed(session, 'admin')
  if (!principal && (await access.state()).principals.has(name))
    throw wrong(`${name} is a principal of the registry`, 'Use another name, or make a token of the principal: --principal.')
  const until = expires === 'never' ? {} : { expires: Date.now() * 1000 + durationMicros(expires, 'expires') }
  const limits: Pick<NewToken, 'expires' | 'rate'> = { ...until, ...(rate === undefined ? {} : { rate }) }
  const event = { by: actor, action: 'token.create', on: name, environment: project.environment }
  // The file is none of the registry's: what begins is told, so that no token is without an entry, also where the second is not made.
  if (!principal) await audit.record({ ...event, action: 'token.create.begin', after: { scopes } })
  const made = principal
    ? await access.createToken({ principal: name, by: actor, ...limits })
    : await file.create({ name, scopes, ...limits })
  for (const scope of scopes) if (!isKnown(project.catalogue, scope)) output.warn(`Nothing has the name in ${scope}.`)
  output.note('This is the only time that the token is shown.')
  const token = 'scopes' in made.token ? made.token : ofPrincipal(made.token, (await access.state()).grantsOf(name))
  if (principal && token.expires !== null && token.expires < (limits.expires ?? Number.POSITIVE_INFINITY))
    output.note(`It expires with the token by which it was made: ${formatMoment(token.expires)}.`)
  if (!principal) await audit.record({ ...event, after: shown(token) })
  output.result({ ...shown(token), token: made.text }, () => made.text)
}

async function list(file: TokenFile, { output, project, actor }: Session): Promise<void> {
  const { access } = await project.registry()
  const [state, mayAdminister] = [await access.state(), await access.mayIn(actor, 'admin')]
  const ofPrincipals = [...state.tokens.values()].flatMap(({ token }) => {
    const grants = grantsWithin(state.grantsOf(token.principal), token.environments)
    const administered = grants.filter(({ environment }) => environment === '*' || mayAdminister(environment))
    if (token.principal === actor || mayAdminister('*')) return [ofPrincipal(token, grants)]
    return administered.length === 0 ? [] : [ofPrincipal(token, administered)]
  })
  const tokens = [...file.list(), ...ofPrincipals].map(shown)
  output.result({ tokens }, () =>
    tokens.length === 0
      ? 'There are no tokens.'
      : output.table(tokens, [
          { title: 'id', value: ({ id }) => id },
          { title: 'name', value: (each) => each.name },
          { title: 'scopes', value: ({ scopes }) => scopes.join(' ') },
          { title: 'rate', align: 'right', value: ({ rate }) => (rate === null ? '' : String(rate)) },
          { title: 'created', value: ({ created }) => created },
          { title: 'state', value: stateText },
        ]),
  )
}

async function revoke(file: TokenFile, session: Session, id: string | undefined): Promise<void> {
  if (id === undefined) throw wrong('The id of the token is missing', 'Write lockstep token revoke ID; lockstep token list shows all.')
  const { output, project, actor } = session
  const { access, audit } = await project.registry()
  const state = await access.state()
  const ofRegistry = state.tokens.get(id)?.token
  if (ofRegistry) await access.checkMayActAs(actor, ofRegistry.principal)
  else await checkAllowed(session, 'admin')
  const name = ofRegistry?.principal ?? file.list().find((one) => one.id === id)?.name
  const event = { by: actor, action: 'token.revoke', on: name ?? id, environment: project.environment }
  if (!ofRegistry && name !== undefined) await audit.record({ ...event, action: 'token.revoke.begin', after: { id } })
  const revoked = shown(
    ofRegistry ? ofPrincipal(await access.revokeToken(id, actor), state.grantsOf(ofRegistry.principal)) : await file.revoke(id),
  )
  if (!ofRegistry) await audit.record({ ...event, after: revoked })
  output.result(revoked, () => `The token ${id} of ${revoked.name} is revoked.`)
}

/** A token of a principal as one of the file looks: instead of scopes it has roles. */
const ofPrincipal = ({ principal, createdBy: _, ...rest }: PrincipalToken, grants: readonly Grant[]): Token => ({
  ...rest,
  name: principal,
  scopes: grants.map(showGrant),
})

const moment = (micros: number | null): string | null => (micros === null ? null : formatMoment(micros))

const shown = ({ created, expires, revoked, ...rest }: Token) => ({
  ...rest,
  created: formatMoment(created),
  expires: moment(expires),
  revoked: moment(revoked),
  valid: isValid({ expires, revoked }, Date.now() * 1000),
})

function stateText({ valid, expires, revoked }: ReturnType<typeof shown>): string {
  if (revoked !== null) return `revoked ${revoked}`
  if (expires === null) return 'never expires'
  return `${valid ? 'expires' : 'expired'} ${expires}`
}

function isKnown({ views, sources, groups }: Catalogue, scope: string): boolean {
  const [operation = '', name = ''] = scope.split(':')
  const things = { read: views, push: sources, write: groups }[operation]
  return name === '*' || things === undefined || things.some((thing) => thing.name === name)
}
