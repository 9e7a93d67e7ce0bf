import { effectiveMoment } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import type { OnlineRow } from '../online/index.ts'
import {
  BoundGroup,
  type CellColumn,
  type EventGroupPlan,
  LiveStateCodec,
  type StateBase,
  type StateEvents,
  StateReader,
  stateBlock,
  wholeHistory,
} from '../plan/index.ts'
import { type Cell, type CellComparator, cellComparator, isFloat64Kind, type TypeData } from '../schema/index.ts'

/** What became of an event. Late: older than what its key still keeps open, so it is not in the state. */
export type Outcome = 'accepted' | 'duplicate' | 'corrected' | 'late'

/** The features of a key, until another key is read or anything is applied. */
export type LiveKey = Pick<StateReader, 'seek' | 'value' | 'status' | 'eventTime' | 'nextChangeAt'>

interface Key {
  base: StateBase
  seal: Uint8Array | null
  /** How many events, from the first on, are as in the sealed row. */
  shared: number
  times: number[]
  known: number[]
  cells: (readonly Cell[])[]
  changed: boolean
  taken: boolean
  wanted: boolean
}

export interface LiveGroupOptions {
  /** Bytes that clean keys may fill. */
  readonly maxBytes?: number
  /** Events that the recent row of a small key may hold before it is sealed again. */
  readonly recentEvents?: number
}

/** The live state of some keys of a group, in memory: a cache of what an online store keeps, ahead of it by what has changed. */
export class LiveGroup {
  readonly plan: EventGroupPlan
  readonly #keys = new Map<string, Key>()
  readonly #changed = new Set<string>()
  readonly #recentEvents: number
  readonly #codec: LiveStateCodec
  readonly #bound: BoundGroup
  readonly #reader: StateReader
  readonly #types: readonly TypeData[]
  readonly #order: readonly { readonly place: number; readonly compare: CellComparator }[]
  readonly #comparators: readonly CellComparator[]
  #horizon = Number.NEGATIVE_INFINITY
  #events = 0

  constructor(plan: EventGroupPlan, options: LiveGroupOptions = {}) {
    this.plan = plan
    this.#recentEvents = options.recentEvents ?? 32
    this.#codec = new LiveStateCodec(plan)
    this.#bound = new BoundGroup(plan)
    this.#reader = new StateReader(plan)
    this.#types = plan.state.columns.map((name) => plan.group.source.columns[name] as TypeData)
    this.#comparators = this.#types.map(cellComparator)
    this.#order = plan.state.order.map((place) => ({ place, compare: this.#comparators[place] as CellComparator }))
  }

  /** Whether a key (its packed bytes as a latin1 text) is in memory; if so it stays there until it is applied to or read. */
  has(key: string): boolean {
    const found = this.#keys.get(key)
    if (found) found.wanted = true
    return found !== undefined
  }

