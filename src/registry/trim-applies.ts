import { parseItemId } from '../definition/index.ts'
import type { Apply, Head, ItemReference } from './applies.ts'
import type { Condition, Document, DocumentStore } from './documents.ts'
import { readDocument } from './read-document.ts'

/** Of what is stored somewhere the last text, where the apply that took it out is not kept any more: it has still to be found there. */
export const formerTable = 'former'
/** What values, events or files are named by. */
export const storedKinds: readonly string[] = ['entity', 'source', 'group']

export interface TrimmedApplies {
  readonly applies: number
  readonly items: number
}

/**
 * Removes all applies of an environment but the newest, and the items that then nothing refers to: no environment, no apply that is kept
 * and nothing that was stored once. An item that is applied meanwhile stays, as its commit writes it anew; then nothing is removed yet.
 */
export async function trimApplies(documents: DocumentStore, environment: string, keep: number): Promise<TrimmedApplies> {
  const found = await documents.snapshot(async (reads) => {
    const heads = await reads.list('environments')
    const own = heads.find(({ key }) => key === environment)
    const last = own ? readDocument<Pick<Head, 'apply'>>('environments', own).apply : 0
    const all = (await reads.list('applies')).map((document) => ({ key: document.key, apply: readDocument<Apply>('applies', document) }))
    const [gone, kept] = [[] as typeof all, [] as typeof all]
    for (const one of all) (one.apply.environment === environment && one.apply.number <= last - keep ? gone : kept).push(one)
    if (gone.length === 0) return null
    const former = new Map(gone.flatMap(({ apply }) => formerOf(apply)))
    const inUse = new Set([
      ...heads.flatMap(hashesOfHead),
      ...kept.flatMap(({ apply }) => hashesOf(apply)),
      ...(await reads.list(formerTable)).filter(({ key }) => !former.has(key)).map(hashOfFormer),
      ...[...former.values()].map(({ hash }) => hash),
    ])
    const unused = [...new Set(gone.flatMap(({ apply }) => hashesOf(apply)))].filter((hash) => !inUse.has(hash))
    const items = await reads.read(unused.map((key) => ({ table: 'items', key })))
    return {
      gone,
      former,
      items: items.filter((item) => item !== null).map(({ key, revision }): Condition => ({ table: 'items', key, revision })),
    }
  })
  if (found === null) return { applies: 0, items: 0 }
  const { gone, former, items } = found
  const made = await documents.commit({
    conditions: items,
    puts: [...former].map(([key, reference]) => ({ table: formerTable, key, text: JSON.stringify(reference) })),
    deletes: [...gone.map(({ key }) => ({ table: 'applies', key })), ...items.map(({ key }) => ({ table: 'items', key }))],
  })
  return made === null ? { applies: 0, items: 0 } : { applies: gone.length, items: items.length }
}

/** What was in an environment once, and went with an apply that is not kept: the last text of each. */
export async function formerItems(documents: DocumentStore, environment: string): Promise<Map<string, ItemReference>> {
  const prefix = `${environment}/`
  const all = await documents.list(formerTable, { prefix })
  return new Map(all.map((document) => [document.key.slice(prefix.length), readDocument<ItemReference>(formerTable, document)]))
}

const formerOf = ({ environment, changes }: Apply): [string, ItemReference][] =>
  changes.flatMap(({ id, before, after }) =>
    before !== null && after === null && storedKinds.includes(parseItemId(id).kind) ? [[`${environment}/${id}`, before]] : [],
  )

const hashesOf = ({ changes }: Apply): string[] =>
  changes.flatMap(({ before, after }) => [before, after].flatMap((reference) => (reference === null ? [] : [reference.hash])))

const hashesOfHead = (document: Document): string[] =>
  Object.values(readDocument<{ readonly items: Readonly<Record<string, ItemReference>> }>('environments', document).items).map(
    ({ hash }) => hash,
  )

const hashOfFormer = (document: Document): string => readDocument<ItemReference>(formerTable, document).hash
