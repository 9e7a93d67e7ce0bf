import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  average,
  count,
  entity,
  events,
  every,
  featureGroup,
  featureView,
  rows as history,
  last,
  lastN,
  onDemand,
  sum,
  table,
} from '../definition/index.ts'
import { segmentsEventLog } from '../eventlog/drivers/segments.ts'
import { seededRandom } from '../lib/seeded-random.ts'
import { lmdbOnlineStore } from '../online/drivers/lmdb.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import type { OnlineStore } from '../online/index.ts'
import { t } from '../schema/index.ts'
import { checkParity, type ParityStores } from './parity.ts'

const stores: ParityStores = {
  online: (path) => lmdbOnlineStore({ path }),
  memory: memoryOnlineStore,
  log: (path) => segmentsEventLog({ path, fsync: 'never' }),
}

const random = seededRandom(5)
const minute = 60_000
const begin = Date.UTC(2026, 2, 1)
const times = Array.from({ length: 300 }, () => begin + random(3 * 24 * 60) * minute).sort((a, b) => a - b)
/** Orders with ties, some twice and some corrected, known up to two hours late. */
const orders = times.flatMap((time, place) => {
  const known = time + random(120) * minute
  const row = {
    order_id: `o${place}`,
    user_id: `u${random(8)}`,
    total: `${random(90)}.${random(9)}0`,
    kind: random(5) === 0 ? 'returned' : 'bought',
  }
  const version = { ...row, at: new Date(time).toISOString(), known: new Date(known).toISOString() }
  const corrected = { ...version, total: '1.00', known: new Date(known + minute).toISOString() }
  return random(8) === 0 ? [version, corrected, version] : [version]
})
const profiles = Array.from({ length: 30 }, (_, place) => ({
  user_id: `u${place % 9}`,
  city: ['Turin', 'Oslo', 'Lima'][random(3)],
  at: new Date(begin + random(3 * 24 * 60) * minute).toISOString(),
}))

const user = entity('user', { user_id: t.string() })
const orderEvents = events('orders', {
  columns: {
    order_id: t.string(),
    user_id: t.string(),
    total: t.decimal(12, 2),
    kind: t.oneOf('bought', 'returned'),
    at: t.timestamp(),
    known: t.timestamp(),
  },
  time: 'at',
  id: 'order_id',
  known: 'known',
  lateness: '2h',
  history: history(orders),
})
const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orderEvents,
  features: (order) => ({
    user_order_count_3h: count().over('3h'),
    user_total_sum_lifetime: sum(order.total),
    user_total_avg_session: average(order.total).session('1h'),
    user_last_totals: lastN(order.total, 3),
    user_count_since_return: count().since(order.kind.eq('returned')),
  }),
})
const userDaily = featureGroup({
  name: 'user_daily',
  entity: user,
  source: orderEvents,
  refresh: every('1d', { delay: '1h' }),
  features: (order) => ({ user_last_kind_daily: last(order.kind), user_order_count_1d: count().over('1d') }),
})
const userProfile = featureGroup({
  name: 'user_profile',
  entity: user,
  source: table('profiles', {
    columns: { user_id: t.string(), city: t.string(), at: t.timestamp() },
    time: 'at',
    history: history(profiles),
  }),
  ttl: '12h',
  features: (row) => ({ user_city: row.city }),
})
const context = onDemand({
  name: 'context',
  request: { budget: t.float().range(0, 100), wish: t.oneOf('a', 'b').nullable() },
  from: [userOrders.pick('user_order_count_3h')],
  features: { budget_each: t.float().nullable() },
  compute: ({ user_order_count_3h: orderCount }, { budget, wish }) => ({
    budget_each: wish === 'b' || orderCount === 0 ? null : budget / orderCount,
  }),
})
const view = featureView({
  name: 'offer',
  features: [userOrders, userDaily, userProfile.as({ keys: { user_id: 'friend_id' }, prefix: 'friend_' }), context],
})

const small = { sample: 60, engineRows: 120, oracleRows: 100_000 }

