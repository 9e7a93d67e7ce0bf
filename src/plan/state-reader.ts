import { effectiveMoment, type FeatureGroupData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import type { Cell } from '../schema/index.ts'
import { BoundGroup } from './bound-group.ts'
import type { EventGroupPlan } from './group-plan.ts'
import { type StateBase, type StateEvents, stateBlock, wholeHistory } from './live-state.ts'

/** Reads the features of a key from its live state, in memory or as stored. */
export class StateReader {
  readonly #plan: EventGroupPlan
  readonly #bound: BoundGroup
  #events: StateEvents | null = null
  #base: StateBase = wholeHistory
  #moment = 0

  /** `lasting`: of one key that grows, by `extend` alone; else of any, by `bind`. */
  constructor(plan: EventGroupPlan, lasting = false) {
    this.#plan = plan
    this.#bound = new BoundGroup(plan, lasting)
  }

  /** Takes the state of a key, until the next one. */
  bind(events: StateEvents, base: StateBase): this {
    this.#take(events, base)
    this.#bound.bind(stateBlock(this.#plan, events)).load(0, true, base.baselines ?? undefined)
    return this
  }

  /** Takes the state of its one key after the events from position `from` on have changed; at first, that is where they begin. */
  extend(events: StateEvents, base: StateBase, from: number): this {
    this.#take(events, base)
    this.#bound.extend(stateBlock(this.#plan, events), from, base.baselines ?? undefined)
    return this
  }

  /** The events have moved to the front by so many positions; `extend` follows. */
  shift(events: number): void {
    this.#bound.shift(events)
  }

  #take(events: StateEvents, base: StateBase): void {
    this.#events = events
    this.#base = base
  }

  /**
   * What is left of the state when nothing is asked before a moment any more (of the group, not of its ticks): the first event to
   * be kept, and what stands for those before it. The state itself where that is all of it.
   */
  trimmed(horizon: number): { readonly from: number; readonly base: StateBase } {
    const { start, times } = this.#events as StateEvents
    const before = this.#base
    const { from, baselines } = this.#bound.keep(0, horizon)
    if (from === start) return { from, base: before }
    const base = {
      horizon,
      openFrom: Math.max(before.openFrom, this.#bound.openFrom(horizon)),
      foldedUntil: times[from - 1] as number,
      baselines: this.#merged(before.baselines, baselines),
    }
    return { from, base }
  }

  #merged(before: readonly unknown[] | null, baselines: readonly unknown[]): readonly unknown[] {
    if (before === null) return baselines
    return this.#plan.aggregates.map(({ aggregate }, i) =>
      baselines[i] === undefined ? undefined : aggregate.merge(baselines[i], before[i]),
    )
  }

  /** Moves to a moment (microseconds). Throws `READ_BEFORE_STATE`. */
  seek(q: number): void {
    const { group } = this.#plan
    this.#moment = effectiveMoment(group.refresh, q)
    if (this.#moment < this.#base.horizon) throw readBeforeState(group, this.#moment, this.#base.horizon)
    this.#bound.seek(this.#moment)
  }

  /** The value of the feature at this place of the plan, as of the moment sought. */
  value(feature: number): Cell {
    return this.#bound.value(feature)
  }

  /** When the newest event that the values come from happened; null where the key is unknown as of the moment sought. */
  get eventTime(): number | null {
    const { start, end, times } = this.#events as StateEvents
    let low = start
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((times[middle] as number) < this.#moment) low = middle + 1
      else high = middle
    }
    return low > start ? (times[low - 1] as number) : this.#base.foldedUntil
  }

  get status(): 'PRESENT' | 'NOT_FOUND' {
    return this.eventTime === null ? 'NOT_FOUND' : 'PRESENT'
  }

  /** The next moment at which a feature can have another value without any event to come; null for never. */
  nextChangeAt(feature: number): number | null {
    const next = this.#bound.nextChange(feature)
    const { refresh } = this.#plan.group
    return next === null || refresh.kind === 'live' ? next : Math.ceil(next / refresh.every) * refresh.every + refresh.delay
  }
}

export function readBeforeState(group: FeatureGroupData, moment: number, from: number): LockstepError {
  return new LockstepError(
    'READ_BEFORE_STATE',
    `The online store answers for ${group.name} from ${formatMoment(from)} on, and was asked as of ${formatMoment(moment)}`,
  )
}
