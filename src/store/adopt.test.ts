import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, type Definition, entity, events, featureGroup, featureView, rows, topic } from '../definition/index.ts'
import { segmentsEventLog } from '../eventlog/drivers/segments.ts'
import type { Head } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { Adopted } from './adopted.ts'
import { openStore } from './open-store.ts'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.string() })
const clicks = events('clicks', {
  columns: { click_id: t.string(), user_id: t.string(), item_id: t.string(), at: t.timestamp() },
  time: 'at',
  id: 'click_id',
  lateness: '1h',
  history: rows([
    { click_id: 'h1', user_id: 'u1', item_id: 'i1', at: '2026-03-01T11:05:00Z' },
    { click_id: 'h2', user_id: 'u1', item_id: 'i2', at: '2026-03-01T11:45:00Z' },
  ]),
  stream: topic('clicks', { key: 'user_id', partitions: 2 }),
})
const userClicks = (version: number, window: '30m' | '60m') =>
  featureGroup({ name: 'user_clicks', version, entity: user, source: clicks, features: () => ({ click_count: count().over(window) }) })
const itemClicks = featureGroup({ name: 'item_clicks', entity: item, source: clicks, features: () => ({ item_click_count: count() }) })
const [old, fresh] = [userClicks(1, '30m'), userClicks(2, '60m')]
const ranking1 = featureView({ name: 'ranking', version: 1, features: [old] })
const ranking2 = featureView({ name: 'ranking', version: 2, features: [fresh] })
const items = featureView({ name: 'items', features: [itemClicks] })
const click = (click_id: string, minute: number) => ({ click_id, user_id: 'u1', item_id: 'i1', at: `2026-03-01T12:${minute}:00Z` })

const adopted = (definitions: readonly Definition[], current: Record<string, number>) =>
  new Adopted(definitions, {
    environment: 'dev',
    apply: 1,
    items: new Map(),
    current: new Map(Object.entries(current)),
    revision: 1,
  } as Head)

const folder = await mkdtemp(join(tmpdir(), 'lockstep-adopt-'))
after(() => rm(folder, { recursive: true, force: true }))

test('a stream takes up groups that are adopted and leaves those that are gone, while the others go on', async () => {
  let now = '2026-03-01T12:10:00Z'
  await using store = await openStore({ definitions: [ranking1, old], folder, clock: () => new Date(now) })
  await using live = await store.stream()
  await live.ready
  const read = async (name: string, version: number, key: object) => (await store.vector(store.view(name, version), key)).values
  await store.push('clicks', [click('a', 10)])
  now = '2026-03-01T12:12:00Z'
  assert.deepEqual(await read('ranking', 1, { user_id: 'u1' }), { click_count: 2 })

  await store.adopt(adopted([ranking1, ranking2, items, old, fresh, itemClicks], { ranking: 1, items: 1 }))
  assert.equal(store.view('ranking').version, 1)
  await live.adopted()
  await store.push('clicks', [click('b', 12)])
  now = '2026-03-01T12:14:00Z'
  assert.deepEqual(await read('ranking', 1, { user_id: 'u1' }), { click_count: 3 })
  assert.deepEqual(await read('ranking', 2, { user_id: 'u1' }), { click_count: 3 })
  await live.caughtUp()
  assert.deepEqual(await read('items', 1, { item_id: 'i1' }), { item_click_count: 3 })
  now = '2026-03-01T12:20:00Z'
  const versions = async () => [await read('ranking', 1, { user_id: 'u1' }), await read('ranking', 2, { user_id: 'u1' })]
  assert.deepEqual(await versions(), [{ click_count: 2 }, { click_count: 3 }])

  await store.adopt(adopted([ranking2, fresh], { ranking: 2 }))
  assert.throws(() => store.view('ranking', 1), { code: 'UNKNOWN_NAME' })
  assert.equal(store.view('ranking').version, 2)
  await live.adopted()
  assert.deepEqual(
    (await store.streamStatus()).groups.map(({ group, version }) => `${group}@${version}`),
    ['user_clicks@2'],
  )
  await store.push('clicks', [click('c', 20)])
  now = '2026-03-01T12:21:00Z'
  assert.deepEqual(await read('ranking', 2, { user_id: 'u1' }), { click_count: 4 })

  await store.adopt(adopted([ranking1, ranking2, items, old, fresh, itemClicks], { ranking: 1, items: 1 }))
  await live.adopted()
  await live.caughtUp()
  assert.deepEqual(await versions(), [{ click_count: 3 }, { click_count: 4 }])
  assert.deepEqual(await read('items', 1, { item_id: 'i1' }), { item_click_count: 4 })
})

test('a group that comes back when the log has let go of its events is filled again', async () => {
  let now = '2026-03-01T12:10:00Z'
  const log = segmentsEventLog({ path: join(folder, 'short'), segmentBytes: 300, retention: { bytes: 1 } })
  await using store = await openStore({ definitions: [ranking1, old], folder: join(folder, 'lost'), log, clock: () => new Date(now) })
  await using live = await store.stream()
  await live.ready
  await store.push('clicks', [click('a', 10)])
  await store.adopt(adopted([ranking2, fresh], { ranking: 2 }))
  await live.adopted()
  for (let id = 0; id < 20; id++) await store.push('clicks', [click(`b${id}`, 11)])
  await live.flush()
  assert.ok(
    (await log.offsets('clicks')).some(({ first }) => first > 1),
    'the log has let go of some',
  )
  await store.adopt(adopted([ranking1, ranking2, old, fresh], { ranking: 1 }))
  await live.adopted()
  await live.caughtUp()
  now = '2026-03-01T12:12:00Z'
  for (const version of [1, 2])
    assert.deepEqual((await store.vector(store.view('ranking', version), { user_id: 'u1' } as never)).values, { click_count: 22 })
})

test('definitions whose rows another definition computed are refused, and nothing changes', async () => {
  await using store = await openStore({
    definitions: [ranking1, old],
    online: 'memory',
    clock: () => new Date('2026-03-01T12:00:00Z'),
  })
  const past = [{ user_id: 'u1', at: '2026-03-01T11:05:00Z' }]
  const orders = events('orders', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at', history: rows(past) })
  const batch = (window: '30m' | '60m') =>
    featureGroup({ name: 'batch', entity: user, source: orders, features: () => ({ order_count: count().over(window) }) })
  const view = (group: ReturnType<typeof batch>) => featureView({ name: 'batched', features: [group] })
  await store.adopt(adopted([view(batch('30m')), batch('30m')], { batched: 1 }))
  await store.materialize()
  const before = store.adopted
  await assert.rejects(store.adopt(adopted([view(batch('60m')), batch('60m')], { batched: 1 })), { code: 'DEFINITION_MISMATCH' })
  assert.equal(store.adopted, before)
})
