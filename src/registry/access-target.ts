import { type Definition, type Entity, type FeatureGroupData, FeatureView, type SourceData, selectionsOf } from '../definition/index.ts'
import type { Target } from './grants.ts'

type Thing = Definition | FeatureGroupData | SourceData | Entity

const kinds = {
  featureView: 'view',
  featureGroup: 'group',
  onDemand: 'onDemand',
  entity: 'entity',
  events: 'source',
  table: 'source',
} as const

/** What roles on a definition are on. `groups`: all groups, by which a source may be pushed to. */
export function accessTarget(environment: string, thing: Thing, groups: readonly FeatureGroupData[] = []): Target {
  const of = partOf(thing)
  if (thing instanceof FeatureView)
    return { environment, ...of, parts: [...new Set(selectionsOf(thing).map(({ group }) => group))].map(partOf) }
  if (kinds[thing.kind] !== 'source') return { environment, ...of }
  return { environment, ...of, parts: groups.filter(({ source }) => source.name === thing.name).map(partOf) }
}

const partOf = (thing: Thing) => ({ on: `${kinds[thing.kind]}:${thing.name}`, tags: 'tags' in thing ? thing.tags : [] })
