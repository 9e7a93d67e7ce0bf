import { LockstepError } from '../../../errors.ts'
import { type Claim, deal } from './assignment.ts'
import { type Cluster, sleep } from './cluster.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from './group-messages.ts'
import type { Link, Links } from './link.ts'
import { accept, isPassing, isRefusal } from './refusal.ts'

export interface MembershipOptions {
  readonly topic: string
  readonly group: string
  /** In milliseconds. */
  readonly sessionTimeout: number
  /** The partitions that this reader has or is about to have. */
  readonly claimed: () => readonly number[]
  /** Called with the partitions that this reader shall have, each time they are dealt. */
  readonly dealt: (partitions: readonly number[]) => void
  /** Called when the group has taken this reader for dead: its partitions may be with others. */
  readonly lost: () => void
}

const protocolType = 'consumer'
/** Only readers that deal in the same way can be in one group. */
const protocolName = 'lockstep'

/** Beats of the heart within the time after which a reader is taken for dead. */
const beats = 5
const longestBeat = 500
/** How often the reader that deals looks whether the topic has grown, in milliseconds. */
const lookEvery = 30_000

/**
 * The place of a reader in a group of Kafka's classic protocol: it joins, deals where it leads, shows that it is alive, and joins anew
 * when the group changes. Rejoining does not wait for partitions to be given back: the reader claims what it still has, and what is
 * claimed is dealt to nobody else.
 */
export class Membership {
  readonly #cluster: Cluster
  readonly #links: Links
  readonly #options: MembershipOptions
  readonly #stopping = new AbortController()
  readonly #joined = Promise.withResolvers<void>()
  #work: Promise<void> | null = null
  #member = ''
  #generation = -1
  /** How many partitions this reader has dealt; 0 where another does. */
  #dealtCount = 0
  #again = new AbortController()
  /** What keeps this reader out of the group, since when. */
  #trouble: { readonly error: unknown; readonly since: number } | null = null

  constructor(cluster: Cluster, options: MembershipOptions) {
    this.#cluster = cluster
    // The coordinator answers when all members have joined, or are taken for dead.
    this.#links = cluster.links(options.sessionTimeout)
    this.#options = options
  }

  /** Resolves when this reader is in the group. Throws `EVENT_LOG_UNAVAILABLE`, or `INVALID_ARGUMENT` where the broker refuses the options. */
  async join(): Promise<void> {
    this.#work = this.#run()
    await this.#joined.promise
  }

  /** Joins anew, so that partitions are dealt again. */
  dealAgain(): void {
    this.#again.abort()
  }