  /** Brings a key into memory as its rows have it; without a sealed row it is new. It stays there until it is applied to or read. */
  load(key: string, sealed: Uint8Array | null, recent: Uint8Array | null): void {
    const state = sealed === null ? null : this.#codec.decode(sealed, recent)
    const rows = state ? Array.from({ length: state.events.count }, (_, row) => row) : []
    this.#events += rows.length
    this.#keys.set(key, {
      base: state ?? wholeHistory,
      seal: state?.seal ?? null,
      shared: state?.shared ?? 0,
      times: rows.map((row) => state?.events.times[row] as number),
      known: rows.map((row) => state?.events.known?.[row] ?? 0),
      cells: rows.map((row) =>
        this.#types.map((type, place) => {
          const { values, nulls } = (state as StateBase & { events: StateEvents }).events.columns[place] as CellColumn
          if (nulls?.[row] === 1) return null
          return type.kind === 'boolean' ? values[row] === 1 : (values[row] as Cell)
        }),
      ),
      changed: false,
      taken: false,
      wanted: true,
    })
  }

  /** Takes an event of a key that is in memory; `cells` in order of `plan.state.columns`, moments in microseconds. */
  apply(key: string, time: number, known: number, cells: readonly Cell[]): Outcome {
    const found = this.#keys.get(key)
    if (!found) throw new TypeError('the key is not in memory')
    found.wanted = false
    if (time < found.base.openFrom) return 'late'
    let outcome: Outcome = 'accepted'
    if (this.plan.state.known) {
      const same = found.cells.findIndex((own) =>
        this.#order.every(({ place, compare }) => compare(own[place] as Cell, cells[place] as Cell) === 0),
      )
      if (same >= 0) {
        if ((found.times[same] as number) < found.base.openFrom) return 'late'
        if (!this.#replaces(found, same, time, known, cells)) return 'duplicate'
        outcome = 'corrected'
        for (const list of [found.times, found.known, found.cells]) list.splice(same, 1)
        found.shared = Math.min(found.shared, same)
        this.#events--
      }
    }
    let at = found.times.length
    while (at > 0 && this.#compare(found, at - 1, time, cells) > 0) at--
    found.times.splice(at, 0, time)
    found.known.splice(at, 0, known)
    found.cells.splice(at, 0, cells)
    found.shared = Math.min(found.shared, at)
    found.changed = true
    this.#changed.add(key)
    this.#events++
    return outcome
  }

  /** Of an event and an applied one of the same moment by their ids or contents. */
  #compare(key: Key, at: number, time: number, cells: readonly Cell[]): number {
    const before = key.times[at] as number
    if (before !== time) return before - time
    const own = key.cells[at] as readonly Cell[]
    for (const { place, compare } of this.#order) {
      const order = compare(own[place] as Cell, cells[place] as Cell)
      if (order !== 0) return order
    }
    return 0
  }

  /** Whether a version of an event counts rather than the one at a place: the one known last, then the greater content. */
  #replaces(key: Key, at: number, time: number, known: number, cells: readonly Cell[]): boolean {
    const before = key.known[at] as number
    if (before !== known) return known > before
    const own = key.cells[at] as readonly Cell[]
    const names = [...this.plan.state.columns, this.plan.group.source.time].sort()
    for (const name of names) {
      const place = this.plan.state.columns.indexOf(name)
      const order =
        place < 0
          ? (key.times[at] as number) - time
          : (this.#comparators[place] as CellComparator)(own[place] as Cell, cells[place] as Cell)
      if (order !== 0) return order < 0
    }
    return false
  }

  /** Moments before the horizon are no longer asked for; it never goes back. */
  advance(horizon: number): void {
    this.#horizon = Math.max(this.#horizon, effectiveMoment(this.plan.group.refresh, horizon))
  }

  /** The rows of the keys that have changed since the last call, under the version that they will be stored with. */
  takeChanges(version: Uint8Array): { sealed: OnlineRow[]; recent: OnlineRow[] } {
    const sealed: OnlineRow[] = []
    const recent: OnlineRow[] = []
    for (const text of this.#changed) {
      const key = this.#keys.get(text) as Key
      const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0))
      const writer = new ByteWriter()
      if (key.seal === null || key.times.length - key.shared > Math.max(this.#recentEvents, Math.min(key.shared / 16, 8192))) {
        this.#trim(key)
        key.seal = version.slice()
        key.shared = key.times.length
        this.#codec.encodeSealed(key.seal, key.base, this.#eventsOf(key), 0, key.times.length, writer)
        sealed.push({ key: bytes, version, value: writer.finish() })
      } else {
        this.#codec.encodeRecent(key.seal, key.shared, this.#eventsOf(key), key.shared, key.times.length, writer)
        recent.push({ key: bytes, version, value: writer.finish() })
      }
      key.changed = false
      key.taken = true
    }
    this.#changed.clear()
    return { sealed, recent }
  }

  /** Lets go of the events that no moment from the horizon on can see. */
  #trim(key: Key): void {
    if (this.#horizon === Number.NEGATIVE_INFINITY) return
    const bound = this.#bound.bind(stateBlock(this.plan, this.#eventsOf(key)))
    bound.load(0, false)
    const { from, baselines } = bound.keep(0, this.#horizon)
    const openFrom = Math.max(key.base.openFrom, bound.openFrom(this.#horizon))
    if (from === 0) return
    const before = key.base.baselines
    key.base = {
      horizon: this.#horizon,
      openFrom,
      foldedUntil: key.times[from - 1] as number,
      baselines:
        before === null
          ? baselines
          : this.plan.aggregates.map(({ aggregate }, i) =>
              before[i] === undefined ? undefined : aggregate.merge(before[i], baselines[i]),
            ),
    }
    for (const list of [key.times, key.known, key.cells]) list.splice(0, from)
    this.#events -= from
  }

  #eventsOf({ times, known, cells }: Key): StateEvents {
    const columns = this.#types.map((type, place) => {
      const nulls = type.nullable ? Uint8Array.from(cells, (own) => Number(own[place] === null)) : null
      const values = isFloat64Kind(type.kind)
        ? Float64Array.from(cells, (own) => Number(own[place]))
        : cells.map((own) => own[place] as Cell)
      return { values, nulls }
    })
    return { count: times.length, times: Float64Array.from(times), columns, known: this.plan.state.known ? Float64Array.from(known) : null }
  }

  /** What was taken is stored. */
  committed(): void {
    for (const key of this.#keys.values()) key.taken = false
  }

  /** A key that is in memory; null where it is not. */
  read(key: string): LiveKey | null {
    const found = this.#keys.get(key)
    if (!found) return null
    found.wanted = false
    return this.#reader.bind(this.#eventsOf(found), found.base)
  }

  /** How many keys are in memory. */
  get keys(): number {
    return this.#keys.size
  }

  get events(): number {
    return this.#events
  }

  /** What they take, about. */
  get bytes(): number {
    return this.#keys.size * 150 + this.#events * 24
  }

  /** The moment from which on all keys answer. */
  get horizon(): number {
    return this.#horizon
  }
}
