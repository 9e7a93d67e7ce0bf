import {
  type Catalogue,
  catalogueOf,
  type FeatureGroupData,
  type FeatureView,
  groupHash,
  itemId,
  showExpression,
  showFormat,
  showRefresh,
  showType,
  sourceHash,
  viewHash,
} from '../definition/index.ts'
import { CatalogueSearch, Lineage, planGroup, planView } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Store } from '../store/index.ts'

/** What is served, as records for a catalogue. */
export interface RegistryCatalogue {
  readonly catalogue: Catalogue
  /** The index of it, made when it is first searched: at ten thousand features that takes a quarter of a second. */
  readonly search: CatalogueSearch
  readonly features: readonly FeatureEntry[]
  readonly groups: readonly { readonly id: string; readonly entity: string; readonly owner: string; readonly tags: readonly string[] }[]
  readonly views: readonly { readonly id: string; readonly owner: string; readonly tags: readonly string[] }[]
  readonly sources: readonly { readonly id: string; readonly owner: string; readonly tags: readonly string[] }[]
  readonly entities: readonly { readonly id: string }[]
}

export interface FeatureEntry {
  /** `user_orders@1.user_order_count_7d` */
  readonly id: string
  readonly kind: 'group' | 'onDemand'
  readonly group: string
  readonly version: number
  readonly feature: string
  readonly entity: string | null
  readonly source: string | null
  readonly type: string
  readonly nullable: boolean
  readonly computed: string
  readonly description: string
  readonly owner: string
  readonly tags: readonly string[]
  /** `ranking@1` */
  readonly views: readonly string[]
}

const made = new WeakMap<Store['definitions'], RegistryCatalogue>()

/** Made once for each set of definitions that a store works with. */
export function registryCatalogue({ definitions }: Store): RegistryCatalogue {
  const known = made.get(definitions)
  if (known) return known
  const catalogue = catalogueOf(definitions)
  let search: CatalogueSearch | null = null
  const entry: RegistryCatalogue = {
    catalogue,
    get search() {
      search ??= new CatalogueSearch(catalogue)
      return search
    },
    features: featuresOf(catalogue),
    groups: catalogue.groups.map(groupEntry),
    views: catalogue.views.map(viewEntry),
    sources: catalogue.sources.map((source) => ({
      id: `source:${source.name}`,
      name: source.name,
      kind: source.kind,
      columns: typed(source.columns),
      time: source.time,
      history: source.history && { kind: source.history.kind, path: source.history.kind === 'rows' ? [] : [source.history.path].flat() },
      stream: source.stream && { topic: source.stream.topic, key: source.stream.key, format: showFormat(source.stream.format) },
      hash: sourceHash(source),
      description: source.description,
      owner: source.owner,
      tags: source.tags,
    })),
    entities: catalogue.entities.map(({ name, keys, description }) => ({ id: `entity:${name}`, name, keys: typed(keys), description })),
  }
  made.set(definitions, entry)
  return entry
}

const versioned = ({ name, version }: { readonly name: string; readonly version: number }): string => `${name}@${version}`
const typed = (types: Readonly<Record<string, TypeData>>) => Object.entries(types).map(([name, type]) => ({ name, type: showType(type) }))

function featuresOf(catalogue: Catalogue): FeatureEntry[] {
  const lineage = new Lineage(catalogue)
  const viewsOf = (id: string) => {
    const below = lineage.nodes.has(id) ? lineage.reach([id], 'down').nodes : []
    return [...new Set(below.flatMap((node) => (node.kind === 'viewFeature' ? [/^view:([^.]+)/.exec(node.id)?.[1] ?? ''] : [])))].sort()
  }
  const ofGroups = catalogue.groups.flatMap((group) =>
    planGroup(group).features.map(({ name, type, node }): FeatureEntry => {
      const id = `${versioned(group)}.${name}`
      return {
        id,
        kind: 'group',
        group: group.name,
        version: group.version,
        feature: name,
        entity: group.entity.name,
        source: group.source.name,
        type: showType(type),
        nullable: type.nullable,
        computed: showExpression(node),
        description: group.descriptions[name] ?? '',
        owner: group.owner,
        tags: group.tags,
        views: viewsOf(id),
      }
    }),
  )
  const onDemand = catalogue.onDemand.flatMap((one) =>
    Object.entries(one.features).map(([name, type]): FeatureEntry => {
      const id = `${versioned(one)}.${name}`
      const { owner, tags, description } = one
      const common = { entity: null, source: null, computed: 'on demand', description, owner, tags, views: viewsOf(id) }
      return {
        id,
        kind: 'onDemand',
        group: one.name,
        version: one.version,
        feature: name,
        type: showType(type),
        nullable: type.nullable,
        ...common,
      }
    }),
  )
  return [...ofGroups, ...onDemand].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function groupEntry(group: FeatureGroupData) {
  const { name, version, entity, source, keys, refresh, ttl, freshness, description, owner, tags } = group
  return {
    id: itemId({ kind: 'group', name, version }),
    name,
    version,
    entity: entity.name,
    source: source.name,
    keys,
    refresh: showRefresh(refresh),
    ttl,
    freshness,
    features: Object.keys(group.features),
    hash: groupHash(group),
    description,
    owner,
    tags,
  }
}

function viewEntry(view: FeatureView) {
  const { name, version, description, owner, tags } = view
  const { output, uses } = planView(view)
  return {
    id: itemId({ kind: 'view', name, version }),
    name,
    version,
    keys: typed(view.keys),
    request: typed(view.request),
    features: output.map((one) => ({ name: one.name, type: showType(one.type) })),
    groups: [...new Set(uses.map(({ plan: { group } }) => versioned(group)))],
    hash: viewHash(view),
    description,
    owner,
    tags,
  }
}
