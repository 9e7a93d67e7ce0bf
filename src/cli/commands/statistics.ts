import type { Command } from 'commander'
import { type FeatureGroupData, OnDemand, selectionsOf } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { durationMicros, formatDuration } from '../../lib/duration.ts'
import { formatMoment } from '../../lib/moment.ts'
import { suggestion } from '../../lib/suggestion.ts'
import { featureId } from '../../plan/index.ts'
import type { FeatureStatistics } from '../../registry/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { longWork } from '../long-work.ts'
import type { Project } from '../project.ts'
import { type Session, sessionOf } from '../session.ts'
import { type LastRead, type ShownStatistics, showStatistics } from '../show-statistics.ts'
import { parseCount, parseMoment } from '../values.ts'

interface StatisticsOptions {
  readonly compute?: boolean
  readonly asOf?: string
  readonly periods: number
}

/** What of a group or on-demand view is asked for; all features where none is named. */
interface Asked {
  readonly group: FeatureGroupData | OnDemand
  readonly feature: string | null
}

export function addStatistics(program: Command): void {
  const command = program
    .command('statistics')
    .description(
      'Shows what the values of features are like: nulls, distinct values, extremes, mean, deviation, quantiles, histogram or top values; and who last read them. They are computed by materialize, backfill and train, and on request.',
    )
    .argument('<name>', 'FEATURE, GROUP[@VERSION][.FEATURE] or VIEW[@VERSION]')
    .option('--compute', 'compute them now, from history, for up to 1,000 keys')
    .option('--as-of <moment>', 'with --compute: the moment that values are as of (default: now)', parseMoment)
    .option('--periods <number>', 'how many of the newest times of each feature', parseCount, 1)
    .action(statistics)
  withExamples(command, [
    'lockstep statistics user_orders',
    'lockstep statistics user_orders@1.user_order_count_7d --periods 10',
    'lockstep statistics ranking --compute --as-of 2026-03-01 --json',
  ])
}

async function statistics(name: string, { compute, asOf, periods }: StatisticsOptions, command: Command): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const asked = askedFor(project, name)
  // Extremes and frequent values are values.
  await checkAllowed(
    session,
    compute ? 'write' : 'read',
    asked.map(({ group }) => group),
  )
  if (compute) {
    await using store = await project.open()
    for (const group of groupsOf(asked))
      await longWork(output, (work) => store.statistics(group, { ...work, ...(asOf === undefined ? {} : { asOf }) }))
  }
  const registry = await project.registry()
  const found: FeatureStatistics[] = []
  for (const { group, feature } of asked) {
    const order = Object.keys(group.features)
    const own = await registry.statistics.list(project.environment, `${group.name}@${group.version}`, {
      limit: periods,
      ...(feature === null ? {} : { feature }),
    })
    found.push(...own.sort((a, b) => order.indexOf(a.feature) - order.indexOf(b.feature)))
  }
  const lastReads = await lastReadsOf(project)
  const behind = await freshnessOf(session, groupsOf(asked))
  const all = found.map((one): ShownStatistics => {
    const about = { readBy: [...(lastReads.get(`${one.group}.${one.feature}`)?.values() ?? [])], behindSeconds: behind[one.group] ?? null }
    const declared = project.catalogue.groups.find(({ name, version }) => `${name}@${version}` === one.group)?.freshness ?? null
    return { ...one, ...about, freshness: declared === null ? null : formatDuration(declared) }
  })
  output.result(all, () =>
    all.length === 0
      ? `Nothing is known of the values of ${name}: materialize, backfill or train with it, or add --compute.`
      : showStatistics(all, output),
  )
}

/** Of features of groups and of on-demand views, who read them in the last 30 days, the last one first. */
async function lastReadsOf(project: Project): Promise<ReadonlyMap<string, ReadonlyMap<string, LastRead>>> {
  const { usage, clock } = await project.registry()
  const found = new Map<string, Map<string, LastRead>>()
  const reads = await usage.read(project.environment, { since: clock.now() - durationMicros('30d') })
  for (const { caller, model, view: name, version, feature, last } of reads.sort((a, b) => b.last - a.last)) {
    const view = project.catalogue.views.find((one) => one.name === name && one.version === version)
    const item = view?.items.find(({ features }) => Object.hasOwn(features, feature))
    if (!item) continue
    const { group, own } =
      item instanceof OnDemand ? { group: item, own: feature } : { group: item.group, own: item.features[feature] as string }
    const id = featureId(group, own)
    const readers = found.get(id) ?? new Map<string, LastRead>()
    found.set(id, readers)
    if (!readers.has(`${caller} ${model}`)) readers.set(`${caller} ${model}`, { caller, model, last: formatMoment(last) })
  }
  return found
}

const groupsOf = (asked: readonly Asked[]): FeatureGroupData[] => [
  ...new Set(asked.flatMap(({ group }) => (group instanceof OnDemand ? [] : [group]))),
]

/** How far each group is behind in the online store; of none where that cannot be asked, which is no reason to show nothing. */
async function freshnessOf({ project, output }: Session, groups: readonly FeatureGroupData[]): Promise<Readonly<Record<string, number>>> {
  try {
    await using store = await project.open()
    return await store.freshness(groups)
  } catch (error) {
    output.warn(`How fresh the values are is not known: ${(error as Error).message}`)
    return {}
  }
}

function askedFor({ catalogue }: Project, name: string): Asked[] {
  const [, whole = name, version, feature] = /^([^@.]+)(?:@(\d+))?(?:\.(.+))?$/.exec(name) ?? []
  const groups = [...catalogue.groups, ...catalogue.onDemand]
  const of = <T extends { readonly name: string; readonly version: number }>(all: readonly T[]): T | undefined =>
    all.findLast((one) => one.name === whole && (version === undefined || one.version === Number(version)))
  const group = of(groups)
  if (group && (feature === undefined || Object.hasOwn(group.features, feature))) return [{ group, feature: feature ?? null }]
  const view = feature === undefined ? of(catalogue.views) : undefined
  if (view) {
    const onDemand = view.items.filter((item) => item instanceof OnDemand)
    return [...new Set([...selectionsOf(view).map((selection) => selection.group), ...onDemand])].map((one) => ({
      group: one,
      feature: null,
    }))
  }
  const having = version === undefined && feature === undefined ? groups.filter(({ features }) => Object.hasOwn(features, name)) : []
  if (having.length > 0) return having.map((one) => ({ group: one, feature: name }))
  const names = groups.flatMap((one) => [
    one.name,
    ...Object.keys(one.features),
    ...Object.keys(one.features).map((own) => `${one.name}.${own}`),
  ])
  const known = [...names, ...catalogue.views.map((one) => one.name)]
  throw new LockstepError('UNKNOWN_NAME', `There is no feature, group or view ${name}${suggestion(name, known)}`)
}
