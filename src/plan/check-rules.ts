import {
  type AggregateNode,
  type FeatureGroupData,
  type FeatureView,
  groupHash,
  type OnDemand,
  onDemandHash,
  selectionsOf,
  showExpression,
  showWindow,
  viewHash,
} from '../definition/index.ts'
import { durationMicros } from '../lib/duration.ts'
import { type CheckedFeature, onDemandsOf, type Problem, problem, type Subject } from './check-subject.ts'
import { namedWindow, tellsWindow, windowWord, wrongAggregation } from './feature-name.ts'
import { viewFeatureId } from './lineage.ts'
import type { PolicyGraph } from './policy-graph.ts'

export type Severity = 'error' | 'warning' | 'off'

/** Settings are not always type-checked. */
export const isSeverity = (text: unknown): text is Severity => text === 'error' || text === 'warning' || text === 'off'

export interface Rule {
  /** By default. */
  readonly severity: Severity
  /** What it asks for, as a sentence of the reference. */
  readonly asks: string
  readonly find: (subject: Subject) => readonly (Problem | null)[]
}

const eachFeature = (check: (feature: CheckedFeature) => Problem | null): Rule['find'] => {
  return ({ features }) => features.map(check)
}

const eachAggregate = (check: (node: AggregateNode, where: string) => Problem | null): Rule['find'] => {
  return ({ features }) => features.flatMap(({ aggregates, where }) => aggregates.map((node) => check(node, where)))
}

/** Every rule, its severity by default, and what it asks for; `docs/reference/checks.md` lists the same. */
export const checkRules = {
  'name-entity': {
    severity: 'warning',
    asks: 'The name of a feature begins with the name of its entity.',
    find: eachFeature(nameWithoutEntity),
  },
  'name-window': {
    severity: 'warning',
    asks: 'The name of an aggregation tells its window: `_30m`, `_90d`, `_lifetime`. The first or last of a lifetime, and the time since, need not.',
    find: eachFeature(nameWithoutWindow),
  },
  'name-window-contradiction': {
    severity: 'error',
    asks: 'The window that a name ends with is that of the feature: no `_30d` over 60 days.',
    find: eachFeature(nameOfOtherWindow),
  },
  'name-aggregation-contradiction': {
    severity: 'warning',
    asks: 'The aggregation that a name tells before its window is that of the feature: no `_avg_30d` of a sum.',
    find: eachFeature(nameOfOtherAggregation),
  },
  'duplicate-feature': {
    severity: 'warning',
    asks: 'No two groups of an entity have a feature of one name: it would have two meanings.',
    find: ({ features }) => namesOfOtherFeatures(features),
  },
  'duplicate-version': {
    severity: 'error',
    asks: 'What has one name and one version is one definition.',
    find: ({ everyVersion: { groups, onDemands, views } }) => [
      ...duplicateVersions('feature group', groups, groupHash),
      ...duplicateVersions('on-demand view', onDemands, onDemandHash),
      ...duplicateVersions('feature view', views, viewHash),
    ],
  },
  'outdated-group': {
    severity: 'warning',
    asks: 'A feature view, in its newest version, reads the newest version of its groups; one that is active the newest that is.',
    find: outdatedGroups,
  },
  draft: {
    severity: 'error',
    asks: 'A feature view that is active reads nothing whose status is draft, be it through code. A draft may.',
    find: ({ everyVersion: { views } }) => views.map(readsDrafts),
  },
  unused: {
    severity: 'warning',
    asks: 'A feature view reads every group and every on-demand view that is no draft.',
    find: unused,
  },
  owner: {
    severity: 'warning',
    asks: 'Feature groups and feature views name an owner.',
    find: ({ groups, views }) => [
      ...missing('feature group', groups, 'owner', "Add owner: '...', the team to ask."),
      ...missing('feature view', views, 'owner', "Add owner: '...', the team to ask."),
    ],
  },
  description: {
    severity: 'warning',
    asks: 'Feature groups, on-demand views and feature views have a description.',
    find: ({ groups, onDemands, views }) => [
      ...missing('feature group', groups, 'description', "Add description: '...', for those who look for features."),
      ...missing('on-demand view', onDemands, 'description', "Add description: '...', for those who look for features."),
      ...missing('feature view', views, 'description', "Add description: '...', with the model that reads it."),
    ],
  },
  tags: {
    severity: 'off',
    asks: 'Feature groups and feature views have a tag.',
    find: ({ groups, views }) => [...untagged('feature group', groups), ...untagged('feature view', views)],
  },
  freshness: {
    severity: 'off',
    asks: 'Feature groups declare how old a value may be: a freshness objective, or a ttl where they read a table. Those that a stream keeps need not.',
    find: ({ groups }) => groups.map(withoutAge),
  },
  'tag-flow': {
    severity: 'error',
    asks: 'A feature view has the tags of all columns that its features derive from (`columnTags` of a source): no `pii` in a view that does not say so.',
    find: ({ everyVersion: { views }, graph }) => views.flatMap((view) => withoutTags(view, graph)),
  },
  'window-length': {
    severity: 'warning',
    asks: 'Windows, the gaps of sessions and delays are from 1 second to 5 years long.',
    find: eachAggregate(strangeWindow),
  },
  'large-list': {
    severity: 'warning',
    asks: 'Lists (`topK`, `collect`, `firstN`, `lastN`, `lastDistinctN`) hold at most 1000 values.',
    find: eachAggregate(largeList),
  },
  'unbounded-state': {
    severity: 'off',
    asks: 'The state of a key has a bound: no exact quantile, distinct count, histogram or top values of a lifetime, no session and no since window.',
    find: eachAggregate(unboundedState),
  },
  'code-hash': {
    severity: 'warning',
    asks: 'The hash of an on-demand view covers all the code that it runs, so that it changes whenever its values may.',
    find: ({ onDemands }) => onDemands.map(hiddenCode),
  },
} as const satisfies Readonly<Record<string, Rule>>

