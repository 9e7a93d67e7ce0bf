import type { DiskFile } from '../../../lib/disk.ts'
import type { LogRecord } from '../../log.ts'
import { headerBytes, isWhole, readHeader } from './block.ts'
import type { End } from './ends.ts'
import { segmentBases, segmentPath } from './paths.ts'
import { BlockRecords } from './records.ts'
import { brokenSegment } from './scan.ts'
import { seekInSegment } from './segment-index.ts'
import type { Settings } from './settings.ts'

/** What is read in one go, and so what a reader keeps of a partition, unless one block is longer. */
const chunkBytes = 1024 * 1024
const noBytes = Buffer.alloc(0)

/** Reads one partition from an offset on. */
export class PartitionReader {
  readonly #settings: Settings
  readonly #folder: string
  readonly #partition: number
  readonly #end: () => End
  #next: number
  #segment = -1
  #file: DiskFile | null = null
  /** Where the chunk lies in the segment, and how much of it is done. */
  #position = 0
  #chunk = noBytes
  #at = 0
  #block: BlockRecords | null = null

  /** `end` tells where the partition ends now. */
  constructor(settings: Settings, folder: string, partition: number, offset: number, end: () => End) {
    this.#settings = settings
    this.#folder = folder
    this.#partition = partition
    this.#next = offset
    this.#end = end
  }

  /** Adds the next records, until there are `limit` or no more. Throws `STORE_CORRUPT`. */
  async read(into: LogRecord[], limit: number): Promise<void> {
    while (into.length < limit) {
      const block = this.#block
      if (block === null || block.remaining === 0) {
        if (!this.#nextBlock() && !(await this.#fetch())) return
        continue
      }
      const count = Math.min(block.remaining, limit - into.length)
      for (let index = 0; index < count; index++) into.push(block.next())
      this.#next = (into.at(-1) as LogRecord).offset + 1
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    this.#chunk = noBytes
    this.#block = null
    this.#at = 0
    await file?.close()
  }

  /** Goes to the next block of the chunk; false where no whole one follows. */
  #nextBlock(): boolean {
    const chunk = this.#chunk
    for (;;) {
      const header = readHeader(chunk, this.#at)
      const end = this.#at + headerBytes + (header?.bodyBytes ?? 0)
      if (header === null || end > chunk.length) return false
      const at = this.#at
      if (header.offset + header.count > this.#next) {
        if (!isWhole(chunk, at, header)) throw this.#broken(this.#position + at)
        this.#block = new BlockRecords(chunk, at, header, this.#partition)
        this.#block.skipTo(this.#next)
        this.#at = end
        return true
      }
      this.#at = end
    }
  }

  /** Reads the next chunk, at least one block; false where there is nothing more yet. */
  async #fetch(): Promise<boolean> {
    const end = this.#end()
    if (end.next <= this.#next) return false
    const file = this.#file ?? (await this.#seek(end))
    this.#position += this.#at
    this.#at = 0
    this.#chunk = noBytes
    const limit = this.#segment === end.segment ? end.position : await file.size()
    if (this.#position >= limit) return this.#segment !== end.segment && (await this.#nextSegment(end))
    let chunk = await this.#readChunk(file, Math.min(chunkBytes, limit - this.#position))
    const header = readHeader(chunk, 0)
    const length = headerBytes + (header?.bodyBytes ?? 0)
    if (header === null || this.#position + length > limit) throw this.#broken(this.#position)
    if (length > chunk.length) chunk = await this.#readChunk(file, length)
    this.#chunk = chunk
    return true
  }

  async #readChunk(file: DiskFile, length: number): Promise<Buffer<ArrayBuffer>> {
    const chunk = Buffer.allocUnsafeSlow(length)
    const read = await file.read(this.#position, chunk)
    if (read < length) throw this.#broken(this.#position + read)
    return chunk
  }

  /** Opens the segment of the next offset, or the first one after it. */
  async #seek(end: End): Promise<DiskFile> {
    const { disk } = this.#settings
    for (;;) {
      const bases = (await segmentBases(disk, this.#folder)).filter((base) => base <= end.segment)
      const base = bases.findLast((each) => each <= this.#next) ?? bases[0] ?? end.segment
      const file = await disk.open(segmentPath(this.#folder, base))
      if (file === null) {
        // Retention has removed it meanwhile.
        if (base === end.segment) throw this.#missing(base)
        continue
      }
      this.#file = file
      this.#segment = base
      this.#position = await seekInSegment(disk, this.#folder, base, file, this.#next)
      return file
    }
  }

  async #nextSegment(end: End): Promise<boolean> {
    const bases = await segmentBases(this.#settings.disk, this.#folder)
    const base = bases.find((each) => each > this.#segment && each <= end.segment)
    if (base === undefined) throw this.#missing(end.segment)
    await this.close()
    this.#next = Math.max(this.#next, base)
    return true
  }

  #broken(position: number): Error {
    return brokenSegment(segmentPath(this.#folder, this.#segment), position)
  }

  #missing(base: number): Error {
    return brokenSegment(segmentPath(this.#folder, base), 0)
  }
}
