import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AnyView,
  average,
  count,
  type Expression,
  entity,
  events,
  every,
  featureGroup,
  featureView,
  groupHash,
  last,
  onDemand,
  onDemandHash,
  type Refresh,
  type Row,
  ratio,
  rows,
  secondsSince,
  sum,
  table,
} from '../definition/index.ts'
import { momentMicros } from '../lib/moment.ts'
import { t } from '../schema/index.ts'
import { type ExplainOptions, explainFeature } from './explain.ts'
import type { Explanation, OutsideEvent, ShownEvent, ShownRow } from './explanation.ts'

const user = entity('user', { user_id: t.string() })

const orderColumns = {
  id: t.string(),
  user_id: t.string(),
  kind: t.oneOf('bought', 'returned'),
  total: t.decimal(12, 2).nullable(),
  at: t.timestamp(),
  known: t.timestamp().nullable(),
}
const orders = events('orders', { columns: orderColumns, time: 'at', id: 'id', known: 'known' })

const priceColumns = {
  user_id: t.string(),
  at: t.timestamp(),
  created: t.timestamp().nullable(),
  rank: t.integer(),
  price: t.integer().nullable(),
}
const prices = table('prices', { columns: priceColumns, time: 'at', created: 'created', order: ['rank'] })

/** Rows of a text table: `-` is null; moments are of 2026-01-01. */
function parse(text: string, rest: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  const [names = [], ...lines] = text.split('\n').map((line) => line.trim().split(/\s+/))
  const parseWord = (word: string) => (word === '-' ? null : /^\d+$/.test(word) && 'rank' in rest ? Number(word) : momentOf(word))
  return lines.map((words) => ({
    user_id: 'u1',
    ...rest,
    ...Object.fromEntries(names.map((name, index) => [name, parseWord(words[index] as string)])),
  }))
}

const momentOf = (text: string): string => (/^\d\d:\d\d/.test(text) ? `2026-01-01T${text}Z` : text)
/** Moments without their day. */
const clock = (text: string): string => text.replaceAll(/2026-01-01T([\d:.]+)Z/g, '$1')

function explain(
  view: AnyView,
  feature: string,
  asOf: string,
  options: Partial<ExplainOptions> = {},
  keys: Readonly<Record<string, unknown>> = { user_id: 'u1' },
) {
  return explainFeature(view, feature, keys, { threads: 1, ...options, asOf: momentMicros(momentOf(asOf)) })
}

const toldLines = (explanation: Explanation): string[] => told(explanation).map((line) => clock(line))

/** What an explanation says: `>` lies after, `+` inside, `=` wins, `x` lies within but does not count, `<` lies before. */
function told(explanation: Explanation): string[] {
  const head = `${explanation.definition} = ${JSON.stringify(explanation.value)} ${explanation.status}`
  if (explanation.kind === 'onDemand') return [head, ...explanation.inputs.flatMap(told).map((line) => `  ${line}`)]
  const { effective, asOf } = explanation
  const lines = effective.moment === asOf ? [head] : [head, `as of ${effective.moment}, ${effective.reason}`]
  if (explanation.kind === 'table') {
    const { row, older, newer } = explanation
    const line = (sign: string) => (shown: ShownRow) => `${sign} ${shown.time} ${JSON.stringify(shown.columns)} ${shown.reason}`
    return [...lines, ...newer.nearest.map(line('>')).reverse(), ...(row ? [line('=')(row)] : []), ...older.nearest.map(line('<'))]
  }
  for (const { definition, value, window, inside, outside } of explanation.aggregates) {
    const name = (event: ShownEvent) => `${Object.values(event.id).join()} ${event.time}`
    const line = (sign: string) => (event: OutsideEvent) => `${sign} ${name(event)} ${event.reason}`
    if (explanation.aggregates.length > 1) lines.push(`${definition} = ${JSON.stringify(value)}`)
    lines.push(
      `from ${window.from ?? '-'} to ${window.to}, ${window.reason}: ${inside.count}`,
      ...outside.after.nearest.map(line('>')).reverse(),
      ...inside.newest.map((event) => `+ ${name(event)}`),
      ...outside.within.nearest.map(line('x')),
      ...outside.before.nearest.map(line('<')),
    )
  }
  return lines
}

