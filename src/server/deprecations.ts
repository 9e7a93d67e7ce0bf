import type { FastifyBaseLogger } from 'fastify'
import { LockstepError } from '../errors.ts'
import { isBrownedOut, showDeprecation } from '../governance/index.ts'
import { systemClock } from '../lib/clock.ts'
import type { ViewPlan } from '../plan/index.ts'
import type { LifeCycle } from '../registry/index.ts'
import type { Answer } from '../serving/index.ts'
import type { Store } from '../store/index.ts'
import type { RouteReply } from './route.ts'

/** What answers say of a deprecated feature. */
export interface DeprecatedFeature {
  readonly feature: string
  /** What was deprecated: it, its group or the view. */
  readonly id: string
  readonly since: string
  readonly reason: string
  readonly replacement: string | null
  readonly remove_after: string | null
}

/** What readers of a view are told. */
export class DeprecationNotice {
  readonly features: readonly DeprecatedFeature[]
  /** As `,"deprecated":[…]`, to stand in an answer. */
  readonly member: string
  readonly #cycles: readonly { readonly place: number; readonly name: string; readonly cycle: LifeCycle }[]
  /** RFC 9745 and RFC 8594: since when, and until when at least it stays. */
  readonly #headers: readonly (readonly [name: string, value: string])[]

  constructor(cycles: readonly { readonly place: number; readonly name: string; readonly cycle: LifeCycle }[]) {
    this.#cycles = cycles
    this.features = cycles.map(({ name, cycle: { id, at, reason, replacement, removeAfter } }) => ({
      feature: name,
      id,
      since: at,
      reason,
      replacement,
      remove_after: removeAfter,
    }))
    this.member = `,"deprecated":${JSON.stringify(this.features)}`
    const since = Math.min(...cycles.map(({ cycle }) => Date.parse(cycle.at)))
    const ends = cycles.flatMap(({ cycle }) => (cycle.removeAfter === null ? [] : [Date.parse(cycle.removeAfter)]))
    this.#headers = [
      ['deprecation', `@${Math.floor(since / 1000)}`],
      ...(ends.length > 0 ? [['sunset', new Date(Math.min(...ends)).toUTCString()] as const] : []),
    ]
  }

  header(reply: RouteReply): void {
    for (const [name, value] of this.#headers) reply.header(name, value)
  }

  /** In a brown-out a feature is FAILED, as if it were gone; `now` in milliseconds. */
  brownOut(answer: Answer, now: number): void {
    for (const { place, name, cycle } of this.#cycles) {
      if (!isBrownedOut(cycle, now)) continue
      const why = `${name} is not answered for a while, as ${showDeprecation(cycle)}`
      answer.withhold(place, new LockstepError('NAME_RETIRED', why, { where: `feature ${name}` }))
    }
  }

  /** Each of them once, in words. */
  get words(): readonly string[] {
    return [...new Set(this.#cycles.map(({ cycle }) => showDeprecation(cycle)))]
  }
}

/** Milliseconds between two looks at the registry, and for which a caller is not told of again in the log. */
const [lookEvery, tellEvery] = [500, 3_600_000]
const mostTold = 10_000

/** What of the served views is deprecated, as the registry says: in memory, and looked at twice a second. */
export class Deprecations {
  readonly #store: Store
  readonly #stop = new AbortController()
  readonly #told = new Map<string, number>()
  #cycles: ReadonlyMap<string, LifeCycle> = new Map()
  #notices = new WeakMap<ViewPlan, DeprecationNotice | false>()
  #seen = -1
  #running: Promise<void> = Promise.resolve()

  private constructor(store: Store) {
    this.#store = store
  }

  static async open(store: Store): Promise<Deprecations> {
    const deprecations = new Deprecations(store)
    await deprecations.#look()
    deprecations.#begin()
    return deprecations
  }

  #begin(): void {
    this.#running = this.#follow()
  }

  /** Null where nothing that a plan reads is deprecated. */
  of(plan: ViewPlan): DeprecationNotice | null {
    if (this.#cycles.size === 0) return null
    const known = this.#notices.get(plan) ?? this.#noticeOf(plan)
    this.#notices.set(plan, known)
    return known || null
  }

  /** Tells the log that a caller reads what is deprecated, once an hour. */
  tell(log: FastifyBaseLogger, notice: DeprecationNotice, view: string, caller: string): void {
    const key = `${view}\0${caller}`
    const now = performance.now()
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < tellEvery) return
    if (this.#told.size >= mostTold) this.#told.clear()
    this.#told.set(key, now)
    log.warn({ view, caller, deprecated: notice.words }, 'deprecated features are read')
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  #noticeOf({ view: { name, version }, output, uses }: ViewPlan): DeprecationNotice | false {
    const cycles = output.flatMap(({ name: own, source }, place) => {
      const found = [`view:${name}@${version}`]
      if (source.from === 'group') {
        const group = uses[source.use]?.plan.group
        const feature = group && Object.keys(group.features)[source.feature]
        if (group) found.push(`${group.name}@${group.version}.${feature}`, `group:${group.name}@${group.version}`)
      }
      const cycle = found.map((id) => this.#cycles.get(id)).find((one) => one !== undefined)
      return cycle ? [{ place, name: own, cycle }] : []
    })
    return cycles.length > 0 && new DeprecationNotice(cycles)
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await systemClock.sleep(lookEvery, this.#stop.signal)
      if (!this.#stop.signal.aborted) await this.#look()
    }
  }

  /** While the registry is away what was last read counts. */
  async #look(): Promise<void> {
    try {
      const { registry, environment } = this.#store
      const revision = await registry.documents.revision()
      if (revision === this.#seen) return
      const all = await registry.lifeCycles.list(environment)
      this.#cycles = new Map(all.filter(({ status }) => status === 'deprecated').map((cycle) => [cycle.id, cycle]))
      this.#notices = new WeakMap()
      this.#seen = revision
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error
    }
  }
}
