import { effectiveMoment } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import type { OnlineRow } from '../online/index.ts'
import { type EventGroupPlan, LiveStateCodec, type StateBase, type StateEvents, StateReader, wholeHistory } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import { EventArena } from './event-arena.ts'
import { EventBuffer } from './event-buffer.ts'
import { HotKey } from './hot-key.ts'
import { IdHashes } from './id-hashes.ts'
import { KeyIndex } from './key-index.ts'
import { KeyRecords, recordBytes, sealBytes } from './key-records.ts'
import { StateLayout } from './state-layout.ts'

/** What became of an event. Late: older than what its key still keeps open, so it is not in the state. */
export type Outcome = 'accepted' | 'duplicate' | 'corrected' | 'late'

/** The features of a key, until another key is read or anything is applied. */
export type LiveKey = Pick<StateReader, 'seek' | 'value' | 'status' | 'eventTime' | 'nextChangeAt'>

export interface LiveGroupOptions {
  /** Bytes beyond which keys leave memory that are as their rows have them. Default: no bound. */
  readonly maxBytes?: number
  /** Events that the recent row of a small key may hold before it is sealed again. Default: 16. */
  readonly recentEvents?: number
  /** Events from which on a key is hot: what is made for a read of it is kept for the next. Default: 256. */
  readonly hotEvents?: number
  /** Events of hot keys in all for which it is kept. Default: 4 million. */
  readonly evaluatedEvents?: number
}

/** What one baseline takes, about. */
const baselineBytes = 80
/** What is kept of an event of a hot key for one series, at most about. */
const evaluatedBytes = 20
/** Keys that the clock passes for each key that is brought. */
const clockSteps = 8

/** The live state of some keys of a group, in memory: a cache of what an online store keeps, ahead of it by what has changed. */
export class LiveGroup {
  readonly plan: EventGroupPlan
  readonly #options: Required<LiveGroupOptions>
  readonly #layout: StateLayout
  readonly #index = new KeyIndex()
  readonly #records = new KeyRecords()
  /** By place of a record; only of keys whose events were folded. */
  readonly #baselines: (readonly unknown[] | null)[] = []
  readonly #hasBaselines: boolean
  readonly #arena: EventArena
  /** By place of a record. */
  readonly #hot = new Map<number, HotKey>()
  #hotBytes = 0
  /** By place, the events of hot keys for which something is kept, those read last at the end. */
  readonly #evaluated = new Map<number, number>()
  #evaluatedEvents = 0
  readonly #buffer: EventBuffer
  /** Of all events in memory, where events have ids. */
  readonly #ids: IdHashes | null
  readonly #codec: LiveStateCodec
  readonly #reader: StateReader
  readonly #writer = new ByteWriter(1024)
  /** Places of keys that have changed, and of those whose rows were taken. */
  #changed: number[] = []
  #taken: number[] = []
  #clock = 0
  #horizon = Number.NEGATIVE_INFINITY
  #events = 0
  #folded = 0

  constructor(plan: EventGroupPlan, options: LiveGroupOptions = {}) {
    this.plan = plan
    this.#options = { maxBytes: Number.POSITIVE_INFINITY, recentEvents: 16, hotEvents: 256, evaluatedEvents: 4e6, ...options }
    this.#layout = new StateLayout(plan)
    this.#arena = new EventArena(this.#layout)
    this.#buffer = new EventBuffer(this.#layout, 64)
    this.#ids = plan.state.known ? new IdHashes() : null
    this.#codec = new LiveStateCodec(plan)
    this.#reader = new StateReader(plan)
    this.#hasBaselines = plan.windows.some(({ kind }) => kind === 'lifetime')
  }

  /** Whether a key (its packed bytes as a latin1 text) is in memory; if so it stays there until it is applied to or read. */
  has(key: string): boolean {
    return this.want(key) >= 0
  }

  /** The place of a key, or -1 where it is not in memory; it stays there until it is applied to or read. */
  want(key: string): number {
    const place = this.#index.find(key)
    if (place >= 0) this.#records.seek(place).wanted = true
    return place
  }

