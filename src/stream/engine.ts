import { randomUUID } from 'node:crypto'
import type { FeatureGroupData, SourceData, StreamData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { NewRecord, RecordPosition } from '../eventlog/index.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { suggestion } from '../lib/suggestion.ts'
import { onlineTable } from '../serving/index.ts'
import { erasedTable } from './erase-subject.ts'
import { type RecordEncoder, recordEncoder } from './event-encoder.ts'
import { FeedReader } from './feed-reader.ts'
import type { Feed } from './feeds.ts'
import { filledFrom } from './fill.ts'
import { GroupFilling } from './group-filling.ts'
import { GroupUnit, keyText } from './group-unit.ts'
import { HistoryUnit } from './history-unit.ts'
import type { LiveKey } from './live-group.ts'
import { type LiveMember, LiveMembers, sourceForm } from './live-members.ts'
import { recordDecoder } from './record-decoder.ts'
import { RouterUnit } from './router-unit.ts'
import { keepTopic } from './source-topic.ts'
import type { StreamOptions } from './stream-options.ts'
import { fillTable, unitTable } from './tables.ts'
import type { Unit } from './unit.ts'
import { parseUnitText } from './unit-text.ts'

const askEvery = 50
const watchEvery = 1000
const retryEvery = 1000

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
  readonly #members: LiveMembers
  readonly #filling: GroupFilling
  readonly #readers = new Map<string, FeedReader>()
  /** By topic, the source that its reader decodes and the units that it has. */
  readonly #read = new Map<string, { readonly source: string; units: string }>()
  readonly #beingFilled = new Set<LiveMember>()
  #wanted: readonly FeatureGroupData[]
  #changing: Promise<void> = Promise.resolve()
  readonly #encoders = new Map<string, RecordEncoder>()
  readonly #stop = new AbortController()
  readonly #started: Promise<void>
  #failure: unknown = null
  /** What was said last of erasures. */
  #erased: string | null = null
  #fail: (error: unknown) => void = () => {}
  #end: () => void = () => {}

  private constructor(options: StreamOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.worker = options.worker ?? randomUUID()
    this.#wanted = options.groups
    this.#members = new LiveMembers(options.groups)
    this.#filling = new GroupFilling({
      ...options,
      worker: this.worker,
      clock: this.#clock,
      signal: this.#stop.signal,
      flush: async (topic) => await this.#readers.get(topic)?.flush(),
    })
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

  /**
   * Keeps these groups up to date from now on: fills and takes up those that are new, stores and leaves those that are gone. The others
   * keep their state. What fails is told and tried again.
   */
  adopt(groups: readonly FeatureGroupData[]): void {
    this.#wanted = groups
    this.#changing = this.#changing.then(() =>
      this.#again(
        () => this.#wanted === groups,
        () => this.#change(groups),
      ),
    )
  }

  /** Resolves when all that was adopted is filled and read. */
  async adopted(): Promise<void> {
    await this.#changing
    while (!this.#stop.signal.aborted && this.#members.waiting.length > 0) await this.#clock.sleep(askEvery, this.#stop.signal)
    this.#throwFailure()
  }

  /** Whether this worker reads the topic of a source. */
  reads(source: string): boolean {
    return this.#members.sources.has(source)
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
    for (const source of this.#members.sources.keys()) await this.#taken(source, null)
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
    await this.#changing
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
    const { log, state } = this.#options
    for (const source of this.#members.sources.values()) await keepTopic(state, source)
    for (const feed of this.#members.feeds) {
      const { topic, partitions } = feed.stream
      const found = await log.partitions(topic)
      if (found === null) await log.createTopic(topic, partitions)
      if (feed.topic !== topic && (await log.partitions(feed.topic)) === null) await log.createTopic(feed.topic, found ?? partitions)
    }
  }

  async #start(): Promise<void> {
    this.#erased = await this.#options.state.readMeta(erasedTable)
    await this.#prepare()
    for (const member of this.#members.all) member.filled = await this.#filling.already(member)
    await Promise.all(this.#members.feeds.map((feed) => this.#startReader(feed)))
  }

  async #change(groups: readonly FeatureGroupData[]): Promise<void> {
    await this.ready.catch(() => {})
    // Before anything changes: what is read stays so where others cannot be.
    for (const { source } of groups) await keepTopic(this.#options.state, source)
    this.#members.set(groups)
    for (const [topic, reader] of this.#readers) {
      const feed = this.#members.feed(topic)
      if (feed && sourceForm(feed.source) === this.#read.get(topic)?.source) continue
      await reader.close()
      this.#readers.delete(topic)
    }
    await this.#prepare()
    for (const member of this.#members.waiting) member.filled = await this.#filling.already(member)
    for (const feed of this.#members.feeds) {
      if (!this.#readers.has(feed.topic)) await this.#startReader(feed)
      else if (this.#members.unitsOf(feed) !== this.#read.get(feed.topic)?.units) await this.#readers.get(feed.topic)?.restart()
    }
    for (const member of this.#members.waiting.filter((one) => !this.#beingFilled.has(one)))
      void this.#again(
        () => this.#members.all.includes(member) && member.filled === null,
        () => this.#fill(member),
      )
  }

  /** Does something that may fail for a while, as long as it is wanted. */
  async #again(wanted: () => boolean, work: () => Promise<void>): Promise<void> {
    while (wanted() && !this.#stop.signal.aborted) {
      try {
        return await work()
      } catch (error) {
        this.#options.warn?.(error)
        await this.#clock.sleep(retryEvery, this.#stop.signal)
      }
    }
  }

  async #startReader(feed: Feed): Promise<void> {
    if (this.#stop.signal.aborted) return
    const reader = this.#reader(feed)
    this.#readers.set(feed.topic, reader)
    this.#read.set(feed.topic, { source: sourceForm(feed.source), units: '' })
    await reader.start()
  }

  async #fillAll(): Promise<void> {
    void this.#watch()
    const { waiting } = this.#members
    const results = await Promise.allSettled(waiting.map((member) => this.#fill(member)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Fills a group while the others go on, then reads its feed from where its history ends. */
  async #fill(member: LiveMember): Promise<void> {
    this.#beingFilled.add(member)
    member.filled = await this.#filling.fill(member).finally(() => this.#beingFilled.delete(member))
    if (member.filled && !this.#stop.signal.aborted) await this.#readers.get(member.feed.topic)?.restart()
  }

  #reader(feed: Feed): FeedReader {
    const { log, state, copies = [], commitEvery = 50, sessionTimeout = 10_000, warn = () => {} } = this.#options
    return new FeedReader({
      log,
      topic: feed.topic,
      group: `lockstep.${feed.topic}`,
      target: { state, copies, clock: this.#clock, warn },
      open: (partition) => this.#open(feed.topic, partition),
      decode: recordDecoder(feed.source, feed.topic !== feed.stream.topic),
      commitEvery,
      sessionTimeout,
      failed: (error) => {
        warn(error)
        this.#fail(error)
      },
      lost: () => void this.#review(feed.topic),
    })
  }

  /** The units of a partition of a feed, taken over by this worker. */
  async #open(topicRead: string, partition: number): Promise<Unit[]> {
    const feed = this.#members.feed(topicRead)
    const read = this.#read.get(topicRead)
    if (!feed || !read) return []
    read.units = this.#members.unitsOf(feed)
    const { log, state, stateMemory, landing = null, warn = () => {} } = this.#options
    const clock = this.#clock
    const owner = this.worker
    const units: Promise<Unit>[] = []
    const { topic } = feed.stream
    const direct = feed.topic === topic
    for (const { plan, filled } of this.#members.of(feed.topic)) {
      if (filled === null) continue
      const { epoch, positions } = filled
      const begin = direct
        ? { initial: { epoch, position: positions[partition] ?? 0 } }
        : { initial: { epoch, origins: positions }, originPartitions: Object.keys(positions).length }
      units.push(GroupUnit.open({ plan, partition, state, clock, owner, ...begin, ...(stateMemory === undefined ? {} : { stateMemory }) }))
    }
    if (direct) {
      units.push(HistoryUnit.open({ source: feed.source, partition, state, log, landing, clock, owner, warn }))
      for (const { topic: internal, keyOf } of this.#members.routedFrom(feed))
        units.push(RouterUnit.open({ log, topic: internal, partition, state, clock, owner, keyOf }))
    }
    return await Promise.all(units)
  }

  /** Notices that a group is to be filled anew, by whoever asked for it. */
  async #watch(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#clock.sleep(watchEvery, this.#stop.signal)
      for (const { plan, filled, feed } of this.#members.all) {
        const text = filled === null ? null : await this.#options.state.readMeta(fillTable(plan.group)).catch(() => null)
        if (text === '') await this.#review(feed.topic)
      }
      const erased = await this.#options.state.readMeta(erasedTable).catch(() => this.#erased)
      if (erased === this.#erased) continue
      this.#erased = erased
      for (const topic of this.#readers.keys()) await this.#review(topic)
    }
  }

  /** Units were taken over, or their group is to be filled anew: looks again at what there is. */
  async #review(topic: string): Promise<void> {
    try {
      for (const member of this.#members.of(topic)) {
        const { state } = this.#options
        if ((await filledFrom(state, fillTable(member.plan.group))) !== null) continue
        member.filled = null
        await this.#fill(member)
      }
      if (!this.#stop.signal.aborted) await this.#readers.get(topic)?.restart()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Resolves when the records before these offsets (all there are, by default) were taken by the units of this worker. */
  async #taken(source: string, next: ReadonlyMap<number, number> | null): Promise<void> {
    const { topic } = this.#source(source).stream as StreamData
    await this.#takenOf(topic, next)
    for (const feed of this.#members.feeds) {
      if (feed.source.name === source && feed.topic !== topic) await this.#takenOf(feed.topic, null)
    }
  }

  async #takenOf(topic: string, until: ReadonlyMap<number, number> | null): Promise<void> {
    const { log, state } = this.#options
    const next = until ?? new Map((await log.offsets(topic)).map((one) => [one.partition, one.next]))
    for (const [partition, offset] of next) {
      const others = this.#members.of(topic)
      for (;;) {
        this.#throwFailure()
        const reader = this.#readers.get(topic)
        if (this.#stop.signal.aborted || !reader) return
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
    const source = this.#members.sources.get(name)
    if (source) return source
    throw new LockstepError('UNKNOWN_NAME', `There is no streamed source ${name}${suggestion(name, [...this.#members.sources.keys()])}`)
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }
}
