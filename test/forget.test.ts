import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import { openStore, type Store } from '../src/index.ts'
import { click, definitionsIn, subject, tracesIn, writeHistories, writeServed } from './support/forgetting.ts'

let folder = ''
let store: Store
const place = (...names: string[]) => join(folder, ...names)

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-forget-'))
})
after(async () => {
  await store?.close()
  await rm(folder, { recursive: true, force: true })
})

const traces = (word: string) => tracesIn(folder, word)

test('a subject is erased from all that the store keeps, while a worker runs, and comes back from nowhere', async () => {
  await writeHistories(folder)
  await writeServed(place('store'))
  const { all, view, live, pairs, cities } = definitionsIn(folder)
  const log = segmentsEventLog({ path: place('log') })
  store = await openStore({ definitions: all, folder: place('store'), log, clock: () => new Date('2026-03-01T12:00:00Z') })
  const registry = store.registry
  await store.materialize([cities])
  await store.backfill(cities, { from: '2026-02-01', to: '2026-02-04', every: '1d' })
  const labels = [
    { user_id: subject, at: '2026-03-01T11:00:00Z' },
    { user_id: 'user-1', at: '2026-03-01T11:00:00Z' },
  ]
  await using set = await store.trainingSet(view, labels, { moment: 'at' })
  await set.write(place('set.parquet'))
  await registry.trainingSets.record(store.now(), {
    environment: 'dev',
    view: 'ranking',
    version: 1,
    hash: 'h',
    features: [],
    labels: { hash: 'l', rows: 2 },
    rows: 2,
    path: place('set.parquet'),
    created: '2026-03-01T12:00:00Z',
    by: 'ann',
  })

  const worker = await store.stream([live, pairs])
  await worker.ready
  await store.push(
    'clicks',
    Array.from({ length: 30 }, (_, at) => click(100 + at, at % 5 === 0 ? subject : `user-${at % 4}`)),
  )
  await worker.caughtUp()
  await worker.flush()
  // In memory only, in the last segment of the log, and a dead letter.
  await store.push('clicks', [click(200, subject), click(201, 'user-1')])
  await log.append('clicks', [{ key: null, value: Buffer.from(`{"who":"${subject}"}`), partition: 0 }])
  await worker.caughtUp()
  const read = async (who: string) => (await store.vector(view, { user_id: who })).values
  assert.equal((await read(subject)).user_click_count_1d, 13)
  const others = await read('user-1')
  assert.ok((await traces(subject)).length >= 8, String(await traces(subject)))

  const looked = await store.forget('user', { user_id: subject }, { dryRun: true })
  assert.deepEqual([...new Set(looked.places.map((one) => one.place))].sort(), [
    'feature log',
    'kept reads',
    'landed',
    'log',
    'offline',
    'online',
    'source',
    'training set',
  ])
  assert.equal(looked.complete, false)
  assert.equal((await read(subject)).user_click_count_1d, 13)

  const kept = await store.forget('user', { user_id: subject })
  assert.deepEqual(
    kept.places
      .filter(({ after }) => after !== 0)
      .map((one) => [one.place, one.before, one.after])
      .sort(),
    [
      ['source', 6, 6],
      ['source', 8, 8],
      ['training set', 1, 1],
    ],
  )
  assert.deepEqual(await traces(subject), ['clicks.ndjson', 'profiles.parquet', 'set.parquet'])
  assert.equal((await read(subject)).user_click_count_1d, 0, 'the worker has nothing of it in memory')
  assert.deepEqual(await read('user-1'), others)

  const all2 = { rewriteSources: true, rewriteTrainingSets: true }
  assert.equal((await store.forget('user', { user_id: subject }, all2)).complete, true)
  assert.deepEqual(await traces(subject), [])
  assert.deepEqual((await store.forget('user', { user_id: subject }, all2)).places, [], 'the second time nothing is touched')

  // What is built again does not know it either, and all others are as they were.
  await store.push('clicks', [click(300, 'user-9')])
  await worker.caughtUp()
  await worker.close()
  await store.replay([live, pairs])
  await store.materialize([cities], { rebuild: true })
  assert.deepEqual(await read('user-1'), others)
  assert.deepEqual(await traces(subject), [])
  assert.deepEqual(await store.offline.verify({ group: 'user_profile', version: 1 }), [])
  for (const table of await registry.documents.tables())
    for (const { text } of await registry.documents.list(table)) assert.ok(!text.includes(subject), table)
})
