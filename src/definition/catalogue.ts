import type { Entity } from './entity.ts'
import type { FeatureGroupData } from './group.ts'
import type { Definition } from './load.ts'
import { OnDemand } from './on-demand.ts'
import type { Selection } from './selection.ts'
import type { SourceData } from './source.ts'
import { FeatureView } from './view.ts'

/** All that definitions hold or reach, each once, by kind, in order of name and version. */
export interface Catalogue {
  readonly views: readonly FeatureView[]
  readonly groups: readonly FeatureGroupData[]
  readonly onDemand: readonly OnDemand[]
  readonly sources: readonly SourceData[]
  readonly entities: readonly Entity[]
}

export function catalogueOf(definitions: readonly Definition[]): Catalogue {
  const [views, groups, onDemand] = [new Set<FeatureView>(), new Set<FeatureGroupData>(), new Set<OnDemand>()]
  const [sources, entities] = [new Set<SourceData>(), new Set<Entity>()]
  const addItem = (item: Selection | OnDemand) => (item instanceof OnDemand ? add(item) : add(item.group))
  const add = (definition: Definition | FeatureGroupData) => {
    if (definition instanceof FeatureView) {
      views.add(definition)
      definition.items.forEach(addItem)
    } else if (definition instanceof OnDemand) {
      onDemand.add(definition)
      definition.from.forEach(addItem)
    } else if (definition.kind === 'featureGroup') {
      groups.add(definition)
      sources.add(definition.source)
      entities.add(definition.entity)
    } else if (definition.kind === 'entity') entities.add(definition)
    else if (definition.kind === 'events' || definition.kind === 'table') sources.add(definition)
  }
  definitions.forEach(add)
  return { views: sorted(views), groups: sorted(groups), onDemand: sorted(onDemand), sources: sorted(sources), entities: sorted(entities) }
}

const versionOf = (one: object): number => ('version' in one ? Number(one.version) : 0)

function sorted<T extends { readonly name: string }>(all: Iterable<T>): T[] {
  return [...all].sort((a, b) => (a.name === b.name ? versionOf(a) - versionOf(b) : a.name < b.name ? -1 : 1))
}
