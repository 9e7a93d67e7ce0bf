import { isDeepStrictEqual } from 'node:util'
import {
  type AnyView,
  FeatureGroup,
  type FeatureGroupData,
  featureView,
  groupHash,
  OnDemand,
  type Selection,
  selectionsOf,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { Duck, type SourcePlaces } from '../offline/index.ts'
import { buildTrainingSet, engineOptions, labelsFrom, type TrainingSetOptions } from '../pointintime/index.ts'
import { type SampledKey, sampleKeys } from './sample-keys.ts'

export interface CompareOptions extends Pick<TrainingSetOptions, 'memoryLimit' | 'threads' | 'temporaryFolder' | 'signal' | 'progress'> {
  /** How many keys take part. Default: 500. */
  readonly sample?: number
  /** Another choice of keys and moments. Default: 1. */
  readonly seed?: number
  /** Where sources are read. */
  readonly places?: SourcePlaces
  /** The values that examples show of each feature. Default: 3. */
  readonly examples?: number
}

/** A value that the two give differently, for the same key as of the same moment. */
export interface DifferentValue {
  readonly key: Readonly<Record<string, unknown>>
  /** ISO 8601, UTC. */
  readonly at: string
  readonly before: unknown
  readonly after: unknown
}

export interface FeatureComparison {
  readonly feature: string
  readonly compared: number
  readonly different: number
  readonly examples: readonly DifferentValue[]
  /** Examples that there are and that are not given, and why: `pii`, or in words. */
  readonly withheld?: { readonly examples: number; readonly why: string }
}

/** What two versions give for the same real keys as of the same moments. */
export interface Comparison {
  /** Keys that took part, each as of one moment. */
  readonly keys: number
  /** The moment of all of them, where they have one. ISO 8601, UTC. */
  readonly asOf?: string
  /** Of features that both have, in order of the new ones. */
  readonly features: readonly FeatureComparison[]
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Features that were not computed, as they need values of a request. */
  readonly skipped: readonly string[]
}

type Row = Readonly<Record<string, unknown>>

/** Keys of a view, and a moment for each: what both versions are asked for. */
export interface Question {
  readonly key: Row
  /** Microseconds. */
  readonly moment: number
}

/**
 * Computes two versions of a group from history for a sample of its real keys, each as of a moment within an hour after its newest
 * event, and compares each value. Throws `INVALID_ARGUMENT` where their keys differ, and as `buildTrainingSet`.
 */
export async function compareGroups(before: FeatureGroupData, after: FeatureGroupData, options: CompareOptions = {}): Promise<Comparison> {
  return await compareViews(viewOf(before), viewOf(after), options)
}

/** As `compareGroups`, of two versions of a view. On-demand features that need values of a request are left out. */
export async function compareViews(before: AnyView, after: AnyView, options: CompareOptions = {}): Promise<Comparison> {
  const skipped = [before, after].flatMap(({ items }) => items.filter(needsRequest).flatMap(({ features }) => Object.keys(features)))
  const questions = await sampleQuestions(before, after, options)
  const answers: Row[][] = []
  for (const view of [before, after]) answers.push(await fromHistory(view, questions, options))
  const [old = [], fresh = []] = answers
  return compareAnswers(before, after, questions, { old, fresh, skipped: new Set(skipped), examples: options.examples ?? 3 })
}

/** Real keys of two versions of a view, each with a moment, of one seed always the same. Throws `INVALID_ARGUMENT` where their keys differ. */
export async function sampleQuestions(before: AnyView, after: AnyView, options: CompareOptions = {}): Promise<Question[]> {
  const { sample = 500, seed = 1, places = {} } = options
  const [old, fresh] = [before, after].map(({ keys }) => Object.keys(keys).sort()) as [string[], string[]]
  if (!isDeepStrictEqual(old, fresh))
    throw new LockstepError(
      'INVALID_ARGUMENT',
      `${named(before)} has the keys ${old.join(', ')}, and ${named(after)} ${fresh.join(', ')}`,
      {
        remedy: 'Compare versions of the same entities.',
      },
    )
  const asked: { readonly selection: Selection; readonly found: readonly SampledKey[] }[] = []
  await using duck = await Duck.open(engineOptions(options))
  for (const selection of keyedSelections(before, after))
    asked.push({ selection, found: await sampleKeys(duck, selection.group, { sample, seed, places }) })
  const random = seededRandom(seed)
  return Array.from({ length: Math.max(0, ...asked.map(({ found }) => found.length)) }, (_, index) => {
    let newest = 0
    const key: Record<string, unknown> = {}
    for (const { selection, found } of asked) {
      const one = found[index % found.length]
      if (!one) continue
      newest = Math.max(newest, one.newest)
      for (const [name, value] of Object.entries(one.key)) key[selection.keys[name] as string] = value
    }
    return { key, moment: newest + 1 + random(3_600_000_000) }
  }).filter(({ key }) => old.every((name) => key[name] !== undefined))
}

/** A selection for each set of the views' keys, of groups that differ where there are such; sets of more keys last, as their keys belong together. */
function keyedSelections(before: AnyView, after: AnyView): Selection[] {
  const known = new Set(selectionsOf(before).map(({ group }) => groupHash(group)))
  const all = [...selectionsOf(after)].sort((a, b) => Number(known.has(groupHash(a.group))) - Number(known.has(groupHash(b.group))))
  const bySet = new Map<string, Selection>()
  for (const selection of all) {
    const set = Object.values(selection.keys).sort().join(' ')
    if (!bySet.has(set)) bySet.set(set, selection)
  }
  return [...bySet.values()].sort((a, b) => Object.keys(a.keys).length - Object.keys(b.keys).length)
}

async function fromHistory(view: AnyView, questions: readonly Question[], options: CompareOptions): Promise<Row[]> {
  const features = view.items.filter((item) => !needsRequest(item))
  if (features.length === 0 || questions.length === 0) return questions.map(() => ({}))
  const whole = featureView({
    name: view.name,
    version: view.version,
    features,
    defaults: givenDefaults(view, features),
  } as never) as AnyView
  // Names that no feature can have.
  const names = Object.keys(whole.keys)
  const columns = Object.fromEntries(names.map((name) => [name, `given__${name}`]))
  const labels = questions.map(({ key, moment }) => ({
    as__of: formatMoment(moment),
    ...Object.fromEntries(names.map((name) => [`given__${name}`, key[name]])),
  }))
  const { places = {}, sample: _sample, seed: _seed, examples: _examples, ...work } = options
  await using set = await buildTrainingSet(whole, labelsFrom(labels, { moment: 'as__of', columns }), { ...work, ...places })
  const rows: Row[] = []
  for await (const row of set) rows.push(row as Row)
  return rows
}

function givenDefaults({ defaults }: AnyView, items: readonly (Selection | OnDemand)[]): Row {
  const names = new Set(items.flatMap(({ features }) => Object.keys(features)))
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => names.has(name)))
}

