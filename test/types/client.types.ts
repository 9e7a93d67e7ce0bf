import { connect } from '../../src/client/index.ts'
import { count, entity, events, featureGroup, featureView, last, onDemand, rows, t } from '../../src/index.ts'
import { same } from './same.ts'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.int64() })
const clicks = events('clicks', {
  columns: { user_id: t.string(), item_id: t.int64(), place: t.vector(2), at: t.timestamp() },
  time: 'at',
  history: rows([]),
})
const userClicks = featureGroup({
  name: 'user_clicks',
  entity: user,
  source: clicks,
  features: (click) => ({ user_clicks: count(), user_last_item: last(click.item_id) }),
})
const itemClicks = featureGroup({
  name: 'item_clicks',
  entity: item,
  source: clicks,
  features: (click) => ({ item_place: last(click.place) }),
})
const context = onDemand({
  name: 'context',
  request: { hour: t.integer() },
  from: [],
  features: { is_night: t.boolean() },
  compute: (_known, { hour }) => ({ is_night: hour < 6 }),
})
const ranking = featureView({ name: 'ranking', features: [userClicks, itemClicks, context] })
const profile = featureView({ name: 'profile', features: [userClicks] })

const client = connect({ url: 'http://127.0.0.1:8080' })
const keys = { user_id: 'a', item_id: 1n }
const request = { hour: 3 }

const { values, features } = await client.view(ranking).vector(keys, { request })
same<typeof values.user_clicks, number>(true)
same<typeof values.user_last_item, bigint | null>(true)
same<typeof values.item_place, Float32Array | null>(true)
same<typeof values.is_night, boolean>(true)
features.item_place.status

const byName = await client.view<typeof profile>('profile').vector({ user_id: 'a' })
same<typeof byName.values.user_last_item, bigint | null>(true)
const unknown = await client.view('profile').vector({ anything: 1 })
same<typeof unknown.values, Readonly<Record<string, unknown>>>(true)

const some = await client.view(ranking).vectors([{ item_id: 1n }], { shared: { user_id: 'a' }, features: ['is_night'], request })
same<keyof (typeof some)[number]['values'], 'is_night'>(true)
await client.view(ranking).vectors([keys, keys], { requests: [request, request] })

// expect error: Expected 2 arguments, but got 1
await client.view(ranking).vector(keys)
// expect error: Property 'hour' is missing
await client.view(ranking).vector(keys, { request: {} })
// expect error: Property 'item_id' is missing
await client.view(ranking).vector({ user_id: 'a' }, { request })
// expect error: Type 'number' is not assignable to type 'bigint'
await client.view(ranking).vector({ user_id: 'a', item_id: 1 }, { request })
// expect error: Property 'user_id' is missing
await client.view(ranking).vectors([{ item_id: 1n }], { request })
// expect error: is not assignable to type
await client.view(ranking).vector(keys, { request, features: ['is_nite'] })
// expect error: is not assignable to parameter of type
await client.view(ranking).vectors([keys], { request, requests: [request] })
