import { resolve } from 'node:path'
import {
  type AnyView,
  type ExpressionNode,
  type FeatureGroupData,
  type History,
  OnDemand,
  selectionsOf,
  showExpression,
  showType,
} from '../definition/index.ts'
import { type ColumnUse, columnsOfFeature } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'

export const lineageProducer = 'https://www.npmjs.com/package/lockstep'
export const lineageSpecification = 'https://openlineage.io/spec'

/** What each facet of OpenLineage begins with: which version of which published schema it keeps to. */
export const lineageFacet = (name: string, version: string) => ({
  _producer: lineageProducer,
  _schemaURL: `${lineageSpecification}/facets/${version}/${name}.json#/$defs/${name}`,
})

interface DatasetId {
  readonly namespace: string
  readonly name: string
}

interface Transformation {
  readonly type: 'DIRECT' | 'INDIRECT'
  readonly subtype: 'IDENTITY' | 'TRANSFORMATION' | 'AGGREGATION' | 'FILTER' | 'GROUP_BY' | 'WINDOW'
  /** The computation, for what a value is computed from. */
  readonly description?: string
  readonly masking: false
}

/** A field that another comes from. */
interface Origin extends DatasetId {
  readonly field: string
  readonly transformations: readonly Transformation[]
}

interface Field {
  readonly name: string
  readonly type: string
  readonly description: string
  readonly origins: readonly Origin[]
}

/** What is read or written, with the facets of the standard. */
export interface LineageDataset extends DatasetId {
  readonly facets: Readonly<Record<string, object>>
  readonly outputFacets?: Readonly<Record<string, object>>
}

export interface LineageDatasets {
  readonly inputs: readonly LineageDataset[]
  readonly outputs: readonly LineageDataset[]
}

type Histories = Readonly<Record<string, History>>
type OriginsOf = (group: FeatureGroupData, feature: string) => Origin[]

/** What a group's values are computed from and where they go: `online` or `offline`. */
export function groupDatasets(
  group: FeatureGroupData,
  environment: string,
  place: 'online' | 'offline',
  histories: Histories = {},
): LineageDatasets {
  const fields = Object.keys(group.features).map((feature) => fieldOf(group, feature, columnsFor(histories)))
  return { inputs: sourcesOf([group], histories), outputs: [output(stored(group, environment, place), fields)] }
}

/** What the training set of a view is computed from, and the file that it goes to. */
export function viewDatasets(view: AnyView, path: string, histories: Histories = {}): LineageDatasets {
  return {
    inputs: sourcesOf(groupsOf(view), histories),
    outputs: [output(fileAt(path), fieldsOf(view, columnsFor(histories)))],
  }
}

/** What a view answers with where a request names no version, and the stored values that it reads. */
export function servedDatasets(view: AnyView, environment: string): LineageDatasets {
  const featureFor: OriginsOf = (group, feature) => [
    { ...stored(group, environment, 'online'), field: feature, transformations: [{ type: 'DIRECT', subtype: 'IDENTITY', masking: false }] },
  ]
  const inputs = groupsOf(view).map((group) => {
    const fields = Object.keys(group.features).map((feature) => fieldOf(group, feature, () => []))
    return { ...stored(group, environment, 'online'), facets: { schema: schemaOf(fields) } }
  })
  return { inputs, outputs: [output({ namespace: `lockstep:${environment}`, name: `view/${view.name}` }, fieldsOf(view, featureFor))] }
}

const groupsOf = (view: AnyView): FeatureGroupData[] => [...new Set(selectionsOf(view).map(({ group }) => group))]

const fieldOf = (group: FeatureGroupData, feature: string, originsOf: OriginsOf): Field => ({
  name: feature,
  type: showType((group.features[feature] as ExpressionNode).type),
  description: group.descriptions[feature] ?? '',
  origins: originsOf(group, feature),
})

