import {
  type Catalogue,
  catalogueOf,
  type Entity,
  type FeatureGroupData,
  type FeatureView,
  groupHash,
  itemId,
  OnDemand,
  onDemandHash,
  type SourceData,
  showExpression,
  showFormat,
  showRefresh,
  showType,
  sourceHash,
  viewHash,
} from '../definition/index.ts'
import { CatalogueSearch, Lineage, planGroup, planView, SimilarFeatures } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Store } from '../store/index.ts'

/** What is served, as records for a catalogue. */
export interface RegistryCatalogue {
  readonly catalogue: Catalogue
  /** The index of it, made when it is first searched: at ten thousand features that takes a quarter of a second. */
  readonly search: CatalogueSearch
  /** Made when it is first asked. */
  readonly similar: SimilarFeatures
  readonly features: readonly FeatureEntry[]
  readonly groups: readonly ReturnType<typeof groupEntry>[]
  readonly views: readonly ReturnType<typeof viewEntry>[]
  readonly onDemand: readonly ReturnType<typeof onDemandEntry>[]
  readonly sources: readonly ReturnType<typeof sourceEntry>[]
  readonly entities: readonly ReturnType<typeof entityEntry>[]
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
  let similar: SimilarFeatures | null = null
  const entry: RegistryCatalogue = {
    catalogue,
    get search() {
      search ??= new CatalogueSearch(catalogue)
      return search
    },
    get similar() {
      similar ??= new SimilarFeatures(catalogue)
      return similar
    },
    features: featuresOf(catalogue),
    groups: catalogue.groups.map(groupEntry),
    views: catalogue.views.map(viewEntry),
    onDemand: catalogue.onDemand.map(onDemandEntry),
    sources: catalogue.sources.map(sourceEntry),
    entities: catalogue.entities.map(entityEntry),
  }
  made.set(definitions, entry)
  return entry
}

export const versioned = ({ name, version }: { readonly name: string; readonly version: number }): string => `${name}@${version}`
export const typed = (types: Readonly<Record<string, TypeData>>) =>
  Object.entries(types).map(([name, type]) => ({ name, type: showType(type) }))

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

function onDemandEntry(onDemand: OnDemand) {
  const { name, version, description, owner, tags } = onDemand
  return {
    id: itemId({ kind: 'onDemand', name, version }),
    name,
    version,
    request: typed(onDemand.request),
    reads: onDemand.from.flatMap((item) =>
      Object.entries(item.features).map(([as, own]) => {
        const from = item instanceof OnDemand ? item : item.group
        return { name: as, feature: `${versioned(from)}.${typeof own === 'string' ? own : as}` }
      }),
    ),
    features: typed(onDemand.features),
    hash: onDemandHash(onDemand),
    description,
    owner,
    tags,
  }
}

function sourceEntry(source: SourceData) {
  const { name, kind, time, history, stream, description, owner, tags } = source
  return {
    id: `source:${name}`,
    name,
    kind,
    columns: typed(source.columns),
    time,
    history: history && { kind: history.kind, path: history.kind === 'rows' ? [] : [history.path].flat() },
    stream: stream && { topic: stream.topic, key: stream.key, format: showFormat(stream.format) },
    hash: sourceHash(source),
    description,
    owner,
    tags,
  }
}

const entityEntry = ({ name, keys, description }: Entity) => ({ id: `entity:${name}`, name, keys: typed(keys), description })
