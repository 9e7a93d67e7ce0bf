import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  catalogueOf,
  count,
  entity,
  events,
  featureGroup,
  featureView,
  last,
  onDemand,
  secondsSince,
  sum,
  table,
  when,
} from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { columnsOf } from './columns-of.ts'
import { Lineage } from './lineage.ts'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.string() })
const orders = events('orders', {
  columns: { buyer: t.string(), kind: t.string(), total: t.float(), shipping: t.float(), note: t.string(), at: t.timestamp() },
  time: 'at',
})
const items = table('items', { columns: { item_id: t.string(), price: t.float(), valid: t.timestamp() }, time: 'valid' })
const group = (version: number) =>
  featureGroup({
    name: 'user_orders',
    version,
    entity: user,
    source: orders,
    keys: { user_id: 'buyer' },
    features: (order) => ({
      spent: sum(order.total.plus(order.shipping)).where(order.kind.eq('bought')).over('30d'),
      since_return: count().since(order.kind.eq('returned')),
      idle: secondsSince(last(order.at)),
    }),
  })
const [userOrders, newer] = [group(1), group(2)]
const itemPrices = featureGroup({ name: 'item_prices', entity: item, source: items, features: (row) => ({ item_price: row.price }) })
const context = onDemand({
  name: 'context',
  request: { hour: t.integer() },
  from: [userOrders.pick('spent'), itemPrices.as({ prefix: 'own_' })],
  features: { affordable: t.boolean() },
  compute: () => ({ affordable: true }),
})
const ranking = featureView({ name: 'ranking', features: [userOrders.pick('idle').as({ prefix: 'buyer_' }), context] })
const lineage = new Lineage(catalogueOf([ranking, newer]), {
  trainingSets: [{ id: 't1', view: 'ranking', version: 1, features: ['affordable'] }],
  models: [{ name: 'ranker', versions: [{ trainingSet: 't1' }] }],
  reads: [{ caller: 'web', model: 'ranker', view: 'ranking', version: 1, feature: 'buyer_idle' }],
})

const idsOf = (name: string, direction: 'up' | 'down', depth?: number): string[] => {
  const start = lineage.find(name)
  return lineage
    .reach(start, direction, depth)
    .nodes.map(({ id }) => id)
    .filter((id) => !start.includes(id))
    .sort()
}

test('an expression reads the columns of its value and of its conditions', () => {
  const { features } = featureGroup({
    name: 'g',
    entity: user,
    source: orders,
    keys: { user_id: 'buyer' },
    features: (order) => ({
      n: sum(when(order.kind.eq('bought'), order.total, order.shipping)).where(order.total.gt(0).and(order.note.isNotNull())),
    }),
  })
  assert.deepEqual(Object.fromEntries(columnsOf(features.n as never)), {
    kind: 'condition',
    total: 'value',
    shipping: 'value',
    note: 'condition',
  })
})

test('a feature comes from the columns of its value, its conditions, its key and its time', () => {
  assert.deepEqual(Object.fromEntries(lineage.sourcesOf('user_orders@1.spent')), {
    'source:orders.total': 'value',
    'source:orders.shipping': 'value',
    'source:orders.kind': 'condition',
    'source:orders.buyer': 'key',
    'source:orders.at': 'time',
  })
  assert.deepEqual(Object.fromEntries(lineage.sourcesOf('user_orders@1.idle')), {
    'source:orders.at': 'value',
    'source:orders.buyer': 'key',
  })
  assert.equal(lineage.sourcesOf('user_orders@1.since_return').get('source:orders.kind'), 'condition')
})

test('down from a column: features, what code makes of them, views, training sets, models and callers', () => {
  assert.deepEqual(idsOf('source:orders.shipping', 'down'), [
    'context@1.affordable',
    'model:ranker',
    'trainingSet:t1',
    'user_orders@1.spent',
    'user_orders@2.spent',
    'view:ranking@1.affordable',
  ])
  assert.deepEqual(idsOf('source:orders.note', 'down'), [])
  assert.deepEqual(idsOf('source:orders.shipping', 'down', 1), ['user_orders@1.spent', 'user_orders@2.spent'])
})

test('up from a reader: what it reads, to the columns and the values of the request', () => {
  assert.deepEqual(idsOf('caller:web', 'up'), [
    'source:orders.at',
    'source:orders.buyer',
    'user_orders@1.idle',
    'view:ranking@1.buyer_idle',
  ])
  const all = idsOf('model:ranker', 'up')
  for (const id of ['request:context@1.hour', 'source:items.price', 'source:items.item_id', 'view:ranking@1.buyer_idle', 'trainingSet:t1'])
    assert.ok(all.includes(id), id)
  assert.ok(!all.includes('user_orders@2.spent'))
  assert.deepEqual(
    lineage.reach(['view:ranking@1.affordable'], 'up', 2).edges.filter(({ to }) => to === 'context@1.affordable'),
    ['user_orders@1.spent', 'item_prices@1.item_price', 'request:context@1.hour'].map((from) => ({
      from,
      to: 'context@1.affordable',
      use: 'code',
    })),
  )
})

test('a name means one node, all of a thing, or the newest version of it', () => {
  assert.deepEqual(lineage.find('user_orders@1'), ['user_orders@1.spent', 'user_orders@1.since_return', 'user_orders@1.idle'])
  assert.deepEqual(lineage.find('user_orders.idle'), ['user_orders@2.idle'])
  assert.deepEqual(lineage.find('view:ranking'), ['view:ranking@1.buyer_idle', 'view:ranking@1.affordable'])
  assert.deepEqual(lineage.find('source:items').length, 3)
  assert.deepEqual(lineage.find('item_price'), ['item_prices@1.item_price'])
  assert.deepEqual(lineage.find('orders.total'), ['source:orders.total'])
  assert.throws(() => lineage.find('order.totl'), { code: 'UNKNOWN_NAME', message: /did you mean source:orders.total/ })
  assert.throws(() => lineage.find('user_order@1.spnt'), { code: 'UNKNOWN_NAME', message: /did you mean user_orders@1.spent/ })
  assert.throws(() => lineage.find('source:order.total'), { code: 'UNKNOWN_NAME', message: /did you mean source:orders.total/ })
})
