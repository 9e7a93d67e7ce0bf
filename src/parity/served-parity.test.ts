import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { logReads } from '../../test/support/logged-store.ts'
import {
  average,
  count,
  entity,
  events,
  every,
  featureGroup,
  featureView,
  last,
  onDemand,
  rows,
  sum,
  table,
  topic,
  topK,
} from '../definition/index.ts'
import { type Cell, t } from '../schema/index.ts'
import type { FeatureStatus } from '../serving/index.ts'
import { openStore } from '../store/index.ts'
import type { ServedReason } from './served-report.ts'

const root = mkdtempSync(join(tmpdir(), 'lockstep-served-'))
after(() => rmSync(root, { recursive: true }))
const freshFolder = () => mkdtempSync(join(root, 'folder-'))

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.int64() })
const orderRows = [
  { order_id: 'a', user_id: 'ada', total: '10.50', kind: 'food', at: '2026-03-01T09:00:00Z', known: '2026-03-01T09:00:00Z' },
  { order_id: 'b', user_id: 'ada', total: '2.25', kind: 'book', at: '2026-03-01T09:30:00Z', known: '2026-03-01T09:31:00Z' },
  { order_id: 'c', user_id: 'bob', total: '4.00', kind: 'food', at: '2026-03-01T09:45:00Z', known: '2026-03-01T09:45:00Z' },
  { order_id: 'd', user_id: 'ada', total: '1.00', kind: 'food', at: '2026-02-27T09:45:00Z', known: '2026-02-27T09:45:00Z' },
]
const late = { order_id: 'e', user_id: 'ada', total: '7.00', kind: 'toy', at: '2026-03-01T09:50:00Z', known: '2026-03-01T10:20:00Z' }
const correction = { ...orderRows[1], total: '3.00', known: '2026-03-01T10:30:00Z' }

/** A view over orders, a table, and on-demand code; `orders`: all that history holds. */
function shop(orders: readonly object[], options: { readonly known?: boolean; readonly window?: string } = {}) {
  const source = events('orders', {
    columns: {
      order_id: t.string(),
      user_id: t.string(),
      total: t.decimal(12, 2),
      kind: t.string(),
      at: t.timestamp(),
      known: t.timestamp(),
    },
    time: 'at',
    id: 'order_id',
    ...(options.known === false ? {} : { known: 'known' }),
    lateness: '10m',
    history: rows(orders as never),
  })
  const prices = table('prices', {
    columns: { item_id: t.int64(), price: t.float(), at: t.timestamp() },
    time: 'at',
    history: rows([
      { item_id: 2n ** 60n, price: 0.1 + 0.2, at: '2026-02-01T00:00:00Z' },
      { item_id: 2n, price: 7, at: '2026-03-01T09:59:00Z' },
    ]),
  })
  const userOrders = featureGroup({
    name: 'user_orders',
    entity: user,
    source,
    features: (order) => ({
      user_order_count_1d: count().over(options.window ?? '1d'),
      user_total_avg_lifetime: average(order.total),
      user_total_sum_lifetime: sum(order.total),
      user_top_kinds_lifetime: topK(order.kind, 2),
    }),
  })
  const userDaily = featureGroup({
    name: 'user_daily',
    entity: user,
    source,
    refresh: every('1h'),
    features: (order) => ({ user_last_kind_hourly: last(order.kind) }),
  })
  const itemPrices = featureGroup({ name: 'item_prices', entity: item, source: prices, features: (row) => ({ item_price: row.price }) })
  const budget = onDemand({
    name: 'budget',
    request: { budget: t.float() },
    from: [userOrders.pick('user_order_count_1d'), itemPrices],
    features: { budget_each: t.float().nullable() },
    compute: ({ user_order_count_1d: orderCount, item_price: price }, { budget: given }) => ({
      budget_each: price === null ? null : given / (orderCount + 1) / price,
    }),
  })
  const view = featureView({
    name: 'offer',
    features: [userOrders, userDaily, itemPrices, budget],
    defaults: { user_last_kind_hourly: 'none' },
  })
  return {
    view,
    open: () => openStore({ definitions: [view, userOrders, userDaily, itemPrices], online: 'memory', folder: freshFolder() }),
  }
}

const served = '2026-03-01T10:00:00Z'
const keys = [
  { user_id: 'ada', item_id: String(2n ** 60n) },
  { user_id: 'bob', item_id: '2' },
  { user_id: 'new', item_id: '3' },
].map((row) => ({ ...row, item_id: BigInt(row.item_id) }))
const reads = [{ keys, request: { budget: 12.5 } }]

