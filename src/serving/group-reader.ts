import { effectiveMoment, type FeatureGroupData } from '../definition/index.ts'
import {
  BoundGroup,
  type EventBlock,
  type EventGroupPlan,
  EventStateCodec,
  evaluateRow,
  type GroupPlan,
  isStreamed,
  LiveStateCodec,
  noEvents,
  readBeforeState,
  StateReader,
  type TableGroupPlan,
  TableStateCodec,
  wholeHistory,
} from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'

/** Reads one group's features from what a store keeps of a key. Used for one key after the other. */
export abstract class GroupReader {
  /** What is known of the key that was loaded. */
  status: 'PRESENT' | 'NOT_FOUND' | 'STALE' = 'NOT_FOUND'
  /** When its newest visible event, or the row of the table, happened; null: there is none. */
  eventTime: number | null = null
  /** Up to when what is stored had been told: the end of the run that wrote the events, or the time of the table's row; null: to now. */
  toldUntil: number | null = null

  /** Whether `load` itself puts the values into the answer; else they are asked for one by one. */
  readonly inPlace: boolean = false

  /**
   * Takes a key and its stored bytes (null where there are none), with those of its recent row where a stream keeps the group up
   * to date, and a moment; `cells` from `first` on are those of a row of the answer, null as yet. Throws `READ_BEFORE_STATE`.
   */
  abstract load(key: Uint8Array, bytes: Uint8Array | null, recent: Uint8Array | null, moment: number, cells: Cell[], first: number): void

  /** Of the key that was loaded, unless in place. */
  abstract value(feature: number): Cell

  protected setState(status: GroupReader['status'], eventTime: number | null, toldUntil: number | null): void {
    this.status = status
    this.eventTime = eventTime
    this.toldUntil = toldUntil
  }
}

/** A key of a group whose state is in this process, ahead of what is stored. */
export type LiveKey = Pick<StateReader, 'seek' | 'value' | 'eventTime'>
/** Finds a key by its packed bytes; null where what is stored is all there is. What it gives holds until it is asked again. */
export type LiveSource = (group: FeatureGroupData, key: Uint8Array) => LiveKey | null

/** A feature of a group in an answer: its places there and in the group. */
export interface OutputPlace {
  readonly place: number
  readonly feature: number
}

