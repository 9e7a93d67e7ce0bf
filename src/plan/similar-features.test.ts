import assert from 'node:assert/strict'
import { test } from 'node:test'
import { catalogueOf, count, type Expression, entity, events, type FeatureGroup, featureGroup, type Row, sum } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { SimilarFeatures } from './similar-features.ts'

const user = entity('user', { user_id: t.string() })
const columns = { user_id: t.string(), kind: t.string(), total: t.float(), at: t.timestamp() }
const orders = events('orders', { columns, time: 'at' })
const refunds = events('refunds', { columns, time: 'at' })
type Order = Row<typeof columns>
type Made = (order: Order) => Readonly<Record<string, Expression>>
const group = (name: string, features: Made, more = {}) =>
  featureGroup({ name, entity: user, source: orders, features, ...more } as never) as FeatureGroup

test('the same shape is found: equal values, another window, another condition', () => {
  const own = group('own', (order) => ({ spent_30d: sum(order.total).where(order.kind.eq('bought')).over('30d') }))
  const other = group('other', (order) => ({
    money_720h: sum(order.total).where(order.kind.eq('bought')).over('720h'),
    money_28d: sum(order.total).where(order.kind.eq('bought')).over('28d'),
    money_7d: sum(order.total).where(order.kind.eq('bought')).over('7d'),
    all_money_30d: sum(order.total).over('30d'),
    orders_30d: count().where(order.kind.eq('bought')).over('30d'),
    twice_30d: sum(order.total.times(2)).where(order.kind.eq('bought')).over('30d'),
  }))
  const newer = group('own', (order) => ({ spent_30d: sum(order.total).where(order.kind.eq('bought')).over('31d') }), { version: 2 })
  const elsewhere = group('elsewhere', (order) => ({ back_30d: sum(order.total).where(order.kind.eq('bought')).over('30d') }), {
    source: refunds,
  })
  const found = new SimilarFeatures(catalogueOf([own, other, newer, elsewhere])).of(own, 'spent_30d')
  assert.deepEqual(
    found.map(({ feature, differsIn, isNearDuplicate }) => [feature, differsIn, isNearDuplicate]),
    [
      ['money_720h', 'nothing', true],
      ['money_28d', 'window', true],
      ['money_7d', 'window', false],
      ['all_money_30d', 'condition', false],
    ],
  )
  assert.equal(found[0]?.id, 'other@1.money_720h')
  assert.equal(found[2]?.definition, "sum(total) where kind = 'bought' over 7d")
})

test('a feature need not be in the catalogue to be compared with it', () => {
  const known = group('known', () => ({ n_1h: count().over('1h') }))
  const added = group('added', () => ({ n_1h: count().over('60m'), delayed_1h: count().over('1h').delay('1h') }))
  const similar = new SimilarFeatures(catalogueOf([known]))
  assert.deepEqual(
    similar.of(added, 'n_1h').map(({ id }) => id),
    ['known@1.n_1h'],
  )
  assert.deepEqual(
    similar.of(added, 'delayed_1h').map(({ isNearDuplicate }) => isNearDuplicate),
    [false],
  )
})
