import { type AnyView, rows as history, selectionsOf } from '../definition/index.ts'
import { momentMicros } from '../lib/moment.ts'
import { type AggregateExplanation, type Explanation, explainFeature, type JsonRecord } from '../pointintime/index.ts'
import type { TimelineDifference } from './timeline.ts'

type Values = Readonly<Record<string, unknown>>

/** What is expected of a feature, and what each path found. */
export function showDifference({ feature, of, keys, at, expected, stated, found }: TimelineDifference): string {
  const what = of === 'status' ? `The status of ${feature}` : feature
  const width = Math.max(...Object.keys(found).map((path) => path.length))
  const lines = Object.entries(found).map(([path, value]) => `  ${path.padEnd(width)}  ${text(value)}`)
  const claim = stated ? `is not ${text(expected)}` : 'differs between paths'
  return [`${what} of ${recordText(keys)} as of ${at} ${claim}:`, ...lines].join('\n')
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) => (typeof member === 'bigint' ? String(member) : member)) ?? 'undefined'
const recordText = (record: Values | JsonRecord): string =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : text(value)}`)
    .join(' ')

/** The events that the training set's value of a difference comes from; empty where it gives none. */
export async function explainTimeline(
  view: AnyView,
  events: Readonly<Record<string, readonly Values[]>>,
  request: Values,
  { feature, keys, at }: TimelineDifference,
): Promise<string> {
  const sources = selectionsOf(view).map(({ group }) => group.source.name)
  const given = Object.fromEntries(sources.map((name) => [name, history(events[name] ?? [])]))
  try {
    const explanation = await explainFeature(view, feature, keys, { asOf: momentMicros(at), history: given, request })
    return showExplanation(explanation).join('\n')
  } catch {
    // The value could not be computed: the difference tells the error.
    return ''
  }
}

function showExplanation(explanation: Explanation): string[] {
  const head = `${explanation.feature} is ${explanation.definition}`
  switch (explanation.kind) {
    case 'events':
      return [`${head}:`, ...explanation.aggregates.flatMap(showAggregate)]
    case 'table': {
      const { row } = explanation
      return [row === null ? `${head}: no row is valid` : `${head}: the row of ${row.time}, ${recordText(row.columns)}`]
    }
    case 'onDemand':
      return [`${head}:`, ...explanation.inputs.flatMap(showExplanation).map((line) => `  ${line}`)]
  }
}

function showAggregate({ definition, window, inside }: AggregateExplanation): string[] {
  const bounds = `${window.from === null ? 'up to' : `from ${window.from} up to`} ${window.to}`
  const events = inside.newest.map(({ time, id, columns }) => `    ${time}  ${recordText({ ...id, ...columns })}`.trimEnd())
  const more = inside.count > events.length ? [`    and ${inside.count - events.length} before`] : []
  return [`  ${definition} counts ${inside.count === 1 ? '1 event' : `${inside.count} events`} ${bounds}`, ...events, ...more]
}