function fieldsOf(view: AnyView, originsOf: OriginsOf): Field[] {
  return view.items.flatMap((item) =>
    Object.entries<unknown>(item.features).map(([name, own]): Field => {
      if (!(item instanceof OnDemand)) return { ...fieldOf(item.group, own as string, originsOf), name }
      return { name, type: showType(own as TypeData), description: '', origins: readByCode(item, originsOf) }
    }),
  )
}

/** Code is opaque: each of its features comes from all that it reads, as the features that it reads do. */
function readByCode({ from }: OnDemand, originsOf: OriginsOf): Origin[] {
  const all = from.flatMap((item) =>
    item instanceof OnDemand
      ? readByCode(item, originsOf)
      : Object.values(item.features).flatMap((feature) => originsOf(item.group, feature as string)),
  )
  const fields = Map.groupBy(all, ({ namespace, name, field }) => JSON.stringify([namespace, name, field]))
  return [...fields.values()].map((same) => {
    const transformed = same
      .flatMap(({ transformations }) => transformations)
      .map((one) => (one.subtype === 'IDENTITY' ? { ...one, subtype: 'TRANSFORMATION' as const } : one))
    const different = new Map(transformed.map((one) => [JSON.stringify(one), one]))
    return { ...(same[0] as Origin), transformations: [...different.values()] }
  })
}

const columnsFor =
  (histories: Histories): OriginsOf =>
  (group, feature) => {
    const node = group.features[feature] as ExpressionNode
    return [...columnsOfFeature(group, feature)].map(([field, use]) => ({
      ...historyOf(group, histories),
      field,
      transformations: [transformation(use, node)],
    }))
  }

function transformation(use: ColumnUse, node: ExpressionNode): Transformation {
  if (use !== 'value')
    return { type: 'INDIRECT', subtype: ({ condition: 'FILTER', key: 'GROUP_BY', time: 'WINDOW' } as const)[use], masking: false }
  if (node.node === 'column') return { type: 'DIRECT', subtype: 'IDENTITY', masking: false }
  return { type: 'DIRECT', subtype: 'AGGREGATION', description: showExpression(node), masking: false }
}

const schemaOf = (fields: readonly Omit<Field, 'origins'>[]) => ({
  ...lineageFacet('SchemaDatasetFacet', '1-2-0'),
  fields: fields.map(({ name, type, description }) => ({ name, type, ...(description === '' ? {} : { description }) })),
})

const output = (id: DatasetId, fields: readonly Field[]): LineageDataset => ({
  ...id,
  facets: {
    schema: schemaOf(fields),
    columnLineage: {
      ...lineageFacet('ColumnLineageDatasetFacet', '1-2-0'),
      fields: Object.fromEntries(fields.map(({ name, origins }) => [name, { inputFields: origins }])),
    },
  },
})

function sourcesOf(groups: readonly FeatureGroupData[], histories: Histories): LineageDataset[] {
  const sources = new Map(groups.map((group) => [group.source.name, group]))
  return [...sources.values()].map((group) => {
    const fields = Object.entries(group.source.columns).map(([name, type]) => ({ name, type: showType(type), description: '' }))
    return { ...historyOf(group, histories), facets: { schema: schemaOf(fields) } }
  })
}

const stored = ({ name, version }: FeatureGroupData, environment: string, place: 'online' | 'offline'): DatasetId => ({
  namespace: `lockstep:${environment}`,
  name: `${place}/${name}@${version}`,
})

function historyOf({ source }: FeatureGroupData, histories: Histories): DatasetId {
  const history = histories[source.name] ?? source.history
  const [path] = history === null || history.kind === 'rows' ? [] : [history.path].flat()
  return path === undefined ? { namespace: 'lockstep', name: `source/${source.name}` } : fileAt(path)
}

/** As the standard names files: `s3://bucket` and a key, or `file` and an absolute path. */
function fileAt(path: string): DatasetId {
  const [, namespace, name] = /^(\w+:\/\/[^/]+)\/(.+)$/.exec(path) ?? []
  return namespace !== undefined && name !== undefined ? { namespace, name } : { namespace: 'file', name: resolve(path) }
}
