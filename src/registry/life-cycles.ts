import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { formatMoment } from '../lib/moment.ts'
import type { Audit, AuditEvent } from './audit.ts'
import type { Commit, Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'

export const lifeStatuses = ['draft', 'active', 'deprecated', 'removed'] as const
export type LifeStatus = (typeof lifeStatuses)[number]

/** From when to when something answers as if it were removed, so that those who still read it notice. ISO 8601, UTC. */
export interface BrownOut {
  readonly from: string
  readonly to: string
}

/** Where a feature, group or view stands. What nobody has said anything of is active. */
export interface LifeCycle {
  /** `user_orders@1.user_order_count_7d`, `group:user_orders@1` or `view:ranking@1`. */
  readonly id: string
  readonly status: LifeStatus
  /** What to read instead, by its id. */
  readonly replacement: string | null
  /** ISO 8601, UTC: it stays until then at least. */
  readonly removeAfter: string | null
  readonly reason: string
  readonly brownOuts: readonly BrownOut[]
  /** Since when, and by whom. */
  readonly at: string
  readonly by: string
}

/** What is left of something that was removed, so that its name does not come back with another meaning. */
export interface Tombstone {
  /** `view:ranking@1`, `group:user_orders@1`, `feature:user_orders@1.user_order_count_7d`. */
  readonly id: string
  readonly meaning: string
  readonly removed: string
  readonly by: string
}

const table = 'features'
export const tombstoneTable = 'tombstones'

/** draft → active → deprecated → removed, of each feature, group and view in each environment. */
export class LifeCycles {
  readonly #documents: DocumentStore
  readonly #clock: Clock
  readonly #audit: Audit

  constructor(documents: DocumentStore, clock: Clock, audit: Audit) {
    this.#documents = documents
    this.#clock = clock
    this.#audit = audit
  }

  /** All of which something was said, in order of their ids. */
  async list(environment: string): Promise<LifeCycle[]> {
    return (await this.#documents.list(table, { prefix: `${environment}/` })).map((document) => cycleOf(environment, document))
  }

  /** Null where nothing was said of it: it is active. */
  async get(environment: string, id: string): Promise<LifeCycle | null> {
    const [document] = await this.#documents.read([{ table, key: `${environment}/${id}` }])
    return document ? cycleOf(environment, document) : null
  }

  /**
   * Says where something stands from now on, in one commit with what is told the audit log. Throws `REGISTRY_CONFLICT` where another
   * said something else at the same time.
   */
  async set(
    environment: string,
    { id, ...cycle }: Omit<LifeCycle, 'at'>,
    action: AuditEvent['action'],
    also: Commit = {},
  ): Promise<LifeCycle> {
    const [before] = await this.#documents.read([{ table, key: `${environment}/${id}` }])
    const { key, text, after } = this.put(environment, { id, ...cycle })
    const old = before ? cycleOf(environment, before) : null
    const event = this.#audit.put({ by: cycle.by, action, on: id, environment, before: old, after, why: cycle.reason })
    const made = await this.#documents.commit({
      conditions: [{ table, key, revision: before?.revision ?? 0 }, ...(also.conditions ?? [])],
      puts: [{ table, key, text }, event, ...(also.puts ?? [])],
      deletes: also.deletes ?? [],
    })
    if (made === null) throw new LockstepError('REGISTRY_CONFLICT', `Somebody changed ${id} at the same time`)
    return after
  }

  /** What says so, as part of another commit. */
  put(
    environment: string,
    cycle: Omit<LifeCycle, 'at'>,
  ): { readonly table: string; readonly key: string; readonly text: string; readonly after: LifeCycle } {
    const { id, ...rest } = { ...cycle, at: formatMoment(this.#clock.now()) }
    return { table, key: `${environment}/${id}`, text: JSON.stringify(rest), after: { id, ...rest } }
  }

  /** A tombstone, as part of the commit that removes. */
  tombstone(id: string, meaning: string, by: string): { readonly table: string; readonly key: string; readonly text: string } {
    return { table: tombstoneTable, key: id, text: JSON.stringify({ meaning, removed: formatMoment(this.#clock.now()), by }) }
  }

  async tombstones(prefix = ''): Promise<Tombstone[]> {
    const found = await this.#documents.list(tombstoneTable, { prefix })
    return found.map((document) => ({ id: document.key, ...readDocument<Omit<Tombstone, 'id'>>(tombstoneTable, document) }))
  }
}

const cycleOf = (environment: string, document: Document): LifeCycle => ({
  id: document.key.slice(environment.length + 1),
  ...readDocument<Omit<LifeCycle, 'id'>>(table, document),
})
