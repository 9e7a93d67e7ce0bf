import { type Catalogue, catalogueOf, type Definition, definitionsOf, type FeatureView, type Snapshot } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { durationMicros } from '../lib/duration.ts'
import type { Micros } from '../lib/moment.ts'
import { Lineage, viewFeatureId } from '../plan/index.ts'
import { type FeatureRead, holdsIn, type Registry, type TrainingSetRecord } from '../registry/index.ts'

/** Who depends on something. */
export interface Consumers {
  /** `ranking@1`, those that are applied. */
  readonly views: readonly string[]
  readonly callers: readonly { readonly caller: string; readonly model: string; readonly view: string; readonly last: number }[]
  /** `churn`, with a live version. */
  readonly models: readonly string[]
  /** Ids of those that are live. */
  readonly trainingSets: readonly string[]
}

/** How far back a read tells that somebody still reads. */
export const usageDays = 30
const usageMicros = usageDays * 86_400_000_000

/** The moment since when a caller counts as one. Throws `INVALID_ARGUMENT` for a shorter time than the one that always holds. */
export function usageSince(now: Micros, within = `${usageDays}d`): Micros {
  const micros = durationMicros(within, 'within')
  if (micros < usageMicros)
    throw new LockstepError('INVALID_ARGUMENT', `Callers of the last ${usageDays} days always count; ${within} is less`, {
      remedy: `Give ${usageDays}d or more.`,
    })
  return now - micros
}

/** What items define, to see what depends on what: on-demand views are there without their code. */
export const definitionsOfItems = (items: Snapshot): Definition[] => definitionsOf(items.values(), () => ({ compute: missing })).definitions

export const catalogueOfItems = (items: Snapshot): Catalogue => catalogueOf(definitionsOfItems(items))

const missing = () => {
  throw new Error('The code of this version is not here')
}

/** What is applied in an environment, its code aside; null where nothing ever was. */
export async function appliedCatalogue(registry: Registry, environment: string): Promise<Catalogue | null> {
  const head = await registry.applies.head(environment)
  return head && catalogueOfItems(await registry.applies.items(head))
}

/** Who reads the views of an environment. */
interface Readers {
  readonly reads: readonly FeatureRead[]
  readonly trainingSets: readonly Reader[]
  readonly models: readonly Reader[]
}

/** A training set, or a version of a model. */
interface Reader {
  readonly name: string
  readonly view: string
  /** Null: who knows. */
  readonly features: readonly string[] | null
  /** `user_orders@1.total`, which they come from: known of views that are not applied, too. Null: who knows. */
  readonly reads: readonly string[] | null
}

/** Those who read since a moment, and what is live. A model counts wherever it was trained, by the view and where it reads that. */
export async function readersOf(registry: Registry, environment: string, since: Micros): Promise<Readers> {
  const reads = (await registry.usage.read(environment, { since })).filter(({ last }) => last >= since)
  const sets = await registry.trainingSets.list()
  const made = new Map(sets.map((set) => [set.id, readOf(set)]))
  const models = (await registry.models.list()).flatMap(({ name, versions }) =>
    versions
      .filter((version) => holdsIn(version, environment))
      .map(({ view, trainingSet }) => ({ ...(made.get(trainingSet) ?? unknown), name, view: `${view.name}@${view.version}` })),
  )
  const live = sets.filter((set) => set.live && set.environment === environment)
  return { reads, models, trainingSets: live.map((set) => ({ ...readOf(set), name: set.id, view: `${set.view}@${set.version}` })) }
}

type WhatIsRead = Pick<Reader, 'features' | 'reads'>
const unknown: WhatIsRead = { features: null, reads: null }
const readOf = ({ features, reads }: TrainingSetRecord): WhatIsRead => ({ features, reads: reads ?? null })

/** The features of groups and on-demand views that features of a view come from, whether or not it is applied. */
export function featuresBehind(view: FeatureView, features: readonly string[]): string[] {
  const lineage = new Lineage(catalogueOf([view]))
  const start = features.map((feature) => viewFeatureId(view, feature)).filter((id) => lineage.nodes.has(id))
  const { nodes } = lineage.reach(start, 'up')
  return nodes.flatMap((node) => (node.kind === 'feature' ? [node.id] : [])).sort()
}

/** Who depends on something: views that are defined, callers that read since a moment, live training sets, and live models. */
export async function consumersOf(
  registry: Registry,
  catalogue: Catalogue,
  environment: string,
  subject: { readonly id: string; readonly kind: string },
  since: Micros,
): Promise<Consumers> {
  return consumersIn(new Lineage(catalogue), await readersOf(registry, environment, since), subject)
}

export function consumersIn(
  lineage: Lineage,
  { reads, trainingSets, models }: Readers,
  { id, kind }: { readonly id: string; readonly kind: string },
): Consumers {
  const start = lineage.find(kind === 'view' || kind === 'feature' ? id : id.slice(id.indexOf(':') + 1))
  const touched = new Map<string, Set<string>>()
  const read = new Set<string>()
  for (const node of lineage.reach(start, 'down').nodes) {
    const [, view, feature] = node.kind === 'viewFeature' ? (/^view:([^.]+)\.(.+)$/.exec(node.id) ?? []) : []
    if (node.kind === 'feature') read.add(node.id)
    if (view !== undefined && feature !== undefined) touched.set(view, (touched.get(view) ?? new Set()).add(feature))
  }
  const isTouched = ({ view, features, reads }: Reader) => {
    if (reads?.some((each) => read.has(each))) return true
    const own = touched.get(view)
    return own !== undefined && (features === null || features.some((each) => own.has(each)))
  }
  const names = (readers: readonly Reader[]) => [...new Set(readers.filter(isTouched).map(({ name }) => name))]
  const callers = new Map<string, Consumers['callers'][number]>()
  for (const { caller, model, view, version, feature, last } of reads) {
    const name = `${view}@${version}`
    if (!touched.get(name)?.has(feature)) continue
    const key = [caller, model, name].join('\0')
    callers.set(key, { caller, model, view: name, last: Math.max(last, callers.get(key)?.last ?? 0) })
  }
  return {
    views: kind === 'view' ? [] : [...touched.keys()].sort(),
    callers: [...callers.values()],
    models: names(models),
    trainingSets: names(trainingSets),
  }
}

/** Who holds a removal up, in words. */
export function holdersOf({ views: pinned, callers, models, trainingSets }: Consumers): string[] {
  return [
    ...(pinned.length > 0 ? [`the view${pinned.length > 1 ? 's' : ''} ${pinned.join(', ')} pin${pinned.length > 1 ? '' : 's'} it`] : []),
    ...callers.map(
      ({ caller, view, last }) => `${caller || 'somebody'} read it by ${view}, last on ${new Date(last / 1000).toISOString().slice(0, 10)}`,
    ),
    ...(models.length > 0
      ? [`the model${models.length > 1 ? 's' : ''} ${models.join(', ')} depend${models.length > 1 ? '' : 's'} on it`]
      : []),
    ...(trainingSets.length > 0
      ? [
          `the live training set${trainingSets.length > 1 ? 's' : ''} ${trainingSets.join(', ')} hold${trainingSets.length > 1 ? '' : 's'} it`,
        ]
      : []),
  ]
}
