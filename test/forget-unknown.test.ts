import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import { t } from '../src/index.ts'
import { Duck } from '../src/offline/index.ts'
import { memoryOnlineStore } from '../src/online/drivers/memory.ts'
import { encodeKey } from '../src/schema/index.ts'
import { bystander, storeWithSubjects, subject, tracesIn } from './support/forgetting.ts'

const version = new Uint8Array(8)
const rowsOf = (...texts: readonly string[]) =>
  texts.map((text) => ({ key: encodeKey([t.string().data], [text]), version, value: new Uint8Array([1, 2, 3]) }))

test('what nobody knows any more is found by the bytes that it holds, named, and erased where that is asked for', async () => {
  const online = memoryOnlineStore()
  await using own = await storeWithSubjects({ online })
  const { store, folder, worker } = own
  await worker.close()
  await online.write('ghost@3', rowsOf(subject, bystander))
  // A version of a known group that was never applied: its keys are those of the others.
  await online.write('user_profile@9', rowsOf(subject, bystander))
  const landed = join(folder, 'store/landed/ghost_source/date=2026-03-01')
  const places = { moved: landed, offline: join(folder, 'store/offline') }
  await mkdir(places.moved, { recursive: true })
  {
    await using duck = await Duck.open({ threads: 1 })
    await duck.run(`COPY (SELECT unnest(['${subject}', '${bystander}']) AS visitor) TO '${join(places.moved, '0-0-2-aaaaaaaa.parquet')}'`)
  }
  const log = segmentsEventLog({ path: join(folder, 'store/log') })
  await log.createTopic('ghost_topic', 1)
  await log.append(
    'ghost_topic',
    [subject, bystander].map((who) => ({ key: null, value: Buffer.from(`{"visitor":"${who}"}`) })),
  )
  const target = { moment: 'at', definitionHash: 'h', from: 0, to: 1000 }
  const write = async (group: string, column: string) => {
    const columns = { [column]: t.string().data, at: t.timestamp().data }
    const batch = {
      columns: [
        { values: [subject, bystander], nulls: null },
        { values: new Float64Array([1, 2]), nulls: null },
      ],
      count: 2,
    }
    await store.offline.write({ group, version: 1 }, { ...target, columns, rows: [batch] as never })
  }
  await write('ghost_users', 'user_id')
  await write('ghost_visits', 'visitor')

  const rewriting = { rewriteSources: true, rewriteTrainingSets: true }
  const report = await store.forget('user', { user_id: subject }, rewriting)
  const told = (known: boolean) =>
    report.places
      .filter((one) => one.known === known)
      .map(({ place, name, before, after: left }) => [place, name, before, left].join(' '))
      .sort()
  assert.deepEqual(told(false), ['landed ghost_source 1 1', 'log ghost_topic 1 1', 'offline ghost_visits@1 1 1', 'online ghost@3 1 1'])
  for (const line of ['online user_profile@9 1 0', 'offline ghost_users@1 1 0']) assert.ok(told(true).includes(line), line)
  for (const { known, note } of report.places) if (!known) assert.match(note, /^Not erased: an unknown (source|topic|group|table)/)
  assert.equal(report.complete, false)

  const all = await store.forget('user', { user_id: subject }, { ...rewriting, eraseUnknown: true })
  assert.equal(all.complete, true)
  assert.deepEqual(await tracesIn(folder, subject), [])
  const read = await online.read(['ghost@3', 'user_profile@9'].map((table) => ({ table, keys: rowsOf(bystander).map(({ key }) => key) })))
  assert.deepEqual(
    read.map(([value]) => value?.length),
    [3, 3],
  )
  const others = await tracesIn(folder, bystander)
  for (const name of ['landed/ghost_source', 'log/ghost_topic', 'offline/ghost_visits', 'offline/ghost_users'])
    assert.ok(
      others.some((path) => path.includes(name)),
      name,
    )
  await log.close()
})

test('values of statistics are withheld where they can be those of the subject, with the reason, and nowhere else', async () => {
  await using own = await storeWithSubjects({})
  const { store, definitions, worker } = own
  await worker.close()
  const { statistics } = store.registry
  const [pattern] = await statistics.list('dev', 'user_profile@1')
  assert.ok(pattern)
  const micros = (text: string) => Date.parse(text) * 1000
  const keep = async (group: string, from: string, to: string, more: object) =>
    await statistics.keep([{ ...pattern, group, trainingSet: null, ...more, from, to, toMicros: micros(to) }])
  // The subject is known from the first of February on.
  await keep('user_profile@1', '2026-01-30T00:00:00Z', '2026-01-30T00:00:00Z', {
    origin: 'request',
    minimum: 'a',
    maximum: 'b',
    top: [{ value: 'a', count: 1 }],
  })
  await keep('user_profile@1', '2026-02-20T00:00:00Z', '2026-02-20T00:00:00Z', { origin: 'request' })
  await keep('user_profile@1', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', { origin: 'backfill' })
  await keep('user_profile@1', '2026-01-05T00:00:00Z', '2026-01-05T00:00:00Z', { origin: 'train', trainingSet: 'gone' })
  await keep('ghost@1', '2026-02-20T00:00:00Z', '2026-02-20T00:00:00Z', { origin: 'materialize' })
  const before = await tracesIn(own.folder, 'city 35')
  assert.ok(before.some((path) => path.startsWith('store/registry.sqlite')))
  await store.backfill(definitions.cities, { from: '2026-01-10', to: '2026-01-11', every: '1d' })
  const dry = await store.forget('user', { user_id: subject }, { dryRun: true })
  const report = await store.forget('user', { user_id: subject }, { rewriteSources: true, rewriteTrainingSets: true })
  const count = ({ places }: typeof dry) => places.filter(({ place }) => place === 'statistics').map(({ name, before }) => [name, before])
  assert.deepEqual(count(dry), count(report))
  const found = await statistics.list('dev', 'user_profile@1', { limit: 100 })
  const told = found.map(
    ({ origin, to, top, withheld }) => `${origin} ${to.slice(0, 10)} ${top === null ? withheld?.replace(/set \S+/, 'set') : 'kept'}`,
  )
  assert.deepEqual(told.sort(), [
    'backfill 2026-01-02 the values of user_profile@1 of that time are not stored any more',
    'backfill 2026-02-04 they were backfilled of the subject too',
    'materialize 2026-03-01 the subject was known then',
    'request 2026-01-30 kept',
    'request 2026-02-20 the subject was known then',
    'train 2026-01-05 the training set cannot be looked at any more',
    'train 2026-03-01 the training set has rows of the subject',
  ])
  const [ghost] = await statistics.list('dev', 'ghost@1')
  assert.equal(ghost?.withheld, 'their group is unknown')
  assert.deepEqual(await tracesIn(own.folder, 'city 35'), [], 'nothing of them is left in the file of the registry')
})
