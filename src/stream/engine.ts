import { randomUUID } from 'node:crypto'
import type { FeatureGroupData, SourceData, StreamData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { EventLog, NewRecord, RecordPosition } from '../eventlog/index.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { LandedFile } from '../offline/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { type EventGroupPlan, planGroup } from '../plan/index.ts'
import { checkOnlineMeta, onlineMeta, onlineTable } from '../serving/index.ts'
import { type RecordEncoder, recordEncoder } from './event-encoder.ts'
import { FeedReader } from './feed-reader.ts'
import { type Feed, feedsOf } from './feeds.ts'
import { type Filled, type FillPositions, filledFrom, fillOnce } from './fill.ts'
import { GroupUnit, keyText, rowVersion } from './group-unit.ts'
import { HistoryUnit, type Landing } from './history-unit.ts'
import type { LiveKey } from './live-group.ts'
import { recordDecoder } from './record-decoder.ts'
import { RouterUnit } from './router-unit.ts'
import { fillTable, historyTable, unitTable } from './tables.ts'
import type { Unit } from './unit.ts'
import { parseUnitText } from './unit-text.ts'

export interface StreamOptions {
  /** Those whose source has a stream and that are live take part; the others are left alone. */
  readonly groups: readonly FeatureGroupData[]
  readonly log: EventLog
  /** Where state is kept; must have transactions. */
  readonly state: OnlineStore
  /** Other online stores that get the same rows. */
  readonly copies?: readonly OnlineStore[]
  /** Where accepted events land as history; nowhere by default. */
  readonly landing?: Landing | null
  /** Writes to the state what the history of a group gives: see `Fill`. Needed where a source has history or its log begins later. */
  readonly fill?: Fill
  readonly clock?: Clock
  /** The name of this worker; a random one by default. */
  readonly worker?: string
  /** Milliseconds between two commits, at least. Default: 50. */
  readonly commitEvery?: number
  /** Milliseconds of silence after which a worker is taken for dead. Default: 10,000. */
  readonly sessionTimeout?: number
  /** Bytes of state to keep in memory, by unit. */
  readonly stateMemory?: number
  /** Told of what goes wrong and is tried again. */
  readonly warn?: (error: unknown) => void
}

/**
 * Writes to the state the rows of a group, under this version, from all of its declared history and of these files, which have
 * landed of its stream. Rows of a greater version stay.
 */
export type Fill = (group: FeatureGroupData, landed: readonly LandedFile[], version: Uint8Array, signal: AbortSignal) => Promise<void>

/** A group that takes part, and the feed that its keys need. */
interface LiveMember {
  readonly plan: EventGroupPlan
  readonly feed: Feed
  /** Where its units begin, once it is filled. */
  filled: Filled | null
}

const askEvery = 50
const watchEvery = 1000

/**
 * One worker of the live path: reads the feeds of its groups together with the other workers, keeps their state, answers reads
 * from memory, and commits rows that serving processes read.
 */
export class StreamEngine implements AsyncDisposable {
  readonly worker: string
  /** Resolves when every group is filled and read; rejects where that cannot be. */
  readonly ready: Promise<void>
  /** Rejects when this worker cannot go on. */
  readonly failed: Promise<never>
  /** Resolves when it has ended. */
  readonly closed: Promise<void>
  readonly #options: StreamOptions
  readonly #clock: Clock
  readonly #members: readonly LiveMember[]
  readonly #sources: ReadonlyMap<string, SourceData>
  readonly #feeds: readonly Feed[]
  readonly #readers = new Map<string, FeedReader>()
  readonly #encoders = new Map<string, RecordEncoder>()
  readonly #stop = new AbortController()
  readonly #started: Promise<void>
  #failure: unknown = null
  #fail: (error: unknown) => void = () => {}
  #end: () => void = () => {}

  private constructor(options: StreamOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.worker = options.worker ?? randomUUID()
    const groups = options.groups.filter(isStreamed)
    this.#feeds = feedsOf(groups)
    this.#members = this.#feeds.flatMap((feed) =>
      feed.groups.map((group) => ({ plan: planGroup(group) as EventGroupPlan, feed, filled: null })),
    )
    this.#sources = new Map(groups.map(({ source }) => [source.name, source]))
    this.failed = new Promise((_, reject) => {
      this.#fail = (error) => {
        this.#failure ??= error
        reject(error)
      }
    })
    this.failed.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#started = this.#start()
    this.ready = this.#started.then(() => this.#fillAll())
    this.ready.catch(() => {})
  }

  /** Starts a worker. It takes part at once; `ready` tells when all groups can be read. */
  static async open(options: StreamOptions): Promise<StreamEngine> {
    const engine = new StreamEngine(options)
    await engine.#started
    return engine
  }

  /** Whether this worker reads the topic of a source. */
  reads(source: string): boolean {
    return this.#sources.has(source)
  }

  /**
   * Appends events, given as public values, to the topic of a source. Resolves when they are durable and, where this worker has
   * their partitions, seen by every read of it. Throws `INVALID_VALUE` where one is no event of the source, and appends none.
   */
  async push(source: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<RecordPosition[]> {
    const encode = this.#encoders.get(source) ?? recordEncoder(this.#source(source))
    this.#encoders.set(source, encode)
    return await this.append(source, await Promise.all(rows.map((row, index) => encode(row, `event ${index + 1}`))))
  }

  /** As `push`, of records that are encoded. */
  async append(source: string, records: readonly NewRecord[]): Promise<RecordPosition[]> {
    const { topic } = this.#source(source).stream as StreamData
    const positions = await this.#options.log.append(topic, records)
    const next = new Map<number, number>()
    for (const { partition, offset } of positions) next.set(partition, Math.max(next.get(partition) ?? 0, offset + 1))
    await this.#taken(source, next)
    return positions
  }

  /** Resolves when this worker has taken everything that the topics hold now, of the partitions that it has. */
  async caughtUp(): Promise<void> {
    await this.ready
    for (const source of this.#sources.keys()) await this.#taken(source, null)
  }

  /** The state of a key of a group where this worker has it in memory: else it is as the store has it. */
  find(group: FeatureGroupData, key: Uint8Array): LiveKey | null {
    const table = onlineTable(group)
    const text = keyText(key)
    for (const unit of this.units()) {
      if (!(unit instanceof GroupUnit) || unit.table !== table) continue
      if (unit.live.has(text)) return unit.live.read(text)
    }
    return null
  }

  /** What this worker reads now. */
  *units(): Generator<Unit> {
    for (const reader of this.#readers.values()) yield* reader.units()
  }

  /** Stores all that was taken, and lands it in history. */
  async flush(): Promise<void> {
    for (const reader of this.#readers.values()) await reader.flush()
    this.#throwFailure()
  }

  /** Stores what was taken and leaves the group of workers. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.ready.catch(() => {})
    // Routers first: what they append is then read by others.
    for (const reader of this.#readers.values()) await reader.close()
    this.#end()
    this.#throwFailure()
  }

  /** Ends as a crash would: nothing more is stored. */
  async abandon(): Promise<void> {
    this.#stop.abort()
    for (const reader of this.#readers.values()) await reader.abandon()
    await this.ready.catch(() => {})
    this.#end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Makes the topics that are not there, and the readers. */
  async #prepare(): Promise<void> {
    const { log } = this.#options
    for (const feed of this.#feeds) {
      const { topic, partitions } = feed.stream
      const found = await log.partitions(topic)
      if (found === null) await log.createTopic(topic, partitions)
      if (feed.topic !== topic && (await log.partitions(feed.topic)) === null) await log.createTopic(feed.topic, found ?? partitions)
    }
    for (const feed of this.#feeds) this.#readers.set(feed.topic, this.#reader(feed))
  }

  async #start(): Promise<void> {
    await this.#prepare()
    for (const member of this.#members) member.filled = await this.#filledAlready(member)
    await Promise.all([...this.#readers.values()].map((reader) => reader.start()))
  }

  async #fillAll(): Promise<void> {
    void this.#watch()
    const waiting = this.#members.filter(({ filled }) => filled === null)
    const results = await Promise.allSettled(waiting.map((member) => this.#fill(member)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Where there is no past to be filled from, units begin with the log. */
  async #filledAlready({ plan, feed }: LiveMember): Promise<Filled | null> {
    const { state, log } = this.#options
    checkOnlineMeta(plan.group, await state.readMeta(onlineTable(plan.group)))
    const known = await filledFrom(state, fillTable(plan.group))
    if (known) return known
    const { history, stream } = feed.source
    const offsets = await log.offsets((stream as StreamData).topic)
    if (history !== null || offsets.some(({ first }) => first > 0)) return null
    const positions = Object.fromEntries(offsets.map(({ partition }) => [partition, 0]))
    await state.writeMeta(onlineTable(plan.group), onlineMeta(plan.group))
    return await this.#fillOnce(plan.group, async () => positions)
  }

  /** Fills a group while the others go on, then reads its feed from where its history ends. */
  async #fill(member: LiveMember): Promise<void> {
    const { fill } = this.#options
    const { group } = member.plan
    member.filled = await this.#fillOnce(group, async (epoch) => {
      if (!fill) throw new LockstepError('INVALID_ARGUMENT', `The group ${group.name} has a past, and the engine was given no fill`)
      const { positions, files } = await this.#landed(member.feed.source)
      await fill(group, files, rowVersion(epoch, 0), this.#stop.signal)
      return positions
    })
    if (member.filled && !this.#stop.signal.aborted) await this.#readers.get(member.feed.topic)?.restart()
  }

  async #fillOnce(group: FeatureGroupData, work: (epoch: number) => Promise<FillPositions>): Promise<Filled | null> {
    const { state, log } = this.#options
    const unitEpoch = async () => {
      const { topic } = this.#feeds.find(({ groups }) => groups.includes(group)) as Feed
      const partitions = (await log.partitions(topic)) ?? 0
      const texts = await Promise.all(Array.from({ length: partitions }, (_, partition) => state.readMeta(unitTable(group, partition))))
      return Math.max(0, ...texts.map((text) => parseUnitText(text)?.epoch ?? 0))
    }
    return await fillOnce(state, fillTable(group), this.worker, this.#clock, this.#stop.signal, unitEpoch, work)
  }

  /** Waits until history holds all that the log has now; gives what it holds and how far it goes then. */
  async #landed(source: SourceData): Promise<{ positions: FillPositions; files: readonly LandedFile[] }> {
    const { log, state, landing } = this.#options
    const { topic } = source.stream as StreamData
    const positions: Record<string, number> = {}
    const files: LandedFile[] = []
    for (const { partition, first, next } of await log.offsets(topic)) {
      positions[partition] = first
      while (landing && !this.#stop.signal.aborted) {
        const text = parseUnitText(await state.readMeta(historyTable(source.name, partition)))
        if ((text?.position ?? 0) >= next) {
          positions[partition] = text?.position ?? 0
          files.push(...((text?.details as readonly LandedFile[] | undefined) ?? []))
          break
        }
        await this.#readers.get(topic)?.flush()
        await this.#clock.sleep(askEvery, this.#stop.signal)
      }
    }
    return { positions, files }
  }

  #reader(feed: Feed): FeedReader {
    const { log, state, copies = [], commitEvery = 50, sessionTimeout = 10_000, warn = () => {} } = this.#options
    return new FeedReader({
      log,
      topic: feed.topic,
      group: `lockstep.${feed.topic}`,
      target: { state, copies, clock: this.#clock, warn },
      open: (partition) => this.#open(feed, partition),
      decode: recordDecoder(feed.source, feed.topic !== feed.stream.topic),
      commitEvery,
      sessionTimeout,
      failed: (error) => {
        warn(error)
        this.#fail(error)
      },
      lost: () => void this.#review(feed),
    })
  }

  /** The units of a partition of a feed, taken over by this worker. */
  async #open(feed: Feed, partition: number): Promise<Unit[]> {
    const { log, state, stateMemory, landing = null, warn = () => {} } = this.#options
    const clock = this.#clock
    const owner = this.worker
    const units: Promise<Unit>[] = []
    const { topic } = feed.stream
    const direct = feed.topic === topic
    for (const { plan, filled, feed: own } of this.#members) {
      if (own !== feed || filled === null) continue
      const { epoch, positions } = filled
      const begin = direct
        ? { initial: { epoch, position: positions[partition] ?? 0 } }
        : { initial: { epoch, origins: positions }, originPartitions: Object.keys(positions).length }
      units.push(GroupUnit.open({ plan, partition, state, clock, owner, ...begin, ...(stateMemory === undefined ? {} : { stateMemory }) }))
    }
    if (direct) {
      units.push(HistoryUnit.open({ source: feed.source, partition, state, log, landing, clock, owner, warn }))
      for (const { topic: internal, keyOf, source } of this.#feeds) {
        if (source === feed.source && internal !== topic)
          units.push(RouterUnit.open({ log, topic: internal, partition, state, clock, owner, keyOf }))
      }
    }
    return await Promise.all(units)
  }

  /** Notices that a group is to be filled anew, by whoever asked for it. */
  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#clock.sleep(watchEvery, this.#stop.signal)
      for (const { plan, filled, feed } of this.#members) {
        const text = filled === null ? null : await this.#options.state.readMeta(fillTable(plan.group)).catch(() => null)
        if (text === '') await this.#review(feed)
      }
    }
  }

  /** Units were taken over, or their group is to be filled anew: looks again at what there is. */
  async #review(feed: Feed): Promise<void> {
    try {
      for (const member of this.#members.filter((one) => one.feed === feed)) {
        const { state } = this.#options
        if ((await filledFrom(state, fillTable(member.plan.group))) !== null) continue
        member.filled = null
        await this.#fill(member)
      }
      if (!this.#stop.signal.aborted) await this.#readers.get(feed.topic)?.restart()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Resolves when the records before these offsets (all there are, by default) were taken by the units of this worker. */
  async #taken(source: string, next: ReadonlyMap<number, number> | null): Promise<void> {
    const { topic } = this.#source(source).stream as StreamData
    await this.#takenOf(topic, next)
    for (const feed of this.#feeds) {
      if (feed.source.name === source && feed.topic !== topic) await this.#takenOf(feed.topic, null)
    }
  }

  async #takenOf(topic: string, until: ReadonlyMap<number, number> | null): Promise<void> {
    const { log, state } = this.#options
    const reader = this.#readers.get(topic) as FeedReader
    const next = until ?? new Map((await log.offsets(topic)).map((one) => [one.partition, one.next]))
    const others = this.#members.filter(({ feed }) => feed.topic === topic)
    for (const [partition, offset] of next) {
      for (;;) {
        this.#throwFailure()
        if (this.#stop.signal.aborted) return
        const own = reader.taken(partition)
        if (own !== null && own >= offset) break
        if (own === null) {
          const texts = await Promise.all(others.map(({ plan }) => state.readMeta(unitTable(plan.group, partition))))
          if (others.length > 0 && texts.every((text) => (parseUnitText(text)?.position ?? 0) >= offset)) break
        }
        await reader.changed(askEvery)
      }
    }
  }

  #source(name: string): SourceData {
    const source = this.#sources.get(name)
    if (source) return source
    throw new LockstepError('UNKNOWN_NAME', `There is no streamed source ${name}${suggestion(name, [...this.#sources.keys()])}`)
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }
}

/** Whether a group is kept live from a stream. */
export const isStreamed = ({ source, refresh }: FeatureGroupData): boolean =>
  source.kind === 'events' && source.stream !== null && refresh.kind === 'live'