export type RuleName = keyof typeof checkRules

function nameWithoutEntity({ group, name, where }: CheckedFeature): Problem | null {
  const { name: entity } = group.entity
  if (name.startsWith(`${entity}_`)) return null
  return problem(where, `The name ${name} does not begin with its entity, ${entity}`, `Call it ${entity}_${name}.`)
}

const firstOrLast: ReadonlySet<string> = new Set(['first', 'last', 'firstN', 'lastN', 'lastDistinctN'])

function nameWithoutWindow({ name, where, aggregates, usesAsOf }: CheckedFeature): Problem | null {
  const [aggregate] = aggregates
  const isClear = aggregates.every((node) => node.window.kind === 'lifetime' && (usesAsOf || firstOrLast.has(node.function)))
  // A name that tells another window is a finding of its own.
  if (
    !aggregate ||
    isClear ||
    namedWindow(name) !== null ||
    aggregates.some(({ window }) => name.split('_').some((word) => tellsWindow(word, window)))
  )
    return null
  const { window } = aggregate
  return problem(where, `The name ${name} does not tell its window, ${showWindow(window)}`, `Call it ${name}_${windowWord(window)}.`)
}

function nameOfOtherWindow({ name, where, aggregates }: CheckedFeature): Problem | null {
  const word = namedWindow(name)
  const [aggregate] = aggregates
  if (word === null || !aggregate || aggregates.some(({ window }) => tellsWindow(word, window))) return null
  const better = `${name.slice(0, -word.length)}${windowWord(aggregate.window)}`
  const message = `The name ${name} says ${word}, the window is ${showWindow(aggregate.window)}`
  return problem(where, message, `Call it ${better}, or correct the window.`)
}

function nameOfOtherAggregation({ group, name, where, aggregates: [aggregate] }: CheckedFeature): Problem | null {
  if (!aggregate || group.features[name] !== aggregate) return null
  const word = wrongAggregation(name, aggregate)
  if (word === null) return null
  return problem(
    where,
    `The name ${name} says ${word}, the feature is ${showExpression(aggregate)}`,
    'Rename it, or correct the aggregation.',
  )
}

function namesOfOtherFeatures(features: readonly CheckedFeature[]): (Problem | null)[] {
  const byName = Map.groupBy(features, ({ group, name }) => `${group.entity.name} ${name}`)
  return features.map(({ group, name, where }) => {
    const other = byName.get(`${group.entity.name} ${name}`)?.find((one) => one.group.name < group.name)
    if (!other) return null
    const message = `The group ${other.group.name} has a feature ${name} of the same entity`
    return problem(where, message, 'Rename one of them, or use one in both places.')
  })
}

interface Versioned {
  readonly name: string
  readonly version: number
}

function duplicateVersions<T extends Versioned>(what: string, all: readonly T[], hash: (one: T) => string): (Problem | null)[] {
  return all.map((one, index) => {
    const other = all.slice(0, index).find(({ name, version }) => name === one.name && version === one.version)
    if (!other || hash(other) === hash(one)) return null
    const message = `There are two definitions of ${one.name} version ${one.version}, which differ`
    return problem(`${what} ${one.name}`, message, 'Raise the version of the newer one.')
  })
}

function outdatedGroups({ everyVersion: { groups }, views }: Subject): Problem[] {
  const byName = Map.groupBy(groups, ({ name }) => name)
  return views.flatMap((view) => {
    const read = [...new Set(selectionsOf(view).map(({ group }) => group))]
    return read.flatMap(({ name, version }) => {
      const meant = (byName.get(name) ?? []).filter(({ status }) => view.status === 'draft' || status === 'active')
      const newest = Math.max(version, ...meant.map((group) => group.version))
      if (newest === version) return []
      const message = `It reads version ${version} of ${name}; there is version ${newest}`
      return [problem(`feature view ${view.name}`, message, 'Read the newer one in a new version of the view.')]
    })
  })
}

function readsDrafts(view: FeatureView): Problem | null {
  if (view.status === 'draft') return null
  const read = [...selectionsOf(view).map(({ group }) => group), ...onDemandsOf(view.items)]
  const drafts = [...new Set(read.filter(({ status }) => status === 'draft').map(({ name, version }) => `${name}@${version}`))]
  if (drafts.length === 0) return null
  const message = `It is active, and reads ${drafts.join(', ')}, which ${drafts.length > 1 ? 'are drafts' : 'is a draft'}`
  return problem(`feature view ${view.name}`, message, "Take status: 'draft' out of what it reads, or make the view a draft too.")
}

