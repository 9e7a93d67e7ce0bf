import type { Apply } from './applies.ts'
import type { Condition, Document, DocumentPlace, DocumentReads } from './documents.ts'
import { tombstoneTable } from './life-cycles.ts'
import type { Model } from './models.ts'
import { readDocument } from './read-document.ts'
import { formerTable, hashesOf, referencesOf } from './trim-applies.ts'

/** What the registry holds of one environment and of no other. */
export interface EnvironmentDocuments {
  /** By the name of the table; of tables that hold something of it. */
  readonly documents: ReadonlyMap<string, readonly Document[]>
  /** What holds as long as nothing else is applied to it, and none of its items elsewhere. */
  readonly conditions: readonly Condition[]
}

/** Tables whose keys begin with the environment. */
const keyed = ['applies', formerTable, 'features', tombstoneTable, 'usage', 'statistics']

/**
 * All documents of an environment but those of the audit log, and of training sets but those that a live model was trained with, wherever
 * that reads. Items are those that no other environment has, or had.
 */
export async function environmentDocuments(reads: DocumentReads, environment: string): Promise<EnvironmentDocuments> {
  const heads = await reads.list('environments')
  const own = heads.filter(({ key }) => key === environment)
  const found = new Map<string, readonly Document[]>([['environments', own]])
  for (const table of keyed) found.set(table, await reads.list(table, { prefix: `${environment}/` }))
  const models = (await reads.list('models')).map((document) => readDocument<Pick<Model, 'versions'>>('models', document))
  const inUse = new Set(models.flatMap(({ versions }) => versions.flatMap(({ live, trainingSet }) => (live ? [trainingSet] : []))))
  for (const table of ['runs', 'trainingSets']) {
    const isOwn = (document: Document) => readDocument<{ readonly environment: string }>(table, document).environment === environment
    found.set(
      table,
      (await reads.list(table)).filter((one) => isOwn(one) && !inUse.has(one.key)),
    )
  }
  const items = await itemsOf(reads, found)
  found.set('items', items)
  const conditions = [
    { table: 'environments', key: environment, revision: own[0]?.revision ?? 0 },
    ...items.map(({ key, revision }) => ({ table: 'items', key, revision })),
  ]
  return { documents: new Map([...found].filter(([, all]) => all.length > 0)), conditions }
}

/** Where these documents are. */
export const placesIn = ({ documents }: EnvironmentDocuments): DocumentPlace[] =>
  [...documents].flatMap(([table, all]) => all.map(({ key }) => ({ table, key })))

/** The items that what was found refers to, and nothing else. */
async function itemsOf(reads: DocumentReads, found: ReadonlyMap<string, readonly Document[]>): Promise<Document[]> {
  const [own, others] = [new Set<string>(), new Set<string>()]
  for (const table of ['environments', 'applies', formerTable]) {
    const keys = new Set(found.get(table)?.map(({ key }) => key))
    for (const document of await reads.list(table)) {
      const hashes =
        table === 'applies' ? hashesOf(readDocument<Apply>(table, document)) : Object.values(referencesOf(document)).map(({ hash }) => hash)
      for (const hash of hashes) (keys.has(document.key) ? own : others).add(hash)
    }
  }
  const places = [...own].filter((hash) => !others.has(hash)).map((key) => ({ table: 'items', key }))
  return (await reads.read(places)).filter((item) => item !== null)
}
