import { LockstepError } from '../../../errors.ts'
import type { NewRecord, RecordPosition } from '../../log.ts'
import { partitionOfKey } from '../../partition.ts'
import type { Cluster, Topic } from './cluster.ts'
import type { Links } from './link.ts'
import { type OutgoingBatch, produceApis } from './produce.ts'
import { encodeBatch, recordBytes } from './record-batch.ts'
import { accept, isPassing, isRefusal, Refusal } from './refusal.ts'

/** Kafka takes batches of 1 MiB unless it is told otherwise. */
const batchBytes = 900_000
const sequences = 2 ** 31
const epochs = 2 ** 15

/** One call of `append`. */
interface Call {
  readonly positions: RecordPosition[]
  readonly deadline: number
  readonly settle: (error?: unknown) => void
  waiting: number
  settled: boolean
}

interface Entry {
  readonly record: NewRecord
  readonly bytes: number
  readonly call: Call
  readonly index: number
}

/** A batch that is sent until the log has it or says no: each time the same bytes, so that the log knows it again. */
interface Flight extends OutgoingBatch {
  readonly entries: readonly Entry[]
  attempts: number
}

/** What waits for one partition. Its batches go one after the other, each with the next number of the sequence. */
interface Lane {
  readonly partition: number
  queue: Entry[]
  flight: Flight | null
  sequence: number
  epoch: number
  limit: number
}

/**
 * Appends to one topic: what calls bring while batches are under way goes with the next ones. Durable on all replicas in sync, and no
 * record twice by trying again: batches are numbered.
 */
export class Appender {
  readonly #cluster: Cluster
  readonly #links: Links
  readonly #topic: string
  readonly #identify: () => Promise<bigint>
  readonly #lanes = new Map<number, Lane>()
  #producer: Promise<bigint> | null = null
  #running: Promise<void> | null = null
  #turn = 0

  /** `identify` asks a broker for a number that no other producer has. */
  constructor(cluster: Cluster, links: Links, topic: string, identify: () => Promise<bigint>) {
    this.#cluster = cluster
    this.#links = links
    this.#topic = topic
    this.#identify = identify
  }

