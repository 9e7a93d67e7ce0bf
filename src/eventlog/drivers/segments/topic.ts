import { join } from 'node:path'
import type { Micros } from '../../../lib/moment.ts'
import type { NewRecord, PartitionOffsets, RecordPosition } from '../../log.ts'
import { Batch } from './batch.ts'
import { type End, EndsFile, nothingYet } from './ends.ts'
import { clearErasing, eraseInSegment, findRecords, type RecordTest } from './erase.ts'
import { FairLock } from './fair-lock.ts'
import { PartitionReader } from './partition-reader.ts'
import { PartitionWriter } from './partition-writer.ts'
import { segmentPath } from './paths.ts'
import { recoverPartition } from './recover.ts'
import { expireSegments } from './retention.ts'
import type { Settings } from './settings.ts'

/** How often one who waits looks whether another process has written. */
const pollMilliseconds = 10
const syncMilliseconds = 100
const expireMicros: Micros = 60_000_000

/** A topic as one process has it open: it appends in batches, and tells readers where the partitions end. */
export class Topic {
  readonly #settings: Settings
  readonly #folder: string
  readonly #lock: FairLock
  readonly #endsFile: EndsFile
  readonly #writers: readonly PartitionWriter[]
  readonly #closing = new AbortController()
  #ends: End[]
  /** What comes now, and an empty one to take its place while it is written. */
  #coming: Batch
  #spare: Batch
  #committing: Promise<void> | null = null
  #syncing: Promise<void> | null = null
  #polling: Promise<void> | null = null
  #expired: Micros = Number.NEGATIVE_INFINITY
  readonly #waiting = new Set<() => void>()
  /** Grows whenever something has changed for those who wait. */
  version = 0

  private constructor(settings: Settings, folder: string, lock: FairLock, endsFile: EndsFile, partitions: number) {
    this.#settings = settings
    this.#folder = folder
    this.#lock = lock
    this.#endsFile = endsFile
    this.#writers = Array.from({ length: partitions }, (_, partition) => new PartitionWriter(settings, join(folder, `${partition}`)))
    this.#ends = new Array(partitions).fill(nothingYet)
    this.#coming = new Batch(partitions)
    this.#spare = new Batch(partitions)
  }

