import { type Item, parseItemId } from '../definition/index.ts'
import { SnapshotTexts } from '../plan/index.ts'
import type { Apply, ItemReference } from './applies.ts'
import type { Condition, Document, DocumentReads, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'

/**
 * What was applied before the applies that are kept, each once, together with what it referred to: rows that it named may still be
 * stored, and who erases a subject has to know how they are read.
 */
export const formerTable = 'former'

/** Some items of a state, as what an environment holds. */
type References = Map<string, ItemReference>

export interface TrimmedApplies {
  readonly applies: number
  readonly items: number
}

/**
 * Removes all applies of an environment but the newest, and the items that then nothing refers to: no environment, no apply that is kept
 * and nothing that was there once. An item that is applied meanwhile stays, as its commit writes it anew; then nothing is removed yet.
 */
export async function trimApplies(documents: DocumentStore, environment: string, keep: number): Promise<TrimmedApplies> {
  const found = await documents.snapshot((reads) => whatGoes(reads, environment, keep))
  if (found === null) return { applies: 0, items: 0 }
  const { applies, items, former } = found
  const made = await documents.commit({
    conditions: items,
    puts: [...former].map(([key, references]) => ({
      table: formerTable,
      key,
      text: JSON.stringify({ items: Object.fromEntries(references) }),
    })),
    deletes: [...applies.map((key) => ({ table: 'applies', key })), ...items.map(({ key }) => ({ table: 'items', key }))],
  })
  return made === null ? { applies: 0, items: 0 } : { applies: applies.length, items: items.length }
}

/** What was in an environment before the applies that are kept: each with what it referred to. */
export async function formerItems(documents: DocumentStore, environment: string): Promise<References[]> {
  return (await documents.list(formerTable, { prefix: `${environment}/` })).map(
    (document) => new Map(Object.entries(referencesOf(document))),
  )
}

interface Going {
  readonly applies: readonly string[]
  readonly items: readonly Condition[]
  readonly former: ReadonlyMap<string, References>
}

async function whatGoes(reads: DocumentReads, environment: string, keep: number): Promise<Going | null> {
  const heads = await reads.list('environments')
  const own = heads.find(({ key }) => key === environment)
  if (!own) return null
  const last = readDocument<{ readonly apply: number }>('environments', own).apply
  const all = (await reads.list('applies', { descending: true })).map((document) => readDocument<Apply>('applies', document))
  const isGoing = (one: Apply) => one.environment === environment && one.number <= last - keep
  const [going, kept] = [all.filter(isGoing), all.filter((one) => !isGoing(one))]
  if (going.length === 0) return null
  const known = await reads.list(formerTable)
  const state: References = new Map(Object.entries(referencesOf(own)))
  const seen = new Set([...state].map(([id, reference]) => formerKey(environment, id, reference)))
  for (const { key } of known) seen.add(key)
  for (const apply of kept.filter((one) => one.environment === environment))
    for (const [id, reference] of undo(state, apply)) seen.add(formerKey(environment, id, reference))
  const former = new Map<string, References>()
  for (const apply of going)
    for (const [id, reference] of undo(state, apply)) {
      const key = formerKey(environment, id, reference)
      if (seen.has(key)) continue
      seen.add(key)
      former.set(key, await withReferences(reads, state, id))
    }
  const inUse = new Set([
    ...[...heads, ...known].flatMap((document) => Object.values(referencesOf(document)).map(({ hash }) => hash)),
    ...kept.flatMap(hashesOf),
    ...[...former.values()].flatMap((references) => [...references.values()].map(({ hash }) => hash)),
  ])
  const unused = [...new Set(going.flatMap(hashesOf))].filter((hash) => !inUse.has(hash))
  const items = (await reads.read(unused.map((key) => ({ table: 'items', key })))).filter((item) => item !== null)
  return {
    applies: going.map(({ number }) => applyKey(environment, number)),
    items: items.map(({ key, revision }) => ({ table: 'items', key, revision })),
    former,
  }
}

/** Makes of the state after an apply the one before, and gives what came back by it. */
function undo(state: References, { changes }: Apply): [id: string, reference: ItemReference][] {
  for (const { id, before } of changes) {
    if (before === null) state.delete(id)
    else state.set(id, before)
  }
  return changes.flatMap(({ id, before }) => (before === null ? [] : [[id, before]]))
}

/** Once for each meaning; of sources for each text, as their meaning leaves out where their events are. */
const formerKey = (environment: string, id: string, { hash, meaning }: ItemReference): string =>
  `${environment}/${id}/${parseItemId(id).kind === 'source' ? hash : meaning}`

async function withReferences(reads: DocumentReads, state: References, id: string, found: References = new Map()): Promise<References> {
  const reference = state.get(id)
  if (reference === undefined || found.has(id)) return found
  found.set(id, reference)
  const [document] = await reads.read([{ table: 'items', key: reference.hash }])
  if (!document) return found
  const item: Item = { ...parseItemId(id), ...reference, text: document.text }
  for (const other of new SnapshotTexts(new Map([[id, item]])).references(id)) await withReferences(reads, state, other, found)
  return found
}

/** So that keys list in order of the numbers. */
export const applyKey = (environment: string, number: number): string => `${environment}/${String(number).padStart(6, '0')}`

/** The items that an apply changed, as they were and as they are since. */
export const hashesOf = ({ changes }: Apply): string[] =>
  changes.flatMap(({ before, after }) => [before, after].flatMap((reference) => (reference === null ? [] : [reference.hash])))

/** What a head refers to, or what was applied once. */
export const referencesOf = (document: Document): Readonly<Record<string, ItemReference>> =>
  readDocument<{ readonly items: Readonly<Record<string, ItemReference>> }>('environments', document).items
