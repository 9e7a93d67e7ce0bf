import { count, entity, events, featureGroup, featureView, openStore, t } from '../../src/index.ts'

const user = entity('user', { user_id: t.string() })
const orders = events('orders', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const group = featureGroup({ name: 'group', entity: user, source: orders, features: () => ({ user_order_count_7d: count().over('7d') }) })
const view = featureView({ name: 'view', features: [group] })
const store = await openStore({ definitions: [view], online: 'memory' })

await store.explain(view, 'user_order_count_7d', { user_id: 'u1' }, { asOf: '2026-01-05', limit: 2 })
await store.explain(store.view('view'), 'any_name', { any_key: 1 })

// expect error: Argument of type '"user_order_count_30d"' is not assignable to parameter of type '"user_order_count_7d"'
await store.explain(view, 'user_order_count_30d', { user_id: 'u1' })

// expect error: Type 'number' is not assignable to type 'string'
await store.explain(view, 'user_order_count_7d', { user_id: 1 })