  /** Repairs what a crash may have left. Throws `STORE_CORRUPT`. */
  static async open(settings: Settings, folder: string, partitions: number): Promise<Topic> {
    const lock = await FairLock.open(settings.disk, join(folder, 'append'), settings.clock)
    const endsFile = await EndsFile.open(settings.disk, join(folder, 'ends'), partitions)
    const topic = new Topic(settings, folder, lock, endsFile, partitions)
    try {
      await lock.hold(() => topic.#recover())
    } catch (error) {
      await topic.close()
      throw error
    }
    return topic
  }

  get folder(): string {
    return this.#folder
  }

  get partitions(): number {
    return this.#ends.length
  }

  append(records: readonly NewRecord[]): Promise<RecordPosition[]> {
    const appended = this.#coming.add(records)
    this.#committing ??= this.#commitAll().finally(() => {
      this.#committing = null
    })
    return appended
  }

  reader(partition: number, offset: number): PartitionReader {
    const folder = join(this.#folder, `${partition}`)
    return new PartitionReader(this.#settings, folder, partition, offset, () => this.#ends[partition] ?? nothingYet)
  }

  /** Where the partitions end, of all processes. */
  async offsets(): Promise<PartitionOffsets[]> {
    await this.refresh()
    return this.#ends.map(({ first, next }, partition) => ({ partition, first, next }))
  }

  /** Looks what other processes have written. */
  async refresh(): Promise<void> {
    const ends = await this.#endsFile.read()
    // A slot that is being written is looked at again, one that is older was read before an own append ended.
    const newer = this.#ends.map((own, partition) => {
      const read = ends[partition]
      return read && (read.next > own.next || read.first > own.first) ? read : own
    })
    if (newer.every((end, partition) => end === this.#ends[partition])) return
    this.#ends = newer
    this.wake()
  }

  /** Resolves when something is different from what it was at a version, or when the signal says so. */
  async changed(version: number, signal: AbortSignal): Promise<void> {
    if (this.version !== version || signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done)
      this.#polling ??= this.#poll().finally(() => {
        this.#polling = null
      })
    })
  }

  wake(): void {
    this.version++
    for (const done of [...this.#waiting]) done()
  }

  /** Overwrites the records of which the test says so, or only counts them. */
  async erase(test: RecordTest, dryRun: boolean): Promise<{ records: number; files: string[] }> {
    return await this.#lock.hold(async () => {
      const ends = [...(await this.#currentEnds())]
      const files: string[] = []
      let records = 0
      for (const [partition, end] of ends.entries()) {
        const folder = join(this.#folder, `${partition}`)
        const { disk } = this.#settings
        const found = await findRecords(disk, folder, partition, end, test)
        for (const count of found.values()) records += count
        files.push(...[...found.keys()].map((base) => segmentPath(folder, base)))
        if (dryRun) continue
        await clearErasing(disk, folder)
        // Other processes have the last segment open to append to it.
        if (found.has(end.segment)) ends[partition] = (await this.#writers[partition]?.roll(end)) ?? end
        await this.#endsFile.write(ends)
        for (const base of found.keys()) await eraseInSegment(disk, folder, base, partition, test)
      }
      this.#ends = ends
      return { records, files }
    })
  }

  /** Waits for what is being appended. */
  async close(): Promise<void> {
    await this.#committing
    this.#closing.abort()
    this.wake()
    await this.#syncing
    await this.#polling
    try {
      if (this.#ends.some(({ durable, position }) => durable < position)) await this.#lock.hold(() => this.#sync())
    } finally {
      for (const writer of this.#writers) await writer.close()
      await this.#endsFile.close()
      await this.#lock.close()
    }
  }

  async #recover(): Promise<void> {
    const known = await this.#endsFile.read()
    const folders = known.map((_, partition) => join(this.#folder, `${partition}`))
    this.#ends = await Promise.all(folders.map((folder, at) => recoverPartition(this.#settings.disk, folder, known[at] ?? null)))
    await this.#endsFile.write(this.#ends)
  }

  async #commitAll(): Promise<void> {
    // What is appended in the same turn goes along.
    await null
    while (!this.#coming.isEmpty) {
      const batch = this.#coming
      this.#coming = this.#spare
      this.#spare = batch
      try {
        batch.settle(await this.#lock.hold(() => this.#commit(batch)))
      } catch (error) {
        batch.fail(error)
      }
      this.wake()
      if (this.#settings.fsync === 'interval') this.#syncSoon()
    }
  }

  /** Writes a batch; the offset of its first record by partition, or why it was not written. */
  async #commit(batch: Batch): Promise<(number | Error | undefined)[]> {
    const now = this.#settings.clock.now()
    const ends = await this.#currentEnds()
    const written = await Promise.all(
      batch.buffers.map(async (buffer, partition) => {
        const end = ends[partition]
        if (buffer === undefined || buffer.count === 0 || end === undefined) return undefined
        return await this.#writers[partition]?.write(buffer, end, now).catch((error: Error) => error)
      }),
    )
    const after = ends.map((end, partition) => {
      const result = written[partition]
      return result === undefined || result instanceof Error ? end : result
    })
    const rolled = after.some(({ segment }, partition) => segment !== ends[partition]?.segment)
    const kept = rolled || now - this.#expired >= expireMicros ? await this.#expire(after, now) : after
    await this.#endsFile.write(kept)
    this.#ends = kept
    return written.map((result, partition) => (result instanceof Error ? result : result && ends[partition]?.next))
  }

  /** Where the partitions end, as the lock's holder knows it. */
  async #currentEnds(): Promise<End[]> {
    const ends = await this.#endsFile.read()
    return ends.map((end, partition) => end ?? (this.#ends[partition] as End))
  }

  /** What cannot be removed now stays for a while: that is no reason to refuse records. */
  async #expire(ends: readonly End[], now: Micros): Promise<End[]> {
    this.#expired = now
    return await Promise.all(
      ends.map(async (end, partition) => {
        const first = await expireSegments(this.#settings, join(this.#folder, `${partition}`), end, now).catch(() => end.first)
        return { ...end, first }
      }),
    )
  }

  #syncSoon(): void {
    this.#syncing ??= this.#syncLater().finally(() => {
      this.#syncing = null
    })
  }

  async #syncLater(): Promise<void> {
    await this.#settings.clock.sleep(syncMilliseconds, this.#closing.signal)
    if (!this.#closing.signal.aborted) await this.#lock.hold(() => this.#sync()).catch(() => {})
  }

  async #sync(): Promise<void> {
    const ends = await this.#currentEnds()
    this.#ends = await Promise.all(ends.map((end, partition) => this.#writers[partition]?.sync(end) ?? end))
    await this.#endsFile.write(this.#ends)
  }

  async #poll(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#closing.signal.aborted) {
      await this.refresh().catch(() => {})
      if (this.#waiting.size > 0) await this.#settings.clock.sleep(pollMilliseconds, this.#closing.signal)
    }
  }
}