  /** Brings a key into memory as its rows have it; without a sealed row it is new. It stays there until it is applied to or read. */
  load(key: string, sealed: Uint8Array | null, recent: Uint8Array | null): void {
    this.#evict(clockSteps)
    const state = sealed === null ? null : this.#codec.decode(sealed, recent)
    const place = this.#records.add()
    this.#index.add(key, place)
    const record = this.#records
    record.wanted = true
    this.#setBase(place, state ?? wholeHistory)
    if (state === null) return
    record.seal = state.seal
    record.shared = state.shared
    this.#setEvents(place, state.events)
    const count = this.#countOf(place)
    this.#events += count
    this.#forIds(place, count, (id) => this.#ids?.add(id))
  }

  /** Takes an event of a key that is in memory; `cells` in order of `plan.state.columns`, moments in microseconds. */
  apply(key: string, time: number, known: number, cells: readonly Cell[]): Outcome {
    return this.applyAt(this.#index.find(key), time, known, cells)
  }

  /** As `apply`, of the key at a place. */
  applyAt(place: number, time: number, known: number, cells: readonly Cell[]): Outcome {
    if (place < 0) throw new TypeError('the key is not in memory')
    const record = this.#records.seek(place)
    record.wanted = false
    record.touched = true
    if (time < record.openFrom) return 'late'
    const id = this.#ids === null ? noId : this.#layout.id.map((own) => cells[own] as Cell)
    const mayBeKnown = this.#ids?.mayHave(id) ?? false
    const outcome = record.large
      ? this.#applyHot(place, time, known, cells, mayBeKnown)
      : this.#applySmall(place, time, known, cells, mayBeKnown)
    if (outcome === 'accepted') {
      this.#events++
      this.#ids?.add(id)
    } else if (outcome !== 'corrected') return outcome
    if (!record.changed) {
      record.changed = true
      this.#changed.push(place)
    }
    return outcome
  }

  #applySmall(place: number, time: number, known: number, cells: readonly Cell[], mayBeKnown: boolean): Outcome {
    const record = this.#records
    const isNew = !mayBeKnown || !this.#arena.has(record, cells)
    if (isNew && this.#isLast(time, cells)) {
      this.#arena.append(record, time, known, cells)
      if (record.count > this.#options.hotEvents) this.#setEvents(place, this.#gather(0))
      return 'accepted'
    }
    const events = this.#gather(0)
    const same = isNew ? -1 : events.find(cells)
    if (same >= 0 && (events.times[same] as number) < record.openFrom) return 'late'
    if (same >= 0 && !events.isReplacedBy(same, time, known, cells)) return 'duplicate'
    if (same >= 0) events.remove(same)
    events.reserve()
    const at = events.placeOf(time, cells)
    events.insert(at, time, known, cells)
    record.shared = Math.min(record.shared, at, same >= 0 ? same : at)
    this.#setEvents(place, events)
    return same >= 0 ? 'corrected' : 'accepted'
  }

  /** Whether an event comes behind all others of the key at hand. */
  #isLast(time: number, cells: readonly Cell[]): boolean {
    const record = this.#records
    if (record.count === 0) return true
    const last = this.#arena.lastTime(record)
    return time > last || (time === last && this.#layout.compare(this.#arena.lastCells(record), cells) <= 0)
  }

  #applyHot(place: number, time: number, known: number, cells: readonly Cell[], mayBeKnown: boolean): Outcome {
    const record = this.#records
    const hot = this.#hot.get(place) as HotKey
    const { events, bytes } = hot
    const same = mayBeKnown ? hot.find(time, cells) : -1
    if (same >= 0) {
      if ((events.times[same] as number) < record.openFrom) return 'late'
      if (!events.isReplacedBy(same, time, known, cells)) return 'duplicate'
      record.shared = Math.min(record.shared, hot.remove(same))
    }
    record.shared = Math.min(record.shared, hot.insert(time, known, cells))
    this.#hotBytes += hot.bytes - bytes
    return same >= 0 ? 'corrected' : 'accepted'
  }

  /** Moments before the horizon are no longer asked for; it never goes back. */
  advance(horizon: number): void {
    this.#horizon = Math.max(this.#horizon, effectiveMoment(this.plan.group.refresh, horizon))
  }

