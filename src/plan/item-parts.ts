import {
  type Entity,
  type ExpressionNode,
  type FeatureGroupData,
  type FeatureView,
  type FileHistory,
  type Item,
  itemId,
  type OnDemand,
  type Snapshot,
  type SourceData,
  showExpression,
  showRefresh,
  showType,
} from '../definition/index.ts'
import { canonicalJson, readCanonicalJson } from '../lib/canonical-json.ts'
import { formatDuration } from '../lib/duration.ts'
import type { TypeData } from '../schema/index.ts'

/** A feature of a group or view, a column of a source or a key of an entity, as far as changes tell it. */
export interface ItemPart {
  readonly text: string
  /** Equal where the values are. */
  readonly meaning: string
}

type Entries<T> = readonly (readonly [name: string, value: T])[]
type SelectionItem = { readonly group: string; readonly features: Entries<string>; readonly keys: Entries<string> }
type ViewItem = SelectionItem | { readonly onDemand: string }

type EntityText = Omit<Entity, 'keys'> & { readonly keys: Entries<TypeData> }
type SourceText = Omit<SourceData, 'columns'> & { readonly columns: Entries<TypeData> }
type GroupText = Omit<FeatureGroupData, 'entity' | 'source' | 'features'> & {
  readonly entity: string
  readonly source: string
  readonly features: Entries<ExpressionNode>
}
type OnDemandText = Pick<OnDemand, 'code'> & { readonly from: readonly ViewItem[]; readonly features: Entries<TypeData> }
type ViewText = Pick<FeatureView, 'defaults'> & { readonly items: readonly ViewItem[] }

/** The items of a snapshot as data, read when they are first asked for. */
export class SnapshotTexts {
  readonly #items: Snapshot
  readonly #read = new Map<string, unknown>()

  constructor(items: Snapshot) {
    this.#items = items
  }

  item(id: string): Item | undefined {
    return this.#items.get(id)
  }

  text(id: string): Readonly<Record<string, unknown>> {
    const known = this.#read.get(id) ?? readCanonicalJson(this.#items.get(id)?.text ?? '{}')
    this.#read.set(id, known)
    return known as Readonly<Record<string, unknown>>
  }

  /** The ids that an item names: the entity and source of a group, the groups and on-demand views of a view. */
  references(id: string): string[] {
    const { entity, source, items, from } = this.text(id) as Partial<GroupText & ViewText & OnDemandText>
    const read = [...(items ?? []), ...(from ?? [])].map((one) => ('onDemand' in one ? one.onDemand : one.group))
    return [...new Set([entity, source, ...read].filter((one) => one !== undefined))]
  }

  /** Its features, columns or keys, by name, in order. */
  parts(id: string): ReadonlyMap<string, ItemPart> {
    const item = this.#items.get(id)
    if (!item) return new Map()
    return new Map(this.#entries(item))
  }

  /** All else that it declares, as it is shown. */
  properties(id: string): ReadonlyMap<string, string> {
    const text = this.text(id)
    const shown = Object.entries(text).filter(([name, value]) => !hidden.has(name) && value !== null && value !== undefined)
    const descriptions = Object.entries((text.descriptions ?? {}) as Readonly<Record<string, string>>)
    const status = this.#items.get(id)?.version ? [['status', String(text.status ?? 'active')] as const] : []
    const all = [
      ...status,
      ...shown.map(([name, value]) => [name, (showers[name] ?? showPlain)(value as never)] as const),
      ...descriptions.map(([feature, value]) => [`description of ${feature}`, value] as const),
    ]
    return new Map(all.filter(([, value]) => value !== ''))
  }

  #entries(item: Item): (readonly [name: string, part: ItemPart])[] {
    const text = this.text(itemId(item))
    switch (item.kind) {
      case 'entity':
        return (text as unknown as EntityText).keys.map(([name, type]) => [name, part(showType(type), () => canonicalJson(type))])
      case 'source':
        return (text as unknown as SourceText).columns.map(([name, type]) => [name, part(showType(type), () => canonicalJson(type))])
      case 'group':
        return (text as unknown as GroupText).features.map(([name, node]) => [
          name,
          part(showExpression(node), () => this.#featureMeaning(itemId(item), name)),
        ])
      case 'onDemand':
        return (text as unknown as OnDemandText).features.map(([name, type]) => [name, part(showType(type), () => item.meaning)])
      case 'view':
        return (text as unknown as ViewText).items.flatMap((one) => this.#selected(one))
    }
  }

  #selected(one: ViewItem): (readonly [name: string, part: ItemPart])[] {
    if ('onDemand' in one) {
      const { features } = this.text(one.onDemand) as unknown as OnDemandText
      return features.map(([name]) => [name, part(`${bare(one.onDemand)}.${name}`, () => this.#items.get(one.onDemand)?.meaning ?? '')])
    }
    const renamed = one.keys.filter(([key, name]) => key !== name).map(([key, name]) => `${key} from ${name}`)
    const by = renamed.length === 0 ? '' : ` by ${renamed.join(', ')}`
    const keys = canonicalJson(Object.fromEntries(one.keys))
    return one.features.map(([name, own]) => [
      name,
      part(`${bare(one.group)}.${own}${by}`, () => this.#featureMeaning(one.group, own) + keys),
    ])
  }

  /** What `featureHash` covers, out of texts. */
  #featureMeaning(group: string, feature: string): string {
    const { entity, source, keys, refresh, ttl, features } = this.text(group) as unknown as GroupText
    const meanings = [entity, source].map((id) => this.#items.get(id)?.meaning)
    return canonicalJson([meanings, keys, refresh, ttl, features.find(([name]) => name === feature)?.[1]])
  }
}

/** Most parts are new, or gone, and nobody asks what they mean. */
const part = (text: string, meaning: () => string): ItemPart => ({
  text,
  get meaning() {
    return meaning()
  },
})

/** `user_orders@1` of `group:user_orders@1`. */
export const bare = (id: string): string => id.slice(id.indexOf(':') + 1)

/** What is told by parts, by the id, or by another property. */
const hidden: ReadonlySet<string> = new Set([
  'kind',
  'name',
  'version',
  'status',
  'columns',
  'features',
  'items',
  'from',
  'descriptions',
  'codeComplete',
])

const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0
const showPlain = (value: unknown): string => (typeof value === 'string' ? value : isEmpty(value) ? '' : canonicalJson(value))
const showDuration = (micros: number): string => (micros === 0 ? '' : formatDuration(micros))

const showers: Readonly<Record<string, (value: never) => string>> = {
  entity: bare,
  source: bare,
  refresh: showRefresh,
  ttl: showDuration,
  freshness: showDuration,
  lateness: showDuration,
  tags: (tags: readonly string[]) => tags.join(', '),
  id: (columns: readonly string[]) => columns.join(', '),
  order: (columns: readonly string[]) => columns.join(', '),
  history: ({ kind, path, columns, delimiter, header, nullText }: FileHistory) => {
    const options = { columns: isEmpty(columns) ? undefined : columns, delimiter: delimiter ?? undefined, nullText: nullText ?? undefined }
    const read = canonicalJson({ ...options, header: header ? undefined : false })
    return `${kind} ${[path].flat().join(', ')}${read === '{}' ? '' : ` ${read}`}`
  },
  code: (hash: string) => hash.slice(0, 12),
  request: (request: Entries<TypeData>) => request.map(([name, type]) => `${name}: ${showType(type)}`).join(', '),
}
