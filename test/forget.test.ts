import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import {
  count,
  entity,
  events,
  featureGroup,
  featureView,
  last,
  ndjson,
  openStore,
  parquet,
  type Store,
  secondsSince,
  t,
  table,
  topic,
} from '../src/index.ts'
import { Duck } from '../src/offline/index.ts'

const subject = 'mallory-4711'
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

/** The files below a folder that hold a word as it is, and those of Parquet that hold it when they are read. */
async function traces(word: string): Promise<string[]> {
  await using duck = await Duck.open({ threads: 1 })
  const found: string[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const parquetFile = path.endsWith('.parquet')
    const rows = parquetFile
      ? await duck.rows(`SELECT 1 FROM read_parquet('${path}', hive_partitioning = false) AS r WHERE CAST(r AS VARCHAR) LIKE '%${word}%'`)
      : []
    if (rows.length > 0 || (await readFile(path)).includes(word)) found.push(path.slice(folder.length + 1))
  }
  return found.sort()
}

const user = entity('user', { user_id: t.string() })
const pair = entity('pair', { item: t.string(), user_id: t.string() })

function definitions() {
  const clicks = events('clicks', {
    columns: { click_id: t.string(), who: t.string(), item: t.string(), at: t.timestamp() },
    time: 'at',
    id: 'click_id',
    lateness: '1h',
    history: ndjson(place('clicks.ndjson'), { columns: { who: 'customer' } }),
    stream: topic('clicks', { key: ['item'] }),
  })
  const profiles = table('profiles', {
    columns: { user_id: t.string(), city: t.string(), at: t.timestamp() },
    time: 'at',
    history: parquet(place('profiles.parquet')),
  })
  const live = featureGroup({
    name: 'user_clicks',
    version: 1,
    entity: user,
    keys: { user_id: 'who' },
    source: clicks,
    features: (click) => ({ user_click_count_1d: count().over('1d'), user_seconds_since_click: secondsSince(last(click.at)) }),
  })
  const pairs = featureGroup({
    name: 'pair_clicks',
    version: 1,
    entity: pair,
    keys: { item: 'item', user_id: 'who' },
    source: clicks,
    features: () => ({ pair_click_count_lifetime: count() }),
  })
  const cities = featureGroup({
    name: 'user_profile',
    version: 1,
    entity: user,
    source: profiles,
    features: (row) => ({ user_city: row.city }),
  })
  const view = featureView({ name: 'ranking', version: 1, features: [live, cities] })
  return { clicks, live, pairs, cities, view, all: [view, pairs] }
}

const click = (id: number, who: string) => ({
  click_id: `c${id}`,
  who,
  item: `i${id % 3}`,
  at: `2026-03-01T10:00:${String(id % 60).padStart(2, '0')}Z`,
})

test('a subject is erased from all that the store keeps, while a worker runs, and comes back from nowhere', async () => {
  await writeFile(
    place('clicks.ndjson'),
    Array.from({ length: 30 }, (_, at) => {
      const { who, ...rest } = click(at, at % 5 === 0 ? subject : `user-${at % 4}`)
      return `${JSON.stringify({ customer: who, ...rest })}\n`
    }).join(''),
  )
  {
    await using duck = await Duck.open({ threads: 1 })
    await duck.run(`COPY (SELECT CASE WHEN i % 5 = 0 THEN '${subject}' ELSE 'user-' || (i % 4) END AS user_id, 'city ' || i AS city,
      TIMESTAMP '2026-02-01' + i * INTERVAL 1 HOUR AS at FROM range(40) t(i)) TO '${place('profiles.parquet')}'`)
    await mkdir(place('store/served/ranking@1/date=2026-03-01'), { recursive: true })
    await duck.run(`COPY (SELECT 'r' || i AS __read_id, '{"user_id":"' || CASE i % 2 WHEN 0 THEN '${subject}' ELSE 'user-1' END || '"}' AS __keys
      FROM range(10) t(i)) TO '${place('store/served/ranking@1/date=2026-03-01/a.parquet')}'`)
  }
  await mkdir(place('store/reads'), { recursive: true })
  for (const [id, who] of [
    ['r1', subject],
    ['r2', 'user-1'],
  ] as const)
    await writeFile(place(`store/reads/${id}.json`), JSON.stringify({ view: 'ranking', rows: [{ keys: { user_id: who } }] }))
  const { all, view, live, pairs, cities } = definitions()
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
