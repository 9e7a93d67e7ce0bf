import { setImmediate as nextTurn } from 'node:timers/promises'
import { type FeatureView, groupHash, onDemandHash, viewHash } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import { planView, type ViewPlan } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Keys } from '../serving/index.ts'
import type { Adopted, Store } from '../store/index.ts'
import { AnswerEncoder, type AnswerForm } from './answer-encoder.ts'
import { ExactValues } from './exact-values.ts'

/** A view as a server knows it: what its requests may hold, and how its answers are written. */
export class ServedView {
  readonly view: FeatureView
  readonly #keys: ExactValues
  readonly #request: ExactValues
  readonly #encoders = new WeakMap<ViewPlan, Map<AnswerForm['int64'], AnswerEncoder>>()
  #plan: ViewPlan | null = null
  #groups: readonly string[] | null = null

  constructor(view: FeatureView) {
    this.view = view
    this.#keys = new ExactValues(view.keys)
    this.#request = new ExactValues(view.request)
  }

  get hash(): string {
    return viewHash(this.view)
  }

  get plan(): ViewPlan {
    this.#plan ??= planView(this.view)
    return this.#plan
  }

  /** `name@version:hash` of the groups that it reads, and of its on-demand code. */
  get groups(): readonly string[] {
    this.#groups ??= this.#named()
    return this.#groups
  }

  #named(): readonly string[] {
    const groups = new Map(this.plan.uses.map(({ plan: { group } }) => [`${group.name}@${group.version}`, group]))
    const onDemand = this.plan.steps.map(({ onDemand: one }) => `${one.name}@${one.version}:${onDemandHash(one)}`)
    return [...[...groups].map(([name, group]) => `${name}:${groupHash(group)}`), ...onDemand]
  }

  /** Keys as JSON holds them, as values. */
  keys(row: Keys): Keys {
    return this.#keys.read(row)
  }

  /** Request values as JSON holds them, as values. Throws `UNKNOWN_NAME`. */
  request(given: Keys): Keys {
    for (const name in given) {
      if (Object.hasOwn(this.view.request, name)) continue
      const known = Object.keys(this.view.request)
      throw new LockstepError('UNKNOWN_NAME', `The view ${this.view.name} takes no request value ${name}${suggestion(name, known)}`)
    }
    return this.#request.read(given)
  }

  encoder(plan: ViewPlan, int64: AnswerForm['int64']): AnswerEncoder {
    const ofPlan = this.#encoders.get(plan) ?? new Map<AnswerForm['int64'], AnswerEncoder>()
    const encoder = ofPlan.get(int64) ?? new AnswerEncoder(plan, int64)
    this.#encoders.set(plan, ofPlan.set(int64, encoder))
    return encoder
  }
}

/** The views of a store by name and version, as it works with them. They change together with it, in one step. */
export class ServedViews {
  #all: readonly ServedView[] = []
  #byName: ReadonlyMap<string, readonly ServedView[]> = new Map()
  readonly #columns = new WeakMap<ViewPlan, { readonly features: readonly string[]; readonly types: readonly TypeData[] }>()
  readonly #leave: () => void

  private constructor(store: Store) {
    this.#leave = store.whenAdopting((next) => this.#prepare(next))
  }

  /** Throws `DEFINITION_MISMATCH` where the online store holds rows of another definition: an error at the start, not a wrong number. */
  static async open(store: Store): Promise<ServedViews> {
    await store.checkStored()
    const views = new ServedViews(store)
    const begin = await views.#prepare(store.adopted)
    begin()
    // Most are planned before they are asked for; what cannot be is told to who asks.
    void plan(views.#all).catch(() => {})
    return views
  }

  /** All, those that are current first. */
  get all(): readonly ServedView[] {
    return this.#all
  }

  /** The names and types of a plan's features: of one plan always the same arrays. */
  columnsOf(plan: ViewPlan): { readonly features: readonly string[]; readonly types: readonly TypeData[] } {
    const known = this.#columns.get(plan)
    if (known) return known
    const columns = { features: plan.output.map(({ name }) => name), types: plan.output.map(({ type }) => type) }
    this.#columns.set(plan, columns)
    return columns
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  /** A view: unless a version is given, in the one that is current, else the highest. Throws `UNKNOWN_NAME`. */
  get(name: string, version?: number): ServedView {
    const versions = this.#byName.get(name)
    if (!versions) throw new LockstepError('UNKNOWN_NAME', `There is no view ${name}${suggestion(name, [...this.#byName.keys()])}`)
    const found = version === undefined ? versions[0] : versions.find(({ view }) => view.version === version)
    if (found) return found
    const known = versions.map(({ view }) => view.version).join(', ')
    throw new LockstepError('UNKNOWN_NAME', `There is no version ${version} of the view ${name}; there are ${known}`)
  }

  /** Changes no more. */
  close(): void {
    this.#leave()
  }

  /** Makes what is new among the views, with requests in between. */
  async #prepare(next: Adopted): Promise<() => void> {
    const known = new Map(this.#all.map((served) => [served.view, served]))
    const all = next.views.map((view) => known.get(view) ?? new ServedView(view))
    if (known.size > 0) await plan(all)
    const isCurrent = new Set(all.filter(({ view }) => next.isCurrent(view)))
    all.sort((a, b) => Number(isCurrent.has(b)) - Number(isCurrent.has(a)))
    const byName = Map.groupBy(all, ({ view }) => view.name)
    return () => {
      this.#all = all
      this.#byName = byName
    }
  }
}

/** Plans views, with requests in between. */
async function plan(views: readonly ServedView[]): Promise<void> {
  for (const served of views) {
    await nextTurn()
    served.groups
  }
}
