import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgres } from '../../scripts/postgres.ts'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { storeAnswers } from '../../test/support/store-answers.ts'
import { count, type Definition, entity, events, featureGroup, featureView, snapshotOf, topic } from '../definition/index.ts'
import { exportRegistry, importRegistry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { Server } from '../server/index.ts'
import { Follower } from './follower.ts'
import { openStore, openUnguarded } from './open-store.ts'

const postgres = await startPostgres()
after(() => ('skipped' in postgres ? undefined : postgres.stop()))

test('what is materialized and streamed into PostgreSQL reads as from LMDB', {
  skip: 'skipped' in postgres && postgres.skipped,
}, async () => {
  assert.ok(!('skipped' in postgres))
  const expected = await storeAnswers('lmdb')
  assert.equal(new Set(expected.map((each) => JSON.stringify(each))).size, 3)
  assert.deepEqual(await storeAnswers({ postgres: postgres.url }), expected)
  assert.deepEqual(await storeAnswers({ postgres: { url: postgres.url, schema: 'other', connections: 2 } }), expected)
})

test('a registry moves from SQLite to PostgreSQL and back, and is the same but for a mark in the audit log', {
  skip: 'skipped' in postgres && postgres.skipped,
}, async () => {
  assert.ok(!('skipped' in postgres))
  using folder = temporaryFolder()
  await using local = await openUnguarded({ definitions: [], folder: folder.path })
  await using shared = await openUnguarded({ definitions: [], registry: { postgres: { url: postgres.url, schema: 'moved' } } })
  await using back = await openUnguarded({ definitions: [], registry: { sqlite: `${folder.path}/back.sqlite` } })
  const grant = { role: 'admin', environment: '*', on: '*' } as const
  await local.registry.access.grant('ann', grant, { by: 'root' })
  const { text } = await local.registry.access.createToken({ principal: 'ann', by: 'ann' })
  const held = async ({ registry }: typeof local) => (await exportRegistry(registry.documents, 0)).tables
  const marked = async (store: typeof local) => {
    const { audit = {}, ...rest } = await held(store)
    const entries = Object.entries(audit).map(([key, entry]) => {
      assert.ok('json' in entry)
      return [key, { json: { ...(entry.json as object), imported } }]
    })
    return { ...rest, audit: Object.fromEntries(entries) }
  }
  const imported = { at: '2026-03-01T00:00:00Z', by: 'ann' }
  await importRegistry(shared.registry.documents, await exportRegistry(local.registry.documents, 0), { imported })
  assert.deepEqual(await held(shared), await marked(local))
  assert.equal((await shared.registry.access.state()).find(text, shared.now())?.principal, 'ann')
  await assert.rejects(shared.registry.access.check('bob', 'push', { environment: 'dev' }), { code: 'FORBIDDEN' })
  await importRegistry(back.registry.documents, await exportRegistry(shared.registry.documents, 0), { imported })
  assert.deepEqual(await held(back), await marked(shared))
})

test('servers and workers follow a registry in PostgreSQL, also once it was away, and no read fails meanwhile', {
  skip: 'skipped' in postgres && postgres.skipped,
}, async () => {
  assert.ok(!('skipped' in postgres))
  using folder = temporaryFolder()
  const registry = { postgres: { url: postgres.url, schema: 'followed', connectTimeout: 1_000 } }
  const definitions = (version: number, window: '1h' | '2h') => {
    const user = entity('user', { user_id: t.integer() })
    const columns = { click_id: t.string(), user_id: t.integer(), at: t.timestamp() }
    const stream = topic('clicks', { key: 'user_id', partitions: 1 })
    const source = events('clicks', { columns, time: 'at', id: 'click_id', lateness: '1h', stream })
    const group = featureGroup({ name: 'activity', version, entity: user, source, features: () => ({ click_count: count().over(window) }) })
    return [group, featureView({ name: 'ranking', version, features: [group] })]
  }
  const first = definitions(1, '1h')
  await using served = await openStore({ definitions: first, folder: folder.path, online: 'memory', registry })
  await using admin = await openStore({ definitions: [], folder: `${folder.path}/other`, registry })
  const apply = async (all: readonly Definition[], current?: number) => {
    const { applies } = admin.registry
    const base = await applies.head('dev')
    const snapshot = new Map([...(base ? await applies.items(base) : []), ...snapshotOf(all)])
    const chosen = current === undefined ? {} : { current: new Map([['ranking', current]]) }
    await applies.append({ environment: 'dev', base, snapshot, kind: 'apply', by: 'test', message: '', ...chosen })
  }
  const warnings: string[] = []
  await using follower = await Follower.start(served, { every: 20, warn: ({ message }) => warnings.push(message) })
  await using worker = await served.stream(undefined, { commitEvery: 5 })
  await worker.ready
  await using server = await Server.start(served, { follower, log: 'silent' })
  const read = async () => {
    const body = JSON.stringify({ rows: [{ user_id: 1 }] })
    const { statusCode, payload } = await server.app.inject({
      method: 'POST',
      url: '/v1/views/ranking/vectors',
      headers: { 'content-type': 'application/json' },
      body,
    })
    assert.equal(statusCode, 200, payload)
  }
  const until = async (apply: number) => {
    for (const end = Date.now() + 15_000; follower.following.apply !== apply; await read()) assert.ok(Date.now() < end, `apply ${apply}`)
  }
  await apply(first)
  await until(1)
  await apply(definitions(2, '2h'))
  await until(2)
  assert.equal(served.view('ranking').version, 1)
  await apply([], 2)
  await until(3)
  assert.equal(served.view('ranking').version, 2)
  await worker.ready
  await served.push('clicks', [{ click_id: 'a', user_id: 1, at: new Date().toISOString() }])
  for (const version of [1, 2]) {
    const view = served.view('ranking', version)
    assert.deepEqual((await served.vector(view, { user_id: 1 } as never)).values, { click_count: 1 }, `version ${version}`)
  }
  await postgres.restart(async () => {
    for (const end = Date.now() + 10_000; warnings.length === 0; await sleep(20))
      assert.ok(Date.now() < end, 'it says that the registry is away')
    await read()
  })
  await apply([], 1)
  await until(4)
  assert.equal(served.view('ranking').version, 1)
})
