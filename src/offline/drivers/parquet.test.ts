import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { offlineStoreSuite } from '../../testing/index.ts'
import type { StoredGroup } from '../store.ts'
import { parquetOfflineStore } from './parquet.ts'

offlineStoreSuite('parquet', async () => {
  const options = { path: await mkdtemp(join(tmpdir(), 'lockstep-parquet-')), threads: 1 }
  const file = async ({ group, version }: StoredGroup) => {
    const data = join(options.path, group, `v${version}`, 'data', 'date=2026-01-05')
    return join(data, (await readdir(data))[0] ?? '')
  }
  return {
    store: parquetOfflineStore(options),
    reopen: () => Promise.resolve(parquetOfflineStore(options)),
    elsewhere: { module: import.meta.resolve('./parquet.ts'), factory: 'parquetOfflineStore', options },
    damages: (target) => [
      async function truncated() {
        await truncate(await file(target), 100)
      },
      async function garbage() {
        await writeFile(await file(target), 'x'.repeat(5000))
      },
      async function removed() {
        await rm(await file(target))
      },
    ],
    cleanup: () => rm(options.path, { recursive: true }),
  }
})
