import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { catalogueOf } from './catalogue.ts'
import { average, count, entity, events, featureGroup, featureView, type OnDemand, onDemand, parquet, table, topic } from './index.ts'
import { definitionsOf, madeBefore, snapshotOf } from './snapshot.ts'

const user = entity('user', { user_id: t.string(), shop: t.int64() })
const orders = events('orders', {
  columns: {
    order_id: t.string(),
    user_id: t.string(),
    shop: t.int64(),
    kind: t.oneOf('sold', 'returned'),
    total: t.decimal(12, 2),
    at: t.timestamp(),
  },
  time: 'at',
  id: 'order_id',
  history: parquet('orders/*.parquet'),
  stream: topic('orders', { key: ['user_id', 'shop'] }),
})
const users = table('users', {
  columns: { user_id: t.string(), shop: t.int64(), points: t.int64().nullable(), since: t.timestamp() },
  time: 'since',
})
const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orders,
  owner: 'growth',
  features: (order) => ({
    user_sold_count_7d: count().where(order.kind.eq('sold')).over('7d'),
    user_total_avg_30m: average(order.total).where(order.shop.gt(9_007_199_254_740_993n)).over('30m'),
  }),
})
const points = (described: { description?: string }) =>
  featureGroup({ name: 'user_points', version: 3, entity: user, source: users, features: (row) => ({ points: row.points }), ...described })
const userPoints = points({})
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
  defaults: { points: 12n },
  tags: ['core'],
})

const snapshot = snapshotOf([ranking])
const codeOf = ({ code }: { code: string }) => [context as OnDemand].find((one) => one.code === code)

test('definitions made of a snapshot give the same snapshot, and vectors in the same order', () => {
  assert.deepEqual(
    [...snapshot.keys()],
    ['entity:user', 'group:user_orders@1', 'group:user_points@3', 'onDemand:context@1', 'source:orders', 'source:users', 'view:ranking@2'],
  )
  const { definitions, incomplete } = definitionsOf(snapshot.values(), codeOf)
  assert.deepEqual(incomplete, [])
  assert.deepEqual(snapshotOf(definitions), snapshot)
  const [view] = catalogueOf(definitions).views
  assert.deepEqual(view?.featureNames, ranking.featureNames)
  assert.deepEqual(view?.keys, ranking.keys)
  assert.deepEqual(view?.request, ranking.request)
  assert.equal(view?.defaults.points, 12n)
})

test('what needs code that is not there is left out and named', () => {
  const { definitions, incomplete } = definitionsOf(snapshot.values(), () => undefined)
  assert.deepEqual(
    incomplete.map(({ id }) => id),
    ['onDemand:context@1', 'view:ranking@2'],
  )
  assert.equal(definitions.length, snapshot.size - 2)
})

test('descriptions, owners and tags change the hash and not the meaning; windows change both', () => {
  const described = points({ description: 'Points of the loyalty programme.' })
  const [before, after] = [userPoints, described].map((group) => snapshotOf([group]).get('group:user_points@3'))
  assert.equal(before?.meaning, after?.meaning)
  assert.notEqual(before?.hash, after?.hash)
  const groups = (['7d', '8d'] as const).map((length) =>
    featureGroup({ name: 'g', entity: user, source: orders, features: () => ({ n: count().over(length) }) }),
  )
  const [seven, eight] = groups.map((group) => snapshotOf([group]).get('group:g@1'))
  assert.notEqual(seven?.meaning, eight?.meaning)
})

test('what was made of the same items stays the same object; what refers to another is made anew', () => {
  const before = definitionsOf(snapshot.values(), codeOf)
  const same = definitionsOf(snapshot.values(), codeOf, before.made)
  assert.deepEqual(
    same.definitions.map((each, place) => each === before.definitions[place]),
    Array(snapshot.size).fill(true),
  )
  const described = snapshotOf([points({ description: 'Points of the loyalty programme.' })])
  const after = definitionsOf([...new Map([...snapshot, ...described]).values()], codeOf, before.made)
  const kept = [...snapshot.keys()].filter((id) => after.made.get(id)?.definition === before.made.get(id)?.definition)
  assert.deepEqual(madeBefore(before.definitions, snapshot), before.made, 'also where only the definitions are at hand')
  assert.deepEqual(kept, ['entity:user', 'group:user_orders@1', 'onDemand:context@1', 'source:orders', 'source:users'])
})
