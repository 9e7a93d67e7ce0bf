import { LockstepError } from '../errors.ts'
import { canonicalHash, canonicalJson, readCanonicalJson, textHash } from '../lib/canonical-json.ts'
import { deepFreeze } from '../lib/deep-freeze.ts'
import type { TypeData } from '../schema/index.ts'
import { type Catalogue, catalogueOf } from './catalogue.ts'
import type { Entity } from './entity.ts'
import type { ExpressionNode } from './expression.ts'
import { FeatureGroup, type FeatureGroupData } from './group.ts'
import { groupHash, onDemandHash, sourceHash, viewHash } from './hash.ts'
import type { Definition } from './load.ts'
import { OnDemand } from './on-demand.ts'
import { Selection } from './selection.ts'
import type { Source, SourceData } from './source.ts'
import type { DefinitionStatus } from './status.ts'
import { type FeatureView, featureView } from './view.ts'

export type ItemKind = 'entity' | 'source' | 'group' | 'onDemand' | 'view'

/** One definition as data that can be stored, compared and made a definition again. */
export interface Item {
  readonly kind: ItemKind
  readonly name: string
  /** 0 for entities and sources, which have none. */
  readonly version: number
  /** Semantic hash: equal where all values are. */
  readonly meaning: string
  /** Hash of the text: equal where descriptions, owners and tags are too. */
  readonly hash: string
  /** The whole definition as canonical JSON; what it refers to stands there by its id. */
  readonly text: string
}

/** Definitions by their ids, in order of the ids. */
export type Snapshot = ReadonlyMap<string, Item>

/** `group:user_orders@1`, `view:ranking@2`, `onDemand:context@1`, `source:orders`, `entity:user`. */
export const itemId = ({ kind, name, version }: Pick<Item, 'kind' | 'name' | 'version'>): string =>
  version === 0 ? `${kind}:${name}` : `${kind}:${name}@${version}`

/** Of a group or view, what it says; active else. */
export const statusOfItem = ({ text }: Pick<Item, 'text'>): DefinitionStatus =>
  (JSON.parse(text) as { readonly status?: DefinitionStatus }).status ?? 'active'

/** The parts of `view:ranking@2`; the version is 0 where an id has none. */
export function parseItemId(id: string): Pick<Item, 'kind' | 'name' | 'version'> {
  const [, kind, name, version = '0'] = /^(\w+):([^@]+)(?:@(\d+))?$/.exec(id) ?? []
  if (kind === undefined || name === undefined) throw new LockstepError('STORE_CORRUPT', `There is an item called ${id}`)
  return { kind: kind as ItemKind, name, version: Number(version) }
}

/** All that definitions hold or reach, as data. */
export function snapshotOf(definitions: readonly Definition[]): Snapshot {
  return snapshotOfCatalogue(catalogueOf(definitions))
}