/** Logs reads of a store that was materialized just before. */
async function logged(made: ReturnType<typeof shop>, given = reads as Parameters<typeof logReads>[4], asOf = served): Promise<string> {
  const folder = freshFolder()
  await using store = await made.open()
  await store.materialize(undefined, { asOf })
  await logReads(store, made.view, folder, served, given)
  return folder
}

const reasonsOf = (different: Readonly<Record<ServedReason, number>>) =>
  Object.fromEntries(Object.entries(different).filter(([, values]) => values > 0))

test('what was served is what history gives, to the bit', async () => {
  const made = shop(orderRows)
  const folder = await logged(made)
  await using store = await made.open()
  const report = await store.parityOfServed(made.view, folder)
  assert.deepEqual(report.differences, [])
  assert.deepEqual([report.reads, report.vectors, report.compared, report.equal, report.proven], [1, 3, 21, 21, true])
  assert.deepEqual([report.from, report.to, report.notes], [served, served, []])
})

test('an event that came later, and a correction, are named as the reason', async () => {
  const folder = await logged(shop(orderRows))
  const { view, open } = shop([...orderRows, late, correction])
  await using store = await open()
  const report = await store.parityOfServed(view, folder)
  assert.equal(report.proven, true)
  // Of ada: count, average, sum, the last kind, and what is computed from the count. Her top kinds are the same.
  assert.deepEqual(reasonsOf(report.different), { knownLater: 5 })
  assert.equal(report.compared, report.equal + 5)
  const sumOf = report.differences.find(({ feature }) => feature === 'user_total_sum_lifetime')
  assert.deepEqual([sumOf?.reason, sumOf?.served.value, sumOf?.expected, sumOf?.key.user_id], ['knownLater', '13.75', '21.50', 'ada'])
  assert.deepEqual(
    sumOf?.events.map(({ source, event, known }) => [source, event.order_id, known]),
    [
      ['orders', 'e', '2026-03-01T10:20:00Z'],
      ['orders', 'b', '2026-03-01T10:30:00Z'],
    ],
  )
})

test('a tampered value is unexplained, with the events that the right one comes from', async () => {
  const made = shop(orderRows)
  const folder = await logged(made, [{ keys, request: { budget: 12.5 }, tampered: { user_total_sum_lifetime: 99_999 } }])
  await using store = await made.open()
  const report = await store.parityOfServed(made.view, folder, { limit: 1 })
  assert.equal(report.proven, false)
  assert.deepEqual(reasonsOf(report.different), { unexplained: 3 })
  const [first, ...others] = report.differences
  assert.deepEqual([first?.served.value, first?.expected, others.length], ['999.99', '13.75', 0])
  assert.equal(first?.explanation?.kind, 'events')
})

test('a group that was not materialized since is behind, and how far is told', async () => {
  const made = shop(orderRows)
  // The store knows what was known until 09:40: one order of bob is missing.
  const folder = await logged(shop(orderRows.filter(({ order_id: id }) => id !== 'c')), reads)
  await using store = await made.open()
  const report = await store.parityOfServed(made.view, folder)
  assert.equal(report.proven, true)
  assert.deepEqual(Object.keys(reasonsOf(report.different)), ['behind'])
  assert.equal(Math.round(report.mostBehind / 60e6), 15)
  const [first] = report.differences
  assert.deepEqual([first?.key.user_id, first?.events[0]?.event.order_id], ['bob', 'c'])
  const strict = await store.parityOfServed(made.view, folder, { behind: '5m' })
  assert.equal(strict.proven, false)
  assert.deepEqual(Object.keys(reasonsOf(strict.different)), ['default', 'unexplained'])
})

test('events that came later than their lateness, which live state leaves out', async () => {
  const tooLate = { ...late, order_id: 'f', at: '2026-03-01T08:00:00Z', known: '2026-03-01T09:40:00Z' }
  const folder = await logged(shop(orderRows))
  const { view, open } = shop([...orderRows, tooLate])
  await using store = await open()
  const report = await store.parityOfServed(view, folder, { behind: '1m' })
  assert.deepEqual(Object.keys(reasonsOf(report.different)), ['late'])
  assert.deepEqual(
    report.differences[0]?.events.map(({ event }) => event.order_id),
    ['f'],
  )
})

