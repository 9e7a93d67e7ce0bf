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

  constructor(plan: EventGroupPlan) {
    this.#plan = plan
    this.#bound = new BoundGroup(plan)
  }

  /** Takes the state of a key, until the next one. */
  bind(events: StateEvents, base: StateBase): this {
    this.#events = events
    this.#base = base
    this.#bound.bind(stateBlock(this.#plan, events)).load(0, true, base.baselines ?? undefined)
    return this
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
    const { count, times } = this.#events as StateEvents
    let seen = count
    while (seen > 0 && (times[seen - 1] as number) >= this.#moment) seen--
    return seen > 0 ? (times[seen - 1] as number) : this.#base.foldedUntil
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
