import { join, resolve } from 'node:path'
import { LockstepError } from '../../errors.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { type Disk, localDisk } from '../../lib/disk.ts'
import { type Duration, durationMicros } from '../../lib/duration.ts'
import { checkConsume, checkPartitions, checkRecords, checkTopic, closedLog, noTopic, otherPartitions } from '../check.ts'
import type {
  ConsumeOptions,
  Consumer,
  ErasedRecords,
  EventLog,
  EventLogCapabilities,
  LogRecord,
  NewRecord,
  PartitionOffsets,
  RecordPosition,
} from '../log.ts'
import { SegmentsConsumer } from './segments/consumer.ts'
import { FairLock } from './segments/fair-lock.ts'
import { Group } from './segments/group.ts'
import { Membership } from './segments/membership.ts'
import type { Fsync, Settings } from './segments/settings.ts'
import { Topic } from './segments/topic.ts'
import { readTopicFile, writeTopicFile } from './segments/topic-file.ts'

export interface SegmentsEventLogOptions {
  /** The folder of the log. It is made when it is not there. */
  readonly path: string
  /**
   * When records are flushed to the disk. `always`: before an append resolves; appends that come at the same time share one flush.
   * `interval`: at most 100 ms later. `never`: when the operating system does, when a segment is full and at the close. The death of
   * a process loses nothing in any mode; a loss of power loses what was not flushed. Default: `always`.
   */
  readonly fsync?: Fsync
  /** A segment that has reached this many bytes takes no more blocks. Default: 64 MiB. */
  readonly segmentBytes?: number
  /**
   * What is kept of each partition: so many bytes, rounded up to whole segments, and records that are not older than `age`. The
   * last segment is always kept. Default: everything.
   */
  readonly retention?: { readonly bytes?: number; readonly age?: Duration }
  readonly disk?: Disk
  readonly clock?: Clock
}

/**
 * A durable log on the local disk, shared by the processes of one machine: topics are folders, partitions are folders of segments,
 * segments are blocks of records with checksums. Nothing runs beside the processes that use it.
 *
 * Torn writes that a crash has left are cut off when a topic is first used. What the methods throw: `INVALID_ARGUMENT`;
 * `STORE_UNAVAILABLE` when the disk fails or is full; `STORE_LOCKED` when another process keeps a lock for a minute; `STORE_CORRUPT`
 * when what was flushed is not there as it was written.
 */
export function segmentsEventLog(options: SegmentsEventLogOptions): EventLog {
  return new SegmentsEventLog(options)
}

class SegmentsEventLog implements EventLog {
  readonly name = 'segments'
  readonly capabilities: EventLogCapabilities = { durable: true, sharedByProcesses: true }
  readonly #settings: Settings
  readonly #topics = new Map<string, Promise<Topic | null>>()
  readonly #consumers = new Set<Consumer>()
  readonly #underway = new Set<Promise<unknown>>()
  #closed: Promise<void> | null = null

  constructor({
    path,
    fsync = 'always',
    segmentBytes = 64 * 1024 * 1024,
    retention = {},
    disk = localDisk,
    clock = systemClock,
  }: SegmentsEventLogOptions) {
    const { bytes = Number.POSITIVE_INFINITY, age } = retention
    if (!['always', 'interval', 'never'].includes(fsync)) throw wrongOption('fsync', fsync)
    if (!(segmentBytes >= 1)) throw wrongOption('segmentBytes', segmentBytes)
    if (!(bytes >= 1)) throw wrongOption('retention.bytes', bytes)
    const ageMicros = age === undefined ? Number.POSITIVE_INFINITY : durationMicros(age, 'retention.age')
    this.#settings = { path: resolve(path), fsync, segmentBytes, retention: { bytes, age: ageMicros }, disk, clock }
  }

  createTopic(topic: string, partitions: number): Promise<void> {
    return this.#while(async () => {
      checkTopic(topic)
      checkPartitions(partitions)
      const { path, disk, clock } = this.#settings
      const folder = join(path, topic)
      await disk.makeFolder(folder)
      const lock = await FairLock.open(disk, join(folder, 'create'), clock)
      try {
        await lock.hold(async () => {
          const there = await readTopicFile(disk, folder)
          if (there === null) await writeTopicFile(disk, folder, partitions)
          else if (there !== partitions) throw otherPartitions(topic, there, partitions)
        })
      } finally {
        await lock.close()
      }
    })
  }

  topics(): Promise<string[]> {
    return this.#while(async () => {
      const { disk, path } = this.#settings
      const names = await disk.list(path)
      const partitions = await Promise.all(names.map((name) => readTopicFile(disk, join(path, name))))
      return names.filter((_, at) => partitions[at] !== null).sort()
    })
  }

  partitions(topic: string): Promise<number | null> {
    return this.#while(async () => {
      checkTopic(topic)
      return await readTopicFile(this.#settings.disk, join(this.#settings.path, topic))
    })
  }

  append(topic: string, records: readonly NewRecord[]): Promise<RecordPosition[]> {
    return this.#while(async () => {
      const opened = await this.#topic(topic)
      checkRecords(topic, records, opened.partitions)
      return records.length === 0 ? [] : await opened.append(records)
    })
  }

  consume(topic: string, options: ConsumeOptions): Promise<Consumer> {
    return this.#while(async () => {
      checkConsume(options)
      const opened = await this.#topic(topic)
      const { disk, clock } = this.#settings
      const group = await Group.open(disk, opened.folder, options.group, opened.partitions, clock)
      const membership = await Membership.join(group, clock, options.sessionTimeout ?? 10_000)
      const consumer = new SegmentsConsumer(opened, membership, options, clock, () => this.#consumers.delete(consumer))
      this.#consumers.add(consumer)
      return consumer
    })
  }

  offsets(topic: string): Promise<readonly PartitionOffsets[]> {
    return this.#while(async () => await (await this.#topic(topic)).offsets())
  }

  erase(topic: string, test: (record: LogRecord) => boolean | Promise<boolean>, dryRun = false): Promise<ErasedRecords> {
    return this.#while(async () => await (await this.#topic(topic)).erase(test, dryRun))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#underway)
    const consumers = await Promise.allSettled([...this.#consumers].map((consumer) => consumer.close()))
    const topics = await Promise.allSettled([...this.#topics.values()].map(async (topic) => await (await topic.catch(() => null))?.close()))
    for (const result of [...consumers, ...topics]) if (result.status === 'rejected') throw result.reason
  }

  /** A topic is opened once, and again where that failed. */
  async #topic(name: string): Promise<Topic> {
    checkTopic(name)
    let opening = this.#topics.get(name)
    if (opening === undefined) {
      opening = this.#open(name)
      this.#topics.set(name, opening)
    }
    const topic = await opening.catch((error) => {
      this.#topics.delete(name)
      throw error
    })
    if (topic !== null) return topic
    this.#topics.delete(name)
    throw noTopic(name)
  }

  async #open(name: string): Promise<Topic | null> {
    const folder = join(this.#settings.path, name)
    const partitions = await readTopicFile(this.#settings.disk, folder)
    return partitions === null ? null : await Topic.open(this.#settings, folder, partitions)
  }

  /** Does what is asked of an open log; its close waits for it. */
  async #while<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed !== null) throw closedLog(this.name)
    const done = work().finally(() => this.#underway.delete(done))
    this.#underway.add(done)
    return await done
  }
}

const wrongOption = (name: string, value: unknown): LockstepError =>
  new LockstepError('INVALID_ARGUMENT', `The option cannot be ${JSON.stringify(value)}`, { where: name })
