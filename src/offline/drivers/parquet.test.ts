import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { t } from '../../schema/index.ts'
import { offlineStoreSuite } from '../../testing/index.ts'
import type { StoredGroup } from '../store.ts'
import { parquetOfflineStore } from './parquet.ts'

offlineStoreSuite('parquet', async () => {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-parquet-'))
  const options = { path, threads: 1, temporaryFolder: join(path, 'spilled') }
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

test('what a killed writer left is removed by the next one', async () => {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-parquet-'))
  const store = parquetOfflineStore({ path, threads: 1 })
  const target = { group: 'user_orders', version: 1 }
  const values = { definitionHash: 'd', columns: { as_of: t.timestamp().data }, moment: 'as_of' }
  const rows = (moment: number) => [{ count: 1, columns: [{ values: Float64Array.of(moment), nulls: null }] }]
  try {
    await store.write(target, { ...values, from: 0, to: 10, rows: rows(5) })
    const folder = join(path, 'user_orders', 'v1')
    const files = async () =>
      (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)
    const before = await files()
    await mkdir(join(folder, 'temporary'))
    await writeFile(join(folder, 'temporary', '1970-01-01.parquet'), 'half')
    await writeFile(join(folder, 'data', 'date=1970-01-01', 'moved.parquet'), 'whole, and not recorded')
    assert.equal((await store.write(target, { ...values, from: 0, to: 10, rows: rows(5) })).status, 'unchanged')
    assert.deepEqual((await files()).sort(), before.sort())
  } finally {
    await store.close()
    await rm(path, { recursive: true })
  }
})
