import { hostname } from 'node:os'
import { LockstepError } from '../errors.ts'
import type { Micros } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { Commit, Document, DocumentStore } from './documents.ts'
import type { Models } from './models.ts'
import { readDocument } from './read-document.ts'
import { timeKey } from './time-key.ts'

/** A training set that was made. */
export interface TrainingSetRecord {
  /** Later ones are higher. */
  readonly id: string
  readonly environment: string
  readonly view: string
  readonly version: number
  /** The semantic hash of the view. */
  readonly hash: string
  readonly features: readonly string[]
  /** Features of groups and on-demand views that these come from: `user_orders@1.total`. Missing of records made before this was kept. */
  readonly reads?: readonly string[]
  /** Hash and number of the labels. */
  readonly labels: { readonly hash: string; readonly rows: number }
  readonly rows: number
  /** Where it was written, and on which machine. */
  readonly path: string
  readonly machine: string
  /** ISO 8601, UTC. */
  readonly created: string
  readonly by: string
  /** Whether a model may still be trained or judged with it: what it depends on is not removed. */
  readonly live: boolean
  /** Rows of subjects that were erased since it was made; `rows` are those that are left. */
  readonly erased?: readonly ErasedRows[]
}

export interface ErasedRows {
  readonly rows: number
  /** ISO 8601, UTC. */
  readonly at: string
}

export interface TrainingSetQuery {
  readonly environment?: string | undefined
  readonly view?: string | undefined
  readonly version?: number | undefined
  readonly live?: boolean | undefined
  /** At most so many; all by default. */
  readonly limit?: number | undefined
}

const table = 'trainingSets'
/** Training sets that are kept once they are retired. */
const mostRetired = 1_000

/** Which training sets were made of which views. */
export class TrainingSets {
  readonly #documents: DocumentStore
  readonly #models: Models
  readonly #machine: string

  constructor(documents: DocumentStore, models: Models, machine: string = hostname()) {
    this.#documents = documents
    this.#models = models
    this.#machine = machine
  }

  /**
   * Adds a training set that was made at a moment, and gives its id. One that was written to the same place of this machine before is
   * retired, as it is gone; unless a live model was trained with it.
   */
  async record(created: Micros, given: Omit<TrainingSetRecord, 'id' | 'live' | 'machine'>): Promise<string> {
    const set = { ...given, machine: this.#machine }
    const documents = (await this.#documents.list(table)).filter((document) => {
      const { live, environment, path, machine } = recordOf(document)
      return live && environment === set.environment && path === set.path && machine === set.machine
    })
    const trained = await Promise.all(documents.map(({ key }) => this.#models.trainedWith(key)))
    const replaced = documents.filter((_, index) => trained[index]?.length === 0)
    const id = timeKey(created)
    const made = await this.#documents.commit({
      conditions: replaced.map(({ key, revision }) => ({ table, key, revision })),
      puts: [
        { table, key: id, text: JSON.stringify({ ...set, live: true }) },
        ...replaced.map((document) => {
          const { id: key, ...rest } = recordOf(document)
          return { table, key, text: JSON.stringify({ ...rest, live: false }) }
        }),
      ],
    })
    // Another wrote to the same place, or retired what was there.
    if (made === null) return await this.record(created, given)
    if (replaced.length > 0) await this.#forget()
    return id
  }

  /** Training sets, the newest first. */
  async list({ environment, view, version, live, limit = Number.POSITIVE_INFINITY }: TrainingSetQuery = {}): Promise<TrainingSetRecord[]> {
    const all = (await this.#documents.list(table, { descending: true })).map(recordOf)
    return all
      .filter(
        (set) =>
          (environment === undefined || set.environment === environment) &&
          (view === undefined || set.view === view) &&
          (version === undefined || set.version === version) &&
          (live === undefined || set.live === live),
      )
      .slice(0, limit)
  }

  /** Throws `UNKNOWN_NAME`. */
  async get(id: string): Promise<TrainingSetRecord> {
    const [document] = await this.#documents.read([{ table, key: id }])
    if (document) return recordOf(document)
    const ids = (await this.#documents.list(table)).map(({ key }) => key)
    throw new LockstepError('UNKNOWN_NAME', `There is no training set ${id}${suggestion(id, ids)}`, {
      remedy: '`lockstep training-set list` shows all.',
    })
  }

  /**
   * Says that no model depends on a training set any more. `also`: what belongs to the same commit. Throws `UNKNOWN_NAME`, or
   * `REGISTRY_CONFLICT` where another changed it at the same time.
   */
  async retire(
    id: string,
    also: (before: TrainingSetRecord, after: TrainingSetRecord) => NonNullable<Commit['puts']> = () => [],
  ): Promise<TrainingSetRecord> {
    const [document] = await this.#documents.read([{ table, key: id }])
    const before = document ? recordOf(document) : await this.get(id)
    const { id: key, ...set } = { ...before, live: false }
    const after = { id, ...set }
    const made = await this.#documents.commit({
      conditions: [{ table, key, revision: document?.revision ?? 0 }],
      puts: [{ table, key, text: JSON.stringify(set) }, ...also(before, after)],
    })
    if (made === null) throw new LockstepError('REGISTRY_CONFLICT', `The training set ${id} was changed by another at the same time`)
    await this.#forget()
    return after
  }

  /** Says that rows were erased from a training set, and how many are left; nothing where that was said before. */
  async erased(id: string, left: number, erased: ErasedRows): Promise<void> {
    for (;;) {
      const [document] = await this.#documents.read([{ table, key: id }])
      if (!document) return
      const { id: _, ...set } = recordOf(document)
      if (set.rows === left) return
      const after = { ...set, rows: left, erased: [...(set.erased ?? []), erased] }
      const conditions = [{ table, key: id, revision: document.revision }]
      if (await this.#documents.commit({ conditions, puts: [{ table, key: id, text: JSON.stringify(after) }] })) return
    }
  }

  /** The oldest of those that are retired are not kept for ever. */
  async #forget(): Promise<void> {
    const deletes = (await this.list({ live: false })).slice(mostRetired).map(({ id: key }) => ({ table, key }))
    if (deletes.length > 0) await this.#documents.commit({ deletes })
  }
}

const recordOf = (document: Document): TrainingSetRecord => ({
  id: document.key,
  ...readDocument<Omit<TrainingSetRecord, 'id'>>(table, document),
})
