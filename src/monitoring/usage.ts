import { join } from 'node:path'
import { type Clock, systemClock } from '../lib/clock.ts'
import { localDisk } from '../lib/disk.ts'
import type { Micros } from '../lib/moment.ts'
import type { ReadRecord } from './read-record.ts'
import { UsageCounts } from './usage-counts.ts'
import {
  addDays,
  isFinal,
  isLeftover,
  isUsageFile,
  newMergedName,
  newProcessName,
  readUsage,
  type UsageDays,
  usageFileName,
  writeUsage,
} from './usage-file.ts'

/** How often a caller read a feature. */
export interface FeatureUsage {
  readonly caller: string
  readonly model: string
  readonly view: string
  readonly version: number
  readonly feature: string
  /** Requests, and vectors in all of them. */
  readonly requests: number
  readonly vectors: number
  readonly first: Micros
  readonly last: Micros
}

export interface UsageLogOptions {
  /** Milliseconds between two times that counts go to the disk. Default: 5,000. */
  readonly flushEvery?: number
  /** Days after which counts are forgotten. Default: 400. */
  readonly keepDays?: number
  /** Told of what fails; it is tried again. */
  readonly warn?: (error: unknown) => void
  /**
   * Takes all that this process has counted on a day (since 1970) so far, to share it with other machines: now and then, and when the log
   * is closed. `process` is a name of its own.
   */
  readonly share?: (process: string, day: number, counts: UsageCounts) => Promise<void>
  /** Milliseconds between two times that counts are shared. Default: 10,000. */
  readonly shareEvery?: number
}

const dayMicros = 86_400_000_000
const dayOf = (micros: Micros): number => Math.floor(micros / dayMicros)

/**
 * Who read which features, by day. Counted in memory; each process writes a file of its own for each day, whole, every few seconds.
 * A killed process loses what it counted since. Files that nobody writes any more are merged into one.
 */
export class UsageLog implements AsyncDisposable {
  readonly #folder: string
  readonly #clock: Clock
  readonly #options: Required<Omit<UsageLogOptions, 'warn' | 'share'>> & Pick<UsageLogOptions, 'warn' | 'share'>
  /** Of the days that this process still writes, and the names of their files. */
  readonly #days: UsageDays = new Map()
  readonly #files = new Map<number, string>()
  readonly #changed = new Set<number>()
  readonly #unshared = new Set<number>()
  readonly #process = newProcessName()
  #shared = Number.NEGATIVE_INFINITY
  readonly #timer: NodeJS.Timeout
  #work: Promise<void> = Promise.resolve()
  #merged: number

  private constructor(folder: string, clock: Clock, options: UsageLogOptions) {
    this.#folder = folder
    this.#clock = clock
    this.#options = { flushEvery: 5_000, keepDays: 400, shareEvery: 10_000, ...options }
    this.#merged = dayOf(clock.now())
    this.#timer = setInterval(() => this.flush().catch((error: unknown) => this.#options.warn?.(error)), this.#options.flushEvery)
    this.#timer.unref()
  }

  /** Opens the counts in a folder, which is made; merges what others have left. Throws `STORE_UNAVAILABLE`. */
  static async open(folder: string, clock: Clock = systemClock, options: UsageLogOptions = {}): Promise<UsageLog> {
    await localDisk.makeFolder(folder)
    const log = new UsageLog(folder, clock, options)
    // A file that cannot be merged stays as it is; reading names it.
    await log.#compact().catch((error: unknown) => options.warn?.(error))
    return log
  }

