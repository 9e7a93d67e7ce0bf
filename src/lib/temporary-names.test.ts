import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { clearAbandoned, temporaryName } from './temporary-names.ts'

test('what a process has left is removed once it is gone, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-'))
  const { pid } = spawnSync(process.execPath, ['--version'])
  const own = temporaryName('.set.')
  const gone = temporaryName('.set.').replace(`-${process.pid}-`, `-${pid}-`)
  const other = temporaryName('.other.').replace(`-${process.pid}-`, `-${pid}-`)
  const elsewhere = gone.replace('.set.', '.set.elsewhere')
  const stays = [own, other, elsewhere, '.set.parquet', 'set.parquet']
  for (const name of [...stays, `${gone}.partial`]) await writeFile(join(folder, name), '')
  await mkdir(join(folder, gone))
  await writeFile(join(folder, gone, 'spilled'), '')

  await clearAbandoned(folder, '.set.')
  assert.deepEqual((await readdir(folder)).sort(), stays.sort())
  await clearAbandoned(join(folder, 'nowhere'), '.set.')
  await rm(folder, { recursive: true })
})
