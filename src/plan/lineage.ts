import { type Catalogue, type FeatureGroupData, type FeatureView, OnDemand, type Selection } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { closestName, suggestion } from '../lib/suggestion.ts'
import { type ColumnUse, columnsOfFeature } from './columns-of.ts'

export type LineageKind = 'column' | 'request' | 'feature' | 'viewFeature' | 'trainingSet' | 'model' | 'caller'

export interface LineageNode {
  /**
   * `source:orders.total`, `request:context@1.latitude`, `user_orders@1.user_order_count_7d`, `view:ranking@1.user_order_count_7d`,
   * `trainingSet:ID`, `model:NAME`, `caller:NAME`.
   */
  readonly id: string
  readonly kind: LineageKind
}

/** What a dependent takes of what it depends on. */
export type LineageUse = ColumnUse | 'code' | 'read'

export interface LineageEdge {
  readonly from: string
  readonly to: string
  readonly use: LineageUse
}

/** Who reads the features of views, as a registry knows it. */
export interface LineageReaders {
  readonly trainingSets?: Iterable<{
    readonly id: string
    readonly view: string
    readonly version: number
    readonly features: readonly string[]
  }>
  readonly models?: Iterable<{ readonly name: string; readonly versions: Iterable<{ readonly trainingSet: string }> }>
  readonly reads?: Iterable<{
    readonly caller: string
    readonly model: string
    readonly view: string
    readonly version: number
    readonly feature: string
  }>
}

/** Part of a lineage: what one or more nodes come from, or what comes from them. */
export interface LineagePart {
  readonly start: readonly string[]
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
}

export type LineageDirection = 'up' | 'down'

type Versioned = { readonly name: string; readonly version: number }
const versioned = ({ name, version }: Versioned): string => `${name}@${version}`

export const columnId = (source: string, column: string): string => `source:${source}.${column}`
export const featureId = (group: Versioned, feature: string): string => `${versioned(group)}.${feature}`
export const viewFeatureId = (view: Versioned, feature: string): string => `view:${versioned(view)}.${feature}`

/** What depends on what, feature by feature and column by column. */
export class Lineage {
  readonly nodes = new Map<string, LineageNode>()
  readonly #up = new Map<string, Map<string, LineageUse>>()
  readonly #down = new Map<string, Map<string, LineageUse>>()

  constructor(catalogue: Catalogue, readers: LineageReaders = {}) {
    for (const source of catalogue.sources)
      for (const column of Object.keys(source.columns)) this.#node(columnId(source.name, column), 'column')
    for (const group of catalogue.groups) this.#addGroup(group)
    for (const onDemand of catalogue.onDemand) this.#addOnDemand(onDemand)
    for (const view of catalogue.views) this.#addView(view)
    this.#addReaders(readers)
  }

  /** What a node depends on directly. */
  sourcesOf(id: string): ReadonlyMap<string, LineageUse> {
    return this.#up.get(id) ?? new Map()
  }

  /** What depends on a node directly. */
  dependentsOf(id: string): ReadonlyMap<string, LineageUse> {
    return this.#down.get(id) ?? new Map()
  }

  /** All that nodes come from (`up`) or that comes from them (`down`), at most `depth` steps away; nearest first. */
  reach(start: readonly string[], direction: LineageDirection, depth = Number.POSITIVE_INFINITY): LineagePart {
    const next = (id: string) => (direction === 'up' ? this.sourcesOf(id) : this.dependentsOf(id))
    const found = new Set(start)
    const edges: LineageEdge[] = []
    let layer = [...found]
    for (let step = 0; step < depth && layer.length > 0; step++) {
      const after: string[] = []
      for (const id of layer) {
        for (const [other, use] of next(id)) {
          edges.push(direction === 'up' ? { from: other, to: id, use } : { from: id, to: other, use })
          if (found.has(other)) continue
          found.add(other)
          after.push(other)
        }
      }
      layer = after
    }
    return { start, nodes: [...found].map((id) => this.nodes.get(id) as LineageNode), edges }
  }

