import type { RecordPosition } from '../eventlog/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import type { Clock } from '../lib/clock.ts'
import type { Micros } from '../lib/moment.ts'
import type { OnlineStore } from '../online/index.ts'
import type { EventGroupPlan } from '../plan/index.ts'
import { type Cell, keyEncoder, type TypeData } from '../schema/index.ts'
import { onlineTable, recentTable } from '../serving/index.ts'
import { LiveGroup, type Outcome } from './live-group.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'
import { unitTable } from './tables.ts'
import type { PreparedCommit, Unit } from './unit.ts'
import { UnitRecord, type UnitText } from './unit-text.ts'
import { Watermark } from './watermark.ts'

export interface GroupUnitOptions {
  readonly plan: EventGroupPlan
  readonly partition: number
  readonly state: OnlineStore
  readonly clock: Clock
  readonly owner: string
  /** Where the unit begins that nobody owned. */
  readonly initial: Partial<UnitText>
  /** Of an internal topic: how many partitions the source's own topic has. */
  readonly originPartitions?: number
  /** Bytes of state to keep in memory. */
  readonly stateMemory?: number
}

/** The live state of a group for the keys of one partition: takes events, answers reads, commits rows. */
export class GroupUnit implements Unit {
  readonly record: UnitRecord
  readonly live: LiveGroup
  /** The table of its group. */
  readonly table: string
  readonly #options: GroupUnitOptions
  readonly #keyText: (cells: readonly Cell[]) => string
  readonly #columns: readonly number[]
  /** Places of key columns that may be null. */
  readonly #nullableKeys: readonly number[]
  readonly #counts: Record<string, number>
  #origins: Record<string, number> | null
  readonly #watermark: Watermark
  #position: number
  #changed = false

  private constructor(record: UnitRecord, options: GroupUnitOptions) {
    const { plan, stateMemory } = options
    this.record = record
    this.#options = options
    this.table = onlineTable(plan.group)
    this.live = new LiveGroup(plan, stateMemory === undefined ? {} : { maxBytes: stateMemory })
    const { group } = plan
    const names = Object.keys(group.source.columns)
    const keys = Object.entries<TypeData>(group.entity.keys).map(([key, type]) => ({
      place: names.indexOf(group.keys[key] as string),
      type,
    }))
    this.#keyText = keyReader(keys)
    this.#nullableKeys = keys.map(({ place }) => place).filter((place) => group.source.columns[names[place] as string]?.nullable)
    this.#columns = plan.state.columns.map((name) => names.indexOf(name))
    const { position, watermark, counts, origins } = record.value
    this.#position = position
    this.#watermark = new Watermark(watermark, options.originPartitions ?? 1)
    this.#counts = { ...counts }
    this.#origins = origins ? { ...origins } : null
    if (watermark !== null) this.live.advance(watermark - group.source.lateness)
  }

  static async open(options: GroupUnitOptions): Promise<GroupUnit> {
    const { state, plan, partition, owner, clock, initial } = options
    return new GroupUnit(await UnitRecord.claim(state, unitTable(plan.group, partition), owner, clock, initial), options)
  }

  get position(): number {
    return this.#position
  }

  async take(events: readonly StreamEvent[], _poison: readonly PoisonRecord[], next: number): Promise<void> {
    const { clock, plan } = this.#options
    const origins = this.#origins ? { ...this.#origins } : null
    const seen = origins ? events.filter(({ origin }) => isNew(origin, origins)) : events
    const own = this.#nullableKeys.length === 0 ? seen : seen.filter((event) => this.#hasKey(event))
    const keys = own.map(({ cells }) => this.#keyText(cells))
    const places = new Int32Array(keys.length)
    for (let missing = this.#find(keys, places); missing.size > 0; missing = this.#find(keys, places)) await this.#load(missing)
    // From here on nothing can fail, so that what is asked again was not taken, and nobody waits, so that the keys stay where they are.
    this.#origins = origins
    this.#apply(own, places)
    const now = clock.now()
    const byOrigin = origins ? Map.groupBy(own, ({ origin }) => origin.partition) : [[0, own] as const]
    for (const [partition, some] of byOrigin) this.#watermark.saw(partition, newestOf(some, now))
    const { value } = this.#watermark
    if (value !== null) this.live.advance(value - plan.group.source.lateness)
    this.#position = next
    this.#changed = true
  }

  #apply(events: readonly StreamEvent[], places: Int32Array): void {
    const columns = this.#columns
    const state = new Array<Cell>(columns.length)
    let accepted = 0
    for (let index = 0; index < events.length; index++) {
      const { cells, time, known } = events[index] as StreamEvent
      for (let place = 0; place < columns.length; place++) state[place] = cells[columns[place] as number] as Cell
      const outcome = this.live.applyAt(places[index] as number, time, known, state)
      if (outcome === 'accepted') accepted++
      else this.#count(outcome, 1)
    }
    this.#count('accepted', accepted)
  }

  /** An event of nobody is in history only. */
  #hasKey({ cells }: StreamEvent): boolean {
    return this.#nullableKeys.every((place) => cells[place] !== null)
  }

