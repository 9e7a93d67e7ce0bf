import { type FeatureGroupData, type History, rows, type SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { RecordPosition } from '../eventlog/index.ts'
import type { Clock } from '../lib/clock.ts'
import { suggestion } from '../lib/suggestion.ts'
import { materializeGroup } from '../materialize/index.ts'
import { isStreamed } from '../plan/index.ts'
import { type Cell, fromCell } from '../schema/index.ts'
import {
  forgetState,
  type LiveKey,
  landedFiles,
  type ParquetLanding,
  parquetLanding,
  type RecordEncoder,
  recordEncoder,
  StreamEngine,
  type StreamStatus,
  streamStatus,
  topicEvents,
} from '../stream/index.ts'
import type { Stores } from './stores.ts'

export interface StreamOptions {
  /** Told of what fails and is tried again. */
  readonly warn?: (error: unknown) => void
  /** Milliseconds between two commits, at least. Default: 50. */
  readonly commitEvery?: number
  /** Milliseconds of silence after which a worker is taken for dead. Default: 10,000. */
  readonly sessionTimeout?: number
  /** Bytes of state that a worker keeps in memory, for each group and partition; more goes to the disk. */
  readonly stateMemory?: number
}

export interface PushOptions {
  /** Only checks the events. */
  readonly dryRun?: boolean
  /** The number that messages give the first of them. Default: 1. */
  readonly first?: number
}

/** Microseconds after which what was taken has landed by itself. */
const landedByThen = 30_000_000

/** What a store does with events while they happen. */
export class LivePath {
  readonly #stores: Stores
  readonly #history: Readonly<Record<string, History>>
  readonly #clock: Clock
  #groups: readonly FeatureGroupData[]
  readonly #workers = new Set<StreamEngine>()
  /** Those of the workers that were started for all groups. */
  readonly #following = new Set<StreamEngine>()
  readonly #encoders = new Map<string, RecordEncoder>()
  readonly #landing: ParquetLanding

  constructor(stores: Stores, groups: readonly FeatureGroupData[], history: Readonly<Record<string, History>>, clock: Clock) {
    this.#stores = stores
    this.#groups = groups
    this.#history = history
    this.#clock = clock
    this.#landing = parquetLanding(stores.landingFolder)
  }

  streamed(groups: readonly FeatureGroupData[] = this.#groups): readonly FeatureGroupData[] {
    return groups.filter(isStreamed).map((group) => {
      const moved = this.#history[group.source.name]
      return moved ? Object.freeze({ ...group, source: Object.freeze({ ...group.source, history: moved }) }) : group
    })
  }

  /** Works with these groups from now on: workers that were started for all groups take up what is new, and leave what is gone. */
  adopt(groups: readonly FeatureGroupData[]): void {
    this.#groups = groups
    this.#encoders.clear()
    for (const worker of this.#following) worker.adopt(this.streamed())
  }

  async start(groups: readonly FeatureGroupData[] | undefined, options: StreamOptions): Promise<StreamEngine> {
    const engine = await StreamEngine.open({
      ...options,
      groups: this.streamed(groups),
      log: await this.#stores.log,
      state: await this.#stores.ownOnline('write'),
      landing: this.#landing,
      fill: (group, landed, version, signal) =>
        this.#fill(
          group,
          landed.map((file) => this.#landing.pathOf(file)),
          version,
          signal,
        ),
      clock: this.#clock,
    })
    this.#workers.add(engine)
    if (groups === undefined) this.#following.add(engine)
    const forget = () => {
      this.#workers.delete(engine)
      this.#following.delete(engine)
    }
    engine.closed.finally(forget).catch(() => {})
    return engine
  }

  async push(source: string, events: readonly Readonly<Record<string, unknown>>[], options: PushOptions): Promise<RecordPosition[]> {
    const { dryRun = false, first = 1 } = options
    const data = this.source(source)
    const encode = this.#encoders.get(source) ?? recordEncoder(data)
    this.#encoders.set(source, encode)
    const records = await Promise.all(events.map((event, index) => encode(event, `event ${first + index}`)))
    if (dryRun) return []
    for (const worker of this.#workers) if (worker.reads(source)) return await worker.append(source, records)
    const log = await this.#stores.log
    const { topic, partitions } = data.stream as NonNullable<SourceData['stream']>
    if ((await log.partitions(topic)) === null) await log.createTopic(topic, partitions)
    return await log.append(topic, records)
  }

  async status(groups?: readonly FeatureGroupData[]): Promise<StreamStatus> {
    return await streamStatus(this.streamed(groups), await this.#stores.log, this.#stores.online)
  }

  async replay(groups: readonly FeatureGroupData[], options: StreamOptions): Promise<void> {
    const [log, online] = [await this.#stores.log, await this.#stores.ownOnline('write')]
    for (const group of this.streamed(groups)) {
      const { topic } = group.source.stream as NonNullable<SourceData['stream']>
      await forgetState(group, (await log.partitions(topic)) ?? 0, online)
    }
    await using engine = await this.start(groups, options)
    await engine.ready
    await engine.caughtUp()
  }

  /** The events that the topic of a source holds now, as rows of a history, and how many records are none. */
  async topicHistory(source: SourceData): Promise<{ history: History; invalid: number }> {
    const columns = Object.entries(source.columns)
    const events: Record<string, unknown>[] = []
    let invalid = 0
    for await (const event of topicEvents(await this.#stores.log, source)) {
      if ('reason' in event) invalid++
      else events.push(Object.fromEntries(columns.map(([name, type], place) => [name, fromCell(type, event.cells[place] as Cell)])))
    }
    return { history: rows(events), invalid }
  }

  /** The state of a key where a worker of this process has it in memory. */
  find(group: FeatureGroupData, key: Uint8Array): LiveKey | null {
    for (const worker of this.#workers) {
      const found = worker.find(group, key)
      if (found) return found
    }
    return null
  }

  /**
   * Has what workers of this process took of the groups' sources written to history before it is asked as of a moment; by themselves they
   * do so within ten seconds.
   */
  async land(groups: readonly FeatureGroupData[], asOf: number): Promise<void> {
    if (this.#clock.now() - asOf > landedByThen) return
    for (const worker of this.#workers) {
      // A worker that cannot says so itself: what has landed before is there nonetheless.
      if (groups.some(({ source }) => worker.reads(source.name))) await worker.flush().catch(() => {})
    }
  }

  /** The files in which the events of streams have landed, by source. */
  async landed(sources: Iterable<SourceData>): Promise<Record<string, readonly string[]>> {
    const found: Record<string, readonly string[]> = {}
    for (const { name, stream } of sources) {
      if (stream === null || found[name]) continue
      const files = await landedFiles(name, this.#stores.online)
      found[name] = files.map((file) => this.#landing.pathOf(file))
    }
    return found
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await worker.close()
    await this.#landing.close()
  }

  async #fill(group: FeatureGroupData, landed: readonly string[], version: Uint8Array, signal: AbortSignal): Promise<void> {
    const places = { history: this.#history, landed: { [group.source.name]: landed } }
    await materializeGroup(group, this.#stores.online, { upto: this.#clock.now(), ...places, version, signal })
  }

  /** A source with a stream by its name. Throws `UNKNOWN_NAME`. */
  source(name: string): SourceData {
    const sources = new Map(this.#groups.flatMap(({ source }) => (source.stream ? [[source.name, source] as const] : [])))
    const source = sources.get(name)
    if (source) return source
    throw new LockstepError('UNKNOWN_NAME', `There is no source ${name} with a stream${suggestion(name, [...sources.keys()])}`)
  }
}
