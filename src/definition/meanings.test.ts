import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import {
  average,
  count,
  countDistinctApproximate,
  csv,
  daysSince,
  decayedSum,
  deviation,
  entity,
  events,
  every,
  featureGroup,
  featureView,
  type Item,
  itemId,
  last,
  lastN,
  onDemand,
  parquet,
  quantile,
  ratio,
  snapshotOf,
  sum,
  table,
  topic,
  topK,
} from './index.ts'
import { definitionsOf } from './snapshot.ts'

/**
 * What was once applied, as a registry keeps it. It is never written anew: with other meanings every registry would say of all its
 * versions that their values change, and refuse to apply. What is declared in a new way has to leave the meaning of the rest alone.
 */
const applied = JSON.parse(readFileSync(new URL('./meanings.json', import.meta.url), 'utf8')) as readonly Item[]

const user = entity('user', { user_id: t.string(), shop: t.int64() }, { description: 'Who buys' })
const orders = events('orders', {
  columns: {
    order_id: t.string(),
    user_id: t.string(),
    shop: t.int64(),
    kind: t.oneOf('sold', 'returned'),
    item: t.string().nullable(),
    total: t.decimal(12, 2),
    at: t.timestamp(),
    known: t.timestamp(),
  },
  time: 'at',
  id: 'order_id',
  known: 'known',
  lateness: '1h',
  columnTags: { user_id: ['pii'] },
  history: parquet('orders/*.parquet'),
  stream: topic('orders', { key: ['user_id', 'shop'] }),
})
const users = table('users', {
  columns: { user_id: t.string(), shop: t.int64(), points: t.float().nullable(), since: t.timestamp() },
  time: 'since',
  timeZone: 'Europe/Berlin',
  history: csv('users.csv'),
})
const userOrders = featureGroup({
  name: 'user_orders',
  version: 2,
  entity: user,
  source: orders,
  owner: 'growth',
  features: (order) => ({
    user_sold_count_7d: count().where(order.kind.eq('sold')).over('7d'),
    user_total_sum_30m: sum(order.total).over('1h', { resolution: '1m' }).delay('5m'),
    user_total_avg_1d: average(order.total).tumbling('1d', 'last'),
    user_total_deviation_session: deviation(order.total, 'sample').session('30m'),
    user_items_top_lifetime: topK(order.item, 3),
    user_items_last_lifetime: lastN(order.item, 5),
    user_items_approximate_90d: countDistinctApproximate(order.item).over('90d'),
    user_total_median_7d: quantile(order.total, 0.5).over('7d'),
    user_total_decayed: decayedSum(order.total, '2d'),
    user_return_rate: ratio(count().where(order.kind.eq('returned')), count()).orElse(0),
    user_days_since_order: daysSince(last(order.at)),
  }),
})
const userPoints = featureGroup({
  name: 'user_points',
  entity: user,
  source: users,
  refresh: every('1d', { delay: '2h' }),
  ttl: '30d',
  features: (row) => ({ user_points: row.points, user_is_new: row.points.isNull() }),
})
const context = onDemand({
  name: 'context',
  request: { hour: t.integer() },
  from: [userOrders.pick('user_sold_count_7d')],
  features: { late: t.boolean() },
  compute: (known, request) => ({ late: request.hour > 20 && known.user_sold_count_7d > 0 }),
})
const ranking = featureView({
  name: 'ranking',
  version: 2,
  features: [context, userOrders.as({ prefix: 'buyer_', keys: { user_id: 'buyer_id' } }), userPoints],
  defaults: { user_points: 1.5 },
  tags: ['pii'],
})

const meaningsOf = (items: Iterable<Item>) => Object.fromEntries([...items].map((item) => [itemId(item), item.meaning]))

test('what was applied by earlier versions is declared with the same meaning today', () => {
  assert.deepEqual(meaningsOf(snapshotOf([ranking]).values()), meaningsOf(applied))
})

test('what was applied by earlier versions is read with the same meaning today', () => {
  const { definitions, incomplete } = definitionsOf(applied, () => context)
  assert.deepEqual(incomplete, [])
  assert.deepEqual(meaningsOf(snapshotOf(definitions).values()), meaningsOf(applied))
})
