import type { Command } from 'commander'
import { type FeatureGroupData, OnDemand, selectionsOf } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { durationMicros } from '../../lib/duration.ts'
import { suggestion } from '../../lib/suggestion.ts'
import type { FeatureStatistics } from '../../registry/index.ts'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { formatCount, formatShare } from '../format.ts'
import { longWork } from '../long-work.ts'
import type { Output } from '../output.ts'
import type { Project } from '../project.ts'
import { sessionOf } from '../session.ts'
import { formatPairs } from '../table.ts'
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
    const groups = [...new Set(asked.map(({ group }) => group))].filter((group) => !(group instanceof OnDemand)) as FeatureGroupData[]
    for (const group of groups)
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
  const now = registry.clock.now()
  const reads = await registry.usage.read(project.environment, { since: now - durationMicros('30d') })
  const readers = (one: FeatureStatistics) => {
    const features = project.catalogue.views.flatMap((view) =>
      view.items.flatMap((item) => {
        const group = item instanceof OnDemand ? item : item.group
        if (`${group.name}@${group.version}` !== one.group) return []
        const names = Object.entries<unknown>(item.features).filter(
          ([own, behind]) => (item instanceof OnDemand ? own : behind) === one.feature,
        )
        return names.map(([own]) => `${view.name}@${view.version}.${own}`)
      }),
    )
    const own = reads.filter(({ view, version, feature }) => features.includes(`${view}@${version}.${feature}`))
    return [...new Set(own.map(({ caller }) => caller))]
  }
  const all = found.map((one) => ({ ...one, readBy: readers(one) }))
  output.result(all, () => {
    if (all.length === 0) return `Nothing is known of the values of ${name}: materialize, backfill or train with it, or add --compute.`
    const [only] = all
    return all.length === 1 && only ? showOne(only, output) : showAll(all, output)
  })
}

type Shown = FeatureStatistics & { readonly readBy: readonly string[] }

function showAll(all: readonly Shown[], output: Output): string {
  return output.table(all, [
    { title: 'feature', value: ({ group, feature }) => `${group}.${feature}` },
    { title: 'as of', value: ({ from, to }) => (from === to ? to : `${from} to ${to}`) },
    { title: 'by', value: ({ origin }) => origin },
    { title: 'values', align: 'right', value: ({ count }) => formatCount(count) },
    { title: 'null', align: 'right', value: ({ nulls, count }) => formatShare(nulls / Math.max(1, count)) },
    { title: 'zero', align: 'right', value: ({ zeros, count }) => (zeros === null ? '' : formatShare(zeros / Math.max(1, count))) },
    { title: 'distinct', align: 'right', value: ({ distinct }) => formatCount(distinct) },
    { title: 'minimum', align: 'right', value: ({ minimum }) => shown(minimum) },
    { title: 'median', align: 'right', value: ({ quantiles }) => shown(quantiles?.['0.5'] ?? null) },
    { title: 'maximum', align: 'right', value: ({ maximum }) => shown(maximum) },
    { title: 'mean', align: 'right', value: ({ mean }) => shown(mean) },
    { title: 'most frequent', value: ({ top }) => top?.[0]?.value ?? '' },
  ])
}

function showOne(one: Shown, output: Output): string {
  const { histogram, top, quantiles, count } = one
  const pairs = formatPairs([
    ['feature', `${one.group}.${one.feature}`],
    ['as of', one.from === one.to ? one.to : `${one.from} to ${one.to}`],
    ['computed', `${one.computed} (${one.origin}${one.sampledKeys === null ? '' : `, of ${formatCount(one.sampledKeys)} keys`})`],
    ['training set', one.trainingSet],
    ['values', formatCount(count)],
    ['null', `${formatCount(one.nulls)} (${formatShare(one.nulls / Math.max(1, count))})`],
    ['zero', one.zeros === null ? null : formatCount(one.zeros)],
    ['no number', one.notNumbers ? formatCount(one.notNumbers) : null],
    ['distinct', formatCount(one.distinct)],
    ['minimum', shown(one.minimum)],
    ['maximum', shown(one.maximum)],
    ['mean', one.mean === null ? null : shown(one.mean)],
    ['deviation', one.deviation === null ? null : shown(one.deviation)],
    [
      'quantiles',
      quantiles &&
        Object.entries(quantiles)
          .map(([share, value]) => `${formatShare(Number(share))} ${shown(value)}`)
          .join(', '),
    ],
    ['read by', one.readBy.join(', ') || null],
  ])
  if (top) {
    const table = output.table(top, [
      { title: 'value', value: ({ value }) => value },
      { title: 'count', align: 'right', value: (each) => formatCount(each.count) },
    ])
    return `${pairs}\n\n${table}`
  }
  if (!histogram) return pairs
  const { from, to, counts } = histogram
  const most = Math.max(1, ...counts)
  const rows = counts.map((number, place) => ({ low: from + ((to - from) * place) / counts.length, number }))
  const table = output.table(rows, [
    { title: 'from', align: 'right', value: ({ low }) => shown(low) },
    { title: 'count', align: 'right', value: ({ number }) => formatCount(number) },
    { title: '', value: ({ number }) => '█'.repeat(Math.round((40 * number) / most)) },
  ])
  return `${pairs}\n\n${table}`
}

const shown = (value: string | number | null): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : (value ?? '').slice(0, 40)

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
