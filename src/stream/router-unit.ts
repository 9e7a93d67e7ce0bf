import type { EventLog, NewRecord } from '../eventlog/index.ts'
import type { Clock } from '../lib/clock.ts'
import type { OnlineStore } from '../online/index.ts'
import { originHeader } from './origin.ts'
import type { PoisonRecord, StreamEvent } from './stream-event.ts'
import { routerTable } from './tables.ts'
import type { PreparedCommit, Unit } from './unit.ts'
import { UnitRecord } from './unit-text.ts'

export interface RouterUnitOptions {
  readonly log: EventLog
  /** The internal topic. */
  readonly topic: string
  readonly partition: number
  readonly state: OnlineStore
  readonly clock: Clock
  readonly owner: string
  /** The bytes that decide the partition of an event in the internal topic. */
  readonly keyOf: (event: StreamEvent) => Uint8Array
}

/**
 * Copies the events of a partition to an internal topic with another partitioning key. A crash may copy some again; they name
 * their origin, and the units that read the topic skip what they have seen.
 */
export class RouterUnit implements Unit {
  readonly record: UnitRecord
  readonly #options: RouterUnitOptions
  #position: number
  #routed = 0

  private constructor(record: UnitRecord, options: RouterUnitOptions) {
    this.record = record
    this.#options = options
    this.#position = record.value.position
  }

  static async open(options: RouterUnitOptions): Promise<RouterUnit> {
    const { state, topic, partition, owner, clock } = options
    return new RouterUnit(await UnitRecord.claim(state, routerTable(topic, partition), owner, clock), options)
  }

  get position(): number {
    return this.#position
  }

  async take(events: readonly StreamEvent[], _poison: readonly PoisonRecord[], next: number): Promise<void> {
    const { log, topic, keyOf } = this.#options
    const copies = events.map((event): NewRecord => {
      const { value, headers } = event.record
      return { key: keyOf(event), value, headers: [...headers, originHeader(event.origin)] }
    })
    if (copies.length > 0) await log.append(topic, copies)
    this.#routed += copies.length
    this.#position = next
  }

  prepare(): PreparedCommit | null {
    if (this.#position === this.record.value.position) return null
    const routed = (this.record.value.counts.routed ?? 0) + this.#routed
    this.#routed = 0
    const text = this.record.next({ position: this.#position, counts: { routed }, updated: this.#options.clock.now() })
    return { text, writes: [] }
  }

  committed({ text }: PreparedCommit): void {
    this.record.stored(text)
  }
}
