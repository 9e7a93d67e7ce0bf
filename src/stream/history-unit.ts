import type { SourceData } from '../definition/index.ts'
import { deadLetter, type EventLog } from '../eventlog/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { Micros } from '../lib/moment.ts'
import type { LandedFile } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'
import { historyTable } from './tables.ts'
import type { PreparedCommit, Unit } from './unit.ts'
import { UnitRecord } from './unit-text.ts'

/** Where the events of a stream land as history. */
export interface Landing {
  /** What takes events of a source until they are written. */
  batch(source: SourceData): LandingBatch
  /** Makes one file of several small ones of a day, where that is worth it; else gives the same files. The old ones stay until `clean`. */
  compact(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<readonly LandedFile[]>
  /** Removes what lies there of the partition besides these files, once nobody reads it any more. */
  clean(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<void>
}

export interface LandingBatch {
  readonly rows: number
  add(event: StreamEvent): void
  /** Writes files of what was added, all with offsets from `first` to before `next`; durable when it resolves. May be called again. */
  write(partition: number, first: number, next: number): Promise<readonly LandedFile[]>
}

export interface HistoryUnitOptions {
  readonly source: SourceData
  readonly partition: number
  readonly state: OnlineStore
  readonly log: EventLog
  readonly landing: Landing | null
  readonly clock: Clock
  readonly owner: string
  /** Told of what failed and is tried again. */
  readonly warn: (error: unknown) => void
}

/** Events that are kept before they are written, and for how long at most (microseconds). */
const mostRows = 100_000
const longest = 10_000_000
/** Lands the valid events of a partition in history, late ones too, and sets aside the records that are none. */
export class HistoryUnit implements Unit {
  readonly record: UnitRecord
  readonly #options: HistoryUnitOptions
  /** Of what was taken, and of what of it is in files. */
  readonly #counts: Record<string, number>
  #landedCounts: Readonly<Record<string, number>>
  /** Those that count with the next commit. */
  #files: readonly LandedFile[]
  /** Up to which offset events are in files, and up to which they were taken. */
  #landed: number
  #position: number
  #batch: LandingBatch | null
  /** A batch that is being written, or that could not be. */
  #unwritten: { readonly batch: LandingBatch; readonly next: number; readonly counts: Readonly<Record<string, number>> } | null = null
  #since: Micros | null = null
  #watermark: Micros | null
  #writing: Promise<void> | null = null
  /** Files were merged since the last commit was prepared. */
  #merged = false
  /** The files that the commit under way makes count, where others were merged into them. */
  #cleanedTo: readonly LandedFile[] | null = null

  private constructor(record: UnitRecord, options: HistoryUnitOptions) {
    this.record = record
    this.#options = options
    const { position, counts, watermark, details } = record.value
    this.#landed = position
    this.#position = position
    this.#counts = { ...counts }
    this.#landedCounts = counts
    this.#watermark = watermark
    this.#files = (details as readonly LandedFile[] | undefined) ?? []
    this.#batch = options.landing?.batch(options.source) ?? null
  }

  static async open(options: HistoryUnitOptions): Promise<HistoryUnit> {
    const { source, partition, state, owner, clock, landing } = options
    const unit = new HistoryUnit(await UnitRecord.claim(state, historyTable(source.name, partition), owner, clock), options)
    await landing?.clean(source, partition, unit.#files)
    return unit
  }

  get position(): number {
    return this.#position
  }

  async take(events: readonly StreamEvent[], poison: readonly PoisonRecord[], next: number): Promise<void> {
    const { log, source, clock } = this.#options
    // Before anything is taken: it may fail.
    if (this.#batch && this.#batch.rows >= mostRows) await this.#write()
    // Again after a crash or a failure: a dead letter may be there twice, never not at all.
    for (const { record, reason } of poison) await deadLetter(log, record, { topic: source.stream?.topic ?? source.name, reason })
    this.#counts.events = (this.#counts.events ?? 0) + events.length
    this.#counts.dead = (this.#counts.dead ?? 0) + poison.length
    const now = clock.now()
    for (const { time } of events) if (time <= now && (this.#watermark === null || time > this.#watermark)) this.#watermark = time
    if (this.#batch) for (const event of events) this.#batch.add(event)
    this.#since ??= now
    this.#position = next
  }

  async prepare(all: boolean): Promise<PreparedCommit | null> {
    const { clock, warn } = this.#options
    const due = this.#batch === null || clock.now() - (this.#since ?? 0) >= longest
    if (this.#position > this.#landed && (all || (due && !this.#writing))) {
      const written = this.#write().catch(warn)
      if (all) await written
    }
    if (this.#landed === this.record.value.position) return null
    this.#cleanedTo = this.#merged || this.#cleanedTo ? this.#files : null
    this.#merged = false
    const text = this.record.next({
      position: this.#landed,
      counts: this.#landedCounts,
      watermark: this.#watermark,
      updated: clock.now(),
      details: this.#files,
    })
    return { text, writes: [] }
  }

  committed({ text }: PreparedCommit): void {
    this.record.stored(text)
    const files = this.#cleanedTo
    this.#cleanedTo = null
    const { source, partition, landing, warn } = this.#options
    if (files) landing?.clean(source, partition, files).catch(warn)
  }

  /** Writes what was taken, after what is being written already. */
  #write(): Promise<void> {
    const before = this.#writing?.catch(() => {}) ?? Promise.resolve()
    const writing = before
      .then(() => this.#writeAll())
      .finally(() => {
        if (this.#writing === writing) this.#writing = null
      })
    this.#writing = writing
    return writing
  }

  async #writeAll(): Promise<void> {
    const { source, landing } = this.#options
    await this.#writeBatch()
    if (landing && this.#batch && this.#batch.rows > 0) {
      this.#unwritten = { batch: this.#batch, next: this.#position, counts: { ...this.#counts } }
      this.#batch = landing.batch(source)
      this.#since = null
      await this.#writeBatch()
    } else {
      this.#since = null
      this.#landed = this.#position
      this.#landedCounts = { ...this.#counts }
    }
  }

  async #writeBatch(): Promise<void> {
    const { source, partition, landing, warn } = this.#options
    if (!landing || !this.#unwritten) return
    const { batch, next, counts } = this.#unwritten
    const files = [...this.#files, ...(await batch.write(partition, this.#landed, next))]
    this.#files = files
    this.#landed = next
    this.#landedCounts = counts
    this.#unwritten = null
    try {
      this.#files = await landing.compact(source, partition, files)
      this.#merged ||= this.#files !== files
    } catch (error) {
      warn(error)
    }
  }
}
