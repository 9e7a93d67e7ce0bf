import type { Snapshot } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { type AccessState, type Acting, actingIn, broughtTarget, type Operation, type Registry, type Target } from '../registry/index.ts'
import type { Store } from './store.ts'
import type { Thing } from './store-roles.ts'

/** Milliseconds between two looks at who may do what, and after which a call waits for the look. */
const [lookEvery, waitAfter] = [500, 10_000]

/** Who calls a store from a program, and what they may do; as of half a second ago at most, and as last read while the registry is away. */
export class StoreAccess {
  readonly #registry: () => Registry
  readonly #environment: string
  readonly #token: string | undefined
  #state: AccessState | null = null
  #applied: Snapshot | null = null
  #acting: Acting | null = null
  /** As they were worked out for what is applied: a read asks about the same view again and again. */
  #targets = new WeakMap<Thing, Target>()
  #revision = -1
  #looked = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null

  constructor(registry: () => Registry, environment: string, token: string | undefined) {
    this.#registry = registry
    this.#environment = environment
    this.#token = token
  }

  /** Whether nobody is an admin, as is known without asking. */
  get isOpen(): boolean {
    return this.#state?.isEnforced === false && performance.now() - this.#looked < lookEvery
  }

  /** Who acts where roles count; null where they do not, and where nobody has been let do anything yet. */
  get actor(): string | null {
    return this.#state?.isEnforced ? (this.#acting?.name ?? null) : null
  }

  /** Throws `FORBIDDEN`, of which the audit log is told, and `UNAUTHENTICATED`. */
  async check(operation: Operation, targets: () => readonly Target[]): Promise<void> {
    await this.look()
    const state = this.#state
    if (state === null || !state.isEnforced) return
    const registry = this.#registry()
    const who = this.#actingIn(registry, state)
    const given = targets()
    if (given.some((target) => !state.allows(who.name, operation, target, who.environments)))
      await registry.access.check(who, operation, given, 'by a program')
  }

  /** The same as it was last read, of what gives its value at once. The audit log is told beside that. */
  checkNow(operation: Operation, targets: readonly Target[]): void {
    const state = this.#state
    if (state === null && this.#token !== undefined)
      throw new LockstepError('STORE_UNAVAILABLE', 'The registry could not be read, and a token says that roles count')
    if (state === null || !state.isEnforced) return
    const registry = this.#registry()
    const who = this.#actingIn(registry, state)
    const { name, environments } = who
    if (targets.every((target) => state.allows(name, operation, target, environments))) return
    void registry.access.check(who, operation, targets, 'by a program').catch(() => undefined)
    throw new LockstepError('FORBIDDEN', `${name} may not ${operation} there`, { where: targets[0]?.environment ?? '' })
  }

  /**
   * Reads who may do what, where that is time. A registry that could never be read fails who has a token; who has none goes on, as
   * nothing says that roles count.
   */
  async look(): Promise<void> {
    const age = performance.now() - this.#looked
    if (age < lookEvery && (this.#state !== null || this.#token === undefined)) return
    this.#looking ??= this.#read().finally(() => {
      this.#looking = null
      this.#looked = performance.now()
    })
    const known = this.#state !== null
    const looking = known || this.#token === undefined ? this.#looking.catch(() => undefined) : this.#looking
    if (!known || age > waitAfter) await looking
  }

  #actingIn(registry: Registry, state: AccessState): Acting {
    this.#acting = actingIn(registry, state, this.#token)
    return this.#acting
  }

  async #read(): Promise<void> {
    const { documents, access, applies } = this.#registry()
    const revision = await documents.revision()
    if (revision === this.#revision) return
    const state = await access.state()
    const head = state.isEnforced ? await applies.head(this.#environment) : null
    this.#applied = head && (await applies.items(head))
    this.#targets = new WeakMap()
    this.#state = state
    this.#revision = revision
  }

  /** What roles on a thing are on that the program has brought along. */
  targetOf(thing: Thing, { groups }: Store): Target {
    const known = this.#targets.get(thing)
    if (known) return known
    const target = broughtTarget(this.#environment, thing, groups, this.#applied)
    if (this.#applied !== null) this.#targets.set(thing, target)
    return target
  }
}
