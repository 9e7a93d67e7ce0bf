import {
  average,
  count,
  daysSince,
  entity,
  events,
  featureGroup,
  featureView,
  type KeysOf,
  last,
  maximum,
  onDemand,
  openStore,
  type RequestOf,
  ratio,
  rows,
  secondsSince,
  sum,
  type TrainingRowOf,
  t,
  table,
  topic,
  topK,
  type VectorOf,
  when,
} from '../../src/index.ts'
import { same } from './same.ts'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.integer() })
const orders = events('orders', {
  columns: {
    user_id: t.string(),
    item_id: t.integer(),
    kind: t.oneOf('purchased', 'returned'),
    total: t.decimal(12, 2),
    stars: t.integer().nullable(),
    note: t.string(),
    at: t.timestamp(),
  },
  time: 'at',
  history: rows([]),
})
const catalogue = table('catalogue', {
  columns: { item_id: t.integer(), price: t.decimal(12, 2), at: t.timestamp() },
  time: 'at',
  history: rows([]),
})

const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orders,
  features: (order) => {
    const purchased = order.kind.eq('purchased')
    return {
      user_purchase_count_lifetime: count().where(purchased),
      user_spend_sum_30d: sum(order.total).where(purchased).over('30d'),
      user_stars_avg_lifetime: average(order.stars),
      user_stars_max_lifetime: maximum(order.stars),
      user_top_kinds_lifetime: topK(order.kind, 3),
      user_seconds_since_last_order: secondsSince(last(order.at)),
      user_return_rate_lifetime: ratio(count().where(order.kind.eq('returned')), count()).orElse(0),
      user_size: when(count().gt(3), count(), 0),
    }
  },
})
const itemCatalogue = featureGroup({
  name: 'item_catalogue',
  entity: item,
  source: catalogue,
  features: (row) => ({ item_price: row.price, item_days: daysSince(row.at).orElse(0) }),
})
const context = onDemand({
  name: 'context',
  request: { latitude: t.float(), note: t.string().nullable() },
  from: [userOrders.pick('user_spend_sum_30d'), itemCatalogue.pick('item_price')],
  features: { price_share: t.float().nullable() },
  compute: (known, request) => ({
    price_share: known.item_price === null ? null : (Number(known.item_price) / Number(known.user_spend_sum_30d)) * request.latitude,
  }),
})
const ranking = featureView({ name: 'ranking', features: [userOrders, itemCatalogue, context] })

// Keys, requests, vectors and training rows follow from the definitions; nullability from the aggregates.
same<KeysOf<typeof ranking>, { readonly user_id: string; readonly item_id: number }>(true)
same<VectorOf<typeof ranking>['user_purchase_count_lifetime'], number>(true)
same<VectorOf<typeof ranking>['user_spend_sum_30d'], string>(true)
same<VectorOf<typeof ranking>['user_stars_avg_lifetime'], number | null>(true)
same<VectorOf<typeof ranking>['user_stars_max_lifetime'], number | null>(true)
same<VectorOf<typeof ranking>['user_top_kinds_lifetime'], readonly ('purchased' | 'returned')[]>(true)
same<VectorOf<typeof ranking>['user_seconds_since_last_order'], number | null>(true)
same<VectorOf<typeof ranking>['user_return_rate_lifetime'], number>(true)
same<VectorOf<typeof ranking>['item_price'], string | null>(true)
same<VectorOf<typeof ranking>['item_days'], number>(true)
same<VectorOf<typeof ranking>['price_share'], number | null>(true)
same<TrainingRowOf<typeof ranking, { target: boolean }>['target'], boolean>(true)
const request: RequestOf<typeof ranking> = { latitude: 1 }

// A group's mistakes.
featureGroup({
  name: 'wrong',
  entity: user,
  source: orders,
  features: (order) => ({
    // expect error: Property 'totals' does not exist
    unknown_column: sum(order.totals),
    // expect error: is not assignable to parameter of type
    sum_of_text: sum(order.note),
    // expect error: is not assignable to parameter of type
    unlike_literal: count().where(order.kind.eq('sold')),
    // expect error: Property 'over' does not exist
    window_on_no_aggregate: count().plus(1).over('30d'),
    // expect error: The 'this' context of type
    text_plus: order.note.plus(1),
    // expect error: is not assignable to parameter of type
    number_as_condition: count().where(order.total),
  }),
})
// expect error: Type '"customer_id"' is not assignable to type
featureGroup({ name: 'no_such_key', entity: user, source: orders, keys: { user_id: 'customer_id' }, features: () => ({ n: count() }) })
// expect error: Type '"when"' is not assignable to type
events('no_time', { columns: { at: t.timestamp() }, time: 'when' })
// expect error: Type '"note"' is not assignable to type
events('text_time', { columns: { at: t.timestamp(), note: t.string() }, time: 'note' })
const dated = { id: t.string(), at: t.timestamp() }
events('streamed', { columns: dated, time: 'at', stream: topic('streamed', { key: ['id', 'at'] }) })
// expect error: Type '"no_such"' is not assignable to type
events('no_such_key', { columns: dated, time: 'at', stream: topic('streamed', { key: 'no_such' }) })
// expect error: Type '"no_such"' is not assignable to type
events('no_such_keys', { columns: dated, time: 'at', stream: topic('streamed', { key: ['id', 'no_such'] }) })
// expect error: 'stream' does not exist in type
table('streamed_table', { columns: dated, time: 'at', stream: topic('streamed', { key: 'id' }) })
// expect error: is not assignable to type 'ColumnType<KeyKind, unknown, false>'
entity('nullable', { id: t.string().nullable() })

// A view's mistakes.
// expect error: duplicate feature: user_spend_sum_30d
featureView({ name: 'twice', features: [userOrders, userOrders.pick('user_spend_sum_30d')] })
// expect error: is not assignable to parameter of type
userOrders.pick('user_spend_sum_31d')
// expect error: is not assignable to type 'number'
onDemand({ name: 'wrong_type', features: { x: t.float() }, compute: () => ({ x: 'text' }) })
onDemand({
  name: 'not_known',
  from: [userOrders.pick('user_spend_sum_30d')],
  features: { x: t.float().nullable() },
  // expect error: Property 'user_stars_avg_lifetime' does not exist
  compute: (known) => ({ x: known.user_stars_avg_lifetime }),
})

// A read's mistakes.
const store = await openStore({ definitions: [ranking], online: 'memory' })
await store.vector(ranking, { user_id: 'u', item_id: 1 }, { request })
// expect error: Property 'item_id' is missing
await store.vector(ranking, { user_id: 'u' }, { request })
// expect error: Type 'string' is not assignable to type 'number'
await store.vector(ranking, { user_id: 'u', item_id: '1' }, { request })
// expect error: Expected 3 arguments, but got 2
await store.vector(ranking, { user_id: 'u', item_id: 1 })
// expect error: Property 'latitude' is missing
await store.vector(ranking, { user_id: 'u', item_id: 1 }, { request: {} })