  /** The rows of the keys that have changed since the last call, under the version (16 bytes) that they will be stored with. */
  takeChanges(version: Uint8Array): { sealed: OnlineRow[]; recent: OnlineRow[] } {
    if (version.length !== sealBytes) throw new TypeError(`a version of ${version.length} bytes`)
    const seal = version.slice()
    const writer = this.#writer
    const places = this.#changed
    // Of each row: where its key ends, and where its value does, below 0 where it is a sealed one.
    const ends: number[] = []
    for (const place of places) {
      const record = this.#records.seek(place)
      record.changed = false
      record.taken = true
      ends.push(writer.raw(this.#index.bytesAt(place)).length)
      const isSealed = this.#isToSeal(place)
      if (isSealed) this.#seal(place, seal)
      else this.#codec.encodeRecent(record.seal, record.shared, this.#eventsOf(place, record.shared), writer)
      ends.push(isSealed ? -writer.length : writer.length)
    }
    const bytes = writer.take()
    const sealed: OnlineRow[] = []
    const recent: OnlineRow[] = []
    let start = 0
    for (let i = 0; i < ends.length; i += 2) {
      const keyEnd = ends[i] as number
      const end = Math.abs(ends[i + 1] as number)
      const row = { key: bytes.subarray(start, keyEnd), version: seal, value: bytes.subarray(keyEnd, end) }
      if (end === ends[i + 1]) recent.push(row)
      else sealed.push(row)
      start = end
    }
    this.#taken = this.#taken.length === 0 ? places : [...this.#taken, ...places]
    this.#changed = []
    return { sealed, recent }
  }

  #isToSeal(place: number): boolean {
    const record = this.#records
    const { shared } = record
    const most = Math.max(this.#options.recentEvents, Math.min(shared / 8, 8 * Math.sqrt(shared)))
    return !record.isSealed || this.#countOf(place) - shared > most
  }

  #seal(place: number, seal: Uint8Array): void {
    this.#trim(place)
    const record = this.#records
    record.seal = seal
    record.shared = this.#countOf(place)
    record.mark = record.tail
    this.#codec.encodeSealed(seal, this.#baseOf(place), this.#eventsOf(place, 0), this.#writer)
  }

  /** Lets go of the events that no moment from the horizon on can see. */
  #trim(place: number): void {
    const record = this.#records
    const hot = this.#hot.get(place)
    const count = this.#countOf(place)
    if (count === 0) return
    const first = hot ? (hot.events.times[hot.events.start] as number) : this.#arena.firstTime(record)
    if (first >= this.#horizon - (Number.isFinite(this.plan.reach) ? this.plan.reach : 0)) return
    const base = this.#baseOf(place)
    const reader = hot?.read(base, false) ?? this.#reader.bind(hot?.events ?? this.#gather(0), base)
    const trimmed = reader.trimmed(this.#horizon)
    const gone = trimmed.from - (hot?.events.start ?? 0)
    if (gone === 0) return
    this.#forIds(place, gone, (id) => this.#ids?.remove(id))
    this.#setBase(place, trimmed.base)
    this.#events -= gone
    if (!hot) this.#arena.drop(record, gone)
    else if (count - gone < this.#options.hotEvents / 4) this.#setEvents(place, { ...stateOf(hot.events), start: trimmed.from })
    else hot.drop(trimmed.from)
  }

  /** What was taken is stored. */
  committed(): void {
    for (const place of this.#taken) this.#records.seek(place).taken = false
    this.#taken = []
    this.#evict(this.#records.end * 2)
  }

  /** A key that is in memory; null where it is not. */
  read(key: string): LiveKey | null {
    const place = this.#index.find(key)
    if (place < 0) return null
    const record = this.#records.seek(place)
    record.wanted = false
    record.touched = true
    const base = this.#baseOf(place)
    const hot = this.#hot.get(place)
    if (!hot) return this.#reader.bind(this.#gather(0), base)
    const reader = hot.read(base, true) as StateReader
    this.#setEvaluated(place, hot.count)
    // What was made for the keys that were not read for the longest time is forgotten.
    for (const [other] of this.#evaluated) {
      if (other === place || this.#evaluatedEvents <= this.#options.evaluatedEvents) break
      this.#hot.get(other)?.forgetReads()
      this.#setEvaluated(other, 0)
    }
    return reader
  }

  #setEvaluated(place: number, events: number): void {
    this.#evaluatedEvents += events - (this.#evaluated.get(place) ?? 0)
    this.#evaluated.delete(place)
    if (events > 0) this.#evaluated.set(place, events)
  }

  /** Goes on around the clock while there is too much in memory: a key that was not used since the last time leaves. */
  #evict(steps: number): void {
    for (let step = 0; step < steps && this.bytes > this.#options.maxBytes; step++) {
      this.#clock = (this.#clock + 1) % Math.max(this.#records.end, 1)
      if (this.#records.end === 0) return
      const record = this.#records.seek(this.#clock)
      if (!record.isUsed || record.changed || record.taken || record.wanted) continue
      if (record.touched) record.touched = false
      else this.#remove(this.#clock)
    }
  }

  #remove(place: number): void {
    const count = this.#countOf(place)
    this.#events -= count
    this.#forIds(place, count, (id) => this.#ids?.remove(id))
    this.#setBase(place, wholeHistory)
    this.#setHot(place, null)
    this.#arena.clear(this.#records)
    this.#index.remove(place)
    this.#records.remove(place)
  }

  /** Tells of the ids of the first events of the key at hand. */
  #forIds(place: number, count: number, each: (id: readonly Cell[]) => void): void {
    if (this.#ids === null) return
    const events = this.#hot.get(place)?.events
    if (!events) this.#arena.forIds(this.#records, count, each)
    else for (let row = events.start; row < events.start + count; row++) each(events.id(row))
  }

  #countOf(place: number): number {
    return this.#records.large ? (this.#hot.get(place) as HotKey).count : this.#records.count
  }

  /** The events of the key at hand from the one at `from` on; those of a small key in the buffer. */
  #eventsOf(place: number, from: number): StateEvents {
    const hot = this.#hot.get(place)
    return hot ? { ...stateOf(hot.events), start: hot.events.start + from } : this.#gather(from)
  }

  #gather(from: number): EventBuffer {
    this.#arena.gather(this.#records, from, this.#buffer)
    return this.#buffer
  }

