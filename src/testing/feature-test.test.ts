import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { count, entity, events, every, featureGroup, featureView, last, onDemand, sum, table, topic } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { checkTimeline, featureTest } from './feature-test.ts'
import type { Timeline } from './timeline.ts'

const user = entity('user', { user_id: t.string() })
const orders = events('orders', {
  columns: { order_id: t.string(), user_id: t.string(), total: t.decimal(12, 2), at: t.timestamp(), known: t.timestamp() },
  time: 'at',
  id: 'order_id',
  known: 'known',
  lateness: '10m',
  stream: topic('orders', { key: 'user_id' }),
})
const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orders,
  features: (order) => ({
    user_order_count_30m: count().over('30m'),
    user_total_sum_lifetime: sum(order.total),
    user_last_total: last(order.total),
  }),
})
const userDaily = featureGroup({
  name: 'user_daily',
  entity: user,
  source: orders,
  refresh: every('1d'),
  features: () => ({ user_order_count_lifetime: count() }),
})
const userProfile = featureGroup({
  name: 'user_profile',
  entity: user,
  source: table('profiles', { columns: { user_id: t.string(), city: t.string(), at: t.timestamp() }, time: 'at' }),
  ttl: '1d',
  features: (row) => ({ user_city: row.city }),
})
const context = onDemand({
  name: 'context',
  request: { budget: t.float() },
  from: [userOrders.pick('user_order_count_30m')],
  features: { budget_each: t.float().nullable() },
  compute: ({ user_order_count_30m: orderCount }, { budget }) => {
    if (budget < 0) throw new RangeError('less than nothing')
    return { budget_each: orderCount === 0 ? null : budget / orderCount }
  },
})
const offer = featureView({ name: 'offer', features: [userOrders, userDaily, userProfile, context] })

const order = (order_id: string, at: string, total: string, known = at) => ({ order_id, user_id: 'ada', total, at, known })
const timeline: Timeline<typeof offer> = {
  of: offer,
  events: {
    orders: [
      order('a', '2026-03-01T10:00:00Z', '10.00'),
      order('c', '2026-03-01T10:20:00Z', '5.00'),
      order('b', '2026-03-01T10:15:00Z', '2.00', '2026-03-01T10:21:00Z'),
      order('a', '2026-03-01T10:00:00Z', '11.00', '2026-03-01T10:21:00Z'),
    ],
    profiles: [{ user_id: 'ada', city: 'Turin', at: '2026-03-01T00:00:00Z' }],
  },
  expect: [
    { at: '2026-03-01T10:30:00Z', keys: { user_id: 'ada' }, request: { budget: 6 }, values: { user_order_count_30m: 3, budget_each: 2 } },
    {
      at: new Date('2026-03-01T10:30:00.001Z'),
      keys: { user_id: 'ada' },
      request: { budget: 6 },
      values: {
        user_order_count_30m: 2,
        user_total_sum_lifetime: '18',
        user_last_total: '5.00',
        user_city: 'Turin',
        user_order_count_lifetime: 0,
      },
      status: { user_order_count_30m: 'PRESENT', user_order_count_lifetime: 'NOT_FOUND' },
    },
    {
      at: '2026-03-02T00:00:00.000001Z',
      keys: { user_id: 'ada' },
      request: { budget: 6 },
      values: { user_order_count_30m: 0, user_order_count_lifetime: 3, user_city: null, budget_each: null },
      status: { user_city: 'STALE', user_order_count_30m: 'PRESENT', budget_each: 'NULL' },
    },
    { at: '2026-03-01T11:00:00Z', keys: { user_id: 'bob' }, request: { budget: 0 }, status: { user_last_total: 'NOT_FOUND' } },
  ],
}
/** The timeline with one more expectation, of the moment 11:00. */
const alsoExpecting = (more: Omit<Timeline<typeof offer>['expect'][number], 'at' | 'keys'> & { keys?: { user_id: string } }) => ({
  ...timeline,
  expect: [...timeline.expect, { at: '2026-03-01T11:00:00Z', keys: { user_id: 'ada' }, request: { budget: 6 }, ...more }],
})