/** Makes the reader of a group. `output`: the features that are read, where nothing else is asked of it. */
export function groupReader(plan: GroupPlan, output: readonly OutputPlace[] | null, live?: LiveSource): GroupReader {
  if (plan.kind === 'table') return new TableReader(plan, output)
  return isStreamed(plan.group) ? new StreamedReader(plan, live) : new EventReader(plan)
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

  override load(_key: Uint8Array, bytes: Uint8Array | null, _recent: Uint8Array | null, q: number): void {
    const moment = effectiveMoment(this.#plan.group.refresh, q)
    this.setState('NOT_FOUND', null, null)
    if (bytes === null) {
      this.#bound.bind(this.#nothing).load(0, false)
    } else {
      const state = this.#codec.decode(bytes)
      if (moment < state.horizon) throw readBeforeState(this.#plan.group, moment, state.horizon)
      this.#bound.bind(state.block).load(0, true, state.folded > 0 ? state.baselines : undefined)
      const { times } = state.block
      let seen = times.length
      while (seen > 0 && (times[seen - 1] as number) >= moment) seen--
      if (seen > 0 || state.folded > 0) {
        this.setState('PRESENT', seen > 0 ? (times[seen - 1] as number) : state.foldedUntil, state.upto)
      }
    }
    this.#bound.seek(moment)
  }

  override value(feature: number): Cell {
    return this.#bound.value(feature)
  }
}

/** Reads a group that a stream keeps up to date. */
class StreamedReader extends GroupReader {
  readonly #plan: EventGroupPlan
  readonly #live: LiveSource | undefined
  readonly #codec: LiveStateCodec
  readonly #stored: StateReader
  /** Of the key in this process: another use of the group may read another key meanwhile. */
  #values: Cell[] | null = null

  constructor(plan: EventGroupPlan, live: LiveSource | undefined) {
    super()
    this.#plan = plan
    this.#live = live
    this.#codec = new LiveStateCodec(plan)
    this.#stored = new StateReader(plan)
  }

  override load(key: Uint8Array, sealed: Uint8Array | null, recent: Uint8Array | null, moment: number): void {
    const live = this.#live?.(this.#plan.group, key) ?? null
    const read = live ?? this.#bind(sealed, recent)
    read.seek(moment)
    this.#values = live ? this.#plan.features.map((_, feature) => live.value(feature)) : null
    const { eventTime } = read
    this.setState(eventTime === null ? 'NOT_FOUND' : 'PRESENT', eventTime, null)
  }

  #bind(sealed: Uint8Array | null, recent: Uint8Array | null): StateReader {
    if (sealed === null) return this.#stored.bind(noEvents(this.#plan), wholeHistory)
    const state = this.#codec.decode(sealed, recent)
    return this.#stored.bind(state.events, state)
  }

  override value(feature: number): Cell {
    return this.#values ? (this.#values[feature] as Cell) : this.#stored.value(feature)
  }
}

class TableReader extends GroupReader {
  readonly #plan: TableGroupPlan
  readonly #codec: TableStateCodec
  readonly #compute: ReturnType<typeof evaluateRow>
  /** Of each feature that is a column as it stands: its place; of the others -1. */
  readonly #columns: readonly number[]
  /** The row, and of each of its columns the place there, unless rows go straight into the answer: then the place in the answer. */
  readonly #cells: Cell[]
  readonly #places: Int32Array
  override readonly inPlace: boolean
  #row = -1
  #moment = 0

  constructor(plan: TableGroupPlan, output: readonly OutputPlace[] | null) {
    super()
    this.#plan = plan
    this.#codec = new TableStateCodec(plan)
    this.#cells = plan.columns.map(() => null)
    this.#columns = plan.features.map(({ node }) => (node.node === 'column' ? plan.columns.indexOf(node.name) : -1))
    const places = output && placesOfColumns(this.#columns, plan.columns.length, output)
    this.inPlace = places !== null
    this.#places = places ?? Int32Array.from(plan.columns.keys())
    this.#compute = evaluateRow(plan, (name) => {
      const column = plan.columns.indexOf(name)
      return () => this.#cells[column] as Cell
    })
  }

  override load(_key: Uint8Array, bytes: Uint8Array | null, _recent: Uint8Array | null, q: number, cells: Cell[], first: number): void {
    const { refresh, ttl } = this.#plan.group
    const moment = effectiveMoment(refresh, q)
    this.#row = -1
    this.#moment = moment
    const into = this.inPlace ? cells : this.#cells
    const time = bytes === null ? null : this.#codec.readAt(moment, bytes, into, this.inPlace ? first : 0, this.#places)
    if (time === null) {
      const horizon = bytes === null ? null : this.#codec.horizon(bytes)
      if (horizon !== null) throw readBeforeState(this.#plan.group, moment, horizon)
      this.setState('NOT_FOUND', null, null)
      return
    }
    const stale = ttl !== null && moment - time > ttl
    this.setState(stale ? 'STALE' : 'PRESENT', time, time)
    if (!stale) this.#row = 0
    else if (this.inPlace) for (const place of this.#places) cells[first + place] = null
  }

  override value(feature: number): Cell {
    const column = this.#columns[feature] as number
    if (column >= 0) return this.#row < 0 ? null : (this.#cells[column] as Cell)
    return (this.#compute[feature] as (row: number, moment: number) => Cell)(this.#row, this.#moment)
  }
}

/**
 * The place of each column in the answer; null unless every column is there, once, and nothing else is. `columns`: of each feature the
 * column that it is, or -1.
 */
function placesOfColumns(columns: readonly number[], count: number, output: readonly OutputPlace[]): Int32Array | null {
  const places = new Int32Array(count).fill(-1)
  for (const { place, feature } of output) {
    const column = columns[feature] as number
    if (column < 0 || places[column] !== -1) return null
    places[column] = place
  }
  return places.includes(-1) ? null : places
}
