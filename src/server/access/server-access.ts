import type { FastifyBaseLogger } from 'fastify'
import { catalogueOf } from '../../definition/index.ts'
import { apiTokenId } from '../../lib/api-token.ts'
import { systemClock } from '../../lib/clock.ts'
import {
  type AccessState,
  accessTarget,
  allows,
  type Grant,
  grantsWithin,
  type NewAuditEvent,
  type PrincipalToken,
  type Operation as RegistryOperation,
  type Target,
  type Watching,
} from '../../registry/index.ts'
import type { Store } from '../../store/index.ts'
import { nameInScope, type Operation } from './scope.ts'
import { type Token, TokenFile, tokensPath } from './tokens.ts'

export interface ServerAccessOptions {
  /** Whether a token is asked for however the registry is. */
  readonly needed: boolean
  /** Whether no token is asked for however the registry is. */
  readonly insecure: boolean
  /** Milliseconds between two looks at the registry. Default: 500. */
  readonly every?: number
}

/** What the registry calls an operation, and the kind of what it is done to. */
type Meaning = readonly [operation: RegistryOperation, kind: string]
const meanings: Readonly<Record<Operation, Meaning>> = {
  read: ['read', 'view'],
  push: ['push', 'source'],
  write: ['write', 'group'],
  own: ['deprecate', 'group'],
  admin: ['admin', ''],
}

/** Decisions that are remembered until roles or definitions change. */
const mostDecisions = 10_000
/** Milliseconds for which the same refused attempt of the same caller is told the audit log once, and after which it is told. */
const [tellOnceIn, tellAfter] = [600_000, 1000]
const mostRefusals = 10_000

/**
 * Who may do what over HTTP: tokens of the file, by their scopes, and tokens of principals of the registry, by their roles. All that a
 * request asks is in memory; the registry is looked at twice a second. While it is away, what was last read counts.
 */
export class ServerAccess {
  readonly #store: Store
  readonly #options: ServerAccessOptions
  readonly #log: FastifyBaseLogger
  #file: TokenFile | null = null
  /** Null until the registry was read: then nobody is let in without a token. */
  #state: AccessState | null = null
  #watching: Watching | null = null
  #targets: ReadonlyMap<string, readonly Target[]> = new Map()
  #definitions: unknown = null
  readonly #decisions = new Map<string, boolean>()
  readonly #told = new Map<string, number>()
  #refusals: NewAuditEvent[] = []
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  private constructor(store: Store, options: ServerAccessOptions, log: FastifyBaseLogger) {
    this.#store = store
    this.#options = options
    this.#log = log
  }

  /** Reads the registry once, then goes on until it is closed. Throws `STORE_CORRUPT` for a file of tokens that cannot be read and is needed. */
  static async open(store: Store, options: ServerAccessOptions, log: FastifyBaseLogger): Promise<ServerAccess> {
    const access = new ServerAccess(store, options, log)
    await access.#watch()
    if (access.isNeeded) access.#tokenFile()
    access.#begin()
    return access
  }