test('reads as of the past, as known when they were served', async () => {
  const asOf = '2026-03-01T09:30:00.000001Z'
  const folder = freshFolder()
  {
    await using store = await shop(orderRows).open()
    await store.materialize(undefined, { asOf })
    await logReads(store, shop(orderRows).view, folder, served, [{ keys, request: { budget: 1 }, asOf }])
  }
  const { view, open } = shop([...orderRows, { ...late, at: '2026-03-01T09:10:00Z' }])
  await using store = await open()
  const report = await store.parityOfServed(view, folder, { behind: '0s' })
  // The order b was known at 09:31: after the moment, before it was served. That of 09:10 was known after both.
  assert.deepEqual(reasonsOf(report.different), { knownLater: 4 })
  assert.deepEqual(
    report.differences[0]?.events.map(({ event }) => event.order_id),
    ['e'],
  )
})

test('values of another definition, and what the status says', async () => {
  const made = shop(orderRows)
  const folder = await logged(shop(orderRows, { window: '7d' }))
  await using store = await made.open()
  const report = await store.parityOfServed(made.view, folder)
  assert.deepEqual([reasonsOf(report.different), report.proven], [{ definition: 2 }, true])
})

test('what the status of a value says, where it is none', async () => {
  const made = shop(orderRows)
  const read = (feature: string, status: FeatureStatus, cell: Cell) => ({
    keys: keys.slice(0, 1),
    request: { budget: 1 },
    tampered: { [feature]: cell },
    statuses: { [feature]: status },
  })
  const folder = await logged(made, [
    read('user_total_sum_lifetime', 'TIME_OUT', null),
    read('budget_each', 'FAILED', null),
    read('item_price', 'STALE', null),
    read('user_last_kind_hourly', 'DEFAULTED', 'none'),
    // A value of its own with such a status is no excuse.
    read('user_total_sum_lifetime', 'TIME_OUT', 5),
    read('user_last_kind_hourly', 'DEFAULTED', 'other'),
  ])
  await using store = await made.open()
  const { different, equal, compared } = await store.parityOfServed(made.view, folder)
  assert.deepEqual(reasonsOf(different), { timedOut: 1, failed: 1, stale: 1, default: 1, unexplained: 2 })
  assert.equal(compared, equal + 6)
})

test('a live store: what its stream counted is what landed; what came later is named', async () => {
  const second = 1000
  const taps = events('taps', {
    columns: { tap_id: t.string(), user_id: t.string(), weight: t.integer(), at: t.timestamp() },
    time: 'at',
    id: 'tap_id',
    lateness: '5s',
    stream: topic('taps', { key: 'user_id', partitions: 1 }),
  })
  const userTaps = featureGroup({
    name: 'user_taps',
    entity: user,
    source: taps,
    features: (tap) => ({ user_tap_count_1h: count().over('1h'), user_weight_sum_lifetime: sum(tap.weight) }),
  })
  const view = featureView({ name: 'taps', features: [userTaps] })
  const folder = freshFolder()
  await using store = await openStore({ definitions: [view, userTaps], folder: freshFolder() })
  await using live = await store.stream()
  await live.ready
  const tap = (place: number, ago: number) => ({
    tap_id: `t${place}`,
    user_id: 'ada',
    weight: place,
    at: new Date(Date.now() - ago * second).toISOString(),
  })
  const read = async () => await logReads(store, view, folder, new Date().toISOString(), [{ keys: [{ user_id: 'ada' }] }])
  await store.push('taps', [tap(1, 20), tap(2, 4)])
  await read()
  await store.push('taps', [tap(3, 0)])
  await read()
  await live.flush()
  const before = await store.parityOfServed(view, folder)
  assert.deepEqual([before.compared, before.equal, before.proven], [4, 4, true])
  await store.push('taps', [tap(9, 5000)])
  await live.flush()
  const report = await store.parityOfServed(view, folder)
  assert.deepEqual([reasonsOf(report.different), report.equal, report.proven], [{ knownLater: 2 }, 2, true])
  for (const { events: missed } of report.differences) assert.ok(missed.some(({ event }) => event.tap_id === 't9'))
})

test('only what was asked for is compared; a log of nothing is an error', async () => {
  const made = shop(orderRows)
  const folder = await logged(made)
  const other = featureView({
    name: 'offer',
    features: made.view.items.filter((one) => 'group' in one && one.group.name !== 'item_prices') as never,
  })
  await using store = await made.open()
  const { notes, compared } = await store.parityOfServed(other, folder)
  assert.deepEqual([compared, notes], [15, ['The log holds features that the view does not have: item_price, budget_each.']])
  await assert.rejects(store.parityOfServed(made.view, freshFolder()), { code: 'SOURCE_NOT_FOUND' })
})
