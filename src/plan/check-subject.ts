import { catalogueOf, type Definition, FeatureGroup, type FeatureGroupData, FeatureView, OnDemand } from '../definition/index.ts'
import { type FeatureParts, partsOf } from './feature-name.ts'
import { PolicyGraph } from './policy-graph.ts'

/** What is wrong, and where, and what to do. */
export interface Problem {
  readonly where: string
  readonly message: string
  readonly remedy: string
}

export const problem = (where: string, message: string, remedy: string): Problem => ({ where, message, remedy })

/** The definitions that are given, and the groups and on-demand views that they use. */
export interface DefinitionSet {
  readonly groups: readonly FeatureGroupData[]
  readonly onDemands: readonly OnDemand[]
  readonly views: readonly FeatureView[]
}

/** What rules look at: the newest version of each definition, and the features of the groups. */
export interface Subject extends DefinitionSet {
  readonly features: readonly CheckedFeature[]
  readonly everyVersion: DefinitionSet
  readonly graph: PolicyGraph
}

export interface CheckedFeature extends FeatureParts {
  readonly group: FeatureGroupData
  readonly name: string
  readonly where: string
}

export function subjectOf(definitions: readonly Definition[], environment = ''): Subject {
  const views = definitions.filter((one): one is FeatureView => one instanceof FeatureView)
  const given = definitions.filter((one): one is OnDemand => one instanceof OnDemand)
  const onDemands = [...new Set(onDemandsOf([...given, ...views.flatMap(({ items }) => items)]))]
  const read = [...views.flatMap(({ items }) => items), ...onDemands.flatMap(({ from }) => from)].flatMap((item) =>
    item instanceof OnDemand ? [] : [item.group],
  )
  const groups = [...new Set([...definitions.filter((one): one is FeatureGroup => one instanceof FeatureGroup), ...read])]
  const newest = newestOf(groups)
  const features = newest.flatMap((group) =>
    Object.entries(group.features).map(([name, node]) => ({
      group,
      name,
      where: `feature group ${group.name}, feature ${name}`,
      ...partsOf(node),
    })),
  )
  const graph = new PolicyGraph(catalogueOf(definitions), environment)
  const everyVersion = { groups, onDemands, views }
  return { groups: newest, onDemands: newestOf(onDemands), views: newestOf(views), features, everyVersion, graph }
}

/** The on-demand views among items, and those that they read. */
export function onDemandsOf(items: FeatureView['items']): OnDemand[] {
  return items.flatMap((item) => (item instanceof OnDemand ? [item, ...onDemandsOf(item.from)] : []))
}

function newestOf<T extends { readonly name: string; readonly version: number }>(all: readonly T[]): readonly T[] {
  return all.filter((one) => !all.some(({ name, version }) => name === one.name && version > one.version))
}
