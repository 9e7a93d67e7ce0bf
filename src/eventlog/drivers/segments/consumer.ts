import { setImmediate } from 'node:timers/promises'
import { LockstepError } from '../../../errors.ts'
import type { Clock } from '../../../lib/clock.ts'
import { beyondEnd } from '../../check.ts'
import type { ConsumeOptions, Consumer, LogRecord } from '../../log.ts'
import type { Duties, Membership } from './membership.ts'
import type { PartitionReader } from './partition-reader.ts'
import type { Topic } from './topic.ts'

/** A reader of a group: what its membership brings it, it reads. */
export class SegmentsConsumer implements Consumer {
  readonly #topic: Topic
  readonly #membership: Membership
  readonly #options: ConsumeOptions
  readonly #clock: Clock
  readonly #whenClosed: () => void
  readonly #readers = new Map<number, PartitionReader>()
  readonly #closing = new AbortController()
  readonly #keeping: Promise<void>
  /** The work with partitions that come and go. */
  #changing: Promise<void> | null = null
  #failure: { readonly error: unknown } | null = null
  /** What one partition threw when others had given records already. */
  #later: { readonly error: unknown } | null = null
  #closed: Promise<void> | null = null
  #turn = 0
  #gathering: Promise<unknown> = Promise.resolve()
  #left: Promise<void> | null = null
  #reading: Promise<unknown> = Promise.resolve()

  constructor(topic: Topic, membership: Membership, options: ConsumeOptions, clock: Clock, closed: () => void) {
    this.#topic = topic
    this.#membership = membership
    this.#options = options
    this.#clock = clock
    this.#whenClosed = closed
    this.#keeping = this.#keep()
  }

  get assignment(): readonly number[] {
    return [...this.#readers.keys()].sort((a, b) => a - b)
  }

  read(limit: number, wait: number): Promise<readonly LogRecord[]> {
    const records = this.#reading.then(() => {
      this.#checkOpen()
      return this.#read(limit, wait)
    })
    this.#reading = records.catch(() => {})
    return records
  }

  report(positions: ReadonlyMap<number, number>): Promise<void> {
    return new Promise((resolve) => {
      this.#checkOpen()
      this.#membership.report(positions)
      resolve()
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#topic.wake()
    await this.#keeping
    await this.#changing
    await this.#reading
    try {
      if (this.#failure === null) await this.#revoke([...this.#membership.owned])
    } finally {
      await this.#leave()
      this.#whenClosed()
    }
  }

  async #read(limit: number, wait: number): Promise<readonly LogRecord[]> {
    // What is in memory is read without waiting for anything: others have their turn, however much there is.
    await setImmediate()
    const timer = new AbortController()
    const sleeping = wait > 0 ? this.#clock.sleep(wait, timer.signal) : Promise.resolve()
    void sleeping.then(() => timer.abort())
    try {
      for (let first = true; ; first = false) {
        if (this.#closing.signal.aborted) return []
        if (this.#failure !== null) throw this.#failure.error
        const { version } = this.#topic
        const gathering = this.#gather(limit)
        this.#gathering = gathering.catch(() => {})
        const records = await gathering
        if (records.length > 0) return records
        // Another process may have written: looked at once, also where nobody waits.
        if (first) await this.#topic.refresh()
        else if (timer.signal.aborted || wait <= 0) return []
        else await this.#topic.changed(version, timer.signal)
      }
    } finally {
      timer.abort()
    }
  }

  /** What there is of the partitions, beginning with another one each time. */
  async #gather(limit: number): Promise<LogRecord[]> {
    if (this.#later !== null) {
      const { error } = this.#later
      this.#later = null
      throw error
    }
    const readers = [...this.#readers]
    const start = this.#turn++
    const records: LogRecord[] = []
    for (let index = 0; index < readers.length && records.length < limit; index++) {
      const [partition, reader] = readers[(start + index) % readers.length] as [number, PartitionReader]
      try {
        if (this.#readers.get(partition) === reader) await reader.read(records, limit)
      } catch (error) {
        if (records.length === 0) throw error
        this.#later = { error }
        break
      }
    }
    return records
  }

  /** Keeps up the membership until the consumer is closed. */
  async #keep(): Promise<void> {
    const { signal } = this.#closing
    let failed = 0
    while (!signal.aborted && this.#failure === null) {
      try {
        const duties = await this.#membership.look(this.#changing !== null)
        failed = 0
        if (duties !== null) this.#change(duties)
      } catch (error) {
        // The disk may come back; where it does not, reading fails too.
        if (++failed > 100) this.#fail(error)
      }
      await this.#membership.rest(signal)
    }
  }

  #change(duties: Duties): void {
    if (duties.lost.length + duties.leaving.length + duties.coming.length === 0) return
    this.#changing = this.#carryOut(duties)
      .catch((error) => this.#fail(error))
      .finally(() => {
        this.#changing = null
      })
  }

  async #carryOut({ lost, leaving, coming }: Duties): Promise<void> {
    this.#membership.forget(lost)
    await this.#revoke(lost)
    await this.#revoke(leaving)
    if (leaving.length > 0) await this.#membership.release(leaving)
    if (coming.length === 0) return
    for (const partition of coming) this.#membership.owned.add(partition)
    if (this.#closing.signal.aborted) return
    const positions = await this.#options.assigned(coming)
    const ends = await this.#topic.offsets()
    for (const partition of coming) {
      const position = positions.get(partition) ?? 0
      const next = ends[partition]?.next ?? 0
      // Going on from there would skip the records to come.
      if (position > next) throw beyondEnd(partition, position, next)
      this.#readers.set(partition, this.#topic.reader(partition, position))
    }
    this.#topic.wake()
  }

  /** Nothing of the partitions is read any more; then tells the caller. */
  async #revoke(partitions: readonly number[]): Promise<void> {
    const known = await this.#drop(partitions)
    if (known.length > 0) await this.#options.revoked(known)
  }

  /** Stops reading partitions, after what is being read has gone to the caller; resolves to those that were read. */
  async #drop(partitions: readonly number[]): Promise<number[]> {
    const readers = partitions.flatMap((partition) => this.#readers.get(partition) ?? [])
    const known = partitions.filter((partition) => this.#readers.delete(partition))
    await this.#gathering
    for (const reader of readers) await reader.close()
    return known
  }

  /** Ends the membership: what the caller cannot take or give back, it must not have. */
  #fail(error: unknown): void {
    this.#failure ??= { error }
    void this.#leave().catch(() => {})
    this.#topic.wake()
  }

  #leave(): Promise<void> {
    this.#left ??= this.#drop([...this.#readers.keys()]).then(() => this.#membership.leave())
    return this.#left
  }

  #checkOpen(): void {
    if (!this.#closing.signal.aborted) return
    throw new LockstepError('INVALID_ARGUMENT', 'The reader of the event log is closed', { remedy: 'Call `consume` again.' })
  }
}