const linesOf = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trim())

interface EventsCase {
  readonly name: string
  readonly feature: (order: Row<typeof orderColumns>) => Expression
  readonly events: string
  readonly asOf: string
  readonly told: string
  readonly refresh?: Refresh
  readonly options?: Partial<ExplainOptions>
}

const eventsCases: readonly EventsCase[] = [
  {
    name: 'a sliding window counts an event at its beginning and none at its end',
    feature: () => count().over('1h'),
    events: `id at
      a  09:59:59.999999
      b  10:00:00
      c  10:59:59.999999
      d  11:00:00
      e  11:00:00.000001`,
    asOf: '11:00:00',
    told: `count() over 1h = 2 PRESENT
      from 10:00:00 to 11:00:00, 1h before its end: 2
      > e 11:00:00.000001 1us after the as-of moment: not yet visible
      > d 11:00:00 at the as-of moment: not yet visible
      + c 10:59:59.999999
      + b 10:00:00
      < a 09:59:59.999999 1us before the window`,
  },
  {
    name: 'events that do not match, or have no value, do not count',
    feature: (order) => sum(order.total).where(order.kind.eq('bought')).over('2h'),
    events: `id kind at total
      a  returned 08:50:00 1
      b  bought   08:51:00 -
      c  bought   08:52:00 1
      d  bought   09:10:00 2.50
      e  returned 09:20:00 4
      f  bought   09:30:00 -
      g  returned 11:10:00 8
      h  bought   11:20:00 16`,
    asOf: '11:00:00',
    told: `sum(total) where kind = 'bought' over 2h = "2.50" PRESENT
      from 09:00:00 to 11:00:00, 2h before its end: 1
      > h 11:20:00 20m after the as-of moment: not yet visible
      + d 09:10:00
      x f 09:30:00 total is null
      x e 09:20:00 does not match the filter kind = 'bought'
      < c 08:52:00 8m before the window`,
  },
  {
    name: 'a correction replaces the version before it',
    feature: (order) => sum(order.total).over('1h'),
    events: `id at total known
      a  10:10:00 2 10:40:00
      a  10:10:00 3 10:30:00
      a  10:10:00 1 10:10:00
      b  10:20:00 4 10:20:00
      b  09:20:00 8 12:00:00
      c  11:10:00 8 11:10:00
      c  11:10:00 9 11:20:00`,
    asOf: '11:00:00',
    told: `sum(total) over 1h = "2.00" PRESENT
      from 10:00:00 to 11:00:00, 1h before its end: 1
      > c 11:10:00 10m after the as-of moment: not yet visible
      + a 10:10:00
      x b 10:20:00 superseded by a later version, known at 12:00:00
      x a 10:10:00 superseded by a later version, known at 10:40:00
      x a 10:10:00 superseded by a later version, known at 10:30:00
      < b 09:20:00 40m before the window`,
  },
  {
    name: 'as known then, a correction that came later does not count',
    feature: (order) => sum(order.total).over('1h'),
    options: { asKnown: true },
    events: `id at total known
      a  10:10:00 1 10:10:00
      a  10:10:00 2 10:40:00
      b  10:20:00 4 10:20:00
      b  09:20:00 8 12:00:00
      c  10:30:00 16 11:00:00.000001
      d  11:30:00 32 11:30:00
      e  10:50:00 64 10:50:00
      e  10:50:00 128 11:00:00`,
    asOf: '11:00:00',
    told: `sum(total) over 1h = "134.00" PRESENT
      from 10:00:00 to 11:00:00, 1h before its end: 3
      > d 11:30:00 30m after the as-of moment: not yet visible
      + e 10:50:00
      + b 10:20:00
      + a 10:10:00
      x e 10:50:00 superseded by a later version, known at 11:00:00
      x c 10:30:00 not yet known at 11:00:00: known from 11:00:00.000001 on
      x a 10:10:00 superseded by a later version, known at 10:40:00`,
  },
  {
    name: 'a delay moves both ends back',
    feature: () => count().over('1h').delay('30m'),
    events: `id at
      a  09:29:00
      b  09:30:00
      c  10:30:00
      d  10:45:00
      e  11:00:00`,
    asOf: '11:00:00',
    told: `count() over 1h delay 30m = 1 PRESENT
      from 09:30:00 to 10:30:00, 1h before its end: 1
      > e 11:00:00 at the as-of moment: not yet visible
      > d 10:45:00 15m after the end of the window, which lies 30m back
      > c 10:30:00 at the end of the window, which lies 30m back
      + b 09:30:00
      < a 09:29:00 1m before the window`,
  },
  {
    name: 'a resolution moves the beginning back',
    feature: () => count().over('1h', { resolution: '15m' }),
    events: `id at
      a  09:44:59
      b  09:45:00`,
    asOf: '10:59:00',
    told: `count() over 1h resolution 15m = 1 PRESENT
      from 09:45:00 to 10:59:00, 1h before its end, moved back to a multiple of 15m: 1
      + b 09:45:00
      < a 09:44:59 1s before the window`,
  },
  {
    name: 'the current bucket',
    feature: () => count().tumbling('1h'),
    events: `id at
      a  09:59:59
      b  10:00:00`,
    asOf: '10:30:00',
    told: `count() tumbling 1h = 1 PRESENT
      from 10:00:00 to 10:30:00, the beginning of the current bucket of 1h: 1
      + b 10:00:00
      < a 09:59:59 1s before the window`,
  },
  {
    name: 'the last complete bucket',
    feature: () => count().tumbling('1h', 'last').delay('5m'),
    events: `id at
      a  08:59:59
      b  09:00:00
      c  09:59:59
      d  10:00:00
      e  10:26:00
      f  10:31:00`,
    asOf: '10:30:00',
    told: `count() tumbling 1h last delay 5m = 2 PRESENT
      from 09:00:00 to 10:00:00, the beginning of the last complete bucket of 1h: 2
      > f 10:31:00 1m after the as-of moment: not yet visible
      > e 10:26:00 26m after the end of the window, which lies 5m back
      > d 10:00:00 in the current bucket, which is not complete
      + c 09:59:59
      + b 09:00:00
      < a 08:59:59 1s before the window`,
  },
  {
    name: 'a session begins after a pause',
    feature: (order) => count().where(order.kind.eq('bought')).session('10m'),
    events: `id kind at
      a  bought   09:00:00
      b  bought   09:10:00
      c  returned 09:20:00.000001
      d  bought   09:25:00`,
    asOf: '09:35:00',
    told: `count() where kind = 'bought' session 10m = 1 PRESENT
      from 09:20:00.000001 to 09:35:00, the first event after a pause of 10m1us, longer than 10m: 1
      + d 09:25:00
      x c 09:20:00.000001 does not match the filter kind = 'bought'
      < b 09:10:00 before the pause of 10m1us after which the session began
      < a 09:00:00 before the pause of 10m1us after which the session began`,
  },
  {
    name: 'a session ends with a pause',
    feature: () => count().session('10m'),
    events: `id at
      a  09:00:00
      b  09:10:00`,
    asOf: '09:20:00.000001',
    told: `count() session 10m = 0 PRESENT
      from 09:20:00.000001 to 09:20:00.000001, the last session is over: quiet for 10m1us, longer than 10m: 0
      < b 09:10:00 its session is over: a pause longer than 10m followed
      < a 09:00:00 its session is over: a pause longer than 10m followed`,
  },
  {
    name: 'the first session begins with the first event',
    feature: () => count().session('10m'),
    events: `id at
      a  09:00:00
      b  09:10:00`,
    asOf: '09:20:00',
    told: `count() session 10m = 2 PRESENT
      from 09:00:00 to 09:20:00, the first event of the key: 2
      + b 09:10:00
      + a 09:00:00`,
  },
  {
    name: 'since a condition, ties told apart by the id',
    feature: (order) => sum(order.total).since(order.kind.eq('bought')),
    events: `id kind at total
      a  returned 09:00:00 1
      b  bought   09:10:00 2
      c  bought   09:20:00 4
      d  returned 09:20:00 8
      b2 returned 09:20:00 16
      e  returned 09:30:00 32`,
    asOf: '10:00:00',
    told: `sum(total) since kind = 'bought' = "40.00" PRESENT
      from 09:20:00 to 10:00:00, after the last event that matches kind = 'bought': 2
      + e 09:30:00
      + d 09:20:00
      < c 09:20:00 the window begins after this event
      < b2 09:20:00 before the event after which the window begins
      < b 09:10:00 before the event after which the window begins
      < a 09:00:00 before the event after which the window begins`,
  },
  {
    name: 'since a condition that nothing matches',
    feature: (order) => count().since(order.kind.eq('bought')),
    events: `id kind at
      a  returned 09:00:00
      b  bought   11:00:00`,
    asOf: '10:00:00',
    told: `count() since kind = 'bought' = 1 PRESENT
      from - to 10:00:00, no event matches kind = 'bought', so that every one counts: 1
      > b 11:00:00 1h after the as-of moment: not yet visible
      + a 09:00:00`,
  },
  {
    name: 'a scheduled group gives the value of its last tick',
    feature: () => count().over('1h'),
    refresh: every('1h', { delay: '10m' }),
    events: `id at
      a  08:59:59
      b  09:30:00
      c  10:00:00
      d  11:05:00
      e  11:09:59.999999`,
    asOf: '11:09:59.999999',
    told: `count() over 1h = 1 PRESENT
      as of 10:00:00, the last tick of every 1h delay 10m
      from 09:00:00 to 10:00:00, 1h before its end: 1
      > e 11:09:59.999999 at the as-of moment: not yet visible
      > d 11:05:00 at or after the last tick, 10:00:00: not yet visible to a scheduled group
      > c 10:00:00 at or after the last tick, 10:00:00: not yet visible to a scheduled group
      + b 09:30:00
      < a 08:59:59 1s before the window`,
  },
  {
    name: 'every aggregate of a feature is explained',
    feature: (order) => ratio(count().where(order.kind.eq('returned')), count().where(order.kind.eq('bought'))).orElse(0),
    events: `id kind at
      a  bought   09:00:00
      b  returned 09:30:00`,
    asOf: '10:00:00',
    told: `count() where kind = 'returned' / count() where kind = 'bought' or else 0 = 1 PRESENT
      count() where kind = 'returned' = 1
      from - to 10:00:00, every event before its end: 1
      + b 09:30:00
      x a 09:00:00 does not match the filter kind = 'returned'
      count() where kind = 'bought' = 1
      from - to 10:00:00, every event before its end: 1
      + a 09:00:00
      x b 09:30:00 does not match the filter kind = 'bought'`,
  },
  {
    name: 'a key that was never seen',
    feature: (order) => average(order.total).session('1h'),
    events: `id at
      a  11:00:00`,
    asOf: '10:00:00',
    told: `average(total) session 1h = null NOT_FOUND
      from 10:00:00 to 10:00:00, there is no event yet, so no session: 0
      > a 11:00:00 1h after the as-of moment: not yet visible`,
  },
  {
    name: 'a null value of a key that was seen',
    feature: (order) => secondsSince(last(order.at).over('1h')),
    events: `id at
      a  08:00:00`,
    asOf: '10:00:00',
    told: `last(at) over 1h -> seconds since = null NULL
      from 09:00:00 to 10:00:00, 1h before its end: 0
      < a 08:00:00 1h before the window`,
  },
  {
    name: 'as many as asked for are listed, the nearest ones',
    feature: () => count().over('10m'),
    options: { limit: 1 },
    events: `id at
      a  09:00:00
      b  09:01:00
      c  09:10:00
      d  09:11:00
      e  09:20:00
      f  09:21:00`,
    asOf: '09:20:00',
    told: `count() over 10m = 2 PRESENT
      from 09:10:00 to 09:20:00, 10m before its end: 2
      > e 09:20:00 at the as-of moment: not yet visible
      + d 09:11:00
      < b 09:01:00 9m before the window`,
  },
]