export function snapshotOfCatalogue({ entities, sources, groups, onDemand, views }: Catalogue): Snapshot {
  const items = [
    ...entities.map((each) => item('entity', each.name, 0, canonicalHash(Object.entries(each.keys)), entityData(each))),
    ...sources.map((each) => item('source', each.name, 0, sourceHash(each), sourceData(each))),
    ...groups.map((each) => item('group', each.name, each.version, groupHash(each), groupData(each))),
    ...onDemand.map((each) => item('onDemand', each.name, each.version, onDemandHash(each), onDemandData(each))),
    ...views.map((each) => item('view', each.name, each.version, viewHash(each), viewData(each))),
  ]
  return new Map(items.map((each) => [itemId(each), each] as const).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function item(kind: ItemKind, name: string, version: number, meaning: string, data: object): Item {
  const text = canonicalJson(data)
  return { kind, name, version, meaning, hash: textHash(text), text }
}

const entityData = ({ name, keys, description }: Entity) => ({ kind: 'entity', name, keys: Object.entries(keys), description })

// The order of columns, keys and features means something: they are lists, as canonical JSON sorts the names of objects.

/** Rows in memory are no place that others could read. */
function sourceData({ columns, history, ...rest }: SourceData) {
  return { ...rest, columns: Object.entries(columns), history: history?.kind === 'rows' ? null : history }
}

function groupData(group: FeatureGroupData) {
  const { kind, name, version, status, keys, refresh, ttl, freshness, features, descriptions, description, owner, tags } = group
  const references = { entity: `entity:${group.entity.name}`, source: `source:${group.source.name}` }
  const own = { keys, refresh, ttl, freshness, features: Object.entries(features), descriptions }
  return { kind, name, version, ...draft(status), ...references, ...own, description, owner, tags }
}

function onDemandData(onDemand: OnDemand) {
  const { kind, name, version, status, request, features, code, codeComplete, cache, description, owner, tags, from } = onDemand
  const own = {
    kind,
    name,
    version,
    ...draft(status),
    request: Object.entries(request),
    features: Object.entries(features),
    code,
    codeComplete,
    cache,
  }
  return { ...own, from: from.map(itemData), description, owner, tags }
}

function viewData({ kind, name, version, status, items, defaults, description, owner, tags }: FeatureView) {
  return { kind, name, version, ...draft(status), items: items.map(itemData), defaults, description, owner, tags }
}

/** What is active says nothing of it, as before there were drafts: the hashes of texts are those that they were. */
const draft = (status: DefinitionStatus) => (status === 'draft' ? { status } : {})

function itemData(one: Selection | OnDemand) {
  if (one instanceof OnDemand) return { onDemand: itemId({ ...one, kind: 'onDemand' }) }
  return { group: itemId({ ...one.group, kind: 'group' }), features: Object.entries(one.features), keys: Object.entries(one.keys) }
}

/** An on-demand view with this code, whose function stands in a module and in no store. */
export type CodeOf = (onDemand: Pick<OnDemand, 'name' | 'version' | 'code'>) => Pick<OnDemand, 'compute'> | undefined

/** What could not be made a definition again, and why. */
export interface Incomplete {
  readonly id: string
  readonly why: string
}

/** A definition made of an item, and what it refers to, by id. */
interface MadeItem {
  readonly hash: string
  readonly references: readonly string[]
  readonly definition: Definition
}

/** What was made of items, by id. */
export type MadeItems = ReadonlyMap<string, MadeItem>

/**
 * The definitions of items, with what they refer to. What needs code that `codeOf` does not have is left out and named; what was
 * made `earlier` of the same items stays the same object. Throws `STORE_CORRUPT` where an item refers to one that is not among them.
 */
export function definitionsOf(
  items: Iterable<Item>,
  codeOf: CodeOf,
  earlier: MadeItems = new Map(),
): { definitions: Definition[]; incomplete: Incomplete[]; made: MadeItems } {
  const byId = new Map([...items].map((each) => [itemId(each), each]))
  const made = new Map<string, MadeItem>()
  const missing = new Map<string, string>()
  const make = (id: string): Definition => {
    const known = made.get(id)
    if (known) return known.definition
    const found = byId.get(id)
    if (!found) throw new LockstepError('STORE_CORRUPT', `The registry refers to ${id}, which it does not hold`)
    const before = earlier.get(id)
    if (before?.hash === found.hash && before.references.every((each) => make(each) === earlier.get(each)?.definition)) {
      made.set(id, before)
      return before.definition
    }
    const references: string[] = []
    const refer: Make = <T>(to: string) => {
      references.push(to)
      return make(to) as T
    }
    const definition = makers[found.kind](readCanonicalJson(found.text) as never, refer, codeOf)
    made.set(id, { hash: found.hash, references, definition })
    return definition
  }
  const definitions: Definition[] = []
  for (const id of byId.keys()) {
    try {
      definitions.push(make(id))
    } catch (error) {
      if (!(error instanceof MissingCode)) throw error
      missing.set(id, error.message)
    }
  }
  return { definitions, incomplete: [...missing].map(([id, why]) => ({ id, why })), made }
}

/** As if definitions had been made of these items now. */
export function madeBefore(definitions: readonly Definition[], items: ReadonlyMap<string, Pick<Item, 'hash'>>): MadeItems {
  return new Map(
    definitions.flatMap((definition) => {
      const id = definitionId(definition)
      const hash = items.get(id)?.hash
      return hash === undefined ? [] : [[id, { hash, references: referencesOf(definition), definition }] as const]
    }),
  )
}

const definitionId = (definition: Definition): string => {
  const { kind, name } = definition
  const kinds = { events: 'source', table: 'source', featureGroup: 'group', featureView: 'view' } as const
  const itemKind = kind === 'entity' || kind === 'onDemand' ? kind : kinds[kind]
  return itemId({ kind: itemKind, name, version: 'version' in definition ? definition.version : 0 })
}

function referencesOf(definition: Definition): string[] {
  if (definition.kind === 'featureGroup') return [`entity:${definition.entity.name}`, `source:${definition.source.name}`]
  const items = definition.kind === 'featureView' ? definition.items : definition.kind === 'onDemand' ? definition.from : []
  return items.map((one) => (one instanceof OnDemand ? itemId(one) : itemId({ ...one.group, kind: 'group' })))
}

class MissingCode extends Error {}

type Make = <T>(id: string) => T
type Entries<T> = readonly (readonly [string, T])[]
type ItemData = { group: string; features: Entries<string>; keys: Entries<string> } | { onDemand: string }

type OnDemandData = Omit<OnDemand, 'request' | 'features' | 'from' | 'compute'> & {
  request: Entries<TypeData>
  features: Entries<TypeData>
  from: readonly ItemData[]
}

const active = { status: 'active' } as const

const makers: { readonly [Kind in ItemKind]: (data: never, make: Make, codeOf: CodeOf) => Definition } = {
  entity: ({ keys, ...rest }: Omit<Entity, 'keys'> & { keys: Entries<TypeData> }): Entity =>
    deepFreeze({ ...rest, keys: Object.fromEntries(keys) }),
  source: ({ columns, ...rest }: Omit<SourceData, 'columns'> & { columns: Entries<TypeData> }): Source =>
    deepFreeze({ ...rest, columns: Object.fromEntries(columns) }),
  group: (
    data: Omit<FeatureGroupData, 'entity' | 'source' | 'features'> & { entity: string; source: string; features: Entries<ExpressionNode> },
    make,
  ): FeatureGroup =>
    new FeatureGroup({
      ...active,
      ...data,
      entity: make(data.entity),
      source: make(data.source),
      features: Object.fromEntries(data.features),
    }),
  onDemand: ({ request, features, from, ...rest }: OnDemandData, make, codeOf): OnDemand => {
    const compute = codeOf(rest)?.compute
    if (!compute) throw new MissingCode(`The code of on-demand view ${rest.name}@${rest.version} is not among the project's definitions`)
    const own = { ...active, ...rest, request: Object.fromEntries(request), features: Object.fromEntries(features) }
    return new OnDemand({ ...own, from: from.map((one) => itemOf(one, make)), compute })
  },
  view: (
    {
      items,
      ...rest
    }: Pick<FeatureView, 'name' | 'version' | 'status' | 'defaults' | 'description' | 'owner' | 'tags'> & { items: readonly ItemData[] },
    make,
  ): FeatureView => {
    const features = items.map((one) => itemOf(one, make))
    return featureView({ ...rest, features } as never)
  },
}

function itemOf(one: ItemData, make: Make): Selection | OnDemand {
  if ('onDemand' in one) return make<OnDemand>(one.onDemand)
  return new Selection(make<FeatureGroup>(one.group), Object.fromEntries(one.features), Object.fromEntries(one.keys))
}
