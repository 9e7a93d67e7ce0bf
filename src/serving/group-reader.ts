import { effectiveMoment } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import {
  BoundGroup,
  type EventBlock,
  type EventGroupPlan,
  EventStateCodec,
  evaluateRow,
  type GroupPlan,
  type TableGroupPlan,
  TableStateCodec,
} from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import type { FeatureState, FeatureStatus } from './vector.ts'

/** Reads one group's features from what a store keeps of a key. Used for one key after the other. */
export abstract class GroupReader {
  #status: Exclude<FeatureStatus, 'NULL'> = 'NOT_FOUND'
  #eventTime: number | null = null
  /** Made when they are first asked for; all features of a key share them. */
  #known: FeatureState | null = null
  #null: FeatureState | null = null

  /** Takes the stored bytes of a key (null where there are none) and a moment. Throws `READ_BEFORE_STATE`. */
  abstract load(bytes: Uint8Array | null, moment: number): void

  abstract value(feature: number): Cell

  /** What a value of the key that was loaded is worth. */
  state(cell: Cell): FeatureState {
    if (cell === null && this.#status === 'PRESENT') {
      this.#null ??= this.#stateOf('NULL')
      return this.#null
    }
    this.#known ??= this.#stateOf(this.#status)
    return this.#known
  }

  protected setState(status: Exclude<FeatureStatus, 'NULL'>, eventTime: number | null): void {
    this.#status = status
    this.#eventTime = eventTime
    this.#known = null
    this.#null = null
  }

  #stateOf(status: FeatureStatus): FeatureState {
    return { status, eventTime: this.#eventTime === null ? null : formatMoment(this.#eventTime) }
  }
}

export function groupReader(plan: GroupPlan): GroupReader {
  return plan.kind === 'table' ? new TableReader(plan) : new EventReader(plan)
}

function beforeState(plan: GroupPlan, moment: number, from: number): LockstepError {
  return new LockstepError(
    'READ_BEFORE_STATE',
    `The online store answers for ${plan.group.name} from ${formatMoment(from)} on, and was asked as of ${formatMoment(moment)}`,
  )
}

class EventReader extends GroupReader {
  readonly #plan: EventGroupPlan
  readonly #codec: EventStateCodec
  readonly #bound: BoundGroup
  readonly #nothing: EventBlock

  constructor(plan: EventGroupPlan) {
    super()
    this.#plan = plan
    this.#codec = new EventStateCodec(plan)
    this.#bound = new BoundGroup(plan)
    this.#nothing = {
      times: new Float64Array(0),
      ids: null,
      columns: new Map(plan.columns.map((name) => [name, { values: [], nulls: null }])),
      keyStarts: [0, 0],
    }
  }

  override load(bytes: Uint8Array | null, q: number): void {
    const moment = effectiveMoment(this.#plan.group.refresh, q)
    this.setState('NOT_FOUND', null)
    if (bytes === null) {
      this.#bound.bind(this.#nothing).load(0, false)
    } else {
      const state = this.#codec.decode(bytes)
      if (moment < state.horizon) throw beforeState(this.#plan, moment, state.horizon)
      this.#bound.bind(state.block).load(0, true, state.folded > 0 ? state.baselines : undefined)
      const { times } = state.block
      let seen = times.length
      while (seen > 0 && (times[seen - 1] as number) >= moment) seen--
      if (seen > 0 || state.folded > 0) {
        this.setState('PRESENT', seen > 0 ? (times[seen - 1] as number) : state.foldedUntil)
      }
    }
    this.#bound.seek(moment)
  }

  override value(feature: number): Cell {
    return this.#bound.value(feature)
  }
}

class TableReader extends GroupReader {
  readonly #plan: TableGroupPlan
  readonly #codec: TableStateCodec
  readonly #compute: ReturnType<typeof evaluateRow>
  #cells: readonly Cell[] = []
  #row = -1
  #moment = 0

  constructor(plan: TableGroupPlan) {
    super()
    this.#plan = plan
    this.#codec = new TableStateCodec(plan)
    this.#compute = evaluateRow(plan, (name) => {
      const column = plan.columns.indexOf(name)
      return () => this.#cells[column] as Cell
    })
  }

  override load(bytes: Uint8Array | null, q: number): void {
    const { refresh, ttl } = this.#plan.group
    const moment = effectiveMoment(refresh, q)
    this.setState('NOT_FOUND', null)
    this.#row = -1
    this.#moment = moment
    if (bytes === null) return
    const { earlier, rows } = this.#codec.decode(bytes)
    const row = rows.findLast(({ time }) => time <= moment)
    if (!row) {
      const first = rows[0]
      if (earlier && first) throw beforeState(this.#plan, moment, first.time)
      return
    }
    const stale = ttl !== null && moment - row.time > ttl
    this.setState(stale ? 'STALE' : 'PRESENT', row.time)
    if (stale) return
    this.#cells = row.cells
    this.#row = 0
  }

  override value(feature: number): Cell {
    return (this.#compute[feature] as (row: number, moment: number) => Cell)(this.#row, this.#moment)
  }
}
