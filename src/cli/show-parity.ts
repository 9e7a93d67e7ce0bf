import type { ParityCounts, ParityDifference, ParityPath, ParityReport, ParityValue } from '../parity/index.ts'
import { countOf, formatCount, formatSeconds, formatValue, toJson } from './format.ts'
import { type Output, strong } from './output.ts'
import { showExplanation } from './show-explanation.ts'
import { formatPairs } from './table.ts'

/** What was compared by each path, the first differences with the events that explain them, and at last the one line that says all. */
export function showParity(report: ParityReport, output: Output): string {
  const { view, seed, groups, paths, differences, lateDifferences, total } = report
  const groupTable = output.table(groups, [
    { title: 'group', value: ({ name }) => name },
    { title: 'source', value: ({ source }) => source },
    {
      title: 'keys',
      align: 'right',
      value: ({ keys, allKeys }) => (keys === allKeys ? formatCount(keys) : `${formatCount(keys)} of ${formatCount(allKeys)}`),
    },
    { title: 'rows', align: 'right', value: ({ rows }) => formatCount(rows) },
    { title: 'moments', align: 'right', value: ({ questions }) => formatCount(questions) },
  ])
  const pathTable = output.table<Omit<ParityPath, 'path'> & { path: string }>(paths, [
    { title: 'path', value: ({ path }) => path },
    { title: 'compared', align: 'right', value: ({ compared }) => formatCount(compared) },
    { title: 'equal', align: 'right', value: ({ equal }) => formatCount(equal) },
    { title: 'late', align: 'right', value: ({ late }) => formatCount(late) },
    { title: 'different', align: 'right', value: ({ different }) => formatCount(different) },
    { title: 'late events', align: 'right', value: ({ lateRows }) => (lateRows > 0 ? formatCount(lateRows) : '') },
    { title: 'restarts', align: 'right', value: ({ restarts }) => (restarts > 0 ? formatCount(restarts) : '') },
    { title: 'time', align: 'right', value: ({ seconds }) => (seconds > 0 ? formatSeconds(seconds) : '') },
  ])
  return [
    `${strong(`Parity of ${view.name} version ${view.version}`)}, seed ${seed}`,
    groupTable,
    `Compared with the training set, as bytes:\n${pathTable}`,
    ...oneOfEach(lateDifferences).map((difference) => showDifference(difference, 'A late event is missing')),
    ...differences.map((difference) => showDifference(difference, 'DIFFERENT')),
    ...refusals(paths),
    `${summary(total)}, in ${formatSeconds(report.seconds)}`,
  ].join('\n\n')
}

/** `12,345 values compared: all equal` */
function summary({ compared, equal, late, different }: ParityCounts): string {
  const found = [
    equal === compared ? 'all equal' : `${formatCount(equal)} equal`,
    ...(late > 0 ? [`${formatCount(late)} for late events`] : []),
    ...(different > 0 ? [`${formatCount(different)} different`] : []),
  ]
  return strong(`${countOf(compared, 'value')} compared: ${found.join(', ')}`)
}

/** The first of each path. */
const oneOfEach = (differences: readonly ParityDifference[]): ParityDifference[] =>
  [...Map.groupBy(differences, ({ path }) => path).values()].flatMap(([first]) => first ?? [])

function showDifference(difference: ParityDifference, title: string): string {
  const { path, group, feature, key, asOf, expected, found, lateEvents, explanation } = difference
  const pairs = formatPairs([
    ['of', `${group} ${recordText(key)}`],
    ['as of', asOf],
    ['training set', valueText(expected)],
    [path, 'error' in found ? found.error : valueText(found)],
    ...lateEvents.map(({ time, event, after }) => ['late', `${recordText(event)} of ${time}, which came after one of ${after}`] as const),
  ])
  const text = `${strong(`${title}: ${feature}`)}\n${pairs}`
  return explanation ? `${text}\n\n${showExplanation(explanation).replace(/^(?=.)/gm, '  ')}` : text
}

const valueText = ({ value, status, eventTime }: ParityValue): string =>
  [toJson(value), status, ...(eventTime ? [`of ${eventTime}`] : [])].join('  ')
const recordText = (record: Readonly<Record<string, unknown>>): string =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(' ')

const refusals = (paths: readonly ParityPath[]): string[] =>
  paths
    .filter(({ refusedRows }) => refusedRows > 0)
    .map(({ path, refusedRows }) => `${strong('REFUSED')}: ${path} left out ${countOf(refusedRows, 'event')} that came within the lateness`)