describe('the same events through every path', () => {
  test('give the same bytes, but for those that came too late', async () => {
    const report = await checkParity(view, stores, small)
    assert.deepEqual(report.differences, [])
    assert.equal(report.proven, true)
    assert.deepEqual(
      report.groups.map(({ name, keys, rows }) => [name, keys, rows]),
      [
        ['user_orders', 8, orders.length],
        ['user_daily', 8, orders.length],
        ['user_profile', 9, profiles.length],
      ],
    )
    const compared = new Map(report.paths.map(({ path, compared: values }) => [path, values]))
    for (const path of [
      'oracle',
      'online store, as materialized',
      'stream, in order of event time',
      'rows that it stored, in order of event time',
      'stream, shuffled within the lateness',
      'stream, as they became known',
      'stream, with duplicates and restarts',
      'stream, totally shuffled',
      'engine, with duplicates and restarts',
      'engine with a router, with duplicates and restarts',
      'rows stored by the engine, with duplicates and restarts',
      'streams, just before the next change',
      'whole vectors, as materialized',
    ])
      assert.ok((compared.get(path) ?? 0) > 100, `${path}: ${compared.get(path)}`)
    const { compared: all, equal, late, different } = report.total
    assert.deepEqual([all - equal - late, different], [0, 0])
    const shuffled = report.paths.find(({ path }) => path === 'stream, totally shuffled')
    assert.ok(shuffled && shuffled.lateRows > 10 && shuffled.late > 10 && shuffled.late < shuffled.compared / 2)
    for (const { path, lateEvents, expected, found } of report.lateDifferences) {
      assert.match(path, /(totally shuffled|just before the next change)$/)
      assert.notDeepEqual(found, expected)
      assert.ok(lateEvents.length > 0)
      for (const { time, after, event } of lateEvents) {
        assert.ok(Date.parse(time) < Date.parse(after) - 2 * 60 * minute)
        assert.match(String(event.order_id), /^o\d+$/)
      }
    }
    const restarted = report.paths.find(({ path }) => path === 'stream, with duplicates and restarts')
    assert.ok(restarted && restarted.restarts > 5 && (restarted.outcomes?.duplicate ?? 0) > 20 && (restarted.outcomes?.corrected ?? 0) > 5)
  })

  test('where nothing says when a version became known, the greatest content counts, in files as in the stream', async () => {
    const source = events('orders', {
      columns: { order_id: t.string(), user_id: t.string(), total: t.decimal(12, 2), at: t.timestamp() },
      time: 'at',
      id: 'order_id',
      lateness: '2h',
      history: history(orders.map(({ order_id, user_id, total, at }) => ({ order_id, user_id, total, at }))),
    })
    const group = featureGroup({
      name: 'user_totals',
      entity: user,
      source,
      features: (order) => ({ user_total_sum_lifetime: sum(order.total), user_order_count_3h: count().over('3h') }),
    })
    const report = await checkParity(featureView({ name: 'totals', features: [group] }), stores, { ...small, engineRows: 200 })
    assert.deepEqual(report.differences, [])
    assert.equal(report.proven, true)
  })

  test('another seed asks other questions, the same one the same', async () => {
    const options = { sample: 5, engineRows: 0, oracleRows: 1000 }
    const counts = async (seed: number) => {
      const { paths } = await checkParity(featureView({ name: 'orders', features: [userOrders] }), stores, { ...options, seed })
      return paths.map(({ path, questions, compared, late, lateRows }) => ({ path, questions, compared, late, lateRows }))
    }
    const first = await counts(1)
    assert.deepEqual(await counts(1), first)
    assert.notDeepEqual(await counts(2), first)
  })

  test('fewer keys take part where so many are asked for', async () => {
    const { groups } = await checkParity(featureView({ name: 'orders', features: [userOrders] }), stores, {
      sample: 5,
      keys: 3,
      engineRows: 0,
    })
    assert.deepEqual([groups[0]?.keys, groups[0]?.allKeys], [3, 8])
    assert.ok((groups[0]?.rows ?? 0) < orders.length / 2)
  })
})

describe('what is wrong is found', () => {
  const one = featureView({ name: 'orders', features: [userOrders] })

  /** A store that gives another one's rows as `broken` makes them. */
  const brokenReads = (store: OnlineStore, broken: (table: string, value: Uint8Array | null) => Uint8Array | null): OnlineStore => {
    const readSync: OnlineStore['readSync'] = (reads) =>
      (store.readSync?.(reads) ?? []).map((values, place) => values.map((value) => broken(reads[place]?.table ?? '', value)))
    return new Proxy(store, {
      get(_store, name) {
        if (name === 'readSync') return readSync
        const member: unknown = Reflect.get(store, name, store)
        return typeof member === 'function' ? member.bind(store) : member
      },
    })
  }

  test('a store that lost a key: named, with the events that the value should come from', async () => {
    let reads = 0
    const online = (path: string) => brokenReads(lmdbOnlineStore({ path }), (_table, value) => (++reads % 50 === 0 ? null : value))
    const report = await checkParity(one, { ...stores, online }, { sample: 30, engineRows: 0, limit: 3 })
    assert.equal(report.proven, false)
    const path = report.paths.find(({ path: name }) => name === 'online store, as materialized')
    assert.ok(path && path.different > 0 && path.equal > path.different)
    const [first] = report.differences.filter(({ path: name }) => name === path.path)
    assert.deepEqual(first && 'status' in first.found && first.found.status, 'NOT_FOUND')
    assert.equal(first?.explanation?.kind, 'events')
    assert.deepEqual(first?.explanation?.value, first?.expected.value)
    assert.equal(report.differences.filter(({ path: name }) => name === path.path).length, 3)
  })

  test('recent rows that are not stored: the stream goes wrong after a restart, and late events are no excuse', async () => {
    const memory = () => brokenReads(memoryOnlineStore(), (name, value) => (name.endsWith(':recent') ? null : value))
    const report = await checkParity(one, { ...stores, memory }, { sample: 40, engineRows: 0 })
    const different = report.paths.filter((path) => path.different > 0).map(({ path }) => path)
    assert.ok(different.includes('stream, with duplicates and restarts'), different.join())
    assert.ok(different.includes('rows that it stored, in order of event time'), different.join())
    assert.ok(!different.includes('stream, in order of event time'), different.join())
    assert.equal(report.proven, false)
  })

  test('options that make no sense', async () => {
    for (const options of [{ sample: 0 }, { keys: 1.5 }, { seed: -1 }, { limit: Number.NaN }])
      await assert.rejects(checkParity(one, stores, options), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(checkParity(one, stores, { lateness: 'soon' as '1h' }), { code: 'INVALID_DURATION' })
  })
})
