import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostgres } from '../../scripts/postgres.ts'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { storeAnswers } from '../../test/support/store-answers.ts'
import { exportRegistry, importRegistry } from '../registry/index.ts'
import { openUnguarded } from './store.ts'

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
