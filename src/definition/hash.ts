import { canonicalHash } from '../lib/canonical-json.ts'
import { once } from '../lib/once.ts'
import type { FeatureGroupData } from './group.ts'
import type { History } from './history.ts'
import { OnDemand } from './on-demand.ts'
import type { Selection } from './selection.ts'
import type { SourceData } from './source.ts'
import type { AnyView } from './view.ts'

/**
 * Semantic hashes: two definitions with one hash give the same values for the same data. Names of owners, descriptions,
 * tags, paths, the order of features and columns, formatting and comments leave them alone; anything else does not. The
 * order of the columns of an entity key counts, as stores pack the key in it.
 */
export const sourceHash = once((source: SourceData): string => {
  const { kind, name, columns, time, id, known, order, timeZone, invalidRows, history } = source
  return canonicalHash({
    kind,
    name,
    columns,
    time,
    id: [...id].sort(),
    known,
    order,
    timeZone,
    invalidRows,
    history: historyMeaning(history),
  })
})

/** How files are read, not where they lie. */
function historyMeaning(history: History | null): unknown {
  if (history === null || history.kind === 'rows') return null
  const { columns, delimiter, header, nullText } = history
  return { columns, delimiter, header, nullText }
}

/** Hash of one feature of a group: its computation, source, keys, refresh and ttl. */
export function featureHash(group: FeatureGroupData, feature: string): string {
  const hashes = featureHashes(group)
  const hash = hashes.get(feature) ?? canonicalHash({ ...groupMeaning(group), feature: group.features[feature] })
  hashes.set(feature, hash)
  return hash
}

const featureHashes = once((_group: FeatureGroupData) => new Map<string, string>())

export const groupHash = once((group: FeatureGroupData): string => canonicalHash({ ...groupMeaning(group), features: group.features }))

function groupMeaning(group: FeatureGroupData): object {
  return {
    entity: { name: group.entity.name, keys: Object.entries(group.entity.keys) },
    source: sourceHash(group.source),
    keys: group.keys,
    refresh: group.refresh,
    ttl: group.ttl,
  }
}

export const onDemandHash = once(({ request, features, code, from }: OnDemand): string =>
  canonicalHash({ request, features, code, from: itemsMeaning(from) }),
)

/** Hash of a view: of every feature that it reads, under its name in the view, and of its keys. */
export const viewHash = once(({ keys, request, defaults, items }: AnyView): string => {
  // Without defaults as before there were any: what was written then still fits.
  const declared = Object.keys(defaults).length > 0 ? { defaults } : {}
  return canonicalHash({ keys, request, features: itemsMeaning(items), ...declared })
})

/** What each feature is, by its name: in which items they were listed does not matter. */
function itemsMeaning(items: readonly (Selection | OnDemand)[]): Record<string, unknown> {
  return Object.fromEntries(
    items.flatMap((item): [string, unknown][] => {
      if (item instanceof OnDemand) {
        const meaning = { onDemand: item.name, hash: onDemandHash(item) }
        return Object.keys(item.features).map((name) => [name, meaning])
      }
      const { group, keys } = item
      return Object.entries(item.features).map(([name, feature]) => [name, { group: group.name, keys, hash: featureHash(group, feature) }])
    }),
  )
}
