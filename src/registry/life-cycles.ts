import { LockstepError } from '../errors.ts'
import type { Clock } from '../lib/clock.ts'
import { formatMoment } from '../lib/moment.ts'
import type { Audit, AuditEvent } from './audit.ts'
import type { Commit, Condition, Document, DocumentPlace, DocumentStore } from './documents.ts'
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

/** As it is said: when is known by the clock. */
export type NewLifeCycle = Omit<LifeCycle, 'at'>

/** Part of a commit, and what was said before and is after it. */
export interface LifeCycleChanges {
  readonly conditions: readonly Condition[]
  readonly puts: readonly (DocumentPlace & { readonly text: string })[]
  readonly before: readonly (LifeCycle | null)[]
  readonly after: readonly LifeCycle[]
}

/** What is left of something that was removed, so that its name does not come back with another meaning in its environment. */
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
    cycle: NewLifeCycle,
    action: AuditEvent['action'],
    also: Commit = {},
    why = cycle.reason,
  ): Promise<LifeCycle> {
    const { before, after, ...changes } = await this.changes(environment, [cycle])
    const [old = null, now] = [before[0], after[0] as LifeCycle]
    const event = this.#audit.put({ by: cycle.by, action, on: cycle.id, environment, before: old, after: now, why })
    const made = await this.#documents.commit({
      conditions: [...changes.conditions, ...(also.conditions ?? [])],
      puts: [...changes.puts, event, ...(also.puts ?? [])],
      deletes: also.deletes ?? [],
    })
    if (made === null) throw new LockstepError('REGISTRY_CONFLICT', `Somebody changed ${cycle.id} at the same time`)
    return now
  }

  /** What says where things stand from now on, as part of another commit: only if nobody else says something at the same time. */
  async changes(environment: string, cycles: readonly NewLifeCycle[]): Promise<LifeCycleChanges> {
    const places = cycles.map(({ id }) => ({ table, key: `${environment}/${id}` }))
    const documents = await this.#documents.read(places)
    const at = formatMoment(this.#clock.now())
    return {
      conditions: places.map((place, index) => ({ ...place, revision: documents[index]?.revision ?? 0 })),
      puts: places.map((place, index) => {
        const { id: _id, ...cycle } = cycles[index] as NewLifeCycle
        return { ...place, text: JSON.stringify({ ...cycle, at }) }
      }),
      before: documents.map((document) => document && cycleOf(environment, document)),
      after: cycles.map((cycle) => ({ ...cycle, at })),
    }
  }

  /** A tombstone, as part of the commit that removes. */
  tombstone(environment: string, id: string, meaning: string, by: string): DocumentPlace & { readonly text: string } {
    return { ...this.tombstonePlace(environment, id), text: JSON.stringify({ meaning, removed: formatMoment(this.#clock.now()), by }) }
  }

  /** Where a tombstone is, for the commit that brings the same thing back. */
  tombstonePlace(environment: string, id: string): DocumentPlace {
    return { table: tombstoneTable, key: `${environment}/${id}` }
  }

  /** What is retired in an environment, in order of the ids. */
  async tombstones(environment: string): Promise<Tombstone[]> {
    const prefix = `${environment}/`
    const found = await this.#documents.list(tombstoneTable, { prefix })
    return found.map((document) => ({
      id: document.key.slice(prefix.length),
      ...readDocument<Omit<Tombstone, 'id'>>(tombstoneTable, document),
    }))
  }
}

const cycleOf = (environment: string, document: Document): LifeCycle => ({
  id: document.key.slice(environment.length + 1),
  ...readDocument<Omit<LifeCycle, 'id'>>(table, document),
})
