import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueOf, count, entity, events, featureGroup, featureView, onDemand, sum } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { CatalogueSearch, wordsOf } from './catalogue-search.ts'

const user = entity('user', { user_id: t.string() }, { description: 'Somebody who shops.' })
const orders = events('orders', {
  columns: { user_id: t.string(), total: t.float(), shipping_cost: t.float(), at: t.timestamp() },
  time: 'at',
  owner: 'payments',
})
const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orders,
  owner: 'growth',
  tags: ['revenue'],
  description: 'What users order.',
  features: (order) => ({
    user_order_count_7d: count().over('7d'),
    user_order_value_sum_90d: sum(order.total).over('90d'),
    user_shipping_sum_lifetime: sum(order.shipping_cost),
  }),
  descriptions: { user_order_value_sum_90d: 'Money spent in a quarter, refunds included.' },
})
const context = onDemand({
  name: 'context',
  request: { latitude: t.float() },
  from: [userOrders.pick('user_order_count_7d')],
  features: { distance_km: t.float() },
  compute: () => ({ distance_km: 0 }),
})
const ranking = featureView({ name: 'ranking', features: [userOrders, context], description: 'Ranks items.', tags: ['search'] })
const index = new CatalogueSearch(catalogueOf([ranking]))
const idsOf = (text: string, options = {}) => index.search(text, options).map(({ id }) => id)

test('a name is cut into words', () => {
  assert.deepEqual(wordsOf('user_order_count_7d shippingCost Über-Maß'), [
    'user',
    'order',
    'count',
    '7d',
    'shipping',
    'cost',
    'über',
    'maß',
  ])
})

test('names, descriptions, tags, owners and columns are found', () => {
  assert.equal(idsOf('refunds')[0], 'user_orders@1.user_order_value_sum_90d')
  assert.equal(idsOf('payments')[0], 'source:orders')
  assert.equal(idsOf('latitude')[0], 'context@1')
  assert.deepEqual(idsOf('revenue', { kind: 'group' }), ['user_orders@1'])
  assert.equal(idsOf('shops')[0], 'entity:user')
  assert.equal(idsOf('search')[0], 'view:ranking@1')
  assert.deepEqual(idsOf('total', { kind: 'feature' }), ['user_orders@1.user_order_value_sum_90d'])
  assert.equal(idsOf('shipping cost', { kind: 'column' })[0], 'source:orders.shipping_cost')
})

test('what has more of the words comes first; the word itself before its beginning, that before a slip', () => {
  assert.equal(idsOf('order count 7d')[0], 'user_orders@1.user_order_count_7d')
  assert.equal(idsOf('user value 90d')[0], 'user_orders@1.user_order_value_sum_90d')
  assert.equal(idsOf('rank')[0], 'view:ranking@1')
  assert.equal(idsOf('rannking')[0], 'view:ranking@1')
  assert.equal(idsOf('shpiping')[0], 'source:orders.shipping_cost')
  assert.deepEqual(idsOf('nonsense'), [])
  assert.equal(idsOf('order', { kind: 'source' })[0], 'source:orders')
  const [first, second] = index.search('order', { kind: 'feature' })
  assert.ok(first && second && first.score >= second.score)
})

test('at most so many, and of one kind', () => {
  assert.equal(index.search('user', { limit: 2 }).length, 2)
  assert.deepEqual(new Set(index.search('user', { kind: 'column' }).map(({ kind }) => kind)), new Set(['column']))
})
