import { setImmediate } from 'node:timers/promises'
import { LockstepError } from '../../../errors.ts'
import type { ConsumeOptions, Consumer, LogRecord } from '../../log.ts'
import { type Cluster, sleep } from './cluster.ts'
import { Fetcher } from './fetcher.ts'
import { Membership } from './membership.ts'

const defaultSessionTimeout = 10_000

/** A reader of a group: what it is dealt, it reads. */
export class KafkaConsumer implements Consumer {
  readonly #options: ConsumeOptions
  readonly #fetcher: Fetcher
  readonly #membership: Membership
  readonly #whenClosed: () => void
  readonly #closing = new AbortController()
  /** The partitions that the caller has been told of, and whether they may be with others meanwhile. */
  readonly #held = new Map<number, { lost: boolean }>()
  /** The partitions that this reader shall have. */
  #dealt: ReadonlySet<number> = new Set()
  #changing: Promise<void> | null = null
  #failure: { readonly error: unknown } | null = null
  #left: Promise<void> | null = null
  #closed: Promise<void> | null = null

  constructor(cluster: Cluster, topic: string, options: ConsumeOptions, closed: () => void) {
    this.#options = options
    this.#whenClosed = closed
    this.#fetcher = new Fetcher(cluster, topic)
    this.#membership = new Membership(cluster, {
      topic,
      // A group of Kafka spans topics, one of the port does not.
      group: `${options.group}.${topic}`,
      sessionTimeout: options.sessionTimeout ?? defaultSessionTimeout,
      claimed: () => [...new Set([...this.#kept(), ...this.#dealt])],
      dealt: (partitions) => this.#change(new Set(partitions)),
      lost: () => {
        for (const partition of this.#held.values()) partition.lost = true
        this.#change(new Set())
      },
    })
  }

  async join(): Promise<void> {
    try {
      await this.#membership.join()
    } catch (error) {
      await this.#leave()
      throw error
    }
  }

  get assignment(): readonly number[] {
    return this.#fetcher.partitions
  }

  async read(limit: number, wait: number): Promise<readonly LogRecord[]> {
    this.#checkOpen()
    const ready = this.#fetcher.take(limit)
    if (ready.length > 0) return ready
    const waiting = new AbortController()
    const over = sleep(wait, AbortSignal.any([waiting.signal, this.#closing.signal]))
    let late = false
    void over.then(() => {
      late = true
    })
    try {
      for (;;) {
        const { news } = this.#fetcher
        const records = this.#fetcher.take(limit)
        if (records.length > 0) return records
        if (late || this.#failure !== null || this.#fetcher.fatal !== null) break
        await Promise.race([news, over])
      }
    } finally {
      waiting.abort()
    }
    // Who asks again at once leaves room for what would help.
    await setImmediate()
    if (!this.#closing.signal.aborted) this.#check()
    return []
  }

  async report(positions: ReadonlyMap<number, number>): Promise<void> {
    this.#checkOpen()
    await this.#membership.report(positions)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const failedBefore = this.#failure
    this.#closing.abort()
    this.#change(new Set())
    while (this.#changing !== null) await this.#changing
    await this.#leave()
    this.#whenClosed()
    if (this.#failure !== failedBefore) throw this.#failure?.error
  }

  /** Throws what keeps it from reading; what may pass only when it has lasted. */
  #check(): void {
    if (this.#failure !== null) throw this.#failure.error
    this.#fetcher.check()
    this.#membership.check()
  }

  #kept(): number[] {
    return [...this.#held].filter(([, { lost }]) => !lost).map(([partition]) => partition)
  }

  #change(dealt: ReadonlySet<number>): void {
    if (this.#failure !== null) return
    this.#dealt = dealt
    this.#changing ??= this.#carryOut()
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#changing = null
      })
  }

  /** Gives back what is to be given back, takes what is dealt, until both are the same; meanwhile it may be dealt anew. */
  async #carryOut(): Promise<void> {
    for (;;) {
      const leaving = [...this.#held].filter(([partition, { lost }]) => lost || !this.#dealt.has(partition))
      const coming = [...this.#dealt].filter((partition) => !this.#held.has(partition))
      if (leaving.length > 0) await this.#giveBack(leaving.map(([partition]) => partition))
      else if (coming.length > 0) await this.#receive(coming)
      else return
    }
  }

  async #giveBack(partitions: readonly number[]): Promise<void> {
    this.#fetcher.remove(partitions)
    await this.#options.revoked(partitions)
    const wasKept = this.#kept().some((partition) => partitions.includes(partition))
    for (const partition of partitions) this.#held.delete(partition)
    if (wasKept && !this.#closing.signal.aborted) this.#membership.dealAgain()
  }

  async #receive(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) this.#held.set(partition, { lost: false })
    const positions = await this.#options.assigned(partitions)
    const kept = partitions.filter((partition) => this.#dealt.has(partition) && this.#held.get(partition)?.lost === false)
    this.#fetcher.add(new Map(kept.map((partition) => [partition, positions.get(partition) ?? 0])))
  }

  /** What the caller cannot take or give back, it must not have: it leaves the group. */
  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#held.clear()
    void this.#leave()
  }

  #leave(): Promise<void> {
    this.#left ??= Promise.all([this.#fetcher.close(), this.#membership.leave()]).then(() => undefined)
    return this.#left
  }

  #checkOpen(): void {
    if (!this.#closing.signal.aborted) return
    throw new LockstepError('INVALID_ARGUMENT', 'The reader of the event log is closed', { remedy: 'Call `consume` again.' })
  }
}