function unused({ groups, onDemands, everyVersion }: Subject): Problem[] {
  const used = new Set<FeatureGroupData | OnDemand>(
    everyVersion.views.flatMap((view) => [...selectionsOf(view).map(({ group }) => group), ...onDemandsOf(view.items)]),
  )
  const find = (what: string, all: readonly (FeatureGroupData | OnDemand)[]) =>
    all
      .filter((one) => !used.has(one) && one.status === 'active')
      .map(({ name }) => problem(`${what} ${name}`, 'No feature view reads it', 'Add it to a view, or remove it.'))
  return [...find('feature group', groups), ...find('on-demand view', onDemands)]
}

type Described = Versioned & { readonly owner: string; readonly description: string }

function missing(what: string, all: readonly Described[], field: 'owner' | 'description', remedy: string): Problem[] {
  return all.filter((one) => one[field] === '').map(({ name }) => problem(`${what} ${name}`, `It has no ${field}`, remedy))
}

function untagged(what: string, all: readonly (Versioned & { readonly tags: readonly string[] })[]): Problem[] {
  const remedy = "Add tags: ['...'], by which it is found and governed."
  return all.filter(({ tags }) => tags.length === 0).map(({ name }) => problem(`${what} ${name}`, 'It has no tag', remedy))
}

function withoutAge({ name, source, ttl, freshness, refresh }: FeatureGroupData): Problem | null {
  const isStreamed = source.stream !== null && refresh.kind === 'live'
  if (isStreamed || freshness !== null || ttl !== null) return null
  const remedy = `Add freshness: '1d'${source.kind === 'table' ? " or ttl: '30d'" : ''}, as the models need it.`
  return problem(`feature group ${name}`, 'It does not say how old its values may be', remedy)
}

/** Tags of columns; those of sources and groups say whose they are rather than what is in them. */
function withoutTags(view: FeatureView, graph: PolicyGraph): Problem[] {
  const ofColumns = new Set(graph.catalogue.sources.flatMap(({ columnTags }) => Object.values(columnTags).flat()))
  return [...ofColumns].flatMap((tag): Problem[] => {
    if (view.tags.includes(tag)) return []
    const features = view.featureNames.filter((name) => graph.tagsOf(viewFeatureId(view, name)).has(tag))
    if (features.length === 0) return []
    const message = `It serves ${features.join(', ')}, which derives from what is tagged ${tag}, and has no such tag`
    const { name, version } = view
    const versions = graph.catalogue.views.filter((one) => one.name === name).map((one) => one.version)
    if (version === Math.max(...versions))
      return [problem(`feature view ${name}`, message, `Add tags: ['${tag}'] to the view, or leave these features out.`)]
    // One that files have in a newer version only is as it was applied.
    const remedy = `Declare version ${version} beside the newer one with tags: ['${tag}'], or remove it: lockstep remove view:${name}@${version}.`
    return [problem(`feature view ${name}@${version}`, message, remedy)]
  })
}

const shortestWindow = durationMicros('1s')
const longestWindow = durationMicros('1827d')

function strangeWindow({ window }: AggregateNode, where: string): Problem | null {
  const lengths = [window.delay, 'length' in window ? window.length : 0, 'gap' in window ? window.gap : 0].filter((micros) => micros > 0)
  if (lengths.every((micros) => shortestWindow <= micros && micros <= longestWindow)) return null
  const remedy = 'Check the unit: ms is milliseconds, m minutes, d days. Beyond 5 years a lifetime is clearer.'
  return problem(where, `The window is ${showWindow(window)}, which is hardly meant`, remedy)
}

const longestList = 1000

function largeList(node: AggregateNode, where: string): Problem | null {
  const { k, n, limit } = node.parameters
  const length = Number(k ?? n ?? limit ?? 0)
  if (length <= longestList) return null
  return problem(where, `${showExpression(node)} may hold ${length} values in each vector`, `Keep at most ${longestList}.`)
}

/** Windows, and functions of a lifetime, whose state may keep every event or every different value. */
const growing: ReadonlySet<string> = new Set(['session', 'since', 'quantile', 'countDistinct', 'histogram', 'topK', 'topKBySum'])

function unboundedState(node: AggregateNode, where: string): Problem | null {
  if (!growing.has(node.window.kind === 'lifetime' ? node.function : node.window.kind)) return null
  return problem(
    where,
    `The state of ${showExpression(node)} may grow for ever`,
    'Give it a window with over(...), or an approximate form.',
  )
}

function hiddenCode({ name, codeComplete }: OnDemand): Problem | null {
  if (codeComplete) return null
  const remedy = 'Declare compute and what it uses at the top level of modules, or raise the version whenever that code changes.'
  return problem(`on-demand view ${name}`, 'Its hash covers only a part of the code that it runs', remedy)
}
