import { formatDuration } from '../lib/duration.ts'
import type { MissedEvent, ServedDifference, ServedParityReport, ServedReason } from '../parity/index.ts'
import { countOf, formatCount, formatSeconds, formatValue, toJson } from './format.ts'
import { type Output, strong } from './output.ts'
import { showExplanation } from './show-explanation.ts'
import { formatPairs } from './table.ts'

const meanings: Readonly<Record<ServedReason, string>> = {
  knownLater: 'right as known then; events came, or were corrected, later',
  late: 'without events that came too late for the live state',
  behind: 'right a while before: not materialized since, or a stream behind',
  definition: 'computed by another definition',
  stale: 'older than the read allowed',
  timedOut: 'not there in the time that the read allowed',
  failed: 'on-demand code failed',
  default: 'the default of the view, instead of a value that could not be had',
  unexplained: 'UNEXPLAINED',
}

/** How many served values are those of history, why the others differ, the first of each reason, and at last the line that says all. */
export function showServedParity(report: ServedParityReport, output: Output): string {
  const { view, reads, vectors, from, to, different, mostBehind, differences } = report
  const reasons = (Object.entries(different) as [ServedReason, number][]).filter(([, values]) => values > 0)
  const table = output.table(reasons, [
    { title: 'reason', value: ([reason]) => reason },
    { title: 'values', align: 'right', value: ([, values]) => formatCount(values) },
    {
      title: 'meaning',
      value: ([reason]) => `${meanings[reason]}${reason === 'behind' ? `, ${formatDuration(roundedUp(mostBehind))} at most` : ''}`,
    },
  ])
  return [
    `${strong(`What was served of ${view.name} version ${view.version}`)}: ${countOf(reads, 'read')}, ${countOf(vectors, 'vector')}, ${from} to ${to}`,
    ...(reasons.length > 0 ? [`Other than today's history gives:\n${table}`] : []),
    ...oneOfEach(differences).map(showDifference),
    summary(report),
  ].join('\n\n')
}

function summary({ compared, equal, different, seconds }: ServedParityReport): string {
  const explained = compared - equal - different.unexplained
  const found = [
    equal === compared ? 'all equal' : `${formatCount(equal)} equal`,
    ...(explained > 0 ? [`${formatCount(explained)} with a reason`] : []),
    ...(different.unexplained > 0 ? [`${formatCount(different.unexplained)} unexplained`] : []),
  ]
  return `${strong(`${countOf(compared, 'value')} compared: ${found.join(', ')}`)}, in ${formatSeconds(seconds)}`
}

/** The first of each reason; of the unexplained all. */
const oneOfEach = (differences: readonly ServedDifference[]): ServedDifference[] =>
  [...Map.groupBy(differences, ({ reason }) => reason)].flatMap(([reason, some]) => (reason === 'unexplained' ? some : some.slice(0, 1)))

function showDifference({ reason, feature, readId, key, asOf, servedAt, served, expected, events, explanation }: ServedDifference): string {
  const pairs = formatPairs([
    ['of', recordText(key)],
    ['read', `${readId} as of ${asOf}, served ${servedAt}`],
    ['served', `${toJson(served.value)}  ${served.status}`],
    ['history', toJson(expected)],
    ...events.map((event) => ['without', eventText(event)] as const),
  ])
  const text = `${strong(`${reason === 'unexplained' ? 'UNEXPLAINED' : reason}: ${feature}`)}\n${pairs}`
  return explanation ? `${text}\n\n${showExplanation(explanation).replace(/^(?=.)/gm, '  ')}` : text
}

const eventText = ({ source, event, time, known }: MissedEvent): string =>
  `${source} ${recordText(event)} of ${time}${known === null ? '' : `, known ${known}`}`

const recordText = (record: Readonly<Record<string, unknown>>): string =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(' ')

/** To whole seconds, as nobody cares for less. */
const roundedUp = (micros: number): number => Math.max(1, Math.ceil(micros / 1_000_000)) * 1_000_000