  /** Throws what has kept this reader out of the group for long. */
  check(): void {
    if (this.#trouble === null || Date.now() - this.#trouble.since < this.#cluster.timeout) return
    throw this.#cluster.unavailable(`be a reader of the topic ${this.#options.topic}`, this.#trouble.error)
  }

  /** Tells the group how far it has come. What the group is not ready for is left out: the next report says it too. */
  async report(positions: ReadonlyMap<number, number>): Promise<void> {
    const { protocol } = this.#cluster
    const { topic, group } = this.#options
    const partitions = [...positions].map(([partitionIndex, offset]) => ({
      partitionIndex,
      committedOffset: BigInt(offset),
      committedLeaderEpoch: -1,
      committedMetadata: null,
    }))
    if (partitions.length === 0 || this.#generation < 0) return
    await this.#cluster.retry(`take the positions of group ${group}`, async () => {
      try {
        const link = await this.#cluster.coordinator(group)
        const apis = [protocol.offsetCommitV9.api, protocol.offsetCommitV8.api]
        const { topics } = await link.call(apis, group, this.#generation, this.#member, null, [{ name: topic, partitions }])
        for (const { errorCode } of topics.flatMap((each) => each.partitions)) accept(protocol, errorCode)
      } catch (error) {
        if (isRefusal(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID')) return
        this.#cluster.forgetCoordinator(group)
        throw error
      }
    })
  }

  /** Leaves the group, which deals the partitions anew at once. */
  async leave(): Promise<void> {
    this.#stopping.abort()
    this.#again.abort()
    const { group } = this.#options
    const { leaveGroupV5, leaveGroupV4 } = this.#cluster.protocol
    try {
      if (this.#member !== '') {
        const link = await this.#cluster.coordinator(group)
        await link.call([leaveGroupV5.api, leaveGroupV4.api], group, [{ memberId: this.#member, groupInstanceId: null, reason: null }])
      }
    } catch {
      // It will be taken for dead in time.
    } finally {
      this.#cluster.release(this.#links)
      await this.#work
    }
  }

  async #run(): Promise<void> {
    for (let failed = 0; !this.#stopping.signal.aborted; ) {
      try {
        const link = await this.#cluster.coordinator(this.#options.group, this.#links)
        const partitions = await this.#takePart(link)
        this.#options.dealt(partitions)
        this.#trouble = null
        failed = 0
        this.#joined.resolve()
        await this.#stayAlive(link)
      } catch (error) {
        if (this.#stopping.signal.aborted) break
        if (!this.#goesOn(error)) await this.#cluster.rest(failed++, this.#stopping.signal)
      }
    }
    this.#joined.reject(new LockstepError('INTERRUPTED', 'The reader was closed before it had joined its group'))
    await this.#joined.promise.catch(() => undefined)
  }

  /** Whether to join again at once after this error. */
  #goesOn(error: unknown): boolean {
    if (isRefusal(error, 'REBALANCE_IN_PROGRESS', 'MEMBER_ID_REQUIRED')) return true
    if (isRefusal(error, 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION')) {
      if (isRefusal(error, 'UNKNOWN_MEMBER_ID')) this.#member = ''
      if (this.#generation >= 0) this.#options.lost()
      this.#generation = -1
      return true
    }
    this.#cluster.forgetCoordinator(this.#options.group)
    this.#cluster.forget(this.#options.topic)
    this.#trouble ??= { error, since: Date.now() }
    const { sessionTimeout, topic } = this.#options
    const what = `be a reader of the topic ${topic}`
    if (isRefusal(error, 'INVALID_SESSION_TIMEOUT')) {
      const told = new LockstepError('INVALID_ARGUMENT', `The brokers refuse a session timeout of ${sessionTimeout} ms`, {
        remedy: 'Choose one between `group.min.session.timeout.ms` and `group.max.session.timeout.ms` of the brokers.',
      })
      this.#trouble = { error: told, since: 0 }
      this.#joined.reject(told)
    } else if (!isPassing(this.#cluster.protocol, error)) {
      this.#trouble = { error, since: 0 }
      this.#joined.reject(this.#cluster.unavailable(what, error))
    } else if (Date.now() - this.#trouble.since > this.#cluster.timeout) {
      this.#joined.reject(this.#cluster.unavailable(what, error))
    }
    return false
  }

  /** One dealing: what this reader shall have. */
  async #takePart(link: Link): Promise<number[]> {
    const { protocol } = this.#cluster
    const { topic, group, sessionTimeout, claimed } = this.#options
    this.#again = new AbortController()
    const metadata = encodeSubscription(protocol, topic, { partitions: claimed(), generation: this.#generation })
    const { joinGroupV9, joinGroupV8, joinGroupV7, joinGroupV6, syncGroupV5, syncGroupV4 } = protocol
    const joinApis = [joinGroupV9.api, joinGroupV8.api, joinGroupV7.api, joinGroupV6.api]
    const protocols = [{ name: protocolName, metadata }]
    const joined = await link.call(joinApis, group, sessionTimeout, sessionTimeout, this.#member, null, protocolType, protocols, null)
    // A new member is given its name, and asked to come again with it.
    if (joined.memberId) this.#member = joined.memberId
    accept(protocol, joined.errorCode)
    this.#dealtCount = 0
    const claims = joined.members.map(({ memberId, metadata: bytes }) => decodeSubscription(protocol, memberId, topic, bytes))
    const shares = joined.leader === this.#member ? await this.#deal(claims) : []
    const { generationId } = joined
    const synced = await link.call(
      [syncGroupV5.api, syncGroupV4.api],
      group,
      generationId,
      this.#member,
      null,
      protocolType,
      protocolName,
      shares,
    )
    accept(protocol, synced.errorCode)
    this.#generation = generationId
    return decodeAssignment(protocol, topic, synced.assignment)
  }

  async #deal(claims: readonly Claim[]): Promise<{ memberId: string; assignment: Buffer }[]> {
    const { topic } = this.#options
    this.#cluster.forget(topic)
    const { leaders } = await this.#cluster.topicThere(topic)
    this.#dealtCount = leaders.length
    return [...deal(claims, leaders.length)].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeAssignment(this.#cluster.protocol, topic, partitions),
    }))
  }

  /** Tells the coordinator now and then that this reader is alive, until the partitions are to be dealt anew. */
  async #stayAlive(link: Link): Promise<void> {
    const { protocol } = this.#cluster
    const { group, sessionTimeout } = this.#options
    const signal = AbortSignal.any([this.#again.signal, this.#stopping.signal])
    for (let nextLook = Date.now() + lookEvery; ; ) {
      await sleep(Math.min(longestBeat, sessionTimeout / beats), signal)
      if (signal.aborted) return
      const { errorCode } = await link.call([protocol.heartbeatV4.api], group, this.#generation, this.#member, null)
      accept(protocol, errorCode)
      if (Date.now() < nextLook) continue
      nextLook = Date.now() + lookEvery
      if (await this.#hasGrown()) return
    }
  }

  /** Whether the topic has got more partitions since they were dealt by this reader. */
  async #hasGrown(): Promise<boolean> {
    if (this.#dealtCount === 0) return false
    this.#cluster.forget(this.#options.topic)
    const { leaders } = await this.#cluster.topicThere(this.#options.topic)
    return leaders.length > this.#dealtCount
  }
}
