import type { Catalogue } from '../definition/index.ts'
import {
  type Entity,
  type FeatureGroupData,
  type FeatureView,
  featureHash,
  groupHash,
  OnDemand,
  onDemandHash,
  type Selection,
  type SourceData,
  showExpression,
  showFormat,
  showRefresh,
  showType,
  sourceHash,
  viewHash,
} from '../definition/index.ts'
import { formatDuration } from '../lib/duration.ts'
import { featureId, SimilarFeatures } from '../plan/index.ts'
import type { Standings } from '../registry/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { ThingRecord } from './records.ts'
import type { VersionedName } from './values.ts'

/** All that is known of one thing: single values, then lists of records. */
export type Description = Readonly<Record<string, string | number | readonly string[] | readonly ThingRecord[] | null>>

/** Everything in a catalogue that has this name, features included; of several versions the highest unless one is given. */
export function describeThings(catalogue: Catalogue, { name, version }: VersionedName, standings: Standings): Description[] {
  const named = <T extends { readonly name: string }>(all: readonly T[]): T[] => {
    const found = all.filter((one) => one.name === name)
    return version === undefined ? found.slice(-1) : found.filter((one) => 'version' in one && one.version === version)
  }
  const having = <T extends { readonly features: object }>(all: readonly T[]): T[] =>
    version === undefined ? all.filter(({ features }) => Object.hasOwn(features, name)) : []
  return [
    ...named(catalogue.views).map((view) => describeView(view, standings)),
    ...named(catalogue.groups).map((group) => describeGroup(group, catalogue, standings)),
    ...named(catalogue.onDemand).map((onDemand) => describeOnDemand(onDemand, catalogue, standings)),
    ...named(catalogue.sources).map((source) => describeSource(source, catalogue)),
    ...named(catalogue.entities).map((entity) => describeEntity(entity, catalogue)),
    ...having(catalogue.groups).map((group) => describeFeature(group, name, catalogue, standings)),
    ...having(catalogue.onDemand).map((onDemand) => describeComputed(onDemand, name, catalogue, standings)),
  ]
}

/** Every name that can be described. */
export function describableNames({ views, groups, onDemand, sources, entities }: Catalogue): string[] {
  const things = [...views, ...groups, ...onDemand, ...sources, ...entities].map(({ name }) => name)
  return [...new Set([...things, ...[...groups, ...onDemand].flatMap(({ features }) => Object.keys(features))])]
}

function describeView(view: FeatureView, standings: Standings): Description {
  const features = view.items.flatMap((item) => Object.entries(item.features).map(([name, own]) => featureRecord(item, name, own)))
  return {
    kind: 'view',
    ...head(view, standing(standings, `view:${versioned(view)}`)),
    hash: viewHash(view),
    keys: typed(view.keys),
    request: typed(view.request),
    features,
  }
}

/** A feature under the name of its view; `own` is its name in the group, or its type. */
function featureRecord(item: Selection | OnDemand, name: string, own: string | TypeData): ThingRecord {
  if (item instanceof OnDemand) return { name, type: showType(own as TypeData), group: versioned(item), definition: 'on demand' }
  const node = item.group.features[own as string]
  return { name, type: node ? showType(node.type) : '', group: versioned(item.group), definition: node ? showExpression(node) : '' }
}

function describeGroup(group: FeatureGroupData, catalogue: Catalogue, standings: Standings): Description {
  const features = Object.entries(group.features).map(([name, node]) => {
    return { name, type: showType(node.type), definition: showExpression(node), description: group.descriptions[name] ?? '' }
  })
  const about = { ...head(group, standing(standings, versioned(group))), ...computation(group) }
  return { kind: 'group', ...about, views: readersOf(catalogue, group), hash: groupHash(group), features }
}

function describeOnDemand(onDemand: OnDemand, catalogue: Catalogue, standings: Standings): Description {
  const from = onDemand.from.flatMap((item) => Object.entries(item.features).map(([name, own]) => featureRecord(item, name, own)))
  const rest = { request: typed(onDemand.request), reads: from, features: typed(onDemand.features) }
  const about = head(onDemand, standing(standings, versioned(onDemand)))
  return { kind: 'on-demand', ...about, views: readersOf(catalogue, onDemand), hash: onDemandHash(onDemand), ...rest }
}

