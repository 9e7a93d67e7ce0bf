import type { Clock } from '../lib/clock.ts'
import type { Micros } from '../lib/moment.ts'
import type { Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
import { keptOf } from './retention.ts'
import { timeKey, timePrefix } from './time-key.ts'

export type RunKind = 'backfill' | 'materialize' | 'train' | 'statistics' | 'apply' | 'rollback' | 'promote' | 'switch' | 'forget'

/** Some work that was done, or was not. */
export interface Run {
  /** Keys of later runs are higher. */
  readonly id: string
  readonly kind: RunKind
  readonly environment: string
  /** What it was done to: `user_orders@1`, `view:ranking@1`, an environment. */
  readonly subject: string
  readonly by: string
  /** ISO 8601, UTC. */
  readonly started: string
  readonly seconds: number
  readonly rows: number
  /** Written; 0 where that is not known. */
  readonly bytes: number
  readonly outcome: 'done' | 'failed' | 'stopped'
  /** The code and message of what went wrong; null where nothing did. */
  readonly error: { readonly code: string; readonly message: string } | null
}

/** How fast work went. */
export interface RunRate {
  readonly rowsPerSecond: number
  readonly bytesPerRow: number
  /** How many runs tell it. */
  readonly runs: number
}

export interface RunQuery {
  readonly environment?: string | undefined
  readonly kind?: RunKind | undefined
  readonly subject?: string | undefined
  /** At most so many; 100 by default. */
  readonly limit?: number | undefined
  /** Only runs before the one of this id. */
  readonly before?: string | undefined
}

const table = 'runs'
/** Runs that are kept. */
const mostRuns = 10_000
const page = 500
/** Runs that are looked at for a rate. */
const rateRuns = 10

/** What was done when and by whom. */
export class Runs {
  readonly #documents: DocumentStore
  readonly #clock: Clock
  readonly #keep: Micros
  readonly #most: number
  /** How often what is too much is removed: once in so many runs. */
  readonly #trimEvery: number

  constructor(
    documents: DocumentStore,
    clock: Clock,
    { runs: keep } = keptOf(),
    { most = mostRuns, trimEvery = 100 }: { readonly most?: number; readonly trimEvery?: number } = {},
  ) {
    this.#documents = documents
    this.#clock = clock
    this.#keep = keep
    this.#most = most
    this.#trimEvery = trimEvery
  }

  /** Adds a run that began at a moment, and gives its id. */
  async record(started: Micros, run: Omit<Run, 'id'>): Promise<string> {
    const id = timeKey(started)
    await this.#documents.commit({ puts: [{ table, key: id, text: JSON.stringify(run) }] })
    // By its id, as most processes record one run only.
    if (Number.parseInt(id.slice(-8), 16) % this.#trimEvery === 0) await this.trim()
    return id
  }

  /** Runs, the newest first. */
  async list({ environment, kind, subject, limit = 100, before }: RunQuery = {}): Promise<Run[]> {
    const found: Run[] = []
    let after = before
    for (;;) {
      const documents = await this.#documents.list(table, { descending: true, limit: page, ...(after === undefined ? {} : { after }) })
      for (const document of documents) {
        const run = runOf(document)
        if (environment !== undefined && run.environment !== environment) continue
        if ((kind !== undefined && run.kind !== kind) || (subject !== undefined && run.subject !== subject)) continue
        if (found.push(run) >= limit) return found
      }
      if (documents.length < page) return found
      after = documents.at(-1)?.key
    }
  }

  /** How fast the newest runs of a kind went that had rows, of one subject or of all; null where there was none. Reads the runs once. */
  async rates(kind: RunKind): Promise<(subject?: string) => RunRate | null> {
    const runs = await this.list({ kind, limit: this.#most })
    const all = runs.filter(({ outcome, rows, seconds }) => outcome === 'done' && rows > 0 && seconds > 0)
    const bySubject = Map.groupBy(all, ({ subject }) => subject)
    return (subject) => rateOf(subject === undefined ? all : (bySubject.get(subject) ?? []))
  }

  /** Removes the runs that are too old, and the oldest where there are too many; gives how many. */
  async trim(): Promise<number> {
    const since = timePrefix(this.#clock.now() - this.#keep)
    const newest = await this.#documents.list(table, { descending: true, limit: this.#most })
    const oldest = newest.length === this.#most ? (newest.at(-1)?.key ?? since) : since
    const [, first = since] = [since, oldest].toSorted()
    for (let removed = 0; ; ) {
      const found = (await this.#documents.list(table, { limit: page })).filter(({ key }) => key < first)
      if (found.length > 0) await this.#documents.commit({ deletes: found.map(({ key }) => ({ table, key })) })
      removed += found.length
      if (found.length < page) return removed
    }
  }
}

function rateOf(all: readonly Run[]): RunRate | null {
  const runs = all.slice(0, rateRuns)
  if (runs.length === 0) return null
  const total = (part: 'rows' | 'seconds' | 'bytes') => runs.reduce((sum, run) => sum + run[part], 0)
  return { rowsPerSecond: total('rows') / total('seconds'), bytesPerRow: total('bytes') / total('rows'), runs: runs.length }
}

const runOf = (document: Document): Run => ({ id: document.key, ...readDocument<Omit<Run, 'id'>>(table, document) })
