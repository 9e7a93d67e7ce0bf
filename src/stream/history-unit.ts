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
  /** Writes the events of a partition with offsets from `first` to before `next`; durable when it resolves. Files are new ones. */
  write(source: SourceData, partition: number, first: number, next: number, events: readonly StreamEvent[]): Promise<readonly LandedFile[]>
  /** Removes what lies there of the partition besides these files: leftovers of a worker that died. */
  clean(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<void>
  /** Makes one file of the small ones of a day. The old files stay until `clean`. */
  compact(source: SourceData, partition: number, files: readonly LandedFile[]): Promise<readonly LandedFile[]>
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
/** New files of one partition that make compacting worth while. */
const manyFiles = 64

/** Lands the valid events of a partition in history, late ones too, and sets aside the records that are none. */
export class HistoryUnit implements Unit {
  readonly record: UnitRecord
  readonly #options: HistoryUnitOptions
  readonly #counts: Record<string, number>
  /** Those that count with the next commit. */
  #files: readonly LandedFile[]
  /** Up to which offset events are in files, and up to which they were taken. */
  #landed: number
  #position: number
  #waiting: StreamEvent[] = []
  #since: Micros | null = null
  #watermark: Micros | null
  #compactAt = manyFiles
  #writing: Promise<void> | null = null

  private constructor(record: UnitRecord, options: HistoryUnitOptions) {
    this.record = record
    this.#options = options
    const { position, counts, watermark, details } = record.value
    this.#landed = position
    this.#position = position
    this.#counts = { ...counts }
    this.#watermark = watermark
    this.#files = (details as readonly LandedFile[] | undefined) ?? []
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
    const { log, source, clock, landing } = this.#options
    // Again after a crash or a failure: a dead letter may be there twice, never not at all.
    for (const { record, reason } of poison) await deadLetter(log, record, { topic: source.stream?.topic ?? source.name, reason })
    this.#counts.events = (this.#counts.events ?? 0) + events.length
    this.#counts.dead = (this.#counts.dead ?? 0) + poison.length
    const now = clock.now()
    for (const { time } of events) if (time <= now && (this.#watermark === null || time > this.#watermark)) this.#watermark = time
    if (landing) for (const event of events) this.#waiting.push(event)
    this.#since ??= now
    this.#position = next
    if (this.#waiting.length >= mostRows) await this.#write()
  }

  async prepare(all: boolean): Promise<PreparedCommit | null> {
    const { clock, landing } = this.#options
    if (this.#position > this.#landed && (all || !landing || clock.now() - (this.#since ?? 0) >= longest)) {
      const written = this.#write()
      if (all) await written
    }
    if (this.#landed === this.record.value.position) return null
    const text = this.record.next({
      position: this.#landed,
      counts: { ...this.#counts },
      watermark: this.#watermark,
      updated: clock.now(),
      details: this.#files,
    })
    return { text, writes: [] }
  }

  committed({ text }: PreparedCommit): void {
    this.record.stored(text)
  }

  /** Writes what waits, one batch after the other. */
  async #write(): Promise<void> {
    await this.#writing
    this.#writing = this.#writeWaiting().catch(this.#options.warn)
    await this.#writing
  }

  async #writeWaiting(): Promise<void> {
    const { source, partition, landing } = this.#options
    const events = this.#waiting
    const next = this.#position
    this.#waiting = []
    this.#since = null
    try {
      if (landing && events.length > 0) {
        const files = [...this.#files, ...(await landing.write(source, partition, this.#landed, next, events))]
        this.#files = files.length >= this.#compactAt ? await landing.compact(source, partition, files) : files
        if (this.#files !== files) this.#compactAt = this.#files.length + manyFiles
      }
      this.#landed = next
    } catch (error) {
      this.#waiting = [...events, ...this.#waiting]
      throw error
    }
  }
}
