import type { RecordPosition } from '../eventlog/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import type { Clock } from '../lib/clock.ts'
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
    await this.#bring(keys)
    // From here on nothing can fail, so that what is asked again was not taken.
    this.#origins = origins
    const now = clock.now()
    for (let index = 0; index < own.length; index++) {
      const { cells, time, known, origin } = own[index] as StreamEvent
      const state = this.#columns.map((place) => cells[place] as Cell)
      this.#count(this.live.apply(keys[index] as string, time, known, state))
      if (time <= now) this.#watermark.saw(origins ? origin.partition : 0, time)
    }
    const { value } = this.#watermark
    if (value !== null) this.live.advance(value - plan.group.source.lateness)
    this.#position = next
    this.#changed = true
  }

  /** An event of nobody is in history only. */
  #hasKey({ cells }: StreamEvent): boolean {
    return this.#nullableKeys.every((place) => cells[place] !== null)
  }

  /** Brings keys into memory that are not there yet. */
  async #bring(keys: readonly string[]): Promise<void> {
    const missing = [...new Set(keys.filter((key) => !this.live.has(key)))]
    if (missing.length === 0) return
    const { state, plan } = this.#options
    const bytes = missing.map(keyBytes)
    const reads = [
      { table: this.table, keys: bytes },
      { table: recentTable(plan.group), keys: bytes },
    ]
    const [sealed, recent] = state.readSync ? state.readSync(reads) : await state.read(reads)
    for (const [index, key] of missing.entries()) this.live.load(key, sealed?.[index] ?? null, recent?.[index] ?? null)
  }

  /** Brings a key into memory, to be read. */
  async bring(key: Uint8Array): Promise<void> {
    await this.#bring([keyText(key)])
  }

  #count(outcome: Outcome): void {
    this.#counts[outcome] = (this.#counts[outcome] ?? 0) + 1
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
