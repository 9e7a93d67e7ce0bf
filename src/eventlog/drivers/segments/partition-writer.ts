import type { DiskFile } from '../../../lib/disk.ts'
import type { Micros } from '../../../lib/moment.ts'
import { type BlockBuffer, headerBytes, readHeader } from './block.ts'
import type { End } from './ends.ts'
import { indexPath, segmentPath } from './paths.ts'
import { brokenSegment } from './scan.ts'
import { appendIndex, indexEvery } from './segment-index.ts'
import type { Settings } from './settings.ts'

/** Appends to the last segment of one partition. Its caller holds the lock of the topic and says where the partition ends. */
export class PartitionWriter {
  readonly #settings: Settings
  readonly #folder: string
  #segment = -1
  #file: DiskFile | null = null
  #index: DiskFile | null = null
  #indexed = 0
  /** When the log took the first record of the segment; null where it is not known. */
  #since: Micros | null = null

  constructor(settings: Settings, folder: string) {
    this.#settings = settings
    this.#folder = folder
  }

  /** Resolves to where the partition ends then, once the blocks are as safe as they have to be. */
  async write(buffer: BlockBuffer, end: End, now: Micros): Promise<End> {
    let file = await this.#opened(end.segment)
    let { segment, position, durable } = end
    const size = await file.size()
    if (size < position) throw brokenSegment(segmentPath(this.#folder, segment), size)
    // What a writer that failed has left: it was never acknowledged.
    if (size > position) await file.truncate(position)
    if (await this.#isFull(file, position, now)) {
      // In every mode: so only the last segment can have a torn end.
      await file.sync()
      segment = end.next
      file = await this.#begun(segment)
      position = 0
      durable = 0
    }
    const taken = Math.max(now, end.taken + 1)
    const { fsync } = this.#settings
    const bytes = buffer.finish(end.next, taken, durable)
    await file.write(position, bytes)
    if (fsync === 'always') await file.sync()
    await this.#writeIndex(buffer, end.next, position)
    const written = position + bytes.length
    return {
      first: end.first,
      next: end.next + buffer.count,
      segment,
      position: written,
      durable: fsync === 'always' ? written : durable,
      taken: taken + buffer.count - 1,
    }
  }

  /** Begins another segment, so that the last one is never appended to again. Resolves to where the partition ends then. */
  async roll(end: End): Promise<End> {
    const file = await this.#opened(end.segment)
    if ((await file.size()) > end.position) await file.truncate(end.position)
    await file.sync()
    await this.#begun(end.next)
    return { ...end, segment: end.next, position: 0, durable: 0 }
  }

  /** Where the partition ends once all of it is on the disk. */
  async sync(end: End): Promise<End> {
    if (end.durable === end.position) return end
    await (await this.#opened(end.segment)).sync()
    return { ...end, durable: end.position }
  }

  async close(): Promise<void> {
    const [file, index] = [this.#file, this.#index]
    this.#segment = -1
    this.#file = null
    this.#index = null
    await file?.close()
    await index?.close()
  }

  async #isFull(file: DiskFile, position: number, now: Micros): Promise<boolean> {
    if (position >= this.#settings.segmentBytes) return true
    const { age } = this.#settings.retention
    if (age === Number.POSITIVE_INFINITY || position === 0) return false
    if (this.#since === null) {
      const header = Buffer.alloc(headerBytes)
      await file.read(0, header)
      this.#since = readHeader(header, 0)?.taken ?? now
    }
    return now - this.#since >= age
  }

  async #opened(segment: number): Promise<DiskFile> {
    if (this.#file !== null && this.#segment === segment) return this.#file
    await this.close()
    const { disk } = this.#settings
    const file = await disk.create(segmentPath(this.#folder, segment))
    this.#index = await disk.create(indexPath(this.#folder, segment))
    this.#file = file
    this.#segment = segment
    this.#indexed = 0
    this.#since = null
    return file
  }

  async #begun(segment: number): Promise<DiskFile> {
    const file = await this.#opened(segment)
    await file.truncate(0)
    await this.#settings.disk.syncFolder(this.#folder)
    return file
  }

  /** The index only makes seeking faster: it is not synced, and who reads it looks whether it tells the truth. */
  async #writeIndex(buffer: BlockBuffer, offset: number, position: number): Promise<void> {
    if (this.#index === null) return
    for (const { start, before } of buffer.blocks()) {
      if (position + start - this.#indexed < indexEvery) continue
      this.#indexed = position + start
      await appendIndex(this.#index, { offset: offset + before, position: position + start })
    }
  }
}