  /** Gives the key at hand other events, in the form for so many. */
  #setEvents(place: number, events: StateEvents): void {
    const record = this.#records
    if (events.end - events.start > this.#options.hotEvents) {
      this.#setHot(place, new HotKey(this.#layout, events))
      this.#arena.clear(record)
      record.large = true
    } else {
      this.#setHot(place, null)
      record.large = false
      this.#arena.replace(record, events)
    }
  }

  #setHot(place: number, hot: HotKey | null): void {
    this.#hotBytes += (hot?.bytes ?? 0) - (this.#hot.get(place)?.bytes ?? 0)
    this.#setEvaluated(place, 0)
    if (hot) this.#hot.set(place, hot)
    else this.#hot.delete(place)
  }

  #baseOf(place: number): StateBase {
    return { ...this.#records.base, baselines: this.#baselines[place] ?? null }
  }

  #setBase(place: number, base: StateBase): void {
    this.#records.base = base
    if (!this.#hasBaselines) return
    const baselines = base.baselines?.some((baseline) => baseline !== undefined) ? base.baselines : null
    this.#folded += Number(baselines !== null) - Number((this.#baselines[place] ?? null) !== null)
    this.#baselines[place] = baselines
  }

  /** How many keys are in memory. */
  get keys(): number {
    return this.#index.size
  }

  /** How many events they have. */
  get events(): number {
    return this.#events
  }

  /** The memory that they take, about. */
  get bytes(): number {
    const keys = this.#index.size * recordBytes + this.#index.bytes + this.#folded * this.plan.aggregates.length * baselineBytes
    const events = this.#arena.bytes + this.#hotBytes + (this.#ids?.bytes ?? 0)
    return keys + events + this.#evaluatedEvents * this.plan.series.length * evaluatedBytes
  }

  /** The moment from which on every key answers. */
  get horizon(): number {
    return this.#horizon
  }
}

const noId: readonly Cell[] = []

const stateOf = ({ start, end, times, columns, known }: EventBuffer): StateEvents => ({ start, end, times, columns, known })