describe('features of events', () => {
  for (const { name, feature, events: text, asOf, told: expected, refresh, options } of eventsCases) {
    test(name, async () => {
      const group = featureGroup({
        name: 'user_orders',
        entity: user,
        source: orders,
        features: (order) => ({ value: feature(order) }),
        ...(refresh ? { refresh } : {}),
      })
      const view = featureView({ name: 'view', features: [group] })
      const history = { orders: rows(parse(text, { kind: 'bought', total: '1', known: null })) }
      assert.deepEqual(toldLines(await explain(view, 'value', asOf, { history, ...options })), linesOf(expected))
    })
  }
})

interface TableCase {
  readonly name: string
  readonly rows: string
  readonly asOf: string
  readonly told: string
  readonly ttl?: string
  readonly refresh?: Refresh
  readonly options?: Partial<ExplainOptions>
}

const tableCases: readonly TableCase[] = [
  {
    name: 'a row is valid from its own moment on, until a newer one',
    rows: `at price
      08:00:00 1
      09:00:00 2
      10:00:00 3
      10:00:00.000001 4`,
    asOf: '10:00:00',
    told: `price = 3 PRESENT
      > 10:00:00.000001 {"price":4} valid from 1us after the as-of moment
      = 10:00:00 {"price":3} the newest row that is valid
      < 09:00:00 {"price":2} older than the row that wins, by 1h
      < 08:00:00 {"price":1} older than the row that wins, by 2h`,
  },
  {
    name: 'of rows of one time the one created last wins, then the declared order, then the content',
    rows: `at created rank price
      09:00:00 -        9 9
      09:00:00 09:00:00 9 8
      09:00:00 09:30:00 1 9
      09:00:00 09:30:00 2 3
      09:00:00 09:30:00 2 4
      09:00:00 09:30:00 2 4`,
    asOf: '10:00:00',
    told: `price = 4 PRESENT
      = 09:00:00 {"price":4} the newest row that is valid
      < 09:00:00 {"price":4} the same row again
      < 09:00:00 {"price":3} of the same time and creation, but its price is smaller: 3, not 4
      < 09:00:00 {"price":9} of the same time and creation, but its rank is smaller: 1, not 2
      < 09:00:00 {"price":8} of the same time, but created earlier: 09:00:00
      < 09:00:00 {"price":9} of the same time, but it does not say when it was created`,
  },
  {
    name: 'a row as old as the ttl still counts',
    ttl: '1h',
    rows: `at price
      09:00:00 1`,
    asOf: '10:00:00',
    told: `price = 1 PRESENT
      = 09:00:00 {"price":1} the newest row that is valid`,
  },
  {
    name: 'an older row does not count',
    ttl: '1h',
    rows: `at price
      09:00:00 1`,
    asOf: '10:00:00.000001',
    told: `price = null STALE
      = 09:00:00 {"price":1} the newest row, but 1h1us old: beyond the ttl of 1h by 1us`,
  },
  {
    name: 'as known then, a row that came later does not count',
    options: { asKnown: true },
    rows: `at created price
      08:00:00 12:00:00 1
      08:30:00 -        2
      09:00:00 11:00:00 3`,
    asOf: '10:00:00',
    told: `price = 2 PRESENT
      > 09:00:00 {"price":3} not yet known at 10:00:00: created at 11:00:00
      = 08:30:00 {"price":2} the newest row that is valid
      < 08:00:00 {"price":1} not yet known at 10:00:00: created at 12:00:00`,
  },
  {
    name: 'a scheduled group reads the row of its last tick',
    refresh: every('1h'),
    rows: `at price
      09:59:00 1
      10:20:00 2`,
    asOf: '10:30:00',
    told: `price = 1 PRESENT
      as of 10:00:00, the last tick of every 1h
      > 10:20:00 {"price":2} valid only after the last tick, 10:00:00
      = 09:59:00 {"price":1} the newest row that is valid`,
  },
  {
    name: 'a row that holds no value',
    rows: `at price
      09:00:00 -`,
    asOf: '10:00:00',
    told: `price = null NULL
      = 09:00:00 {"price":null} the newest row that is valid`,
  },
  {
    name: 'no row yet',
    rows: `at price
      11:00:00 1
      12:00:00 2`,
    asOf: '10:00:00',
    told: `price = null NOT_FOUND
      > 12:00:00 {"price":2} valid from 2h after the as-of moment
      > 11:00:00 {"price":1} valid from 1h after the as-of moment`,
  },
]

