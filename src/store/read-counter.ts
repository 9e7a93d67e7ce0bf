import { randomUUID } from 'node:crypto'
import type { FeatureView } from '../definition/index.ts'
import type { Micros } from '../lib/moment.ts'
import { UsageCounts } from '../monitoring/index.ts'
import { dayOf, type ReadCount } from '../registry/index.ts'

export interface ReadCounterOptions {
  readonly caller: () => string
  readonly model: string
  readonly now: () => Micros
  /** Takes all that was counted on a day (since 1970) so far; `process` is a name of its own. */
  readonly share: (process: string, day: number, counts: Iterable<ReadCount>) => Promise<void>
  /** Told of what fails; it is tried again. */
  readonly warn: (error: unknown) => void
}

/** Milliseconds between two times that counts are shared. */
const shareEvery = 10_000

/** Counts the reads of a process that names itself, for the registry. A killed process loses what it counted since it last told. */
export class ReadCounter {
  readonly #options: ReadCounterOptions
  readonly #process = randomUUID()
  /** Since counts were last added up: of a read it costs one look-up. */
  #recent = new Map<FeatureView, { requests: number; vectors: number }>()
  /** Of today, and of days of which not all is shared. */
  readonly #days = new Map<number, UsageCounts>()
  readonly #unshared = new Set<number>()
  #timer: NodeJS.Timeout | null = null
  #sharing: Promise<void> = Promise.resolve()

  constructor(options: ReadCounterOptions) {
    this.#options = options
  }

  count(view: FeatureView, vectors: number): void {
    const known = this.#recent.get(view)
    if (known !== undefined) {
      known.requests++
      known.vectors += vectors
      return
    }
    this.#recent.set(view, { requests: 1, vectors })
    this.#timer ??= setInterval(() => void this.share(), shareEvery).unref()
  }

  /** Tells what was counted. Fails never: what could not be told is told the next time. */
  share(): Promise<void> {
    this.#sharing = this.#sharing.then(() => this.#share()).catch(this.#options.warn)
    return this.#sharing
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    await this.share()
  }

  async #share(): Promise<void> {
    const { caller, model, now, share } = this.#options
    const at = now()
    const today = dayOf(at)
    if (this.#recent.size > 0) {
      const counts = this.#days.get(today) ?? new UsageCounts()
      for (const [{ name, version, featureNames }, read] of this.#recent)
        counts.add({ caller: caller(), model, view: name, version, features: featureNames, ...read, first: at, last: at })
      this.#recent = new Map()
      this.#days.set(today, counts)
      this.#unshared.add(today)
    }
    for (const day of this.#unshared) {
      await share(this.#process, day, this.#days.get(day) ?? [])
      this.#unshared.delete(day)
    }
    for (const day of this.#days.keys()) if (day < today && !this.#unshared.has(day)) this.#days.delete(day)
  }
}