function describeSource(source: SourceData, catalogue: Catalogue): Description {
  const { history, stream } = source
  return {
    kind: source.kind,
    name: source.name,
    ...about(source),
    time: source.time,
    timeZone: source.timeZone,
    id: source.id,
    known: source.known,
    order: source.order,
    lateness: source.lateness === 0 ? null : formatDuration(source.lateness),
    invalidRows: source.invalidRows === 'refuse' ? 'refuse' : 'set aside',
    history: history === null ? null : history.kind === 'rows' ? 'rows in memory' : `${history.kind} ${[history.path].flat().join(', ')}`,
    stream: stream && `topic ${stream.topic} by ${stream.key.join(', ')}, ${showFormat(stream.format)}, ${stream.partitions} partitions`,
    groups: catalogue.groups.filter((group) => group.source === source).map(versioned),
    hash: sourceHash(source),
    columns: typed(source.columns),
  }
}

function describeEntity(entity: Entity, catalogue: Catalogue): Description {
  const groups = catalogue.groups.filter((group) => group.entity === entity).map(versioned)
  return { kind: 'entity', name: entity.name, description: entity.description, groups, keys: typed(entity.keys) }
}

function describeFeature(group: FeatureGroupData, name: string, catalogue: Catalogue, standings: Standings): Description {
  const node = group.features[name] as FeatureGroupData['features'][string]
  const description = group.descriptions[name] ?? ''
  const own = { type: showType(node.type), definition: showExpression(node), group: versioned(group) }
  return {
    kind: 'feature',
    name,
    ...standing(standings, featureId(group, name)),
    description,
    ...own,
    ...computation(group),
    views: readersOf(catalogue, group, name),
    hash: featureHash(group, name),
    featuresLikeIt: new SimilarFeatures(catalogue).of(group, name).map(({ id, differsIn, definition: other }) => {
      return { name: id, differsIn, definition: other }
    }),
  }
}

function describeComputed(onDemand: OnDemand, name: string, catalogue: Catalogue, standings: Standings): Description {
  const type = showType(onDemand.features[name] as TypeData)
  return {
    kind: 'feature',
    name,
    ...standing(standings, featureId(onDemand, name)),
    type,
    definition: 'on demand',
    group: versioned(onDemand),
    views: readersOf(catalogue, onDemand),
    hash: onDemandHash(onDemand),
  }
}

const versioned = ({ name, version }: { readonly name: string; readonly version: number }) => `${name}@${version}`
const about = ({ description, owner, tags }: Pick<SourceData, 'description' | 'owner' | 'tags'>) => ({ description, owner, tags })
const head = (thing: Pick<FeatureView, 'name' | 'version' | 'description' | 'owner' | 'tags'>, status: Description) => ({
  name: thing.name,
  version: thing.version,
  ...status,
  ...about(thing),
})

/** Where something stands, and what was said of it. */
function standing(standings: Standings, id: string): Description {
  const { status, cycle } = standings.of(id)
  if (cycle === null || cycle.status !== status) return { status }
  const { reason, replacement, removeAfter, brownOuts, at, by } = cycle
  return { status, since: at, by, reason, replacement, removeAfter, brownOuts: brownOuts.map(({ from, to }) => ({ from, to })) }
}
const typed = (types: Readonly<Record<string, TypeData>>): ThingRecord[] =>
  Object.entries(types).map(([name, type]) => ({ name, type: showType(type) }))

/** From what, of what and when a group's values are computed. */
function computation({ entity, keys, source, refresh, ttl, freshness }: FeatureGroupData): Description {
  const columns = Object.entries(keys).map(([key, column]) => (key === column ? key : `${key} from ${column}`))
  return {
    entity: entity.name,
    keys: columns,
    source: source.name,
    refresh: showRefresh(refresh),
    ttl: ttl === null ? null : formatDuration(ttl),
    freshness: freshness === null ? null : formatDuration(freshness),
  }
}

/** The views that read a group, or one feature of it, directly or for what they compute. */
function readersOf({ views }: Catalogue, group: FeatureGroupData | OnDemand, feature?: string): string[] {
  const reads = (item: Selection | OnDemand): boolean => {
    if (item === group) return true
    if (item instanceof OnDemand) return item.from.some(reads)
    return item.group === group && (feature === undefined || Object.values(item.features).includes(feature))
  }
  return views.filter((view) => view.items.some(reads)).map(versioned)
}
