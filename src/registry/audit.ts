import type { Clock } from '../lib/clock.ts'
import { formatMoment, type Micros } from '../lib/moment.ts'
import type { DocumentPlace, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'
import { timeKey, timePrefix } from './time-key.ts'

/** Something that was done, or that somebody was not allowed to do. */
export interface AuditEvent {
  readonly by: string
  /** What was done: `apply`, `deprecate`, `access.grant`. */
  readonly action: string
  /** What it was done to: `group:orders@1`, `ann`. */
  readonly on: string
  readonly environment: string
  /** False: it was refused. True where it is left out. */
  readonly allowed?: boolean
  /** What there was and what there is now, as JSON; null where there was or is nothing. */
  readonly before?: unknown
  readonly after?: unknown
  /** Why, in the words of who did it, or of what refused it. */
  readonly why?: string
}

export interface NewAuditEvent extends AuditEvent {
  /** When, where that is not now. */
  readonly happened?: Micros
}

export interface AuditEntry extends Required<AuditEvent> {
  readonly id: string
  /** Where it came by an import, which may say anything: when, and by whom. */
  readonly imported?: { readonly at: string; readonly by: string }
  /** ISO 8601, UTC. */
  readonly at: string
}

export interface AuditFilter {
  readonly since?: Micros | undefined
  readonly until?: Micros | undefined
  readonly by?: string | undefined
  readonly environment?: string | undefined
  readonly action?: string | undefined
  /** Only what was allowed, or only what was refused. */
  readonly allowed?: boolean | undefined
  /** Entries after the one of this id, in the direction of the list. */
  readonly after?: string | undefined
  /** Newest first. */
  readonly descending?: boolean | undefined
}

export const auditTable = 'audit'
const page = 500

/** Every change and every refused attempt. Nothing of it is changed, and removed only what was exported, by whom the log then names. */
export class Audit {
  readonly #documents: DocumentStore
  readonly #clock: Clock

  constructor(documents: DocumentStore, clock: Clock) {
    this.#documents = documents
    this.#clock = clock
  }

  /** What tells of an event, as part of the commit that makes the change: both are made, or neither. */
  put({
    allowed = true,
    before = null,
    after = null,
    why = '',
    happened: at = this.#clock.now(),
    ...event
  }: NewAuditEvent): DocumentPlace & { readonly text: string } {
    return { table: auditTable, key: timeKey(at), text: JSON.stringify({ at: formatMoment(at), ...event, allowed, before, after, why }) }
  }

  /** Tells of events that no commit of the registry stands for. */
  async record(...events: readonly NewAuditEvent[]): Promise<void> {
    await this.#documents.commit({ puts: events.map((event) => this.put(event)) })
  }

  /** Removes entries that were exported, and says so in the same commit. `exported`: where they are now, and the SHA-256 of the file. */
  async remove(
    entries: readonly Pick<AuditEntry, 'id' | 'at'>[],
    { by, file, sha256 }: { readonly by: string; readonly file: string; readonly sha256: string },
  ): Promise<void> {
    const before = { entries: entries.length, first: entries[0]?.at ?? null, last: entries.at(-1)?.at ?? null }
    const told = this.put({ by, action: 'audit.trim', on: file, environment: '*', before, after: { sha256 } })
    await this.#documents.commit({ puts: [told], deletes: entries.map(({ id }) => ({ table: auditTable, key: id })) })
  }

  /** The entries that a filter lets through, page by page, oldest first unless told otherwise. */
  async *list({ since, until, after, descending = false, ...rest }: AuditFilter = {}): AsyncGenerator<AuditEntry> {
    const [from, to] = [since === undefined ? null : timePrefix(since), until === undefined ? null : timePrefix(until)]
    const start = descending ? to : from
    for (let last = after ?? start ?? undefined; ; ) {
      const documents = await this.#documents.list(auditTable, { limit: page, descending, ...(last === undefined ? {} : { after: last }) })
      for (const document of documents) {
        if (descending ? from !== null && document.key < from : to !== null && document.key >= to) return
        const entry = { id: document.key, ...readDocument<Omit<AuditEntry, 'id'>>(auditTable, document) }
        if (passes(entry, rest)) yield entry
      }
      last = documents.at(-1)?.key
      if (documents.length < page) return
    }
  }
}

function passes(entry: AuditEntry, { by, environment, action, allowed }: AuditFilter): boolean {
  return (
    (by === undefined || entry.by === by) &&
    (environment === undefined || entry.environment === environment) &&
    (action === undefined || entry.action === action) &&
    (allowed === undefined || entry.allowed === allowed)
  )
}
