import {
  type Definition,
  type Entity,
  type FeatureGroupData,
  FeatureView,
  OnDemand,
  type Selection,
  type SourceData,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { suggestion } from '../lib/suggestion.ts'
import type { VersionedName } from './values.ts'

/** All that the definitions of a project hold or reach, each once, by kind. */
export interface Catalogue {
  readonly views: readonly FeatureView[]
  readonly groups: readonly FeatureGroupData[]
  readonly onDemand: readonly OnDemand[]
  readonly sources: readonly SourceData[]
  readonly entities: readonly Entity[]
}

export function catalogueOf(definitions: readonly Definition[]): Catalogue {
  const [views, groups, onDemand, sources, entities] = [
    new Set<FeatureView>(),
    new Set<FeatureGroupData>(),
    new Set<OnDemand>(),
    new Set<SourceData>(),
    new Set<Entity>(),
  ]
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

/** The one of a name, in its highest version unless one is given. Throws `UNKNOWN_NAME`. */
export function find<T extends { readonly name: string; readonly version: number }>(
  what: string,
  all: readonly T[],
  { name, version }: VersionedName,
): T {
  const found = all.filter((one) => one.name === name)
  if (found.length === 0)
    throw new LockstepError('UNKNOWN_NAME', `There is no ${what} ${name}${suggestion(name, [...new Set(all.map((one) => one.name))])}`)
  const one = version === undefined ? found.at(-1) : found.find((candidate) => candidate.version === version)
  if (one) return one
  throw new LockstepError(
    'UNKNOWN_NAME',
    `There is no version ${version} of the ${what} ${name}; there are ${found.map((each) => each.version).join(', ')}`,
  )
}
