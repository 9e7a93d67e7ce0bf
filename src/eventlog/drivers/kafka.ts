import { LockstepError } from '../../errors.ts'
import { checkConsume, checkPartitions, checkRecords, checkTopic, closedLog, noTopic, otherPartitions } from '../check.ts'
import type { KafkaEventLogOptions } from '../kafka-options.ts'
import type { ConsumeOptions, Consumer, EventLog, EventLogCapabilities, NewRecord, PartitionOffsets, RecordPosition } from '../log.ts'
import { Appender } from './kafka/appender.ts'
import { Cluster } from './kafka/cluster.ts'
import { KafkaConsumer } from './kafka/consumer.ts'
import { deleteRecords } from './kafka/delete-records.ts'
import type { Address, Links } from './kafka/link.ts'
import { listOffsets } from './kafka/list-offsets.ts'
import { loadProtocol } from './kafka/protocol.ts'
import { accept, reasonOf } from './kafka/refusal.ts'

const defaultPort = 9092
const connectTimeout = 5_000

/**
 * The event log in a cluster of Apache Kafka, 3.0 or newer. Needs the package `@platformatic/kafka`, which is loaded when the log is
 * first used. Operations try again as long as their time allows, then throw `EVENT_LOG_UNAVAILABLE`; a reader goes on by itself when
 * the brokers are back.
 */
export function kafkaEventLog(options: KafkaEventLogOptions): EventLog {
  return new KafkaEventLog(options)
}

class KafkaEventLog implements EventLog {
  readonly name = 'kafka'
  readonly capabilities: EventLogCapabilities = { durable: true, sharedByProcesses: true }
  readonly #options: KafkaEventLogOptions
  readonly #brokers: readonly Address[]
  readonly #timeout: number
  readonly #appenders = new Map<string, Appender>()
  readonly #consumers = new Set<KafkaConsumer>()
  readonly #underWay = new Set<Promise<unknown>>()
  #opening: Promise<{ readonly cluster: Cluster; readonly appending: Links }> | null = null
  #closed: Promise<void> | null = null

  constructor(options: KafkaEventLogOptions) {
    this.#options = options
    this.#brokers = options.brokers.map(addressOf)
    this.#timeout = options.timeout ?? 30_000
    if (this.#brokers.length === 0) throw new LockstepError('INVALID_ARGUMENT', 'A Kafka log needs a broker', { where: 'brokers' })
    if (!(this.#timeout > 0))
      throw new LockstepError('INVALID_ARGUMENT', `A timeout is above 0, not ${this.#timeout}`, { where: 'timeout' })
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    checkPartitions(partitions)
    await this.#onTopic(topic, async ({ cluster }) => {
      const { createTopicsV7 } = cluster.protocol
      // So that what `taken` says is the moment of the log and not that of a producer's clock.
      const configs = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
      const wish = { name: topic, numPartitions: partitions, replicationFactor: this.#options.replicas ?? -1, assignments: [], configs }
      await cluster.retry(`create the topic ${topic}`, async () => {
        const link = await cluster.anyBroker()
        const { topics } = await link.call([createTopicsV7.api], [wish], this.#timeout, false)
        for (const { errorCode, errorMessage } of topics) {
          if (reasonOf(cluster.protocol, errorCode) !== 'TOPIC_ALREADY_EXISTS') accept(cluster.protocol, errorCode, errorMessage)
        }
        // It is there for others a little later than it was made.
        for (let attempt = 0; ; attempt++) {
          const there = await cluster.topic(topic)
          if (there !== null && there.leaders.length !== partitions) throw otherPartitions(topic, there.leaders.length, partitions)
          if (there?.leaders.every((leader) => leader >= 0)) return
          if (attempt > 10) return accept(cluster.protocol, cluster.protocol.protocolErrors.LEADER_NOT_AVAILABLE?.code ?? -1)
          cluster.forget(topic)
          await cluster.rest(attempt)
        }
      })
    })
  }

  topics(): Promise<string[]> {
    return this.#use(({ cluster }) => cluster.retry('list the topics', () => cluster.topics()))
  }

  partitions(topic: string): Promise<number | null> {
    return this.#onTopic(topic, ({ cluster }) =>
      cluster.retry(`describe the topic ${topic}`, async () => {
        cluster.forget(topic)
        return (await cluster.topic(topic))?.leaders.length ?? null
      }),
    )
  }

  append(topic: string, records: readonly NewRecord[]): Promise<RecordPosition[]> {
    return this.#onTopic(topic, async ({ cluster, appending }) => {
      const described = await cluster.retry(`append to the topic ${topic}`, () => cluster.topic(topic))
      if (described === null) throw noTopic(topic)
      checkRecords(topic, records, described.leaders.length)
      let appender = this.#appenders.get(topic)
      if (appender === undefined) {
        appender = new Appender(cluster, appending, topic, () => producerId(cluster))
        this.#appenders.set(topic, appender)
      }
      return await appender.append(records, described)
    })
  }