describe('features of tables', () => {
  for (const { name, rows: text, asOf, told: expected, ttl, refresh, options } of tableCases) {
    test(name, async () => {
      const group = featureGroup({
        name: 'user_prices',
        entity: user,
        source: prices,
        features: (row) => ({ value: row.price }),
        ...(ttl ? { ttl } : {}),
        ...(refresh ? { refresh } : {}),
      })
      const view = featureView({ name: 'view', features: [group] })
      const history = { prices: rows(parse(text, { created: null, rank: 0 })) }
      assert.deepEqual(toldLines(await explain(view, 'value', asOf, { history, ...options })), linesOf(expected))
    })
  }
})

const userOrders = featureGroup({
  name: 'user_orders',
  version: 2,
  entity: user,
  source: orders,
  features: () => ({ user_orders_1h: count().over('1h') }),
})
const userPrices = featureGroup({ name: 'user_prices', entity: user, source: prices, features: (row) => ({ user_price: row.price }) })
const scaled = onDemand({
  name: 'scaled',
  request: { factor: t.integer() },
  from: [userPrices.as({ keys: { user_id: 'seller_id' } })],
  features: { scaled_price: t.integer().nullable() },
  compute: ({ user_price }, { factor }) => ({ scaled_price: user_price === null ? null : user_price * factor }),
})
const context = onDemand({
  name: 'context',
  from: [scaled, userOrders],
  features: { price_each: t.float().nullable(), nothing: t.string().nullable() },
  compute: ({ scaled_price, user_orders_1h }) => ({
    price_each: scaled_price === null ? null : scaled_price / user_orders_1h,
    nothing: null,
  }),
})
const market = featureView({ name: 'market', features: [userOrders.as({ prefix: 'buyer_' }), context] })
const history = {
  orders: rows(parse('id at\n a 09:00:00\n b 09:30:00', { kind: 'bought', total: '1', known: null })),
  prices: rows(parse('at price user_id\n 08:00:00 6 u2', { created: null, rank: 0 })),
}

