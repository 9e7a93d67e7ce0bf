import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, entity, events, featureGroup, featureView, rows } from '../definition/index.ts'
import type { ReadCount } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { openStore } from './open-store.ts'
import { ReadCounter } from './read-counter.ts'

const group = featureGroup({
  name: 'activity',
  entity: entity('user', { user_id: t.integer() }),
  source: events('clicks', { columns: { user_id: t.integer(), at: t.timestamp() }, time: 'at', history: rows([]) }),
  features: () => ({ clicks: count(), recent: count().over('5m') }),
})
const view = featureView({ name: 'ranking', features: [group] })

test('reads of a process that names itself are in the registry once it closes its store; of others there are none', async () => {
  using folder = temporaryFolder()
  for (const caller of ['shop', 'shop', undefined]) {
    await using store = await openStore({ definitions: [view], folder: folder.path, ...(caller ? { caller, model: 'ranker' } : {}) })
    await store.materialize()
    await store.vector(view, { user_id: 1 })
    await store.vectors(view, [{ user_id: 1 }, { user_id: 2 }])
  }
  await using store = await openStore({ definitions: [view], folder: folder.path })
  const found = await store.registry.usage.read('dev')
  assert.deepEqual(
    found.map(({ caller, model, feature, requests, vectors }) => [caller, model, feature, requests, vectors]),
    ['clicks', 'recent'].map((feature) => ['shop', 'ranker', feature, 4, 6]),
  )
})

test('counts of a day are told whole, again after a failure, and days apart', async () => {
  const [day, failures] = [86_400_000_000, [] as unknown[]]
  const told: [number, number[]][] = []
  let [now, isAway] = [10 * day, false]
  const share = async (_: string, on: number, counts: Iterable<ReadCount>) => {
    if (isAway) throw new Error('away')
    told.push([on, [...counts].map(({ vectors }) => vectors)])
  }
  const counter = new ReadCounter({ caller: () => 'shop', model: '', now: () => now, share, warn: (error) => failures.push(error) })
  counter.count(view, 2)
  await counter.share()
  counter.count(view, 1)
  counter.count(view, 1)
  isAway = true
  await counter.share()
  now += day
  isAway = false
  counter.count(view, 7)
  await counter.share()
  await counter.close()
  assert.deepEqual(told, [
    [10, [2]],
    [10, [4]],
    [11, [7]],
  ])
  assert.equal(failures.length, 1)
})