  consume(topic: string, options: ConsumeOptions): Promise<Consumer> {
    return this.#onTopic(topic, async ({ cluster }) => {
      checkConsume(options)
      const described = await cluster.retry(`describe the topic ${topic}`, () => cluster.topic(topic))
      if (described === null) throw noTopic(topic)
      const consumer = new KafkaConsumer(cluster, topic, options, () => this.#consumers.delete(consumer))
      this.#consumers.add(consumer)
      try {
        await consumer.join()
      } catch (error) {
        this.#consumers.delete(consumer)
        throw error
      }
      return consumer
    })
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#onTopic(topic, ({ cluster }) => cluster.retry(`read the offsets of the topic ${topic}`, () => listOffsets(cluster, topic)))
  }

  truncate(topic: string, before: ReadonlyMap<number, number>): Promise<void> {
    return this.#onTopic(topic, ({ cluster }) =>
      cluster.retry(`delete records of the topic ${topic}`, () => deleteRecords(cluster, topic, before)),
    )
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const closing = [...this.#consumers].map((consumer) => consumer.close())
    const closed = await Promise.allSettled(closing)
    await Promise.allSettled(this.#underWay)
    await Promise.all([...this.#appenders.values()].map((appender) => appender.finish()))
    const opened = await this.#opening?.catch(() => null)
    opened?.cluster.close()
    for (const result of closed) if (result.status === 'rejected') throw result.reason
  }

  async #onTopic<T>(
    topic: string,
    operation: (opened: { readonly cluster: Cluster; readonly appending: Links }) => Promise<T>,
  ): Promise<T> {
    checkTopic(topic)
    return await this.#use(operation)
  }

  async #use<T>(operation: (opened: { readonly cluster: Cluster; readonly appending: Links }) => Promise<T>): Promise<T> {
    if (this.#closed !== null) throw closedLog(this.name)
    this.#opening ??= this.#open()
    const work = this.#opening.then(operation)
    this.#underWay.add(work)
    try {
      return await work
    } finally {
      this.#underWay.delete(work)
    }
  }

  async #open(): Promise<{ readonly cluster: Cluster; readonly appending: Links }> {
    const { clientId = 'lockstep', tls, sasl } = this.#options
    const protocol = await loadProtocol()
    const cluster = new Cluster(
      protocol,
      this.#brokers,
      { clientId, tls, sasl, connectTimeout: Math.min(connectTimeout, this.#timeout) },
      this.#timeout,
    )
    return { cluster, appending: cluster.links() }
  }
}

/** A number that no other producer has, so that the log tells what was sent again from what is new. */
async function producerId(cluster: Cluster): Promise<bigint> {
  const { initProducerIdV5, initProducerIdV4, initProducerIdV3 } = cluster.protocol
  const link = await cluster.anyBroker()
  const answer = await link.call([initProducerIdV5.api, initProducerIdV4.api, initProducerIdV3.api], null, cluster.timeout, -1n, -1)
  accept(cluster.protocol, answer.errorCode)
  return answer.producerId
}

function addressOf(broker: string): Address {
  const [, ipv6, name, port = String(defaultPort)] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(broker) ?? []
  const host = ipv6 ?? name
  if (host === undefined || Number(port) > 65_535) {
    throw new LockstepError('INVALID_ARGUMENT', `${JSON.stringify(broker)} is not the address of a broker`, { remedy: 'Write host:port.' })
  }
  return { host, port: Number(port) }
}
