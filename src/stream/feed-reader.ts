import { type Consumer, type EventLog, isErased, type LogRecord } from '../eventlog/index.ts'
import { type CommitTarget, commitUnits } from './commit-units.ts'
import { persist } from './persist.ts'
import type { RecordDecoder } from './record-decoder.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'
import type { PreparedCommit, Unit } from './unit.ts'

export interface FeedReaderOptions {
  readonly log: EventLog
  readonly topic: string
  /** The name under which workers share the partitions. */
  readonly group: string
  readonly target: Omit<CommitTarget, 'signal'>
  /** The units of a partition, each claimed for this worker. */
  readonly open: (partition: number) => Promise<Unit[]>
  readonly decode: RecordDecoder
  /** Milliseconds between the beginnings of two commits, at least. */
  readonly commitEvery: number
  /** Milliseconds of silence after which a worker is taken for dead. */
  readonly sessionTimeout: number
  readonly failed: (error: unknown) => void
  /** Units were lost to another worker. */
  readonly lost: () => void
}

interface Slot {
  readonly units: Unit[]
  /** The offset of the next record to be taken. */
  next: number
}

/** Records read in one go; what waits for their commit is bounded by as many keys. */
const readLimit = 4096
const waitMilliseconds = 100
/** Milliseconds between commits while there are more records than can be taken: the more go into one, the less each costs. */
const commitEveryBehind = 3000
/**
 * Rows that are stored at once: units are committed together as long as they have fewer. The rows of a unit lie all over the table, so
 * that a transaction of its own writes nearly as many pages as one for all; but reads wait while rows are handed over.
 */
const worthCommit = 24_576
const worthCommitBehind = 131_072
/** Records taken before the next commit has to be done: what a crash replays, and what memory holds twice. */
const mostUncommitted = 2_000_000

/** Reads the partitions of one topic that this worker has, hands records to their units and commits what they made of them. */
export class FeedReader {
  readonly #options: FeedReaderOptions
  readonly #slots = new Map<number, Slot>()
  readonly #stop = new AbortController()
  readonly #waiting = new Set<() => void>()
  #consumer: Consumer | null = null
  #running: Promise<void> = Promise.resolve()
  #committing: Promise<void> | null = null
  #uncommitted = 0
  #behind = false
  /** One at a time: taking records, and changing what is assigned. */
  #turn: Promise<unknown> = Promise.resolve()
  #commitTurn: Promise<void> = Promise.resolve()
  /** One at a time. */
  #restarts: Promise<void> = Promise.resolve()
  #ending = false

  constructor(options: FeedReaderOptions) {
    this.#options = options
  }

  get #target(): CommitTarget {
    return { ...this.#options.target, signal: this.#stop.signal }
  }

  get topic(): string {
    return this.#options.topic
  }