test('a feature computed on demand, with its inputs and the values of the request', async () => {
  const keys = { user_id: 'u1', seller_id: 'u2' }
  const explanation = await explain(market, 'price_each', '09:45:00', { history, request: { factor: 5 } }, keys)
  assert.deepEqual(
    toldLines(explanation).map((line) => line.replace(/^ +/, (spaces) => '.'.repeat(spaces.length / 2))),
    [
      'price_each of context, computed from scaled_price, user_orders_1h = 15 PRESENT',
      '.scaled_price of scaled, computed from user_price, factor = 30 PRESENT',
      '..price = 6 PRESENT',
      '..= 08:00:00 {"price":6} the newest row that is valid',
      '.count() over 1h = 2 PRESENT',
      '.from 08:45:00 to 09:45:00, 1h before its end: 2',
      '.+ b 09:30:00',
      '.+ a 09:00:00',
    ],
  )
  assert.ok(explanation.kind === 'onDemand')
  assert.deepEqual(explanation.key, keys)
  assert.deepEqual(explanation.onDemand, { name: 'context', version: 1, hash: onDemandHash(context) })
  const [first, second] = explanation.inputs
  assert.ok(first?.kind === 'onDemand' && second?.kind === 'events')
  assert.deepEqual([first.key, first.request], [{ seller_id: 'u2' }, { factor: 5 }])
  assert.deepEqual([second.feature, second.key], ['user_orders_1h', { user_id: 'u1' }])
  assert.equal((await explain(market, 'nothing', '09:45:00', { history, request: { factor: 5 } }, keys)).status, 'NULL')
})

