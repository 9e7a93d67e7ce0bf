import type { AggregateExplanation, Explanation, JsonRecord, Nearest, OutsideEvent, ShownEvent, ShownRow } from '../pointintime/index.ts'
import { countOf, formatCount, formatValue } from './format.ts'
import { strong } from './output.ts'
import { type Column, formatPairs, formatTable } from './table.ts'

/** An explanation for people: the value, how it is computed, and the events or rows on either side of what counts. */
export function showExplanation(explanation: Explanation): string {
  const { feature, value, key, asOf } = explanation
  const head = `${strong(`${feature} = ${formatValue(value)}`)}\n\n${formatPairs([
    ['of', recordText(key)],
    ['as of', asOf],
    ...pairsOf(explanation),
  ])}`
  return [head, ...partsOf(explanation)].join('\n\n')
}

function pairsOf(explanation: Explanation): (readonly [string, string | null])[] {
  const { status, type, definition, asKnown } = explanation
  const shared = [
    ['status', status],
    ['type', type],
    ['definition', definition],
    ['known', asKnown ? 'by then only' : null],
  ] as const
  if (explanation.kind === 'onDemand') {
    const { onDemand, request } = explanation
    return [...shared, ['on demand', `${onDemand.name} version ${onDemand.version}`], ['request', recordText(request) || null]]
  }
  const { group, effective, eventTime } = explanation
  const value = effective.moment === explanation.asOf ? null : `of ${effective.moment}: ${effective.reason}`
  return [...shared, ['value', value], ['group', `${group.name} version ${group.version} of ${group.source}`], ['event time', eventTime]]
}

function partsOf(explanation: Explanation): string[] {
  switch (explanation.kind) {
    case 'events':
      return explanation.aggregates.map(showAggregate)
    case 'table':
      return [showRows(explanation.row, explanation.older, explanation.newer)]
    case 'onDemand':
      return explanation.inputs.map((input) => `${strong('COMPUTED FROM')}\n${indented(showExplanation(input))}`)
  }
}

function showAggregate({ definition, value, window, inside, outside }: AggregateExplanation): string {
  const bounds = `${window.from === null ? 'up to' : `${window.from} up to`} ${window.to}`
  const shown = inside.newest.length
  const oldest = inside.oldest !== null && shown < inside.count ? [line('counts', inside.oldest)] : []
  const lines = [
    ...more('later', outside.after),
    ...outside.after.nearest.toReversed().map((event) => line('later', event)),
    ...inside.newest.map((event) => line('counts', event)),
    ...gap('counts', inside.count - shown - oldest.length),
    ...oldest,
    ...outside.within.nearest.map((event) => line('passed over', event)),
    ...more('passed over', outside.within),
    ...outside.before.nearest.map((event) => line('earlier', event)),
    ...more('earlier', outside.before),
  ]
  const counted = `${countOf(inside.count, 'event')} from ${bounds} (${window.reason})`
  return `${strong(`${definition} = ${formatValue(value)}`)}\n${counted}${lines.length === 0 ? '' : `\n${showLines(lines)}`}`
}

function showRows(row: ShownRow | null, older: Nearest<ShownRow>, newer: Nearest<ShownRow>): string {
  const lineOf = (mark: string, { time, created, columns, reason }: ShownRow) =>
    line(mark, { time, id: {}, columns, known: created, reason })
  const lines = [
    ...more('newer', newer),
    ...newer.nearest.toReversed().map((each) => lineOf('newer', each)),
    ...(row === null ? [] : [lineOf('counts', row)]),
    ...older.nearest.map((each) => lineOf('older', each)),
    ...more('older', older),
  ]
  return lines.length === 0 ? 'There is no row of this key.' : showLines(lines)
}

/** A line of the table of events: one of them, or how many are not shown. */
interface Line {
  readonly mark: string
  readonly event: (ShownEvent & Partial<Pick<OutsideEvent, 'reason'>>) | null
  readonly hidden: number
}

const line = (mark: string, event: ShownEvent | OutsideEvent): Line => ({ mark, event, hidden: 0 })
const gap = (mark: string, hidden: number): Line[] => (hidden > 0 ? [{ mark, event: null, hidden }] : [])
const more = (mark: string, { count, nearest }: Nearest<unknown>): Line[] => gap(mark, count - nearest.length)

function showLines(lines: readonly Line[]): string {
  const events = lines.flatMap(({ event }) => (event ? [event] : []))
  const names = [...new Set(events.flatMap(({ id, columns }) => [...Object.keys(id), ...Object.keys(columns)]))]
  const column = (title: string, value: (event: NonNullable<Line['event']>) => string): Column<Line>[] =>
    events.some((event) => value(event) !== '') ? [{ title, value: ({ event }) => (event ? value(event) : '') }] : []
  return formatTable(
    lines,
    [
      { title: '', value: ({ mark }) => mark },
      { title: 'time', value: ({ event, hidden }) => event?.time ?? `… ${formatCount(hidden)} more` },
      ...names.flatMap((name) => column(name, ({ id, columns }) => cellText({ ...id, ...columns }, name))),
      ...column('known', ({ known }) => known ?? ''),
      ...column('reason', ({ reason }) => reason ?? ''),
    ],
    strong,
  )
}

const cellText = (record: JsonRecord, name: string): string => (Object.hasOwn(record, name) ? formatValue(record[name]) : '')
const recordText = (record: JsonRecord): string =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${formatValue(value)}`)
    .join(' ')
const indented = (text: string): string => text.replace(/^(?=.)/gm, '  ')
