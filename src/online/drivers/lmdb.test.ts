import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onlineStoreSuite } from '../../testing/index.ts'
import { lmdbOnlineStore } from './lmdb.ts'

onlineStoreSuite('lmdb', async () => {
  const options = { path: await mkdtemp(join(tmpdir(), 'lockstep-lmdb-')) }
  return {
    store: lmdbOnlineStore(options),
    reopen: () => Promise.resolve(lmdbOnlineStore(options)),
    elsewhere: { module: import.meta.resolve('./lmdb.ts'), factory: 'lmdbOnlineStore', options },
    cleanup: () => rm(options.path, { recursive: true }),
  }
})
