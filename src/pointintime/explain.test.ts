import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AnyView,
  average,
  count,
  entity,
  events,
  every,
  featureGroup,
  featureView,
  last,
  maximum,
  onDemand,
  ratio,
  rows,
  secondsSince,
  sum,
  table,
} from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { momentMicros } from '../lib/moment.ts'
import { t } from '../schema/index.ts'
import { type ExplainOptions, explainFeature } from './explain.ts'
import type { Explanation, OutsideEvent, ShownEvent, ShownRow } from './explanation.ts'

const user = entity('user', { user_id: t.string() })

/** Rows of a text table: `-` is null; times are of 2026-01-01 unless they name a day. */
function parse(text: string): Record<string, unknown>[] {
  const [names = [], ...lines] = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return lines.map((words) => Object.fromEntries(names.map((name, index) => [name, words[index] === '-' ? null : momentOf(words[index] as string)])))
}

const momentOf = (text: string): string => (/^\d\d:\d\d/.test(text) ? `2026-01-01T${text}` : text)

function orders(text: string) {
  const filled = parse(text).map((row) => ({ user_id: 'u1', kind: 'purchased', total: '1', known: null, ...row }))
  return events('orders', {
    columns: {
      id: t.string(),
      user_id: t.string(),
      kind: t.oneOf('purchased', 'returned'),
      total: t.decimal(12, 2).nullable(),
      at: t.timestamp(),
      known: t.timestamp().nullable(),
    },
    time: 'at',
    id: 'id',
    known: 'known',
    history: rows(filled),
  })
}

const explain = (view: AnyView, feature: string, asOf: string, options: Partial<ExplainOptions> = {}, keys: Record<string, unknown> = { user_id: 'u1' }) =>
  explainFeature(view, feature, keys, { threads: 1, ...options, asOf: momentMicros(momentOf(asOf)) })

/** What an explanation says, line by line: `+` inside, `<` before, `x` within but not counted, `>` after. */
function told(explanation: Explanation): string {
  const head = `${explanation.definition} = ${JSON.stringify(explanation.value)} ${explanation.status}`
  if (explanation.kind === 'onDemand') return [head, ...explanation.inputs.map((input) => told(input).replace(/^/gm, '  '))].join('\n')
  const effective = explanation.effective.moment === explanation.asOf ? [] : [`as of ${clock(explanation.effective.moment)}, ${explanation.effective.reason}`]
  if (explanation.kind === 'table') {
    const { row, older, newer } = explanation
    const line = (sign: string) => (shown: ShownRow) => `${sign} ${JSON.stringify(shown.columns)} ${clock(shown.time)}: ${shown.reason}`
    return [head, ...effective, ...newer.nearest.map(line('>')).reverse(), ...(row ? [line('=')(row)] : []), ...older.nearest.map(line('<'))].join('\n')
  }
  const aggregates = explanation.aggregates.flatMap(({ definition, value, window, inside, outside }) => {
    const name = (event: ShownEvent) => `${Object.values(event.id).join()} ${clock(event.time)}`
    const line = (sign: string) => (event: OutsideEvent) => `${sign} ${name(event)}: ${event.reason}`
    const { before, within, after } = outside
    return [
      ...(explanation.aggregates.length > 1 ? [`${definition} = ${JSON.stringify(value)}`] : []),
      `from ${window.from === null ? '-' : clock(window.from)} to ${clock(window.to)}, ${window.reason}: ${inside.count}`,
      ...after.nearest.map(line('>')).reverse(),
      ...inside.newest.map((event) => `+ ${name(event)}`),
      ...within.nearest.map(line('x')),
      ...before.nearest.map(line('<')),
    ]
  })
  return [head, ...effective, ...aggregates].join('\n')
}

const clock = (moment: string): string => moment.replace('2026-01-01T', '').replace('Z', '')

type Order = Parameters<Parameters<typeof featureGroup<{ user_id: ReturnType<typeof t.string> }, NonNullable<ReturnType<typeof orders>['columnTypes']>, 'events', Record<string, ReturnType<typeof count>>>>[0]['features']>[0]

interface Case {
  readonly name: string
  readonly feature: (order: Order) => Parameters<typeof secondsSince>[0] | ReturnType<typeof count> | ReturnType<typeof sum> | ReturnType<typeof ratio>
  readonly events: string
  readonly asOf: string
  readonly options?: Partial<ExplainOptions>
  readonly refresh?: ReturnType<typeof every>
  readonly told: string
}
