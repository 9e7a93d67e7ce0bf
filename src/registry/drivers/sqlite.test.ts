import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