  append(records: readonly NewRecord[], topic: Topic): Promise<RecordPosition[]> {
    if (records.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      const call: Call = {
        positions: new Array(records.length),
        deadline: Date.now() + this.#cluster.timeout,
        waiting: records.length,
        settled: false,
        settle: (error) => {
          if (call.settled) return
          call.settled = true
          if (error === undefined) resolve(call.positions)
          else reject(error)
        },
      }
      for (const [index, record] of records.entries()) {
        this.#lane(this.#partitionOf(record, topic)).queue.push({ record, bytes: recordBytes(record), call, index })
      }
      this.#start()
    })
  }

  /** Waits until nothing is under way. */
  async finish(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
      if ([...this.#lanes.values()].some(({ queue }) => queue.length > 0)) this.#start()
    })
  }

  #partitionOf({ key, partition }: NewRecord, { leaders }: Topic): number {
    return partition ?? (key === null ? this.#turn++ % leaders.length : partitionOfKey(key, leaders.length))
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition)
    if (lane === undefined) {
      lane = { partition, queue: [], flight: null, sequence: 0, epoch: 0, limit: batchBytes }
      this.#lanes.set(partition, lane)
    }
    return lane
  }

  async #run(): Promise<void> {
    // Calls of the same moment go together.
    await Promise.resolve()
    for (let failed = 0; ; ) {
      const problem = await this.#round()
      if (problem === null) return
      failed = problem.error === undefined ? 0 : failed + 1
      if (problem.error === undefined) continue
      this.#cluster.forget(this.#topic)
      this.#giveUp(problem.error)
      await this.#cluster.rest(failed)
    }
  }

  /** Sends a batch of each partition. Null when there was nothing to send; else perhaps the last error that may pass. */
  async #round(): Promise<{ error?: unknown } | null> {
    try {
      this.#producer ??= this.#identify()
      const producer = await this.#producer.catch((error) => {
        this.#producer = null
        throw error
      })
      const lanes = [...this.#lanes.values()].filter((lane) => this.#take(lane, producer))
      if (lanes.length === 0) return null
      const { leaders } = await this.#cluster.topicThere(this.#topic)
      const byLeader = Map.groupBy(lanes, ({ partition }) => leaders[partition] ?? -1)
      const errors = await Promise.all([...byLeader].map(([leader, some]) => this.#send(leader, some)))
      return { error: errors.find((error) => error !== undefined) }
    } catch (error) {
      if (isPassing(this.#cluster.protocol, error)) return { error }
      for (const lane of this.#lanes.values()) this.#reject(lane, [...(lane.flight?.entries ?? []), ...lane.queue.splice(0)], error)
      return null
    }
  }

  /** Takes the next batch of a partition out of its queue, unless one is under way. */
  #take(lane: Lane, producerId: bigint): boolean {
    if (lane.flight !== null) return true
    const entries: Entry[] = []
    let bytes = 0
    let taken = 0
    for (const entry of lane.queue) {
      if (entries.length > 0 && bytes + entry.bytes > lane.limit) break
      taken++
      if (entry.call.settled) continue
      entries.push(entry)
      bytes += entry.bytes
    }
    lane.queue = taken === lane.queue.length ? [] : lane.queue.slice(taken)
    if (entries.length === 0) return false
    const { epoch: producerEpoch, sequence } = lane
    const records = entries.map(({ record }) => record)
    const batch = encodeBatch(records, { producerId, producerEpoch, sequence, timestamp: Date.now() }, this.#cluster.protocol.crc32c)
    lane.flight = { partition: lane.partition, bytes: batch, entries, attempts: 0 }
    return true
  }

  /** Sends the batches of one leader; gives an error that may pass. */
  async #send(leader: number, lanes: readonly Lane[]): Promise<unknown> {
    const { protocol, timeout } = this.#cluster
    try {
      const link = await this.#cluster.broker(leader, this.#links)
      const flights = lanes.flatMap(({ flight }) => flight ?? [])
      for (const flight of flights) flight.attempts++
      const { responses } = await link.call(produceApis(protocol), this.#topic, flights, timeout)
      const answers = new Map(responses.flatMap(({ partitionResponses }) => partitionResponses).map((answer) => [answer.index, answer]))
      let passing: unknown
      for (const lane of lanes) {
        const answer = answers.get(lane.partition)
        try {
          if (answer === undefined) throw new Refusal(protocol, 'UNKNOWN_SERVER_ERROR')
          accept(protocol, answer.errorCode, answer.errorMessage)
          this.#accepted(lane, Number(answer.baseOffset))
        } catch (error) {
          passing = this.#refused(lane, error) ?? passing
        }
      }
      return passing
    } catch (error) {
      let passing: unknown
      for (const lane of lanes) passing = this.#refused(lane, error) ?? passing
      return passing
    }
  }

  #accepted(lane: Lane, firstOffset: number): void {
    const entries = lane.flight?.entries ?? []
    lane.flight = null
    lane.sequence = (lane.sequence + entries.length) % sequences
    for (const [at, { call, index }] of entries.entries()) {
      call.positions[index] = { partition: lane.partition, offset: firstOffset + at }
      if (--call.waiting === 0) call.settle()
    }
  }

  /** Gives the error back where it may pass. */
  #refused(lane: Lane, error: unknown): unknown {
    const { flight } = lane
    if (flight === null || isPassing(this.#cluster.protocol, error)) return error
    if (isRefusal(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE')) {
      if (flight.entries.length > 1) {
        lane.limit = Math.ceil(flight.bytes.length / 2)
        lane.queue = [...flight.entries, ...lane.queue]
        lane.flight = null
        return undefined
      }
      const bytes = flight.entries[0]?.bytes
      const large = new LockstepError('INVALID_ARGUMENT', `A record of some ${bytes} bytes is larger than the topic ${this.#topic} takes`, {
        remedy: 'Send less, or raise `max.message.bytes` of the topic.',
      })
      this.#reject(lane, flight.entries, large)
      return undefined
    }
    // The log has forgotten this producer, or never heard of the batch before. A batch that was sent once only is surely not stored.
    const unknown = isRefusal(
      error,
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      'UNKNOWN_PRODUCER_ID',
      'INVALID_PRODUCER_EPOCH',
      'INVALID_PRODUCER_ID_MAPPING',
    )
    if (unknown && flight.attempts === 1 && lane.sequence > 0) {
      lane.queue = [...flight.entries, ...lane.queue]
      lane.flight = null
      this.#renew(lane)
      return undefined
    }
    this.#reject(lane, flight.entries, error)
    return undefined
  }

  /** Numbers begin anew under a higher epoch, in which the log refuses what may still come of the old one. */
  #renew(lane: Lane): void {
    lane.sequence = 0
    lane.epoch = (lane.epoch + 1) % epochs
    if (lane.epoch === 0) this.#producer = null
  }

  #reject(lane: Lane, entries: readonly Entry[], error: unknown): void {
    lane.flight = null
    this.#renew(lane)
    const told = this.#cluster.unavailable(`append to the topic ${this.#topic}`, error)
    for (const { call } of entries) call.settle(told)
  }

  /** Rejects the calls whose time is over, and drops the batches that nobody waits for any more. */
  #giveUp(error: unknown): void {
    const now = Date.now()
    for (const lane of this.#lanes.values()) {
      const entries = [...(lane.flight?.entries ?? []), ...lane.queue]
      const late = entries.filter(({ call }) => call.deadline <= now || this.#cluster.closed.aborted)
      for (const { call } of late) call.settle(this.#cluster.unavailable(`append to the topic ${this.#topic}`, error))
      if (lane.flight?.entries.every(({ call }) => call.settled)) this.#reject(lane, [], error)
    }
  }
}
