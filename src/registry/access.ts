import { LockstepError } from '../errors.ts'
import { newApiToken } from '../lib/api-token.ts'
import type { Clock } from '../lib/clock.ts'
import { formatMoment, type Micros, momentMicros } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import { AccessState, isAdminOfAll, type KnownToken, type Principal, type PrincipalToken } from './access-state.ts'
import type { Acting } from './acting.ts'
import type { Audit } from './audit.ts'
import type { Commit, Condition, Document, DocumentPlace, DocumentStore } from './documents.ts'
import { checkGrant, type Grant, grantsWithin, type Operation, operations, sameGrant, showGrant, type Target } from './grants.ts'
import { readDocument } from './read-document.ts'

type StoredPrincipal = Omit<Principal, 'name'>
type StoredToken = Omit<PrincipalToken, 'id' | 'environments' | 'created' | 'expires' | 'revoked'> & {
  /** Not there in tokens of earlier versions: all. */
  readonly environments?: readonly string[] | null
  readonly hash: string
  readonly created: string
  readonly expires: string | null
  readonly revoked: string | null
}

export interface NewPrincipalToken {
  readonly principal: string
  readonly by: string
  readonly expires?: Micros
  readonly rate?: number
}

/** Microseconds for which a token that has ended is kept: 400 days. */
const keepTokens = 400 * 86_400_000_000
const nameForm = /^[A-Za-z][\w.@-]{0,99}$/

/** Who may do what: principals, their roles and tokens. Every change goes to the audit log in the same commit. */
export class Access {
  readonly #documents: DocumentStore
  readonly #clock: Clock
  readonly #audit: Audit
  /** Who acts in this process within what. */
  readonly #limits = new Map<string, Acting>()

  constructor(documents: DocumentStore, clock: Clock, audit: Audit) {
    this.#documents = documents
    this.#clock = clock
    this.#audit = audit
  }