test('a feature of a group tells its group, its own name and what was asked', async () => {
  const explanation = await explain(market, 'buyer_user_orders_1h', '09:45:00', { history, asKnown: true })
  assert.ok(explanation.kind === 'events')
  const { feature, type, group, asOf, asKnown, effective, eventTime } = explanation
  assert.deepEqual(
    { feature, type, group, asOf, asKnown, effective, eventTime },
    {
      feature: 'buyer_user_orders_1h',
      type: 'integer',
      group: { name: 'user_orders', version: 2, hash: groupHash(userOrders), source: 'orders', feature: 'user_orders_1h' },
      asOf: '2026-01-01T09:45:00Z',
      asKnown: true,
      effective: { moment: '2026-01-01T09:45:00Z', reason: 'live: the as-of moment itself' },
      eventTime: '2026-01-01T09:30:00Z',
    },
  )
  assert.deepEqual(explanation.aggregates[0]?.inside.oldest, { time: '2026-01-01T09:00:00Z', id: { id: 'a' }, columns: {}, known: null })
})

test('every kind of value and of key is told in JSON', async () => {
  const thing = entity('thing', {
    number: t.int64(),
    day: t.date(),
    price: t.decimal(5, 2),
    on: t.boolean(),
    at: t.timestamp(),
    kind: t.oneOf('x', 'y'),
  })
  const values = { big: t.int64(), odd: t.float().allowNaN(), place: t.vector(2), list: t.list(t.int64()), more: t.struct() }
  const things = table('things', {
    columns: { number: t.int64(), day: t.date(), price: t.decimal(5, 2), on: t.boolean(), at: t.timestamp(), kind: t.string(), ...values },
    time: 'at',
  })
  const group = featureGroup({
    name: 'things',
    entity: thing,
    source: things,
    features: ({ big, odd, place, list, more }) => ({ big, odd, place, list, more }),
  })
  const view = featureView({ name: 'view', features: [group] })
  const key = { number: -(2n ** 62n), day: '1969-12-31', price: '-0.05', on: true, at: '2026-01-01T09:00:00.000001Z', kind: 'y' }
  const row = { ...key, big: 2n ** 60n, odd: Number.NaN, place: Float32Array.of(1, 0.5), list: [1n], more: { b: 1, a: [true] } }
  const other = { ...row, on: false, big: 0n }
  const expected = { big: '1152921504606846976', odd: 'NaN', place: [1, 0.5], list: ['1'], more: { a: [true], b: 1 } }
  for (const [feature, value] of Object.entries(expected)) {
    const explanation = await explain(view, feature, '10:00:00', { history: { things: rows([other, row]) } }, key)
    assert.deepEqual(explanation.value, value)
    assert.deepEqual(explanation.key, { ...key, number: '-4611686018427387904' })
    assert.deepEqual(JSON.parse(JSON.stringify(explanation)), explanation)
  }
})

