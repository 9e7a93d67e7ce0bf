import { type Catalogue, parseItemId, viewHash } from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { ItemReference, Registry } from '../registry/index.ts'
import { catalogueOfItems } from './consumers.ts'

const page = 200
const small = ['entity', 'source']

/**
 * What an environment has or had, not only what is applied now: what is stored of them is still there. Of one name and version there
 * are several where their keys or sources were others once; those of `catalogue` come first, then the newest.
 */
export async function withEverApplied(catalogue: Catalogue, registry: Registry, environment: string): Promise<Catalogue> {
  let ever = catalogue
  for await (const stored of everApplied(registry, environment)) ever = merged(ever, stored)
  return ever
}

/** The same of all environments but this one: what says how to read rows whose definitions this one never had. */
export async function appliedElsewhere(registry: Registry, environment: string): Promise<Catalogue> {
  let all: Catalogue = { views: [], groups: [], onDemand: [], sources: [], entities: [] }
  for (const other of await registry.applies.environments()) {
    if (other === environment) continue
    for await (const stored of everApplied(registry, other)) all = merged(all, stored)
  }
  return all
}

/** What an environment has, and then, apply by apply, what each of them changed or took away as it was before. */
async function* everApplied({ applies }: Registry, environment: string): AsyncGenerator<Catalogue, void, undefined> {
  const head = await applies.head(environment)
  if (!head) return
  const state = new Map<string, ItemReference>(head.items)
  const seen = new Set([...state.values()].map(({ hash }) => hash))
  yield catalogueOfItems(await applies.items({ items: state }))
  for (let before = head.apply + 1; before > 1; ) {
    const found = await applies.history(environment, { before, limit: page })
    for (const { changes } of found) {
      const fresh: string[] = []
      for (const { id, before: reference } of changes) {
        if (reference === null) state.delete(id)
        else state.set(id, reference)
        if (reference !== null && !seen.has(reference.hash)) fresh.push(id)
        if (reference !== null) seen.add(reference.hash)
      }
      if (fresh.length === 0) continue
      // With what they refer to as it was then: groups refer to sources and entities only.
      const isAll = fresh.some((id) => !['group', ...small].includes(parseItemId(id).kind))
      const needed = isAll ? state : [...state].filter(([id]) => fresh.includes(id) || small.includes(parseItemId(id).kind))
      yield catalogueOfItems(await applies.items({ items: new Map(needed) }))
    }
    before = found.at(-1)?.number ?? 0
  }
  for (const items of await applies.former(environment)) yield catalogueOfItems(await applies.items({ items }))
}

const merged = (known: Catalogue, more: Catalogue): Catalogue => ({
  views: unlike(known.views, more.views, (view) => [view.name, view.version, viewHash(view)]),
  onDemand: unlike(known.onDemand, more.onDemand, ({ name, version }) => [name, version]),
  groups: unlike(known.groups, more.groups, ({ name, version, keys, entity, source }) => [
    name,
    version,
    keys,
    entity.keys,
    source.name,
    source.columns,
  ]),
  sources: unlike(known.sources, more.sources, ({ name, columns, stream, history }) => [
    name,
    columns,
    stream,
    history?.kind === 'rows' ? null : history,
  ]),
  entities: unlike(known.entities, more.entities, ({ name }) => [name]),
})

/** Those known, and of the others those that differ from them in what counts for finding rows. */
function unlike<T>(known: readonly T[], more: readonly T[], countsOf: (one: T) => unknown): readonly T[] {
  const seen = new Set(known.map((one) => canonicalJson(countsOf(one))))
  return [...known, ...more.filter((one) => !seen.has(canonicalJson(countsOf(one))))]
}