  /** The units of all partitions that this worker has. */
  *units(): Generator<Unit> {
    for (const { units } of this.#slots.values()) yield* units
  }

  get partitions(): readonly number[] {
    return [...this.#slots.keys()]
  }

  async start(): Promise<void> {
    const { log, topic, group, sessionTimeout } = this.#options
    const consumer = await persist(this.#target, () =>
      log.consume(topic, {
        group,
        sessionTimeout,
        assigned: (partitions) => this.#exclusively(() => this.#assigned(partitions)),
        revoked: (partitions) => this.#exclusively(() => this.#revoked(partitions)),
      }),
    )
    if (!consumer) return
    if (this.#ending) return await consumer.close()
    this.#consumer = consumer
    this.#running = this.#run(consumer)
    this.#running.catch((error) => this.#options.failed(error))
  }

  /** Gives the partitions back and takes them again, so that units that have come meanwhile are read from where they begin. */
  restart(): Promise<void> {
    const done = this.#restarts.then(async () => {
      await this.#leave()
      if (!this.#ending) await this.start()
    })
    this.#restarts = done.catch(() => {})
    return done
  }

  /** The offset up to which records of a partition were taken by all units; null where this worker does not have it. */
  taken(partition: number): number | null {
    return this.#slots.get(partition)?.next ?? null
  }

  /** Resolves when something was taken, or after so many milliseconds. */
  async changed(milliseconds: number): Promise<void> {
    const done = new AbortController()
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve)
      void this.#options.target.clock.sleep(milliseconds, done.signal).then(resolve)
    })
    done.abort()
  }

  /** Commits all that was taken. */
  async flush(): Promise<void> {
    await this.#commit(true)
  }

  async close(): Promise<void> {
    this.#ending = true
    await this.#leave()
    this.#stop.abort()
    await this.#commitTurn
  }

  /** Ends as a crash would: nothing more is stored. */
  async abandon(): Promise<void> {
    this.#ending = true
    this.#stop.abort()
    this.#slots.clear()
    await this.#leave()
  }

  async #leave(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = null
    await consumer?.close()
    await this.#running.catch(() => {})
  }

  async #run(consumer: Consumer): Promise<void> {
    while (consumer === this.#consumer) {
      const records = await this.#read(consumer)
      this.#behind = records.length === readLimit
      if (records.length > 0) await this.#exclusively(() => this.#take(records))
      this.#commitSoon()
      if (this.#uncommitted > mostUncommitted) await this.#committing
    }
  }

  async #read(consumer: Consumer): Promise<readonly LogRecord[]> {
    try {
      return (await persist(this.#target, () => consumer.read(readLimit, waitMilliseconds))) ?? []
    } catch (error) {
      if (consumer === this.#consumer) throw error
      return []
    }
  }

  async #assigned(partitions: readonly number[]): Promise<Map<number, number>> {
    const starts = new Map<number, number>()
    for (const partition of partitions) {
      const units = (await persist(this.#target, () => this.#options.open(partition))) ?? []
      const next = units.length === 0 ? 0 : Math.min(...units.map(({ position }) => position))
      this.#slots.set(partition, { units, next })
      starts.set(partition, next)
    }
    return starts
  }

  async #revoked(partitions: readonly number[]): Promise<void> {
    if (!this.#stop.signal.aborted) await this.flush()
    for (const partition of partitions) this.#slots.delete(partition)
  }

  async #take(records: readonly LogRecord[]): Promise<void> {
    const byPartition = Map.groupBy(records, ({ partition }) => partition)
    for (const [partition, own] of byPartition) {
      const slot = this.#slots.get(partition)
      if (slot) await this.#takePartition(slot, own)
    }
    this.#uncommitted += records.length
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  async #takePartition(slot: Slot, records: readonly LogRecord[]): Promise<void> {
    const events: StreamEvent[] = []
    const poison: PoisonRecord[] = []
    let next = slot.next
    for (const record of records) {
      if (record.offset < next) continue
      if (isErased(record)) {
        next = record.offset + 1
        continue
      }
      const found = this.#options.decode(record)
      const decoded = found instanceof Promise ? await this.#decoded(record, found) : found
      if (decoded === null) return
      next = record.offset + 1
      if ('reason' in decoded) poison.push(decoded)
      else events.push(decoded)
    }
    if (next === slot.next) return
    for (const unit of [...slot.units]) {
      const { position } = unit
      if (position >= next) continue
      const all = position <= slot.next
      const ownEvents = all ? events : events.filter(({ offset }) => offset >= position)
      const ownPoison = all ? poison : poison.filter(({ record }) => record.offset >= position)
      await persist(this.#target, () => unit.take(ownEvents, ownPoison, next))
    }
    slot.next = next
  }

  /** What is decoded later: again and again where its schema cannot be had. Null once all is to end. */
  #decoded(record: LogRecord, first: Promise<StreamEvent | PoisonRecord>): Promise<StreamEvent | PoisonRecord | null> {
    let attempt: Promise<StreamEvent | PoisonRecord> | null = first
    return persist(this.#target, async () => {
      const found = attempt ?? this.#options.decode(record)
      attempt = null
      return await found
    })
  }

  #commitSoon(): void {
    if (this.#committing || this.#stop.signal.aborted) return
    this.#committing = this.#commitLoop().finally(() => {
      this.#committing = null
    })
    this.#committing.catch((error) => this.#options.failed(error))
  }

  /** One commit after the other while there is something to store; the slower they are, the more goes into one. */
  async #commitLoop(): Promise<void> {
    const { commitEvery, target } = this.#options
    await this.#commit(false)
    for (let waited = 0; waited < (this.#behind ? Math.max(commitEvery, commitEveryBehind) : commitEvery); waited += commitEvery)
      await target.clock.sleep(commitEvery, this.#stop.signal)
  }

  #commit(all: boolean): Promise<void> {
    const done = this.#commitTurn.then(() => this.#commitOnce(all))
    this.#commitTurn = done.catch(() => {})
    return done
  }

  async #commitOnce(all: boolean): Promise<void> {
    this.#uncommitted = 0
    let commits: { unit: Unit; prepared: PreparedCommit }[] = []
    let rows = 0
    for (const unit of [...this.units()]) {
      const prepared = await unit.prepare(all)
      if (!prepared) continue
      // Packing rows takes some milliseconds, after which reads and new records have their turn.
      await this.#options.target.clock.sleep(0)
      commits.push({ unit, prepared })
      rows += prepared.writes.reduce((sum, write) => sum + write.rows.length, 0)
      if (rows < (this.#behind ? worthCommitBehind : worthCommit)) continue
      await this.#store(commits)
      commits = []
      rows = 0
    }
    if (commits.length > 0) await this.#store(commits)
    const positions = [...this.#slots].map(([partition, { next }]) => [partition, next] as const)
    await this.#consumer?.report(new Map(positions)).catch(() => {})
  }

  async #store(commits: readonly { readonly unit: Unit; readonly prepared: PreparedCommit }[]): Promise<void> {
    const lost = await commitUnits(this.#target, commits)
    if (lost.length === 0) return
    for (const { units } of this.#slots.values()) {
      for (const unit of lost) if (units.includes(unit)) units.splice(units.indexOf(unit), 1)
    }
    this.#options.lost()
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}
