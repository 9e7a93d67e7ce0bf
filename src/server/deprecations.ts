import type { FastifyBaseLogger } from 'fastify'
import { LockstepError } from '../errors.ts'
import { type DeprecatedFeature, deprecatedFeature, isBrownedOut, showDeprecation } from '../governance/index.ts'
import type { NamedValue, ViewPlan } from '../plan/index.ts'
import type { LifeCycle, Watching } from '../registry/index.ts'
import type { Answer } from '../serving/index.ts'
import type { Store } from '../store/index.ts'
import type { RouteReply } from './route.ts'

/** A feature of a view that readers are warned of. */
interface DeprecatedOutput {
  readonly place: number
  readonly name: string
  readonly cycle: LifeCycle
  /** Code reads what is deprecated; the feature itself is not. */
  readonly isRead: boolean
}

/** What readers of a view are told. */
export class DeprecationNotice {
  readonly features: readonly DeprecatedFeature[]
  /** As `,"deprecated":[…]`, to stand in an answer. */
  readonly member: string
  readonly #cycles: readonly DeprecatedOutput[]
  /** RFC 9745 and RFC 8594: since when, and until when at least it stays. */
  readonly #headers: readonly (readonly [name: string, value: string])[]

  constructor(cycles: readonly DeprecatedOutput[]) {
    this.#cycles = cycles
    this.features = cycles.map(({ name, cycle }) => deprecatedFeature(name, cycle))
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
    for (const { place, name, cycle, isRead } of this.#cycles) {
      if (isRead || !isBrownedOut(cycle, now)) continue
      const why = `${name} is not answered for a while, as ${showDeprecation(cycle)}`
      answer.withhold(place, new LockstepError('FEATURE_BROWNED_OUT', why, { where: `feature ${name}`, remedy: remedyOf(cycle) }))
    }
  }

  /** Each of them once, in words. */
  get words(): readonly string[] {
    return [...new Set(this.#cycles.map(({ cycle }) => showDeprecation(cycle)))]
  }
}

const remedyOf = ({ replacement, removeAfter }: LifeCycle): string => {
  const until = removeAfter === null ? 'it is removed' : `${removeAfter.slice(0, 10)}, when it may be removed`
  return `${replacement === null ? 'Do without it' : `Read ${replacement} in its place`} before ${until}.`
}

/** Milliseconds for which a caller is not told of again in the log. */
const tellEvery = 3_600_000
const mostTold = 10_000

/** What of the served views is deprecated, as the registry says: in memory, as it changes. */
export class Deprecations {
  readonly #store: Store
  readonly #told = new Map<string, number>()
  #cycles: ReadonlyMap<string, LifeCycle> = new Map()
  #notices = new WeakMap<ViewPlan, DeprecationNotice | false>()
  #watching: Watching | null = null

  private constructor(store: Store) {
    this.#store = store
  }

  /** While the registry is away, what was last read counts. */
  static async open(store: Store, log: FastifyBaseLogger): Promise<Deprecations> {
    const deprecations = new Deprecations(store)
    await deprecations.#watch(log)
    return deprecations
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
    await this.#watching?.close()
  }

  #noticeOf(plan: ViewPlan): DeprecationNotice | false {
    const { name, version } = plan.view
    const cycleOf = (ids: readonly string[]) => ids.map((id) => this.#cycles.get(id)).find((one) => one !== undefined)
    const cycles = plan.output.flatMap((output, place): DeprecatedOutput[] => {
      const own = cycleOf([`view:${name}@${version}`, ...idsOf(plan, output)])
      const cycle = own ?? cycleOf(readByCode(plan, output))
      return cycle ? [{ place, name: output.name, cycle, isRead: own === undefined }] : []
    })
    return cycles.length > 0 && new DeprecationNotice(cycles)
  }

  async #watch(log: FastifyBaseLogger): Promise<void> {
    const { registry, environment } = this.#store
    this.#watching = await registry.watch.watch({
      ranges: [{ table: 'features', prefix: `${environment}/` }],
      changed: () => this.#look(),
      failed: (error) => log.warn({ err: error }, 'What is deprecated cannot be read: what was last known counts'),
    })
  }

  async #look(): Promise<void> {
    const { registry, environment } = this.#store
    const all = await registry.lifeCycles.list(environment)
    this.#cycles = new Map(all.filter(({ status }) => status === 'deprecated').map((cycle) => [cycle.id, cycle]))
    this.#notices = new WeakMap()
  }
}

/** What a value of a view is, by the ids that something may be said of. */
function idsOf({ uses, steps }: ViewPlan, { source }: NamedValue): string[] {
  if (source.from === 'step') {
    const step = steps[source.step]
    const id = step && `${step.onDemand.name}@${step.onDemand.version}`
    return step ? [`${id}.${step.features[source.feature]?.name}`, `onDemand:${id}`] : []
  }
  const group = uses[source.use]?.plan.group
  const id = group && `${group.name}@${group.version}`
  return group ? [`${id}.${Object.keys(group.features)[source.feature]}`, `group:${id}`] : []
}

/** All that the code behind a value reads, be it by other code. */
function readByCode(plan: ViewPlan, { source }: NamedValue): string[] {
  if (source.from !== 'step') return []
  return (plan.steps[source.step]?.known ?? []).flatMap((value) => [...idsOf(plan, value), ...readByCode(plan, value)])
}