  /** Who may do what, as of now. */
  async state(): Promise<AccessState> {
    const principals = (await this.#documents.list('principals')).map((document) => principalOf(document))
    const tokens = (await this.#documents.list('tokens')).map(knownToken)
    return new AccessState(
      new Map(principals.map((principal) => [principal.name, principal])),
      new Map(tokens.map((known) => [known.token.id, known])),
    )
  }

  /** From now on what somebody does by this object is judged within the limits of their token: of a process of one user. */
  limit(acting: Acting): void {
    this.#limits.set(acting.name, acting)
  }

  /** Tells of environments whether somebody may do something in them, as of now; nobody is told of what they only look at. */
  async mayIn(who: string, operation: Operation): Promise<(environment: string) => boolean> {
    const state = await this.state()
    return (environment) => state.allows(who, operation, { environment }, this.#limitOf(who))
  }

  /**
   * Resolves where somebody may do something to all targets: to be asked before it is done. Throws `FORBIDDEN`, and tells the audit
   * log of the attempt. While nobody is an admin everybody may do everything.
   */
  async check(acting: string | Acting, operation: Operation, targets: Target | readonly Target[], why = ''): Promise<void> {
    const state = await this.state()
    const who = typeof acting === 'string' ? acting : acting.name
    const within = typeof acting === 'string' ? this.#limitOf(acting) : acting.environments
    const refused = [targets].flat().find((target) => !state.allows(who, operation, target, within))
    if (refused === undefined) return
    const { environment, on = '*' } = refused
    await this.#audit.record({ by: who, action: operation, on, environment, allowed: false, why })
    throw forbidden(who, operation, refused)
  }

  /**
   * Throws `FORBIDDEN`, as `check` does, unless somebody may make and revoke the tokens of a principal, and so act as it: the principal
   * itself, and who is an admin wherever it has roles.
   */
  async checkMayActAs(who: string, principal: string): Promise<void> {
    const state = await this.state()
    if (who === principal && state.principals.has(who)) return
    const environments = [...new Set(state.grantsOf(principal).map(({ environment }) => environment))]
    const targets = (environments.length === 0 ? ['*'] : environments).map((environment) => ({ environment }))
    await this.check(who, 'admin', targets, `tokens of ${principal}`)
  }

  /**
   * Gives somebody a role, who becomes a principal by it. The first admin has to be one of all environments. `also`: what belongs to the
   * same commit.
   */
  async grant(
    name: string,
    grant: Grant,
    { by, kind, also = [] }: { readonly by: string; readonly kind?: Principal['kind']; readonly also?: NonNullable<Commit['puts']> },
  ): Promise<Principal> {
    checkGrant(grant)
    if (!nameForm.test(name)) throw wrong(`${JSON.stringify(name)} is no name of a principal`, 'Use letters, digits and _ . @ -')
    const known = await this.#known()
    if (grant.role === 'admin' && !isAdminOfAll(grant) && !hasAdmin(known.principals))
      throw wrong('The first admin has to be one of all environments', 'Grant it with --all.')
    const before = known.principals.find((principal) => principal.name === name) ?? null
    const grants = [...(before?.grants ?? []).filter((each) => !sameGrant(each, grant)), grant]
    const principal: Principal = {
      name,
      kind: kind ?? before?.kind ?? 'user',
      grants,
      created: before?.created ?? formatMoment(this.#clock.now()),
    }
    const event = { by, action: 'access.grant', on: name, environment: grant.environment, before, after: principal }
    const isNew = before === null ? [{ table: 'principals', key: name, revision: 0 }] : []
    await this.#commit(name, { conditions: [...known.conditions, ...isNew], puts: [putOf(principal), this.#audit.put(event), ...also] })
    return principal
  }

  /** Takes a role from a principal. Throws `UNKNOWN_NAME`, and `IN_USE` for the last admin of all environments while others have roles. */
  async revoke(name: string, grant: Grant, by: string): Promise<Principal> {
    const { before, conditions, others } = await this.#principal(name)
    const grants = before.grants.filter((each) => !sameGrant(each, grant))
    if (grants.length === before.grants.length)
      throw new LockstepError('UNKNOWN_NAME', `${name} is not ${showGrant(grant)}`, { remedy: '`lockstep access list` shows all roles.' })
    const principal = { ...before, grants }
    keepAnAdmin(before, [...others, principal])
    const event = { by, action: 'access.revoke', on: name, environment: grant.environment, before, after: principal }
    await this.#commit(name, { conditions, puts: [putOf(principal), this.#audit.put(event)] })
    return principal
  }

  /** Removes a principal with all its roles; its tokens are worth nothing from then on. */
  async remove(name: string, by: string): Promise<void> {
    const { before, conditions, others } = await this.#principal(name)
    keepAnAdmin(before, others)
    const tokens = [...(await this.state()).tokens.values()].filter(({ token }) => token.principal === name)
    const deletes = [{ table: 'principals', key: name }, ...tokens.map(({ token }) => ({ table: 'tokens', key: token.id }))]
    const event = { by, action: 'access.remove', on: name, environment: '*', before }
    await this.#commit(name, { conditions, puts: [this.#audit.put(event)], deletes })
  }

  /** Makes a token of a principal. `text` is what its holder sends, and is nowhere to be found later. */
  async createToken(asked: NewPrincipalToken): Promise<{ readonly token: PrincipalToken; readonly text: string }> {
    const { conditions } = await this.#principal(asked.principal)
    const { token, text, puts } = this.newToken(this.#within(asked), await this.#environmentsOf(asked))
    await this.#commit(asked.principal, { conditions, puts, deletes: await this.#pastTokens() })
    return { token, text }
  }

  /** A token, and what makes it count, as part of the commit that makes its principal. Throws `INVALID_ARGUMENT`. */
  newToken(
    { principal, by, expires, rate }: NewPrincipalToken,
    environments: PrincipalToken['environments'] = null,
  ): {
    readonly token: PrincipalToken
    readonly text: string
    readonly puts: NonNullable<Commit['puts']>
  } {
    const created = this.#clock.now()
    if (expires !== undefined && !(expires > created)) throw wrong('A token has to expire in the future')
    if (rate !== undefined && !(rate > 0 && Number.isFinite(rate))) throw wrong(`The rate ${rate} is not a number above 0`)
    const { id, text, hash } = newApiToken()
    const token: PrincipalToken = {
      id,
      principal,
      environments,
      rate: rate ?? null,
      created,
      createdBy: by,
      expires: expires ?? null,
      revoked: null,
    }
    const event = { by, action: 'token.create', on: principal, environment: '*', after: shown(token) }
    return { token, text, puts: [tokenPut(token, hash), this.#audit.put(event)] }
  }

  /** Where a token counts: as far as who makes it, and where it is one of somebody else, where its maker is an admin. */
  async #environmentsOf({ principal, by }: NewPrincipalToken): Promise<PrincipalToken['environments']> {
    const state = await this.state()
    const limit = this.#limitOf(by)
    // Who is no principal came past all roles: before there were any, or by the registry itself.
    if (by === principal || !state.principals.has(by) || state.allows(by, 'admin', { environment: '*' }, limit)) return limit
    return [...new Set(grantsWithin(state.grantsOf(by), limit).flatMap(({ role, environment }) => (role === 'admin' ? [environment] : [])))]
  }

  /** One's own token gives none that lasts longer or may send more. */
  #within(asked: NewPrincipalToken): NewPrincipalToken {
    const limits = asked.by === asked.principal ? this.#limits.get(asked.by) : undefined
    const least = (wanted: number | undefined, limit: number | null = null) =>
      wanted === undefined || limit === null ? (wanted ?? limit ?? undefined) : Math.min(wanted, limit)
    const [expires, rate] = [least(asked.expires, limits?.expires), least(asked.rate, limits?.rate)]
    return { ...asked, ...(expires === undefined ? {} : { expires }), ...(rate === undefined ? {} : { rate }) }
  }

  #limitOf(who: string): readonly string[] | null {
    return this.#limits.get(who)?.environments ?? null
  }

  /** Ends a token for ever. Throws `UNKNOWN_NAME`. */
  async revokeToken(id: string, by: string): Promise<PrincipalToken> {
    const [document] = await this.#documents.read([{ table: 'tokens', key: id }])
    if (!document) throw new LockstepError('UNKNOWN_NAME', `There is no token ${id}`, { remedy: '`lockstep token list` shows all.' })
    const known = knownToken(document)
    const token = { ...known.token, revoked: known.token.revoked ?? this.#clock.now() }
    const event = { by, action: 'token.revoke', on: token.principal, environment: '*', before: shown(known.token), after: shown(token) }
    const puts = [tokenPut(token, Buffer.from(known.hash).toString('hex')), this.#audit.put(event)]
    await this.#commit(id, { conditions: [{ table: 'tokens', key: id, revision: document.revision }], puts })
    return token
  }

  /** All principals, and that none of them has changed, as conditions: who is an admin depends on all. */
  async #known(): Promise<{ readonly principals: readonly Principal[]; readonly conditions: readonly Condition[] }> {
    const documents = await this.#documents.list('principals')
    const conditions = documents.map(({ key, revision }) => ({ table: 'principals', key, revision }))
    return { principals: documents.map(principalOf), conditions }
  }

  async #principal(
    name: string,
  ): Promise<{ readonly before: Principal; readonly others: readonly Principal[]; readonly conditions: readonly Condition[] }> {
    const { principals, conditions } = await this.#known()
    const before = principals.find((principal) => principal.name === name)
    const others = principals.filter((principal) => principal !== before)
    if (before) return { before, others, conditions }
    const names = others.map((principal) => principal.name)
    throw new LockstepError('UNKNOWN_NAME', `There is no principal ${name}${suggestion(name, names)}`, {
      remedy: `Give it a role first: lockstep access grant ${name} reader.`,
    })
  }

  /** Tokens that have been worth nothing for so long that nobody asks about them; the audit log tells of them for ever. */
  async #pastTokens(): Promise<readonly DocumentPlace[]> {
    const before = this.#clock.now() - keepTokens
    const ended = ({ token: { expires, revoked } }: KnownToken) =>
      Math.min(expires ?? Number.POSITIVE_INFINITY, revoked ?? Number.POSITIVE_INFINITY)
    const tokens = [...(await this.state()).tokens.values()].filter((known) => ended(known) < before)
    return tokens.map(({ token }) => ({ table: 'tokens', key: token.id }))
  }

  async #commit(name: string, commit: Commit): Promise<void> {
    if ((await this.#documents.commit(commit)) === null)
      throw new LockstepError('REGISTRY_CONFLICT', `Somebody else changed ${name}, or who is an admin, at the same time`)
  }
}

const hasAdmin = (principals: readonly Principal[]): boolean => principals.some(({ grants }) => grants.some(isAdminOfAll))

/** Without an admin everybody could do everything again. */
function keepAnAdmin(before: Principal, after: readonly Principal[]): void {
  if (!hasAdmin([before]) || hasAdmin(after) || after.every(({ grants }) => grants.length === 0)) return
  throw new LockstepError('IN_USE', `${before.name} is the last admin of all environments, and others have roles`, {
    remedy: 'Make somebody else an admin first, or remove the other principals: without an admin everybody may do everything.',
  })
}

const principalOf = (document: Document): Principal => ({ name: document.key, ...readDocument<StoredPrincipal>('principals', document) })

const putOf = ({ name, ...stored }: Principal) => ({ table: 'principals', key: name, text: JSON.stringify(stored) })

function knownToken(document: Document): KnownToken {
  const { hash, created, expires, revoked, environments = null, ...rest } = readDocument<StoredToken>('tokens', document)
  const moment = (text: string | null) => (text === null ? null : momentMicros(text))
  const token = {
    id: document.key,
    ...rest,
    environments,
    created: momentMicros(created),
    expires: moment(expires),
    revoked: moment(revoked),
  }
  return { token, hash: Buffer.from(hash, 'hex') }
}

/** A token as it stands in the registry and in the audit log: moments as texts. */
function shown({ created, expires, revoked, ...rest }: PrincipalToken) {
  const moment = (micros: Micros | null) => (micros === null ? null : formatMoment(micros))
  return { ...rest, created: formatMoment(created), expires: moment(expires), revoked: moment(revoked) }
}

function tokenPut(token: PrincipalToken, hash: string) {
  const { id, ...stored } = shown(token)
  return { table: 'tokens', key: id, text: JSON.stringify({ ...stored, hash }) }
}

function forbidden(who: string, operation: Operation, { environment, on }: Target): LockstepError {
  const role = operations[operation]
  const named = on === '*' ? 'what is not as it is applied' : on
  const what = [operation === 'admin' ? 'administer' : operation, named, environment === '*' ? 'all environments' : `in ${environment}`]
  const where = [
    on === undefined || on === '*' || role === 'admin' ? '' : ` --on ${on}`,
    environment === '*' ? ' --all' : ` --environment ${environment}`,
  ]
  return new LockstepError('FORBIDDEN', `${who} may not ${what.filter(Boolean).join(' ')}: it takes the role ${role}`, {
    remedy: `Ask an admin for the role: lockstep access grant ${who} ${role}${where.join('')}`,
  })
}

const wrong = (message: string, remedy?: string): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', message, remedy === undefined ? {} : { remedy })
