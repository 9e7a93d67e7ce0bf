import { type Catalogue, parseItemId } from '../definition/index.ts'
import type { ItemReference, Registry } from '../registry/index.ts'
import { catalogueOfItems } from './consumers.ts'

const page = 200

/**
 * A catalogue with the groups, sources and entities that were applied in an environment once and are not any more, as they were last:
 * what is stored of them is still there.
 */
export async function withEverApplied(catalogue: Catalogue, { applies }: Registry, environment: string): Promise<Catalogue> {
  const head = await applies.head(environment)
  if (!head) return catalogue
  const last = new Map<string, ItemReference>(head.items)
  for (let before = head.apply + 1; before > 1; ) {
    const found = await applies.history(environment, { before, limit: page })
    for (const { changes } of found)
      for (const { id, before: reference } of changes) if (reference !== null && !last.has(id)) last.set(id, reference)
    before = found.at(-1)?.number ?? 0
  }
  const stored = [...last].filter(([id]) => ['entity', 'source', 'group'].includes(parseItemId(id).kind))
  const ever = catalogueOfItems(await applies.items({ items: new Map(stored) }))
  return {
    ...catalogue,
    groups: merged(catalogue.groups, ever.groups),
    sources: merged(catalogue.sources, ever.sources),
    entities: merged(catalogue.entities, ever.entities),
  }
}

function merged<T extends { readonly name: string }>(known: readonly T[], ever: readonly T[]): T[] {
  const idOf = (one: T) => `${one.name}@${'version' in one ? one.version : 0}`
  const ids = new Set(known.map(idOf))
  return [...known, ...ever.filter((one) => !ids.has(idOf(one)))]
}
