import type { Comparison, FeatureComparison, GroupComparison, GroupCost, Impact, Plan } from '../governance/index.ts'
import { formatDate } from '../lib/moment.ts'
import { showDifference } from '../plan/index.ts'
import { countOf, formatBytes, formatCount, formatSeconds, formatShare, formatValue } from './format.ts'
import { strong } from './output.ts'
import { formatTable } from './table.ts'

/** A plan for people: what changes, whom it touches, what it costs, and what stands against it. */
export function showPlan(plan: Plan): string {
  const { difference, environment, base, kept } = plan
  const on = base === 0 ? 'nothing is applied yet' : `on apply ${base}`
  if (difference.items.length === 0)
    return [`Nothing to do in ${environment} (${on}).`, ...showFindings(plan), ...plan.deprecations].join('\n\n')
  return [
    strong(`Plan for ${environment}, ${on}`),
    showDifference(difference),
    ...(kept.length > 0 ? [`Stays as it is applied, beside the new versions: ${kept.map(bare).join(', ')}`] : []),
    ...showCurrent(plan),
    ...showImpact(plan.impact),
    ...(plan.cost.length > 0 ? [`${strong('COST')}\n${showCost(plan.cost)}`] : []),
    ...plan.comparisons.map(showComparison),
    ...showUncompared(plan),
    ...plan.similar.map(
      ({ feature, like }) => `${feature} is much like ${like.map(({ id, definition }) => `${id}, ${definition}`).join('; ')}`,
    ),
    ...showFindings(plan),
    ...plan.deprecations,
  ].join('\n\n')
}

const bare = (id: string) => id.slice(id.indexOf(':') + 1)

/** Of views with one version there is nothing to say. */
function showCurrent({ current, items }: Plan): string[] {
  const ids = Object.keys(items)
  const several = Object.entries(current).filter(([view]) => ids.filter((id) => id.startsWith(`view:${view}@`)).length > 1)
  return several.length > 0 ? [`Becomes current: ${several.map(([view, version]) => `${view}@${version}`).join(', ')}`] : []
}

function showImpact({ views, callers, models, trainingSets }: Impact): string[] {
  const lines = [
    ...(views.length > 0 ? [`views: ${views.join(', ')}`] : []),
    ...callers.map(({ caller, model, view, last }) => {
      const who = [caller || 'callers without a name', model && `(model ${model})`].filter(Boolean).join(' ')
      return `caller: ${who} of ${view}, last on ${formatDate(Math.floor(last / 86_400_000_000))}`
    }),
    ...models.map(({ model, version, view, owner }) => `model: ${model}@${version} of ${view}, owner ${owner || 'unknown'}`),
    ...trainingSets.map(({ id, view, path }) => `training set: ${id} of ${view} (${path})`),
  ]
  return lines.length > 0 ? [`${strong('TOUCHES')}\n${lines.join('\n')}`] : []
}

function showCost(costs: readonly GroupCost[]): string {
  const or = (value: number | null, show: (value: number) => string) => (value === null ? '' : show(value))
  const table = formatTable(
    costs,
    [
      { title: 'group', value: ({ group }) => group },
      { title: 'rows to read', align: 'right', value: ({ rows }) => or(rows, formatCount) },
      { title: 'of', align: 'right', value: ({ read }) => or(read, formatBytes) },
      { title: 'keys', align: 'right', value: ({ keys }) => or(keys, (count) => `~${formatCount(count)}`) },
      { title: 'time', align: 'right', value: ({ seconds }) => or(seconds, (time) => `~${formatSeconds(time)}`) },
      { title: 'to write', align: 'right', value: ({ bytes }) => or(bytes, (size) => `~${formatBytes(Math.round(size))}`) },
      {
        title: 'from',
        value: ({ from, note }) =>
          from === 'runs'
            ? 'recorded runs'
            : from === 'sample'
              ? 'measured on a sample'
              : from === 'others'
                ? 'as those that were measured'
                : note,
      },
    ],
    strong,
  )
  const seconds = costs.reduce((sum, cost) => sum + (cost.seconds ?? 0), 0)
  return costs.length > 1 ? `${table}\n~${formatSeconds(seconds)} in all, one after the other` : table
}

/** What a plan says less of than it might, and how it says more. */
function showUncompared({ comparisons, uncompared, cost }: Plan): string[] {
  const all = comparisons.length + uncompared.length
  const reckoned = cost.filter(({ from }) => from === 'others').length
  const named = uncompared.length > 5 ? [...uncompared.slice(0, 5), '…'] : uncompared
  return [
    ...(uncompared.length > 0
      ? [`Not compared, of ${formatCount(all)} that changed: ${named.join(', ')} (lockstep plan --compare ${all})`]
      : []),
    ...(reckoned > 0 ? [`Not measured: the cost of ${countOf(reckoned, 'group')} (lockstep plan --measure ${cost.length})`] : []),
  ]
}

function showComparison({ group, before, comparison, note }: GroupComparison): string {
  const title = before === group ? `${group}, as applied → as planned` : `${before} → ${group}`
  if (!comparison) return `${strong(title)}\nnot compared: ${note}`
  if (comparison.keys === 0) return `${strong(title)}\nno key could be compared: history has none`
  return `${strong(title)} on ${countOf(comparison.keys, 'real key')}\n${comparisonTable(comparison)}`
}

const comparisonTable = ({ features }: Comparison): string =>
  formatTable(
    features,
    [
      { title: 'feature', value: ({ feature }) => feature },
      { title: 'differ', align: 'right', value: ({ different, compared }) => formatShare(different / compared) },
      { title: 'for example', value: exampleText },
    ],
    strong,
  )

function exampleText({ examples: [example], withheld }: FeatureComparison): string {
  if (withheld) return `${countOf(withheld.examples, 'example')} not shown: ${withheld.why}`
  return example ? `${formatValue(example.before)} → ${formatValue(example.after)} at ${example.at}` : ''
}

function showFindings({ refusals, findings }: Pick<Plan, 'refusals' | 'findings'>): string[] {
  const show = (title: string, { message, where, remedy }: { message: string; where: string; remedy: string }) =>
    `${strong(`${title}: ${message}`)}\n  ${where}${remedy ? `\n  ${remedy}` : ''}`
  return [
    ...findings.filter(({ severity }) => severity === 'warning').map((finding) => show(`Warning (${finding.rule})`, finding)),
    ...findings.filter(({ severity }) => severity === 'error').map((finding) => show(`Error (${finding.rule})`, finding)),
    ...refusals.map((refusal) => show(`Refused (${refusal.code})`, refusal)),
  ]
}