describe('what cannot be explained', () => {
  const refusals: readonly (readonly [string, () => Promise<unknown>, string, RegExp])[] = [
    [
      'a feature that there is not',
      () => explain(market, 'price_eech', '10:00:00', { history }),
      'UNKNOWN_NAME',
      /did you mean price_each/,
    ],
    [
      'a key that there is not',
      () => explain(market, 'price_each', '10:00:00', { history }, { user: 'u1' }),
      'UNKNOWN_NAME',
      /no key user.*user_id/,
    ],
    ['without its key', () => explain(market, 'price_each', '10:00:00', { history, request: { factor: 1 } }), 'MISSING_KEY', /seller_id/],
    ['by a wrong key', () => explain(market, 'buyer_user_orders_1h', '10:00:00', { history }, { user_id: 7 }), 'INVALID_VALUE', /user_id/],
    [
      'without a value of the request',
      () => explain(market, 'price_each', '10:00:00', { history }, { user_id: 'u1', seller_id: 'u2' }),
      'INVALID_VALUE',
      /factor/,
    ],
    ['with a limit below 0', () => explain(market, 'price_each', '10:00:00', { history, limit: -1 }), 'INVALID_ARGUMENT', /limit/],
    ['without a history', () => explain(market, 'buyer_user_orders_1h', '10:00:00'), 'SOURCE_NOT_FOUND', /no history/],
    [
      'once stopped',
      () => explain(market, 'buyer_user_orders_1h', '10:00:00', { history, signal: AbortSignal.abort() }),
      'INTERRUPTED',
      /Stopped/,
    ],
  ]
  for (const [name, attempt, code, message] of refusals) {
    test(name, async () => {
      await assert.rejects(attempt, { code, message })
    })
  }
})