  /** Counts a read: less than a microsecond. */
  count(record: ReadRecord): void {
    const day = dayOf(record.knownAt)
    let counts = this.#days.get(day)
    if (counts === undefined) {
      counts = new UsageCounts()
      this.#days.set(day, counts)
      this.#files.set(day, usageFileName(newProcessName(), day))
    }
    counts.count(record)
    this.#changed.add(day)
    if (this.#options.share) this.#unshared.add(day)
  }

  /** What was read by all processes, since the day of a moment or ever, with what this one has not yet written. */
  async read({ since }: { readonly since?: Micros } = {}): Promise<FeatureUsage[]> {
    const days = await this.#stored()
    addDays(days, this.#days)
    const first = since === undefined ? Number.NEGATIVE_INFINITY : dayOf(since)
    const totals = new Map<string, FeatureUsage>()
    for (const [day, counts] of days) {
      if (day < first) continue
      for (const { features, ...count } of counts) {
        for (const feature of features) {
          const { caller, model, view, version } = count
          const key = [view, version, feature, caller, model].join('\0')
          const known = totals.get(key)
          totals.set(key, known ? sum(known, { ...count, feature }) : { ...count, feature })
        }
      }
    }
    return [...totals].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, usage]) => usage)
  }

  /** Writes what has changed. Throws `STORE_UNAVAILABLE`; what was counted stays. */
  async flush(): Promise<void> {
    this.#work = this.#work.catch(() => {}).then(() => this.#flush())
    await this.#work
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#shared = Number.NEGATIVE_INFINITY
    await this.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #flush(): Promise<void> {
    await this.#share().catch((error: unknown) => this.#options.warn?.(error))
    const today = dayOf(this.#clock.now())
    for (const day of [...this.#changed]) {
      this.#changed.delete(day)
      try {
        await writeUsage(this.#path(this.#files.get(day) as string), new Map([[day, this.#days.get(day) as UsageCounts]]))
      } catch (error) {
        this.#changed.add(day)
        throw error
      }
    }
    if (today === this.#merged) return
    // Counts of days that are long over are others' to merge now.
    for (const day of [...this.#days.keys()]) {
      if (day >= today - 1 || this.#changed.has(day) || this.#unshared.has(day)) continue
      this.#days.delete(day)
      this.#files.delete(day)
    }
    this.#merged = today
    await this.#compact()
  }

  /** A failure costs nothing: what was counted is shared the next time. */
  async #share(): Promise<void> {
    const { share, shareEvery } = this.#options
    if (!share || this.#unshared.size === 0 || performance.now() - this.#shared < shareEvery) return
    this.#shared = performance.now()
    for (const day of [...this.#unshared]) {
      this.#unshared.delete(day)
      try {
        await share(this.#process, day, this.#days.get(day) as UsageCounts)
      } catch (error) {
        this.#unshared.add(day)
        throw error
      }
    }
  }

  /** The counts of all files but those of this process that it still has in memory. */
  async #stored(): Promise<UsageDays> {
    const own = new Set(this.#files.values())
    for (let tries = 1; ; tries++) {
      const names = (await localDisk.list(this.#folder)).filter(isUsageFile)
      const found = await Promise.all(names.map((name) => (own.has(name) ? undefined : readUsage(this.#path(name)))))
      // One that was there a moment ago was merged into another: all is read again.
      if (found.includes(null) && tries < 10) continue
      const merged = new Set(found.flatMap((file) => file?.merged ?? []))
      const days: UsageDays = new Map()
      for (const [place, file] of found.entries()) if (file && !merged.has(names[place] as string)) addDays(days, file.days)
      return days
    }
  }

  /**
   * Makes one file of those that nobody writes any more. It names them, so that they do not count twice while they are there;
   * they are removed after it is written.
   */
  async #compact(): Promise<void> {
    const lock = await localDisk.lock(this.#path('lock'))
    try {
      if (!(await lock.tryAcquire())) return
      const today = dayOf(this.#clock.now())
      const all = await localDisk.list(this.#folder)
      for (const name of all.filter(isLeftover)) await localDisk.remove(this.#path(name))
      const own = new Set(this.#files.values())
      const names = all.filter((name) => isUsageFile(name) && isFinal(name, today) && !own.has(name))
      const files = await Promise.all(names.map((name) => readUsage(this.#path(name))))
      const counted = new Set(files.flatMap((file) => file?.merged ?? []))
      const days: UsageDays = new Map()
      for (const [place, file] of files.entries()) if (file && !counted.has(names[place] as string)) addDays(days, file.days)
      const oldest = today - this.#options.keepDays
      const isOne = names.length === 1 && names[0]?.startsWith('merged-') && [...days.keys()].every((day) => day >= oldest)
      if (names.length === 0 || isOne) return
      for (const day of [...days.keys()]) if (day < oldest) days.delete(day)
      await writeUsage(this.#path(newMergedName()), days, names)
      for (const name of names) await localDisk.remove(this.#path(name))
    } finally {
      await lock.close()
    }
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

function sum(a: FeatureUsage, b: FeatureUsage): FeatureUsage {
  return {
    ...a,
    requests: a.requests + b.requests,
    vectors: a.vectors + b.vectors,
    first: Math.min(a.first, b.first),
    last: Math.max(a.last, b.last),
  }
}
