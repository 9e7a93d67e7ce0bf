import { systemClock } from '../lib/clock.ts'
import type { DocumentRange, DocumentStore } from './documents.ts'

/** Who is told of changes of the registry, and of which. */
export interface Watcher {
  /** What it reads. */
  readonly ranges: readonly DocumentRange[]
  /** Takes in what is there; at the start, and after each change of it. Where it fails it is called again after some seconds. */
  changed(): Promise<void>
  /** Told why the registry cannot be read, or why `changed` failed; once for each reason until it succeeds. */
  failed(error: Error): void
  /** Milliseconds between two looks. Default: 500. */
  readonly every?: number
}

/** Milliseconds after which what failed is tried again, unless it changed before. */
const retryAfter = 5000

/** Asks a registry whether anything changed, once for all watchers in a process, and tells each of them only of what it reads. */
export class RegistryWatch {
  readonly #documents: DocumentStore
  readonly #watching = new Set<Watching>()
  #stop: AbortController | null = null

  constructor(documents: DocumentStore) {
    this.#documents = documents
  }

  /** Has a watcher look once, then as long as it is not closed. */
  async watch(watcher: Watcher): Promise<Watching> {
    const watching: Watching = new Watching(this.#documents, watcher, () => this.#leave(watching))
    await watching.look(() => this.#documents.revision())
    this.#watching.add(watching)
    // Who looks more often than those before is not kept waiting by them.
    this.#stop?.abort()
    this.#stop = new AbortController()
    void this.#follow(this.#stop.signal)
    return watching
  }

  #leave(watching: Watching): void {
    this.#watching.delete(watching)
    if (this.#watching.size === 0) this.#stop?.abort()
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await systemClock.sleep(Math.min(...[...this.#watching].map(({ every }) => every)), signal)
      if (signal.aborted) return
      const revision = this.#documents.revision()
      await Promise.allSettled([revision])
      // None waits for another: who takes long is asked again once it is done.
      for (const watching of this.#watching) void watching.look(() => revision)
    }
  }
}

/** A watcher that looks until it is closed. */
export class Watching {
  readonly every: number
  readonly #documents: DocumentStore
  readonly #watcher: Watcher
  readonly #leave: () => void
  /** The revision of the registry that was looked at; what was there then, and what was taken in. */
  #revision = -1
  #taken: string | null = null
  #failed: string | null = null
  #retryAt = 0
  #told = ''
  #looking: Promise<void> | null = null

  constructor(documents: DocumentStore, watcher: Watcher, leave: () => void) {
    this.#documents = documents
    this.#watcher = watcher
    this.#leave = leave
    this.every = watcher.every ?? 500
  }

  /** Throws nothing. */
  async look(revision: () => Promise<number>): Promise<void> {
    this.#looking ??= this.#look(revision)
      .catch((error: Error) => this.#tell(error))
      .finally(() => {
        this.#looking = null
      })
    await this.#looking
  }

  /** Looks no more; resolves once what it was about is done. */
  async close(): Promise<void> {
    this.#leave()
    await this.#looking
  }

  async #look(asked: () => Promise<number>): Promise<void> {
    const revision = await asked()
    const retries = this.#failed !== null && performance.now() >= this.#retryAt
    if (revision !== this.#revision || retries) {
      const stamps = await Promise.all(this.#watcher.ranges.map((range) => this.#documents.stamp(range)))
      const stamp = stamps.join(' ')
      if (stamp !== this.#taken && (stamp !== this.#failed || retries)) await this.#take(stamp)
      this.#revision = revision
    }
    if (this.#failed === null) this.#told = ''
  }

  async #take(stamp: string): Promise<void> {
    try {
      await this.#watcher.changed()
      this.#taken = stamp
      this.#failed = null
    } catch (error) {
      this.#failed = stamp
      this.#retryAt = performance.now() + retryAfter
      this.#tell(error as Error)
    }
  }

  #tell(error: Error): void {
    if (this.#told === error.message) return
    this.#told = error.message
    this.#watcher.failed(error)
  }
}