  /** Whether requests need a token: where the server was told so, or somebody is an admin in the registry. */
  get isNeeded(): boolean {
    if (this.#options.needed) return true
    return !this.#options.insecure && (this.#state?.isEnforced ?? true)
  }

  /** The token that a text is; null where it is none that counts. */
  find(text: string): Token | null {
    if (!this.#state?.tokens.has(apiTokenId(text))) return this.#tokenFile().find(text)
    const token = this.#state.find(text, this.#store.registry.clock.now())
    return token && ofPrincipal(token)
  }

  /**
   * Whether a token allows an operation in an environment on what is named: a view, a source, a group, or to administer an environment; on
   * anything at all where no name is given. Tokens of the file are worth something in the environment that is served.
   */
  allows(token: Token, operation: Operation, name?: string, environment: string = this.#store.environment): boolean {
    if (token.principal !== undefined) return this.#allows(token, meanings[operation], name, environment)
    return environmentOf(operation, name, environment) === this.#store.environment && this.#tokenFile().allows(token, operation, name)
  }

  /**
   * Whether a token allows to know the values of a group's feature: by its group, named `GROUP@VERSION`, or for a token of the file by a
   * view that has it. What on-demand code makes of a feature shows no value of it.
   */
  mayReadFeature(token: Token, id: string, feature: string, environment: string = this.#store.environment): boolean {
    if (token.principal !== undefined) return this.#allows(token, ['read', 'group'], id.split('@')[0], environment)
    const having = this.#store.views.filter(({ items }) =>
      items.some(
        (item) =>
          item.kind === 'selection' && `${item.group.name}@${item.group.version}` === id && Object.values(item.features).includes(feature),
      ),
    )
    return this.allows(token, 'read', '*', environment) || having.some((view) => this.allows(token, 'read', view.name, environment))
  }

  /** Whether a token allows to deprecate, remove and restore what a target is: as the command line asks, by what it is and its tags. */
  mayOwn(token: Token, target: Target): boolean {
    if (token.principal !== undefined) return allows(this.grantsOf(token), 'deprecate', target)
    return target.environment === this.#store.environment && this.#tokenFile().allows(token, 'own', nameInScope(target.on ?? '*'))
  }

  /** The roles that a token brings; none of one of the file, which has scopes. */
  grantsOf({ principal, environments = null }: Token): readonly Grant[] {
    return principal === undefined ? [] : grantsWithin(this.#state?.grantsOf(principal) ?? [], environments)
  }

  /** On how much of an environment a token allows an operation. */
  extent(token: Token, operation: Operation, environment: string): 'all' | 'some' | 'none' {
    if (token.principal === undefined) {
      if (environment !== this.#store.environment || !this.#tokenFile().allows(token, operation)) return 'none'
      return this.#tokenFile().allows(token, operation, '*') ? 'all' : 'some'
    }
    const [grants, [asked]] = [this.grantsOf(token), meanings[operation]]
    if (allows(grants, asked, { environment, on: '*' })) return 'all'
    return grants.some(({ on }) => allows(grants, asked, { environment, on })) ? 'some' : 'none'
  }

  #allows(
    { principal = '', environments = null }: Token,
    [operation, kind]: Meaning,
    name: string | undefined,
    environment: string,
  ): boolean {
    const { definitions } = this.#store
    if (this.#definitions !== definitions) this.#learn(definitions)
    const key = [principal, environments?.join() ?? '*', operation, kind, environment, name ?? '\0'].join('\0')
    const known = this.#decisions.get(key)
    if (known !== undefined) return known
    if (this.#decisions.size >= mostDecisions) this.#decisions.clear()
    const decided = this.#decide(grantsWithin(this.#state?.grantsOf(principal) ?? [], environments), [operation, kind], name, environment)
    this.#decisions.set(key, decided)
    return decided
  }

  /** Tells the audit log of a refused attempt; of the same one again only after a while. */
  refused({ name: by, id }: Token, operation: Operation, name: string | undefined, served: string = this.#store.environment): void {
    const [action, kind] = meanings[operation]
    const environment = environmentOf(operation, name, served).slice(0, 200)
    const on = name === undefined || kind === '' ? '*' : `${name.includes(':') ? '' : `${kind}:`}${name.slice(0, 200)}`
    const key = `${id} ${action} ${on} ${environment}`
    const now = performance.now()
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < tellOnceIn) return
    if (this.#told.size >= mostRefusals) this.#told.clear()
    this.#told.set(key, now)
    const happened = this.#store.registry.clock.now()
    this.#refusals.push({ by, action, on, environment, allowed: false, why: `over HTTP, token ${id}`, happened })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#watching?.close()
    await this.#running
    await this.#tell()
  }

  #begin(): void {
    this.#running = this.#follow()
  }

  #decide(grants: readonly Grant[], [asked, kind]: Meaning, name: string | undefined, environment: string): boolean {
    if (name === undefined) return allows(grants, asked, { environment })
    // An admin is one of an environment.
    if (kind === '') return allows(grants, asked, { environment: name })
    const on = `${kind}:${name}`
    // What is applied elsewhere, with which tags, is not known here.
    const targets = environment === this.#store.environment ? this.#targets.get(on) : undefined
    return (targets ?? [{ environment, on }]).every((target) => allows(grants, asked, target))
  }

  /** Versions may have other tags: all of a name have to be allowed. */
  #learn(definitions: Store['definitions']): void {
    const { views, groups, onDemand, sources } = catalogueOf(definitions)
    const targets = [...views, ...groups, ...onDemand, ...sources].map((one) => accessTarget(this.#store.environment, one, groups))
    // A request says of a feature what it belongs to, and not whether that is a group or an on-demand view.
    this.#targets = Map.groupBy(targets, ({ on = '' }) => on.replace(/^onDemand:/, 'group:'))
    this.#definitions = definitions
    this.#decisions.clear()
  }

  #tokenFile(): TokenFile {
    this.#file ??= TokenFile.open(tokensPath(this.#store.folder))
    return this.#file
  }

  async #watch(): Promise<void> {
    const { access, watch } = this.#store.registry
    const { every } = this.#options
    this.#watching = await watch.watch({
      ranges: [{ table: 'principals' }, { table: 'tokens' }],
      changed: async () => {
        this.#state = await access.state()
        this.#decisions.clear()
      },
      failed: (error) => this.#log.warn({ err: error }, 'The registry cannot be read: who was known to it last may go on'),
      ...(every === undefined ? {} : { every }),
    })
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await systemClock.sleep(tellAfter, this.#stop.signal)
      if (!this.#stop.signal.aborted) await this.#tell()
    }
  }

  async #tell(): Promise<void> {
    const refusals = this.#refusals
    if (refusals.length === 0) return
    this.#refusals = []
    try {
      await this.#store.registry.audit.record(...refusals)
    } catch (error) {
      // Later then, as far as they can be kept.
      this.#refusals.unshift(...refusals.slice(-mostRefusals))
      this.#log.warn({ err: error }, 'The registry cannot be told yet of what was refused')
    }
  }
}

/** What is administered is an environment; all else is in one. */
const environmentOf = (operation: Operation, name: string | undefined, environment: string): string =>
  operation === 'admin' ? (name ?? environment) : environment

const ofPrincipal = ({ createdBy: _, ...rest }: PrincipalToken): Token => ({ ...rest, name: rest.principal, scopes: [] })
