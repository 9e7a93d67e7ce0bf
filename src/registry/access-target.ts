import {
  type Definition,
  type Entity,
  type FeatureGroupData,
  FeatureView,
  groupHash,
  itemId,
  OnDemand,
  onDemandHash,
  type Snapshot,
  type SourceData,
  selectionsOf,
  sourceHash,
  viewHash,
} from '../definition/index.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
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

/**
 * The same of a thing that its caller may have brought along: a name and tags that anybody can write give no right to it. What is not what
 * is applied under its name takes a role on everything; a view, and on-demand code no less, may be read by who may read all its groups,
 * as they are applied. Null: nothing is applied, and the definitions are all that there is.
 */
export function broughtTarget(environment: string, thing: Thing, groups: readonly FeatureGroupData[], applied: Snapshot | null): Target {
  if (applied === null) return accessTarget(environment, thing, groups)
  const judged = (one: Thing) => {
    const item = applied.get(idOf(one))
    if (item === undefined || !isSame(one, item)) return { on: '*' }
    return { on: partOf(one).on, tags: tagsOf(item.text) }
  }
  const of = { environment, ...judged(thing) }
  if (thing instanceof FeatureView) return { ...of, parts: [...new Set(selectionsOf(thing).map(({ group }) => group))].map(judged) }
  if (kinds[thing.kind] !== 'source' || of.on === '*') return of
  const reading = [...applied.values()].filter(({ kind, text }) => kind === 'group' && sourceOf(text) === `source:${thing.name}`)
  return { ...of, parts: reading.map(({ name, text }) => ({ on: `group:${name}`, tags: tagsOf(text) })) }
}

const idOf = (thing: Thing) => itemId({ kind: kinds[thing.kind], name: thing.name, version: 'version' in thing ? thing.version : 0 })

function isSame(thing: Thing, { meaning, text }: { readonly meaning: string; readonly text: string }): boolean {
  if (thing instanceof FeatureView) return viewHash(thing) === meaning
  if (thing instanceof OnDemand) return onDemandHash(thing) === meaning
  if (thing.kind === 'featureGroup') return groupHash(thing) === meaning
  if (thing.kind === 'entity') return true
  // What a topic holds goes to all that read it, whatever it is called.
  return sourceHash(thing) === meaning && canonicalJson(thing.stream) === canonicalJson((JSON.parse(text) as SourceData).stream)
}

const tagsOf = (text: string): readonly string[] => (JSON.parse(text) as { readonly tags?: readonly string[] }).tags ?? []
const sourceOf = (text: string): unknown => (JSON.parse(text) as { readonly source?: unknown }).source