  /**
   * The nodes that a name means: one by its id; all of a source, group or view (`source:orders`, `user_orders@1`, `view:ranking@1`); without
   * a version those of the highest; a feature by its name alone; a column by its source and name, or by its name where only one source has
   * it. Throws `UNKNOWN_NAME`.
   */
  find(name: string): string[] {
    if (this.nodes.has(name)) return [name]
    const ids = [...this.nodes.keys()]
    const within = ids.filter((id) => id.startsWith(`${name}.`))
    if (within.length > 0) return within
    const [, whole, feature] = /^([^.@]+)(?:\.([^.@]+))?$/.exec(name) ?? []
    if (whole !== undefined) {
      const versions = ids.flatMap((id) => {
        const [, own, version, part] = /^([^@]+)@(\d+)\.(.+)$/.exec(id) ?? []
        return own === whole && (feature === undefined || part === feature) ? [{ id, version: Number(version) }] : []
      })
      const newest = Math.max(...versions.map(({ version }) => version))
      if (versions.length > 0) return versions.filter(({ version }) => version === newest).map(({ id }) => id)
    }
    const features = ids.filter((id) => this.nodes.get(id)?.kind === 'feature' && id.endsWith(`.${name}`))
    if (features.length > 0) return features
    const columns = ids.filter((id) => id === `source:${name}` || (id.startsWith('source:') && id.endsWith(`.${name}`)))
    if (columns.length === 1) return columns
    const nearest = columns.length > 1 ? `; there are ${columns.join(', ')}` : this.#suggestion(name, ids)
    throw new LockstepError('UNKNOWN_NAME', `The lineage knows nothing called ${name}${nearest}`, {
      remedy: 'Write source:NAME.COLUMN, GROUP@VERSION.FEATURE, view:NAME@VERSION, trainingSet:ID, model:NAME or caller:NAME.',
    })
  }

  /** The nearest id, be it to the whole of it, or without its kind and version. */
  #suggestion(name: string, ids: readonly string[]): string {
    const forms = new Map(
      ids.flatMap((id) => [id.slice(id.indexOf('.') + 1), id.replace(/^\w+:/, '').replace(/@\d+/, ''), id].map((form) => [form, id])),
    )
    const closest = closestName(name, [...forms.keys()])
    return closest === null ? suggestion(name, ids) : `; did you mean ${forms.get(closest)}?`
  }

  #addGroup(group: FeatureGroupData): void {
    for (const feature of Object.keys(group.features)) {
      const id = featureId(group, feature)
      this.#node(id, 'feature')
      for (const [column, use] of columnsOfFeature(group, feature)) this.#edge(columnId(group.source.name, column), id, use)
    }
  }

  /** Code is opaque: each of its features depends on all that it reads. */
  #addOnDemand(onDemand: OnDemand): void {
    const read = onDemand.from.flatMap((item) => Object.keys(item.features).map((name) => originOf(item, name)))
    const request = Object.keys(onDemand.request).map((name) => `request:${featureId(onDemand, name)}`)
    for (const id of request) this.#node(id, 'request')
    for (const feature of Object.keys(onDemand.features)) {
      const id = featureId(onDemand, feature)
      this.#node(id, 'feature')
      for (const from of [...read, ...request]) this.#edge(from, id, 'code')
    }
  }

  #addView(view: FeatureView): void {
    for (const item of view.items) {
      for (const name of Object.keys(item.features)) {
        const id = viewFeatureId(view, name)
        this.#node(id, 'viewFeature')
        this.#edge(originOf(item, name), id, 'value')
      }
    }
  }

  /** What was read of views that are no longer there stands alone: it is known by its id. */
  #addReaders({ trainingSets = [], models = [], reads = [] }: LineageReaders): void {
    for (const { id, view, version, features } of trainingSets) {
      this.#node(`trainingSet:${id}`, 'trainingSet')
      for (const feature of features) this.#read(viewFeatureId({ name: view, version }, feature), `trainingSet:${id}`)
    }
    for (const { name, versions } of models) {
      this.#node(`model:${name}`, 'model')
      for (const { trainingSet } of versions) {
        this.#node(`trainingSet:${trainingSet}`, 'trainingSet')
        this.#edge(`trainingSet:${trainingSet}`, `model:${name}`, 'read')
      }
    }
    for (const { caller, model, view, version, feature } of reads) {
      const id = viewFeatureId({ name: view, version }, feature)
      for (const reader of [caller && `caller:${caller}`, model && `model:${model}`]) {
        if (reader === '') continue
        this.#node(reader, reader.startsWith('caller:') ? 'caller' : 'model')
        this.#read(id, reader)
      }
    }
  }

  #read(viewFeature: string, reader: string): void {
    this.#node(viewFeature, 'viewFeature')
    this.#edge(viewFeature, reader, 'read')
  }

  #node(id: string, kind: LineageKind): void {
    if (!this.nodes.has(id)) this.nodes.set(id, { id, kind })
  }

  #edge(from: string, to: string, use: LineageUse): void {
    this.#up.set(to, (this.#up.get(to) ?? new Map<string, LineageUse>()).set(from, use))
    this.#down.set(from, (this.#down.get(from) ?? new Map<string, LineageUse>()).set(to, use))
  }
}

/** The feature behind a name that an item gives it. */
const originOf = (item: Selection | OnDemand, name: string): string =>
  item instanceof OnDemand ? featureId(item, name) : featureId(item.group, item.features[name] as string)
