import { LockstepError } from '../../../errors.ts'
import type { LogRecord } from '../../log.ts'
import type { Cluster } from './cluster.ts'
import { type FetchAnswer, type FetchedPartition, fetchApis } from './fetch.ts'
import type { Links } from './link.ts'
import { listOffsets } from './list-offsets.ts'
import { PartitionBuffer } from './partition-buffer.ts'
import { decodeBatches } from './record-batch.ts'
import { accept, isPassing, reasonOf } from './refusal.ts'

const kibi = 1024
const fetchBytes = 4 * kibi * kibi
const fetchBytesOfPartition = kibi * kibi
/** Nothing more of a partition is fetched while so much of it waits to be read. */
const bufferBytesOfPartition = 2 * kibi * kibi
/** Nor of any, while so much of all does. */
const bufferBytes = 32 * kibi * kibi
/** How long a broker waits for news, in milliseconds. */
const patience = 250
/** And where some partitions were left out because their buffers are full: they may soon have room again. */
const shortPatience = 10

/** Reads ahead the partitions that it is given, of one topic, as far as its buffers allow. One request at a time to each broker. */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #links: Links
  readonly #topic: string
  readonly #buffers = new Map<number, PartitionBuffer>()
  /** The brokers that a loop asks. */
  readonly #asked = new Set<number>()
  readonly #closing = new AbortController()
  readonly #loops: Promise<void>[] = []
  #news = Promise.withResolvers<void>()
  #room = Promise.withResolvers<void>()
  #leadersChange = Promise.withResolvers<void>()
  #turn = 0
  /** What reading failed with, since when. */
  #trouble: { readonly error: unknown; readonly since: number } | null = null
  #fatal: LockstepError | null = null

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster
    this.#links = cluster.links(patience)
    this.#topic = topic
    this.#loops.push(this.#findLeaders())
  }

  get partitions(): number[] {
    return [...this.#buffers.keys()].sort((a, b) => a - b)
  }

  add(positions: ReadonlyMap<number, number>): void {
    for (const [partition, position] of positions) this.#buffers.set(partition, new PartitionBuffer(partition, position))
    this.#roomForMore()
    this.#lookForLeaders()
  }

  /** Forgets partitions with all that was read ahead of them. */
  remove(partitions: Iterable<number>): void {
    for (const partition of partitions) this.#buffers.delete(partition)
    if (this.#buffers.size === 0) this.#trouble = null
    this.#roomForMore()
  }

  /** What waits to be read, beginning with another partition each time. */
  take(limit: number): LogRecord[] {
    const records: LogRecord[] = []
    const buffers = [...this.#buffers.values()]
    const start = this.#turn++
    for (let index = 0; index < buffers.length && records.length < limit; index++) {
      buffers[(start + index) % buffers.length]?.take(records, limit)
    }
    if (records.length > 0) this.#roomForMore()
    return records
  }

  /** What keeps it from reading for good. */
  get fatal(): LockstepError | null {
    return this.#fatal
  }

  /** Throws what keeps it from reading for good, or has done so for long. */
  check(): void {
    if (this.#fatal !== null) throw this.#fatal
    if (this.#trouble === null || Date.now() - this.#trouble.since < this.#cluster.timeout) return
    throw this.#cluster.unavailable(`read the topic ${this.#topic}`, this.#trouble.error)
  }

  /** Resolves when there may be something to take, or something to throw. */
  get news(): Promise<void> {
    return this.#news.promise
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#buffers.clear()
    this.#cluster.release(this.#links)
    this.#roomForMore()
    this.#lookForLeaders()
    this.#tell()
    await Promise.all(this.#loops)
  }

  #tell(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  #roomForMore(): void {
    this.#room.resolve()
    this.#room = Promise.withResolvers()
  }

  #lookForLeaders(): void {
    this.#leadersChange.resolve()
    this.#leadersChange = Promise.withResolvers()
  }

  /** Sees to it that each broker that leads a partition is asked. */
  async #findLeaders(): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; ) {
      const { promise: change } = this.#leadersChange
      if (this.#buffers.size === 0) {
        await change
        continue
      }
      try {
        const { leaders } = await this.#cluster.topicThere(this.#topic)
        for (const broker of new Set(this.partitions.map((partition) => leaders[partition] ?? -1))) {
          if (broker < 0 || this.#asked.has(broker)) continue
          this.#asked.add(broker)
          this.#loops.push(this.#askBroker(broker))
        }
        if (this.partitions.every((partition) => this.#asked.has(leaders[partition] ?? -1))) {
          attempt = 0
          await change
          continue
        }
      } catch (error) {
        this.#failed(error)
      }
      this.#cluster.forget(this.#topic)
      await this.#cluster.rest(attempt++, this.#closing.signal)
    }
  }

  async #askBroker(broker: number): Promise<void> {
    for (let failed = 0; !this.#closing.signal.aborted; ) {
      const { promise: room } = this.#room
      try {
        const topic = await this.#cluster.topicThere(this.#topic)
        const led = [...this.#buffers.values()].filter(({ partition }) => topic.leaders[partition] === broker)
        const wanted = this.#withRoom(led)
        if (wanted.length === 0) {
          await room
          continue
        }
        const link = await this.#cluster.broker(broker, this.#links)
        const answer = await link.call(fetchApis(this.#cluster.protocol), {
          topic,
          wishes: wanted.map(({ partition, position }) => ({ partition, offset: position })),
          wait: wanted.length < led.length ? shortPatience : patience,
          bytes: fetchBytes,
          bytesOfPartition: fetchBytesOfPartition,
        })
        await this.#store(wanted, answer)
        failed = 0
        this.#trouble = null
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#failed(error)
        this.#cluster.forget(this.#topic)
        this.#lookForLeaders()
        await this.#cluster.rest(failed++, this.#closing.signal)
      }
    }
  }

  #withRoom(buffers: readonly PartitionBuffer[]): PartitionBuffer[] {
    let all = 0
    for (const { bytes } of this.#buffers.values()) all += bytes
    return buffers.filter(({ bytes, empty }) => bytes < bufferBytesOfPartition && (all < bufferBytes || empty))
  }

  async #store(wanted: readonly PartitionBuffer[], answer: FetchAnswer): Promise<void> {
    accept(this.#cluster.protocol, answer.errorCode)
    const found = new Map(answer.partitions.map((each) => [each.partition, each]))
    let arrived = false
    let problem: unknown
    for (const buffer of wanted) {
      const fetched = found.get(buffer.partition)
      // It may have been taken away meanwhile.
      if (fetched === undefined || this.#buffers.get(buffer.partition) !== buffer) continue
      try {
        if (reasonOf(this.#cluster.protocol, fetched.errorCode) === 'OFFSET_OUT_OF_RANGE') await this.#moveInRange(buffer)
        else arrived = this.#put(buffer, fetched) || arrived
      } catch (error) {
        problem = error
      }
    }
    if (arrived) this.#tell()
    if (problem !== undefined) throw problem
  }

  #put(buffer: PartitionBuffer, { errorCode, aborted, batches }: FetchedPartition): boolean {
    accept(this.#cluster.protocol, errorCode)
    if (batches.length === 0) return false
    const options = { partition: buffer.partition, from: buffer.position, takenFrom: buffer.taken, aborted }
    const { records, next } = decodeBatches(batches, options, this.#cluster.protocol)
    buffer.position = next
    buffer.put(records, batches.length)
    return records.length > 0
  }

  /** Goes on from the first offset that is still there. Throws where the partition ends before the offset asked for. */
  async #moveInRange(buffer: PartitionBuffer): Promise<void> {
    const offsets = (await listOffsets(this.#cluster, this.#topic))[buffer.partition]
    if (offsets === undefined || this.#buffers.get(buffer.partition) !== buffer) return
    const { first, next } = offsets
    if (buffer.position > next) {
      const place = `partition ${buffer.partition} of the topic ${this.#topic}`
      throw new LockstepError('INVALID_ARGUMENT', `Reading begins at offset ${buffer.position}, and ${place} ends at ${next}`, {
        remedy: 'The topic was made anew, or has lost records: begin again from what is there.',
      })
    }
    if (buffer.position < first) buffer.position = first
  }

  #failed(error: unknown): void {
    if (error instanceof LockstepError || !isPassing(this.#cluster.protocol, error)) {
      this.#fatal = this.#cluster.unavailable(`read the topic ${this.#topic}`, error)
    } else this.#trouble ??= { error, since: Date.now() }
    this.#tell()
  }
}
