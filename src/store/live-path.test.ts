import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { count, entity, events, featureGroup, featureView, rows, sum, type Topic, topic } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { openStore } from './open-store.ts'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.string() })
const columns = { click_id: t.string(), user_id: t.string(), item_id: t.string(), weight: t.integer(), at: t.timestamp() }
const past = [
  { click_id: 'h1', user_id: 'u1', item_id: 'i1', weight: 1, at: '2026-03-01T11:00:00Z' },
  { click_id: 'h2', user_id: 'u1', item_id: 'i2', weight: 2, at: '2026-03-01T11:45:00Z' },
]
function project(stream: Topic<'user_id' | 'item_id'>) {
  const clicks = events('clicks', { columns, time: 'at', id: 'click_id', lateness: '1h', history: rows(past), stream })
  const userClicks = featureGroup({
    name: 'user_clicks',
    entity: user,
    source: clicks,
    features: (click) => ({
      user_click_count_30m: count().over('30m'),
      user_click_count_lifetime: count(),
      user_weight_sum_2h: sum(click.weight).over('2h'),
    }),
  })
  const itemClicks = featureGroup({
    name: 'item_clicks',
    entity: item,
    source: clicks,
    features: () => ({ item_click_count_lifetime: count() }),
  })
  const view = featureView({ name: 'ranking', features: [userClicks, itemClicks] })
  return { view, groups: [userClicks, itemClicks] }
}
const { view, groups } = project(topic('clicks', { key: 'user_id', partitions: 2 }))

describe('a store that keeps groups live', () => {
  let folder = ''
  let now = new Date('2026-03-01T12:00:00Z')
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-live-'))
  })
  beforeEach(() => {
    now = new Date('2026-03-01T12:00:00Z')
  })
  after(() => rm(folder, { recursive: true, force: true }))
  const open = (name: string) => openStore({ definitions: [view, ...groups], folder: join(folder, name), clock: () => now })
  const values = async (store: Awaited<ReturnType<typeof open>>, user_id = 'u1', item_id = 'i1') =>
    (await store.vector(view, { user_id, item_id })).values

  test('an event that was pushed is in the next read, beside what history holds; it is 0 once it is too old', async () => {
    await using store = await open('push')
    await using live = await store.stream()
    await live.ready
    assert.deepEqual(await values(store), {
      user_click_count_30m: 1,
      user_click_count_lifetime: 2,
      user_weight_sum_2h: 3,
      item_click_count_lifetime: 1,
    })
    // One of them history holds already.
    await store.push('clicks', [
      { click_id: 'c1', user_id: 'u1', item_id: 'i1', weight: 5, at: '2026-03-01T11:59:59Z' },
      past[1] as (typeof past)[1],
    ])
    assert.deepEqual(await values(store), {
      user_click_count_30m: 2,
      user_click_count_lifetime: 3,
      user_weight_sum_2h: 8,
      item_click_count_lifetime: 2,
    })
    now = new Date('2026-03-01T12:29:59.001Z')
    assert.equal((await values(store)).user_click_count_30m, 0)
  })

  test('what was pushed survives, whether the worker is closed or dies', async () => {
    for (const end of ['close', 'abandon'] as const) {
      {
        await using store = await open(end)
        const live = await store.stream()
        await live.ready
        await store.push('clicks', [{ click_id: 'c1', user_id: 'u2', item_id: 'i9', weight: 1, at: '2026-03-01T11:59:00Z' }])
        await live[end]()
      }
      await using store = await open(end)
      await using live = await store.stream()
      await store.push('clicks', [{ click_id: 'c2', user_id: 'u2', item_id: 'i9', weight: 1, at: '2026-03-01T11:59:01Z' }])
      await live.caughtUp()
      assert.equal((await values(store, 'u2', 'i9')).user_click_count_lifetime, 2, end)
      assert.equal((await values(store, 'u2', 'i9')).item_click_count_lifetime, 2, end)
    }
  })

  test('what was pushed is in training sets, late or not, with when it was known', async () => {
    await using store = await open('history')
    await using live = await store.stream()
    await live.ready
    const late = { click_id: 'c1', user_id: 'u1', item_id: 'i1', weight: 7, at: '2026-02-01T00:00:00Z' }
    await store.push('clicks', [late, { ...late, click_id: 'c2', at: '2026-03-01T11:59:00Z' }])
    await live.flush()
    const labels = [
      { user_id: 'u1', item_id: 'i1', at: '2026-03-01T12:00:00Z' },
      { user_id: 'u1', item_id: 'i1', at: '2026-02-02T00:00:00Z' },
    ]
    for (const asKnown of [false, true]) {
      await using set = await store.trainingSet(view, labels, { moment: 'at', asKnown })
      const found: unknown[] = []
      for await (const row of set) found.push([row.user_click_count_30m, row.user_click_count_lifetime])
      // The log takes events now, which is after these moments.
      assert.deepEqual(
        found,
        asKnown
          ? [
              [1, 2],
              [0, 0],
            ]
          : [
              [2, 4],
              [0, 1],
            ],
      )
    }
  })

  test('an event that is none is refused, and nothing of its batch is pushed', async () => {
    await using store = await open('refused')
    await using live = await store.stream()
    await live.ready
    const good = { click_id: 'c1', user_id: 'u1', item_id: 'i1', weight: 5, at: '2026-03-01T11:59:59Z' }
    await assert.rejects(store.push('clicks', [good, { ...good, weight: 0.5 }]), { code: 'INVALID_VALUE', message: /event 2/ })
    await assert.rejects(store.push('clicks', [{ ...good, wieght: 1 }]), { code: 'UNKNOWN_COLUMN' })
    assert.equal((await values(store)).user_click_count_lifetime, 2)
  })

  test('a source keeps its topic, as what is stored of it is counted in that: another one is refused, at its start and while it runs', async () => {
    const event = { click_id: 'c1', user_id: 'u2', item_id: 'i9', weight: 1, at: '2026-03-01T11:59:00Z' }
    {
      await using store = await open('topic')
      await using live = await store.stream()
      await live.ready
      await store.push('clicks', [event])
      live.adopt(project(topic('other', { key: 'user_id', partitions: 2 })).groups)
      await store.push('clicks', [{ ...event, click_id: 'c2' }])
      await live.caughtUp()
      assert.equal((await values(store, 'u2', 'i9')).user_click_count_lifetime, 2, 'the worker goes on as it was')
    }
    for (const [name, key] of [
      ['other', 'user_id'],
      ['clicks', 'item_id'],
    ] as const) {
      const stream = topic(name, { key, partitions: 2 })
      await using store = await openStore({ definitions: project(stream).groups, folder: join(folder, 'topic'), clock: () => now })
      await assert.rejects(store.stream(), { code: 'TOPIC_CHANGED', where: 'source clicks', message: /topic clicks by user_id/ })
    }
    await using store = await open('topic')
    await using live = await store.stream()
    await live.ready
    assert.equal((await values(store, 'u2', 'i9')).user_click_count_lifetime, 2)
  })
})
