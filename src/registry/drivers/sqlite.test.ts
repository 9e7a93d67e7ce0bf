import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { documentStoreSuite } from '../../testing/index.ts'
import { sqliteDocumentStore } from './sqlite.ts'

documentStoreSuite('sqlite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-registry-'))
  const options = { path: join(folder, 'deep', 'registry.sqlite') }
  return {
    store: sqliteDocumentStore(options),
    again: () => sqliteDocumentStore(options),
    elsewhere: { module: import.meta.resolve('./sqlite.ts'), factory: 'sqliteDocumentStore', options },
    cleanup: () => rm(folder, { recursive: true }),
  }
})

test('only its owner reads the file and those beside it; one that is there keeps its rights', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-registry-'))
  const path = join(folder, 'registry.sqlite')
  const modes = () => Promise.all(['', '-wal', '-shm'].map(async (end) => ((await stat(path + end)).mode & 0o777).toString(8)))
  const commit = { puts: [{ table: 'a', key: 'b', text: 'c' }] }
  const store = sqliteDocumentStore({ path })
  await store.commit(commit)
  assert.deepEqual(await modes(), ['600', '600', '600'])
  await store.close()
  await chmod(path, 0o660)
  const again = sqliteDocumentStore({ path })
  await again.commit(commit)
  assert.deepEqual(await modes(), ['660', '660', '660'])
  await again.close()
  await rm(folder, { recursive: true })
})