/** Puts two lists of answers to the same questions beside each other. */
export function compareAnswers(
  before: AnyView,
  after: AnyView,
  questions: readonly Question[],
  answers: {
    readonly old: readonly Row[]
    readonly fresh: readonly Row[]
    readonly skipped: ReadonlySet<string>
    readonly examples: number
  },
): Comparison {
  const { old, fresh, skipped, examples } = answers
  const [oldNames, names] = [before, after].map((view) => [...view.featureNames]) as [string[], string[]]
  const features = names
    .filter((name) => oldNames.includes(name) && !skipped.has(name))
    .map((feature): FeatureComparison => {
      const differing = questions.flatMap(({ key, moment }, row) => {
        const [was, is] = [old[row]?.[feature], fresh[row]?.[feature]]
        return isDeepStrictEqual(was, is) ? [] : [{ key, at: formatMoment(moment), before: was, after: is }]
      })
      return { feature, compared: questions.length, different: differing.length, examples: differing.slice(0, examples) }
    })
  return {
    keys: questions.length,
    features,
    added: names.filter((name) => !oldNames.includes(name)),
    removed: oldNames.filter((name) => !names.includes(name)),
    skipped: [...skipped],
  }
}

/** The features of a view that need no values of a request. */
export const featuresWithoutRequest = ({ items }: AnyView): readonly string[] =>
  items.filter((item) => !needsRequest(item)).flatMap(({ features }) => Object.keys(features))

const needsRequest = (item: Selection | OnDemand): boolean =>
  item instanceof OnDemand && (Object.keys(item.request).length > 0 || item.from.some(needsRequest))

/** A group or an on-demand view and nothing else, as a view. */
export function viewOf(one: FeatureGroupData | OnDemand): AnyView {
  const item = one instanceof OnDemand || one instanceof FeatureGroup ? one : new FeatureGroup(one)
  return featureView({ name: one.name, version: one.version, features: [item] } as never) as AnyView
}

const named = ({ name, version }: AnyView): string => `${name}@${version}`