describe('a timeline', () => {
  test('that holds on every path', async () => {
    await featureTest(timeline)
    const { compared, differences } = await checkTimeline(timeline)
    assert.deepEqual(differences, [])
    // Of four moments seven values on four paths; their statuses on three, those of what is computed on demand on two.
    assert.equal(compared, 4 * 6 * 4 + 4 * (5 * 3 + 2))
  })

  test('of a group alone', async () => {
    const expect = [{ at: '2026-03-01T11:00:00Z', keys: { user_id: 'ada' }, values: { user_total_sum_lifetime: '18.00' } }]
    await featureTest({ of: userOrders, events: { orders: timeline.events.orders ?? [] }, expect })
    await featureTest({
      of: userProfile,
      events: {},
      expect: [{ at: '2026-03-01', keys: { user_id: 'ada' }, values: { user_city: null } }],
    })
  })

  test('that does not hold: told in words, with what the runner needs to show it', async () => {
    const wrong = alsoExpecting({ values: { user_order_count_30m: 1 }, status: { user_city: 'STALE' } })
    await assert.rejects(featureTest(wrong), (error: assert.AssertionError) => {
      assert.ok(error instanceof assert.AssertionError)
      assert.equal(error.code, 'ERR_ASSERTION')
      assert.equal(
        error.message,
        `user_order_count_30m of user_id=ada as of 2026-03-01T11:00:00Z is not 1:
  oracle        0
  training set  0
  online store  0
  stream        0

The status of user_city of user_id=ada as of 2026-03-01T11:00:00Z is not "STALE":
  oracle        "PRESENT"
  online store  "PRESENT"
  stream        "PRESENT"

user_order_count_30m is count() over 30m:
  count() over 30m counts 0 events from 2026-03-01T10:30:00Z up to 2026-03-01T11:00:00Z`,
      )
      const place = '{"user_id":"ada"} as of 2026-03-01T11:00:00Z'
      assert.deepEqual(error.expected, { [`user_order_count_30m of ${place}`]: 1, [`status of user_city of ${place}`]: 'STALE' })
      assert.deepEqual(error.actual, { [`user_order_count_30m of ${place}`]: 0, [`status of user_city of ${place}`]: 'PRESENT' })
      return true
    })
  })

  test('on which the paths differ: without a known time, history cannot tell which version of an event came last', async () => {
    const { name, columns } = orders
    const simple = { order_id: t.string(), user_id: t.string(), total: t.decimal(12, 2), at: t.timestamp() }
    assert.deepEqual(Object.keys(columns), [...Object.keys(simple), 'known'])
    const group = featureGroup({
      name: 'user_totals',
      entity: user,
      source: events(name, { columns: simple, time: 'at', id: 'order_id' }),
      features: (row) => ({ user_total_sum_lifetime: sum(row.total) }),
    })
    const version = (total: string) => ({ order_id: 'a', user_id: 'ada', total, at: '2026-03-01T10:00:00Z' })
    const { differences } = await checkTimeline({
      of: group,
      events: { orders: [version('9.00'), version('2.00')] },
      expect: [{ at: '2026-03-01T10:20:00Z', keys: { user_id: 'ada' } }],
    })
    const found = { oracle: '9.00', 'training set': '9.00', 'online store': '9.00', stream: '2.00' }
    assert.deepEqual(
      differences.map(({ place, stated, expected, found: all }) => ({ place, stated, expected, all })),
      [{ place: 0, stated: false, expected: '9.00', all: found }],
    )
  })

  test('on which a value cannot be computed', async () => {
    const { differences } = await checkTimeline(alsoExpecting({ request: { budget: -1 } }))
    assert.ok(differences.length > 0)
    for (const { found } of differences) assert.match(String(found['training set']), /^ON_DEMAND_FAILED/)
  })

  test('that makes no sense', async () => {
    const rejects = async (wrong: object, code: string, message: RegExp) =>
      await assert.rejects(checkTimeline({ ...timeline, ...wrong }), (error: { code: string; message: string }) => {
        assert.equal(error.code, code)
        assert.match(error.message, message)
        return true
      })
    await rejects({ events: { order: [] } }, 'UNKNOWN_NAME', /no source order; did you mean orders\?/)
    await rejects({ expect: [{ at: '2026-03-01', keys: { user: 'ada' } }] }, 'UNKNOWN_NAME', /no key user/)
    await rejects(
      { expect: [{ at: '2026-03-01', keys: { user_id: 'ada' }, values: { user_town: 1 } }] },
      'UNKNOWN_NAME',
      /no feature user_town/,
    )
    await rejects({ expect: [{ at: 'soon', keys: { user_id: 'ada' } }] }, 'INVALID_MOMENT', /expectation 1/)
  })
})
