import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError } from '../errors.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { localDisk as disk } from '../lib/disk.ts'
import { formatDate } from '../lib/moment.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { clearAbandoned, isAbandoned, temporaryName } from '../lib/temporary-names.ts'
import { FeatureLogBatch } from './feature-log-batch.ts'
import type { ReadRecord } from './read-record.ts'

export interface FeatureLogOptions {
  readonly folder: string
  /** Which share of the reads is logged, 0 to 1; of a read all rows are. */
  readonly share: number
  /** The same seed chooses the same reads of a process. By chance by default. */
  readonly seed?: number
  readonly clock?: Clock
  /** Values that may wait to be written; reads beyond are dropped. Default: 1,000,000. */
  readonly queue?: number
  /** A file is written with so many rows, or after so many seconds. Default: 10,000 and 10. */
  readonly rows?: number
  readonly seconds?: number
  /** Told of files that could not be written; their reads are dropped. */
  readonly warn?: (error: unknown) => void
}

const dayMicros = 86_400_000_000
const partial = '.partial-'
const marker = '.open-'
/** Seconds between a batch that is due and its file: it is looked for each second, and waits for those before it. */
const writing = 3

/**
 * A share of what was served, as Parquet: `FOLDER/VIEW@VERSION/date=2026-03-01/….parquet`, by the day (UTC) it was served. It never
 * makes a read wait: what does not fit the queue is dropped and counted. A file is there as a whole and on the disk, or not at all.
 */
export class FeatureLog implements AsyncDisposable {
  readonly #options: Required<Omit<FeatureLogOptions, 'seed' | 'warn'>> & Pick<FeatureLogOptions, 'warn'>
  readonly #random: (below: number) => number
  readonly #open = new Map<string, FeatureLogBatch>()
  readonly #folders = new Set<string>()
  readonly #marker: string
  readonly #timer: NodeJS.Timeout
  #writing: Promise<void> = Promise.resolve()
  #queued = 0
  #dropped = 0
  #logged = 0
  #files = 0
  #closed = false

  private constructor({ seed, ...options }: FeatureLogOptions, mark: string) {
    this.#marker = mark
    this.#options = { clock: systemClock, queue: 1_000_000, rows: 10_000, seconds: 10, ...options }
    this.#random = seededRandom(seed ?? randomInt(2 ** 32))
    this.#timer = setInterval(() => this.#roll(this.#now() - this.#options.seconds * 1000), Math.min(1000, this.#options.seconds * 500))
    this.#timer.unref()
  }

  /** Opens a log in a folder, which is made. Throws `INVALID_ARGUMENT` or `STORE_UNAVAILABLE`. */
  static async open(options: FeatureLogOptions): Promise<FeatureLog> {
    const refuse = (message: string) => new LockstepError('INVALID_ARGUMENT', message)
    if (!(options.share >= 0 && options.share <= 1)) throw refuse(`The share of reads that are logged is ${options.share}, not 0 to 1`)
    for (const name of ['queue', 'rows', 'seconds'] as const) {
      const value = options[name]
      if (value !== undefined && !(value > 0)) throw refuse(`${name} of the feature log is ${value}, not a number above 0`)
    }
    await disk.makeFolder(options.folder)
    await clearAbandoned(options.folder, marker)
    const mark = join(options.folder, temporaryName(marker))
    const log = new FeatureLog(options, mark)
    const file = await disk.create(mark)
    await file.write(0, Buffer.from(String(log.#options.seconds))).finally(() => file.close())
    return log
  }

  /** Reads that were dropped, as the queue was full or a file could not be written. */
  get dropped(): number {
    return this.#dropped
  }

  /** Reads that are on the disk. */
  get logged(): number {
    return this.#logged
  }

  /** Takes a read, or leaves it: some nanoseconds for one that is not chosen, for others a copy of their values. */
  record(record: ReadRecord): void {
    const { share, queue, rows } = this.#options
    if (this.#closed || (share < 1 && this.#random(2 ** 32) >= share * 2 ** 32)) return
    if (this.#queued + record.keys.length * record.features.length > queue) {
      this.#dropped++
      return
    }
    const day = Math.floor(record.knownAt / dayMicros)
    const key = `${record.view}@${record.version} ${day}`
    const batch = this.#open.get(key) ?? new FeatureLogBatch(record, day, this.#now())
    this.#open.set(key, batch)
    const before = batch.values
    batch.add(record)
    this.#queued += batch.values - before
    if (batch.rows >= rows) this.#write(key, batch)
  }

  /** Writes what was recorded so far. */
  async flush(): Promise<void> {
    this.#roll(Number.POSITIVE_INFINITY)
    await this.#writing
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.flush()
    await disk.remove(this.#marker)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #now(): number {
    return this.#options.clock.now() / 1000
  }

  /** Writes the batches that were opened until then. */
  #roll(until: number): void {
    for (const [key, batch] of this.#open) if (batch.opened <= until) this.#write(key, batch)
  }

  #write(key: string, batch: FeatureLogBatch): void {
    this.#open.delete(key)
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#place(batch)
        this.#logged += batch.reads
      } catch (error) {
        this.#dropped += batch.reads
        this.#options.warn?.(error)
      } finally {
        this.#queued -= batch.values
      }
    })
  }

  /** Writes a file elsewhere, synced, and moves it in place. */
  async #place(batch: FeatureLogBatch): Promise<void> {
    const { view, version, day } = batch
    const folder = join(this.#options.folder, `${view}@${version}`, `date=${formatDate(day)}`)
    await disk.makeFolder(folder)
    if (!this.#folders.has(folder)) await clearAbandoned(folder, partial)
    this.#folders.add(folder)
    const rows = await batch.rowsOfFile()
    const written = join(folder, temporaryName(partial))
    const file = await disk.create(written)
    try {
      let position = 0
      for (const part of await rows.file()) {
        await file.write(position, part)
        position += part.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(written, join(folder, `${temporaryName('')}-${this.#files++}.parquet`))
    await disk.syncFolder(folder)
  }
}

/** Seconds after which all that servers have sampled by now is in the files of a folder; 0 where no server samples. */
export async function sampledWithin(folder: string): Promise<number> {
  const open = (await disk.list(folder)).filter((name) => name.startsWith(marker) && !isAbandoned(name, marker))
  const seconds = await Promise.all(open.map((name) => readFile(join(folder, name), 'utf8').then(Number, () => 0)))
  const most = Math.max(0, ...seconds.filter(Number.isFinite))
  return most === 0 ? 0 : most + writing
}
