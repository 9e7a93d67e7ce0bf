import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostgres } from '../../../scripts/postgres.ts'
import { documentStoreSuite } from '../../testing/index.ts'
import { postgresDocumentStore } from './postgres.ts'

const postgres = await startPostgres()

if ('skipped' in postgres) test('postgres as a registry', { skip: postgres.skipped }, () => undefined)
else {
  after(() => postgres.stop())
  const { url } = postgres

  let schemas = 0
  documentStoreSuite('postgres', () => {
    const options = { url, schema: `suite_${schemas++}` }
    return Promise.resolve({
      store: postgresDocumentStore(options),
      again: () => postgresDocumentStore(options),
      elsewhere: { module: import.meta.resolve('./postgres.ts'), factory: 'postgresDocumentStore', options },
      cleanup: () => Promise.resolve(),
    })
  })

  test('killed and back: what was committed is there, errors only while it is away', async () => {
    const store = postgresDocumentStore({ url, schema: 'outage', connectTimeout: 1_000 })
    const put = (text: string) => store.commit({ puts: [{ table: 't', key: 'k', text }] })
    await put('1')
    await postgres.restart(async () => {
      await assert.rejects(store.revision(), { code: 'STORE_UNAVAILABLE' })
      await assert.rejects(put('2'), { code: 'STORE_UNAVAILABLE' })
    })
    assert.deepEqual(await store.read([{ table: 't', key: 'k' }]), [{ key: 'k', text: '1', revision: 1 }])
    assert.equal(await put('3'), 2)
    await store.close()
  })

  test('a newer layout, and tables of another shape, are refused', async () => {
    const store = postgresDocumentStore({ url, schema: 'newer' })
    await store.commit({ puts: [{ table: 't', key: 'k', text: '1' }] })
    const { Client } = await import('pg')
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query('UPDATE newer.registry_state SET layout = 99')
    for (const call of [() => store.revision(), () => store.commit({})])
      await assert.rejects(call(), { code: 'STORE_CORRUPT', message: /layout 99/, remedy: /newer one/ })
    await client.query('UPDATE newer.registry_state SET layout = 1')
    assert.equal(await store.revision(), 1, 'a commit that was refused is undone')
    await client.query('ALTER TABLE newer.registry_documents RENAME COLUMN body TO other')
    await assert.rejects(store.list('t'), { code: 'STORE_CORRUPT', message: /not those of a registry/ })
    await client.end()
    await store.close()
  })

  test('of many stores that make one schema at once none fails', async () => {
    const stores = Array.from({ length: 8 }, () => postgresDocumentStore({ url, schema: 'race' }))
    const revisions = await Promise.all(stores.map((store, at) => store.commit({ puts: [{ table: 't', key: `${at}`, text: '1' }] })))
    assert.deepEqual(revisions.toSorted(), [1, 2, 3, 4, 5, 6, 7, 8])
    await Promise.all(stores.map((store) => store.close()))
  })
}
