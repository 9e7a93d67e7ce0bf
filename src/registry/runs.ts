import { hostname } from 'node:os'
import type { Clock } from '../lib/clock.ts'
import type { Micros } from '../lib/moment.ts'
import type { Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
import { keptOf } from './retention.ts'
import { timeKey, timePrefix } from './time-key.ts'

export type RunKind =
  | 'backfill'
  | 'materialize'
  | 'train'
  | 'statistics'
  | 'apply'
  | 'rollback'
  | 'promote'
  | 'switch'
  | 'forget'
  | 'replay'

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
  /** `lost`: its process ended, or was cut off, before it could tell. Of what is `running` or `lost` rows, bytes and seconds are 0. */
  readonly outcome: 'running' | 'done' | 'failed' | 'stopped' | 'lost'
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

  /** Adds a run that began at a moment, and gives its id; with the one that `begin` gave it stands in the place of that. */
  async record(started: Micros, run: Omit<Run, 'id'>, id: string = timeKey(started)): Promise<string> {
    await this.#documents.commit({ puts: [{ table, key: id, text: JSON.stringify(run) }] })
    // By its id, as most processes record one run only.
    if (Number.parseInt(id.slice(-8), 16) % this.#trimEvery === 0) await this.trim()
    return id
  }

  /** Says that a run began at a moment, and goes on: until it ends it has to be seen now and then. Gives its id. */
  async begin(started: Micros, run: Pick<Run, 'kind' | 'environment' | 'subject' | 'by' | 'started'>): Promise<string> {
    const id = timeKey(started)
    await this.seen(id, run)
    return id
  }

  /** Says that a run goes on. */
  async seen(id: string, run: Pick<Run, 'kind' | 'environment' | 'subject' | 'by' | 'started'>): Promise<void> {
    const holder: Holder = { machine: hostname(), process: process.pid, seen: this.#clock.now() }
    const text = JSON.stringify({ ...run, seconds: 0, rows: 0, bytes: 0, outcome: 'running', error: null, holder })
    await this.#documents.commit({ puts: [{ table, key: id, text }] })
  }

  /** Runs, the newest first. */
  async list({ environment, kind, subject, limit = 100, before }: RunQuery = {}): Promise<Run[]> {
    const found: Run[] = []
    let after = before
    for (;;) {
      const documents = await this.#documents.list(table, { descending: true, limit: page, ...(after === undefined ? {} : { after }) })
      for (const document of documents) {
        const run = runOf(document, this.#clock.now())
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

/** Who does a run that goes on, and when it was seen last. */
interface Holder {
  readonly machine: string
  readonly process: number
  readonly seen: Micros
}

/** Milliseconds between two times that a run says it goes on, and microseconds of silence after which it is lost. */
export const seenEvery = 30_000
const silence = 4 * seenEvery * 1000

function runOf(document: Document, now: Micros): Run {
  const { holder, ...run } = readDocument<Omit<Run, 'id'> & { readonly holder?: Holder }>(table, document)
  return { id: document.key, ...run, outcome: holder && isLost(holder, now) ? 'lost' : run.outcome }
}

/** A process of this machine is asked for; the number of one that is gone may be another's, which says nothing of the run. */
const isLost = ({ machine, process: id, seen }: Holder, now: Micros): boolean =>
  now - seen > silence || (machine === hostname() && !isAlive(id))

function isAlive(id: number): boolean {
  try {
    process.kill(id, 0)
    return true
  } catch (error) {
    // It is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
