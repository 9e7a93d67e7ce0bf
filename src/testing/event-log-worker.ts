import assert from 'node:assert/strict'
import type { Consumer, EventLog, LogRecord } from '../eventlog/index.ts'
import { text } from './event-log-records.ts'

/** What workers of one group have done, as a store would keep it: of each partition, what was taken, and so where to go on. */
export class SharedProgress {
  readonly #taken = new Map<number, string[]>()
  readonly #owners = new Map<number, ProgressWorker>()

  /** How many records were taken, by all workers. */
  get total(): number {
    return [...this.#taken.values()].reduce((sum, { length }) => sum + length, 0)
  }

  records(partition: number): string[] {
    const records = this.#taken.get(partition) ?? []
    this.#taken.set(partition, records)
    return records
  }

  async worker(log: EventLog, topic: string): Promise<ProgressWorker> {
    const worker = new ProgressWorker(this)
    await worker.start(log, topic)
    return worker
  }

  /** Throws where another worker still has one of the partitions. */
  claim(worker: ProgressWorker, partitions: readonly number[]): ReadonlyMap<number, number> {
    for (const partition of partitions) {
      assert.equal(this.#owners.get(partition), undefined, `partition ${partition} is still another's`)
      this.#owners.set(partition, worker)
    }
    return new Map(partitions.map((partition) => [partition, this.records(partition).length]))
  }

  release(worker: ProgressWorker, partitions: readonly number[]): void {
    for (const partition of partitions) {
      assert.equal(this.#owners.get(partition), worker, `partition ${partition} was not this one's`)
      this.#owners.delete(partition)
    }
  }

  /** Takes a record iff the worker has its partition. */
  take(worker: ProgressWorker, { partition, offset, key, value }: LogRecord): boolean {
    if (this.#owners.get(partition) !== worker) return false
    const records = this.records(partition)
    // A record that was read before the partition went away and came back.
    if (offset < records.length) return false
    assert.equal(offset, records.length, `partition ${partition} goes on where it was`)
    records.push(`${offset} ${text(key)} ${text(value)}`)
    return true
  }
}

/** One reader of the group, taking what it reads until it is closed. */
export class ProgressWorker {
  readonly #progress: SharedProgress
  #consumer: Consumer | null = null
  #running: Promise<void> = Promise.resolve()
  #closing = false
  taken = 0

  constructor(progress: SharedProgress) {
    this.#progress = progress
  }

  get partitions(): number {
    return this.#consumer?.assignment.length ?? 0
  }

  async start(log: EventLog, topic: string): Promise<void> {
    const consumer = await log.consume(topic, {
      group: 'workers',
      assigned: (partitions) => Promise.resolve().then(() => this.#progress.claim(this, partitions)),
      revoked: (partitions) => Promise.resolve().then(() => this.#progress.release(this, partitions)),
    })
    this.#consumer = consumer
    this.#running = this.#run(consumer)
    // It comes out of `close`.
    this.#running.catch(() => {})
  }

  async close(): Promise<void> {
    this.#closing = true
    await this.#running
    await this.#consumer?.close()
  }

  async #run(consumer: Consumer): Promise<void> {
    while (!this.#closing) {
      for (const record of await consumer.read(50, 100)) if (this.#progress.take(this, record)) this.taken++
    }
  }
}
