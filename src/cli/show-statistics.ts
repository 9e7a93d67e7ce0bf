import type { FeatureStatistics } from '../registry/index.ts'
import { formatCount, formatSeconds, formatShare } from './format.ts'
import type { Output } from './output.ts'
import { type Column, formatPairs } from './table.ts'

/** Who read a feature, and when last: ISO 8601, UTC. */
export interface LastRead {
  readonly caller: string
  readonly model: string
  readonly last: string
}

export interface ShownStatistics extends FeatureStatistics {
  /** The last one first. */
  readonly readBy: readonly LastRead[]
  /** Of its group, how far the online store is behind; null where nothing is there. */
  readonly behindSeconds: number | null
  /** What is declared of that. */
  readonly freshness: string | null
}

/** All that is known of one time of one feature; its times beside each other; or features below each other. */
export function showStatistics(all: readonly ShownStatistics[], output: Output): string {
  const [first] = all
  if (first === undefined) return ''
  if (all.length === 1) return showOne(first, output)
  return all.every(({ group, feature }) => group === first.group && feature === first.feature)
    ? showTimes(all, first, output)
    : showAll(all, output)
}

const asOf = ({ from, to }: FeatureStatistics): string => (from === to ? to : `${from} to ${to}`)
const shareOf = (number: number, { count }: FeatureStatistics): string => formatShare(number / Math.max(1, count))
const counted = (number: number | null, one: FeatureStatistics): string | null =>
  number === null ? null : `${formatCount(number)} (${shareOf(number, one)})`
const shown = (value: string | number | null): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : (value ?? '').slice(0, 40)
const orNull = (value: string | number | null): string | null => (value === null ? null : shown(value))
const reader = ({ caller, model, last }: LastRead): string =>
  `${caller || 'callers without a name'}${model && ` (model ${model})`}, last at ${last}`

/** What is the same of all times of a feature. */
const aboutFeature = ({ group, feature, behindSeconds, freshness, readBy }: ShownStatistics) =>
  [
    ['feature', `${group}.${feature}`],
    [
      'freshness',
      behindSeconds === null
        ? freshness && `not in the online store; declared ${freshness}`
        : `${formatSeconds(behindSeconds)} behind${freshness ? `; declared ${freshness}` : ''}`,
    ],
    ['read by', readBy.map(reader).join('; ') || null],
  ] as const

/** The measures of one time. */
const measures = (one: FeatureStatistics): (readonly [name: string, value: string | null])[] => [
  ['as of', asOf(one)],
  ['computed', `${one.computed} (${one.origin}${one.sampledKeys === null ? '' : `, of ${formatCount(one.sampledKeys)} keys`})`],
  ['training set', one.trainingSet],
  ['withheld', one.withheld ?? null],
  ['values', formatCount(one.count)],
  ['null', counted(one.nulls, one)],
  ['zero', counted(one.zeros, one)],
  ['no number', one.notNumbers ? formatCount(one.notNumbers) : null],
  ['distinct', formatCount(one.distinct)],
  ['minimum', orNull(one.minimum)],
  ['maximum', orNull(one.maximum)],
  ['mean', orNull(one.mean)],
  ['deviation', orNull(one.deviation)],
  ...Object.entries(one.quantiles ?? {}).map(([share, value]) => [`quantile ${share}`, shown(value)] as const),
]

function showAll(all: readonly ShownStatistics[], output: Output): string {
  const columns: Column<ShownStatistics>[] = [
    { title: 'feature', value: ({ group, feature }) => `${group}.${feature}` },
    { title: 'as of', value: asOf },
    { title: 'by', value: ({ origin }) => origin },
    { title: 'values', align: 'right', value: ({ count }) => formatCount(count) },
    { title: 'null', align: 'right', value: (one) => shareOf(one.nulls, one) },
    { title: 'zero', align: 'right', value: (one) => (one.zeros === null ? '' : shareOf(one.zeros, one)) },
    { title: 'distinct', align: 'right', value: ({ distinct }) => formatCount(distinct) },
    { title: 'minimum', align: 'right', value: ({ minimum }) => shown(minimum) },
    { title: 'median', align: 'right', value: ({ quantiles }) => shown(quantiles?.['0.5'] ?? null) },
    { title: 'maximum', align: 'right', value: ({ maximum }) => shown(maximum) },
    { title: 'mean', align: 'right', value: ({ mean }) => shown(mean) },
    { title: 'deviation', align: 'right', value: ({ deviation }) => shown(deviation) },
    { title: 'most frequent', value: ({ top }) => top?.[0]?.value ?? '' },
    { title: 'last read', value: ({ readBy: [last] }) => (last ? `${last.last} by ${last.caller || last.model || 'nobody named'}` : '') },
  ]
  const isTold = ({ title, value }: Column<ShownStatistics>) =>
    (title !== 'most frequent' && title !== 'last read') || all.some((one) => value(one) !== '')
  return output.table(all, columns.filter(isTold))
}

/** A column for each time, a line for each measure, so that what changed stands side by side. */
function showTimes(all: readonly ShownStatistics[], first: ShownStatistics, output: Output): string {
  const columns = all.map(
    (one) => new Map([...measures(one), ['histogram', chart(one)] as const, ['most frequent', frequent(one)] as const]),
  )
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))].filter((name) => columns.some((column) => column.get(name)))
  const [title = '', ...rest] = names
  const table = output.table(rest, [
    { title, value: (name) => name },
    ...columns.map(
      (column): Column<string> => ({ title: column.get(title) ?? '', align: 'right', value: (name) => column.get(name) ?? '' }),
    ),
  ])
  return `${formatPairs(aboutFeature(first))}\n\n${table}`
}

/** A histogram in one line: a bar for each range, as high as its share of the most. */
function chart({ histogram }: FeatureStatistics): string | null {
  if (!histogram) return null
  const most = Math.max(1, ...histogram.counts)
  return histogram.counts.map((number) => (number === 0 ? ' ' : '▁▂▃▄▅▆▇█'[Math.ceil((8 * number) / most) - 1])).join('')
}

const frequent = ({ top }: FeatureStatistics): string | null =>
  top?.length
    ? top
        .slice(0, 3)
        .map(({ value, count }) => `${shown(value)} ${formatCount(count)}`)
        .join(', ')
    : null

function showOne(one: ShownStatistics, output: Output): string {
  const { histogram, top } = one
  const [feature, ...about] = aboutFeature(one)
  const pairs = formatPairs([feature, ...measures(one), ...about])
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