  /** Finds the places of keys; those that are not in memory. */
  #find(keys: readonly string[], places: Int32Array): Set<string> {
    const missing = new Set<string>()
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string
      const place = this.live.want(key)
      places[index] = place
      if (place < 0) missing.add(key)
    }
    return missing
  }

  /** Brings keys into memory that are not there. */
  async #load(keys: ReadonlySet<string>): Promise<void> {
    const { state, plan } = this.#options
    const bytes = [...keys].map(keyBytes)
    const reads = [
      { table: this.table, keys: bytes },
      { table: recentTable(plan.group), keys: bytes },
    ]
    const [sealed, recent] = state.readSync ? state.readSync(reads) : await state.read(reads)
    for (const [index, key] of [...keys].entries()) this.live.load(key, sealed?.[index] ?? null, recent?.[index] ?? null)
  }

  #count(outcome: Outcome, events: number): void {
    if (events > 0) this.#counts[outcome] = (this.#counts[outcome] ?? 0) + events
  }

  prepare(): PreparedCommit | null {
    if (!this.#changed) return null
    this.#changed = false
    const { plan, clock } = this.#options
    const { epoch, value } = this.record
    const { sealed, recent } = this.live.takeChanges(rowVersion(epoch, value.commits + 1))
    const writes = [
      { table: this.table, rows: sealed },
      { table: recentTable(plan.group), rows: recent },
    ]
    const text = this.record.next({
      position: this.#position,
      watermark: this.#watermark.value,
      counts: { ...this.#counts, memory: this.live.bytes },
      updated: clock.now(),
      ...(this.#origins ? { origins: { ...this.#origins } } : {}),
    })
    return { text, writes }
  }

  committed({ text }: PreparedCommit): void {
    this.record.stored(text)
    this.live.committed()
  }
}

/** Whether a record was not seen yet, by its place in the source's topic; notes that it is. */
function isNew({ partition, offset }: RecordPosition, origins: Record<string, number>): boolean {
  if (offset < (origins[partition] ?? 0)) return false
  origins[partition] = offset + 1
  return true
}

/** The newest time of events, of those that are not beyond the clock; -Infinity where there is none. */
function newestOf(events: readonly StreamEvent[], now: Micros): Micros {
  let newest = Number.NEGATIVE_INFINITY
  for (const { time } of events) if (time <= now && time > newest) newest = time
  return newest
}

/** Most keys come again and again: so many packed ones are kept. */
const mostKeyTexts = 200_000

/** The packed key of an event, as text. */
function keyReader(keys: readonly { readonly place: number; readonly type: TypeData }[]): (cells: readonly Cell[]) => string {
  const encode = keyEncoder(keys.map(({ type }) => type))
  const writer = new ByteWriter()
  const pack = (cells: readonly Cell[]): string => {
    encode(
      keys.map(({ place }) => cells[place] as Cell),
      writer.clear(),
    )
    return keyText(writer.finish())
  }
  const [only, other] = keys
  if (!only || other) return pack
  const texts = new Map<Cell, string>()
  return (cells) => {
    const cell = cells[only.place] as Cell
    const known = texts.get(cell)
    if (known !== undefined) return known
    if (texts.size >= mostKeyTexts) texts.clear()
    const text = pack(cells)
    texts.set(cell, text)
    return text
  }
}

/** The version of a row: a later owner wins, and of one owner the later commit. */
export function rowVersion(epoch: number, commit: number): Uint8Array {
  const version = new Uint8Array(16)
  const view = new DataView(version.buffer)
  view.setBigUint64(0, BigInt(epoch))
  view.setBigUint64(8, BigInt(commit))
  return version
}

/** Packed keys as text, one character a byte. */
export const keyText = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
const keyBytes = (key: string): Uint8Array => Buffer.from(key, 'latin1')
