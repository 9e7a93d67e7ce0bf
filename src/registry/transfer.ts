import { LockstepError } from '../errors.ts'
import { formatMoment, type Micros } from '../lib/moment.ts'
import { isAdminOfAll, type Principal } from './access-state.ts'
import { type AuditEntry, auditTable } from './audit.ts'
import { checkCommit } from './check.ts'
import { broken, checkDocuments } from './check-documents.ts'
import type { Commit, Document, DocumentReads, DocumentStore } from './documents.ts'

/** All that a registry holds, as one JSON document. A text that is JSON stands there as JSON where that gives the same text again. */
export interface RegistryExport {
  readonly format: typeof format
  readonly version: number
  /** ISO 8601, UTC. */
  readonly exported: string
  readonly revision: number
  readonly tables: Readonly<Record<string, Readonly<Record<string, { readonly json: unknown } | { readonly text: string }>>>>
}

export interface ImportOptions {
  /** In the place of what the registry holds. */
  readonly replace?: boolean
  /** Also where nobody would be an admin any more, and so everybody might do everything. */
  readonly openToAll?: boolean
  /** Who imports, and when: entries of the audit log that are added say so, as an export may hold any. */
  readonly imported: NonNullable<AuditEntry['imported']>
  /** What belongs to the same commit. */
  readonly also?: NonNullable<Commit['puts']>
}

export interface ImportResult {
  readonly documents: number
  readonly removed: number
  readonly revision: number
}

const format = 'lockstep-registry'
const version = 1

/** All documents as of one revision, however busy the registry is. */
export async function exportRegistry(documents: DocumentStore, now: Micros): Promise<RegistryExport> {
  return await documents.snapshot(async (reads) => {
    const tables = [...(await allDocuments(reads))].map(([table, all]) => [
      table,
      Object.fromEntries(all.map(({ key, text }) => [key, contentOf(text)])),
    ])
    return { format, version, exported: formatMoment(now), revision: await reads.revision(), tables: Object.fromEntries(tables) }
  })
}

/**
 * Puts what an export holds into a registry that is empty, in one commit; with `replace` in the place of what it holds, but for the audit
 * log, which is added to: what is added says that it was imported. All is checked before anything is written. Throws `INVALID_ARGUMENT` for what is no whole export, and
 * `REGISTRY_CONFLICT` where the registry is not empty, or others commit meanwhile, and `IN_USE` where it has an admin and the export none.
 */
export async function importRegistry(
  documents: DocumentStore,
  exported: unknown,
  { replace = false, openToAll = false, imported, also = [] }: ImportOptions,
): Promise<ImportResult> {
  const puts = documentsOf(exported).map((put) => (put.table === auditTable ? { ...put, text: markedText(put.text, imported) } : put))
  const all = [...(await allDocuments(documents))].flatMap(([table, some]) => some.map((document) => ({ table, ...document })))
  const known = all.map(({ table, key, revision }) => ({ table, key, revision }))
  if (known.length > 0 && !replace)
    throw new LockstepError('REGISTRY_CONFLICT', `The registry holds ${known.length} documents`, {
      remedy: 'Import into an empty registry, or replace what is there: --replace.',
    })
  if (!openToAll && all.some(isAdmin) && !puts.some(isAdmin))
    throw new LockstepError('IN_USE', 'The registry has an admin, and the export has none: everybody could do everything', {
      remedy: 'Import one that was exported with its principals, or say that this is meant: --force.',
    })
  const places = new Set(puts.map(placeOf))
  const deletes = known.filter((place) => place.table !== auditTable && !places.has(placeOf(place)))
  const held = new Set(known.map(placeOf))
  const absent = puts.filter((put) => !held.has(placeOf(put))).map(({ table, key }) => ({ table, key, revision: 0 }))
  const kept = puts.filter((put) => put.table !== auditTable || !held.has(placeOf(put)))
  const revision = await documents.commit({ conditions: [...known, ...absent], puts: [...kept, ...also], deletes })
  if (revision === null) throw new LockstepError('REGISTRY_CONFLICT', 'Somebody else changed the registry at the same time')
  return { documents: kept.length, removed: deletes.length, revision }
}

const isAdmin = ({ table, text }: { readonly table: string; readonly text: string }): boolean =>
  table === 'principals' && (JSON.parse(text) as Pick<Principal, 'grants'>).grants.some(isAdminOfAll)

const placeOf = ({ table, key }: { readonly table: string; readonly key: string }): string => `${table}/${key}`

async function allDocuments(documents: DocumentReads): Promise<Map<string, Document[]>> {
  const found = new Map<string, Document[]>()
  for (const table of await documents.tables()) found.set(table, await documents.list(table))
  return found
}

function contentOf(text: string): { readonly json: unknown } | { readonly text: string } {
  try {
    const json: unknown = JSON.parse(text)
    return JSON.stringify(json) === text ? { json } : { text }
  } catch {
    return { text }
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An entry of the audit log that says that it was imported; where it was imported before, the last time counts. */
function markedText(text: string, imported: ImportOptions['imported']): string {
  const content = contentOf(text)
  if (!('json' in content) || !isRecord(content.json)) throw broken('An entry of the audit log is no JSON', auditTable)
  return JSON.stringify({ ...content.json, imported })
}

/** The documents of an export, each where it belongs and whole. */
function documentsOf(exported: unknown): { readonly table: string; readonly key: string; readonly text: string }[] {
  if (!isRecord(exported) || exported.format !== format || !isRecord(exported.tables)) throw broken('It is no export of a registry')
  if (exported.version !== version) throw broken(`It has version ${String(exported.version)}; this version of Lockstep knows ${version}`)
  const puts = Object.entries(exported.tables).flatMap(([table, all]) => {
    if (!isRecord(all)) throw broken('A table is no object', table)
    return Object.entries(all).map(([key, content]) => ({ table, key, text: textOf(content, `${table}/${key}`) }))
  })
  checkCommit({ puts })
  checkDocuments(puts)
  return puts
}

function textOf(content: unknown, where: string): string {
  if (isRecord(content) && 'json' in content) return JSON.stringify(content.json)
  if (isRecord(content) && typeof content.text === 'string') return content.text
  throw broken('A document has neither json nor text', where)
}
