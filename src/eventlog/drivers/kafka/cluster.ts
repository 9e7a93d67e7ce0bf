import { setTimeout as after } from 'node:timers/promises'
import type { LockstepError } from '../../../errors.ts'
import { noTopic } from '../../check.ts'
import { type Address, type Link, type LinkOptions, Links } from './link.ts'
import type { Protocol } from './protocol.ts'
import { accept, isPassing, Refusal, reasonOf, unavailable } from './refusal.ts'

/** A topic as its cluster describes it. */
export interface Topic {
  readonly name: string
  readonly id: string
  /** By partition, the broker that leads it; -1 while there is none. */
  readonly leaders: readonly number[]
}

const firstPause = 50
const longestPause = 1000

/** Some milliseconds, or until the signal comes. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await after(milliseconds, undefined, { signal }).catch(() => undefined)
}

const pause = (attempt: number) => Math.min(longestPause, firstPause * 2 ** attempt)

/** A Kafka cluster: where its brokers are, who leads what, and how to try again. */
export class Cluster {
  readonly protocol: Protocol
  /** How long an operation may take with all its attempts, in milliseconds. */
  readonly timeout: number
  readonly #bootstrap: readonly Address[]
  readonly #linkOptions: Omit<LinkOptions, 'requestTimeout'>
  readonly #requestTimeout: number
  readonly #all = new Set<Links>()
  readonly #control: Links
  readonly #topics = new Map<string, Topic>()
  readonly #coordinators = new Map<string, Address>()
  readonly #closing = new AbortController()
  #brokers = new Map<number, Address>()

  constructor(protocol: Protocol, bootstrap: readonly Address[], options: Omit<LinkOptions, 'requestTimeout'>, timeout: number) {
    this.protocol = protocol
    this.timeout = timeout
    this.#bootstrap = bootstrap
    this.#linkOptions = options
    this.#requestTimeout = Math.min(timeout, 10_000)
    this.#control = this.links()
  }

  /** Connections of one's own, for requests that others would have to wait for. They may take so many milliseconds more. */
  links(longer = 0): Links {
    const links = new Links(this.protocol, { ...this.#linkOptions, requestTimeout: this.#requestTimeout + longer })
    this.#all.add(links)
    return links
  }

  release(links: Links): void {
    links.close()
    this.#all.delete(links)
  }

  get closed(): AbortSignal {
    return this.#closing.signal
  }

  close(): void {
    this.#closing.abort()
    for (const links of this.#all) links.close()
  }

  /** A connection to any broker that answers. */
  async anyBroker(): Promise<Link> {
    const addresses = [...this.#brokers.values(), ...this.#bootstrap]
    const failures: unknown[] = []
    for (const address of addresses) {
      try {
        return await this.#control.to(address)
      } catch (error) {
        if (!isPassing(this.protocol, error)) throw error
        failures.push(error)
      }
    }
    throw failures.at(-1)
  }

  /** A connection to a broker, or the common one of control. */
  async broker(node: number, links: Links = this.#control): Promise<Link> {
    const address = this.#brokers.get(node)
    if (address === undefined) throw new Refusal(this.protocol, 'LEADER_NOT_AVAILABLE')
    return await links.to(address)
  }

  /** Null where there is no such topic. */
  async topic(name: string): Promise<Topic | null> {
    const known = this.#topics.get(name)
    if (known?.leaders.every((leader) => this.#brokers.has(leader)) === true) return known
    const link = await this.anyBroker()
    const { metadataV12, metadataV11, metadataV10 } = this.protocol
    const { brokers, topics } = await link.call([metadataV12.api, metadataV11.api, metadataV10.api], [name], false, false)
    this.#brokers = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    const found = topics[0]
    if (found === undefined || reasonOf(this.protocol, found.errorCode) === 'UNKNOWN_TOPIC_OR_PARTITION') return null
    accept(this.protocol, found.errorCode)
    const leaders: number[] = []
    for (const { partitionIndex, leaderId } of found.partitions) leaders[partitionIndex] = leaderId
    const topic = { name, id: found.topicId, leaders }
    this.#topics.set(name, topic)
    return topic
  }

  /** The names of all topics but those of the brokers themselves, in order. */
  async topics(): Promise<string[]> {
    const link = await this.anyBroker()
    const { metadataV12, metadataV11, metadataV10 } = this.protocol
    const { topics } = await link.call([metadataV12.api, metadataV11.api, metadataV10.api], null, false, false)
    return topics.flatMap(({ name, isInternal }) => (!name || isInternal ? [] : [name])).sort()
  }

  /** As `topic`, but throws `INVALID_ARGUMENT` where there is none. */
  async topicThere(name: string): Promise<Topic> {
    const topic = await this.topic(name)
    if (topic === null) throw noTopic(name)
    return topic
  }

  /** What is known of a topic is out of date. */
  forget(topic: string): void {
    this.#topics.delete(topic)
  }

  /** The broker that keeps a group of readers. */
  async coordinator(group: string, links: Links = this.#control): Promise<Link> {
    const known = this.#coordinators.get(group)
    if (known !== undefined) return links.to(known)
    const link = await this.anyBroker()
    const { findCoordinatorV6, findCoordinatorV5, findCoordinatorV4 } = this.protocol
    const { coordinators } = await link.call([findCoordinatorV6.api, findCoordinatorV5.api, findCoordinatorV4.api], 0, [group])
    const found = coordinators[0]
    if (found === undefined) throw new Refusal(this.protocol, 'COORDINATOR_NOT_AVAILABLE')
    accept(this.protocol, found.errorCode, found.errorMessage)
    const address = { host: found.host, port: found.port }
    this.#coordinators.set(group, address)
    return links.to(address)
  }

  forgetCoordinator(group: string): void {
    this.#coordinators.delete(group)
  }

  /**
   * Tries until it succeeds, with pauses that grow, as long as what fails may pass and the time allows. `what` completes the sentence
   * "Kafka cannot …". Throws `EVENT_LOG_UNAVAILABLE`.
   */
  async retry<T>(what: string, operation: () => Promise<T>, timeout = this.timeout): Promise<T> {
    const end = Date.now() + timeout
    for (let attempt = 0; ; attempt++) {
      try {
        return await operation()
      } catch (error) {
        if (!isPassing(this.protocol, error) || Date.now() + pause(attempt) > end || this.closed.aborted)
          throw this.unavailable(what, error)
      }
      await this.rest(attempt)
    }
  }

  /** What the cluster could not do, as users get it. */
  unavailable(what: string, cause: unknown): LockstepError {
    return unavailable(what, cause, this.#bootstrap.map(({ host, port }) => `${host}:${port}`).join(', '))
  }

  /** The pause before the next attempt; ends at once when the log is closed. */
  async rest(attempt: number, signal = this.closed): Promise<void> {
    await sleep(pause(attempt), signal)
  }
}
