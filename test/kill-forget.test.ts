import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { temporaryFolder } from '../scripts/workspace.ts'
import { parquetOfflineStore } from '../src/offline/drivers/parquet.ts'
import { lockstep, smallProject, startLockstep } from './support/command-line.ts'

const succeeded = async (running: ReturnType<typeof lockstep>) => {
  const finished = await running
  assert.equal(finished.code, 0, finished.stderr)
  return finished
}

test('an erasure that is killed at any moment leaves whole files, old or new, and the next one finishes it', async () => {
  using project = smallProject()
  await succeeded(lockstep(project.path, 'materialize'))
  await succeeded(lockstep(project.path, 'backfill', 'user_daily', '--from', '2026-03-01', '--to', '2026-03-05'))
  const forget = ['forget', 'user', 'user_id=1', '--rewrite-sources', '--json']
  const target = { group: 'user_daily', version: 2 }
  const outcomes: number[] = []
  // About as long as the command takes, in which it erases at the end.
  for (const wait of [700, 1300]) {
    using copy = temporaryFolder()
    cpSync(project.path, copy.path, { recursive: true, verbatimSymlinks: true })
    const { child, ended } = startLockstep(copy.path, forget)
    await setTimeout(wait)
    child.kill('SIGKILL')
    await ended
    const offline = parquetOfflineStore({ path: join(copy.path, '.lockstep', 'offline') })
    assert.deepEqual(await offline.verify(target), [])
    const lines = readFileSync(join(copy.path, 'data', 'clicks.csv'), 'utf8')
      .trim()
      .split('\n')
    assert.ok(lines.length === 6 || lines.length === 2, lines.join('\n'))
    outcomes.push(lines.length)
    await succeeded(lockstep(copy.path, ...forget))
    assert.equal(
      readFileSync(join(copy.path, 'data', 'clicks.csv'), 'utf8'),
      'click_id,user_id,page,price,at\nc,2,home,,2026-03-01T10:40:00Z\n',
    )
    assert.deepEqual(await offline.verify(target), [])
    let rows = 0
    for await (const { count } of offline.read(target)) rows += count
    assert.equal(rows, 3, 'those of user 2')
    await offline.close()
    const again = JSON.parse((await succeeded(lockstep(copy.path, ...forget))).stdout) as { places: unknown[] }
    assert.deepEqual(again.places, [])
  }
  assert.ok(outcomes.includes(6), 'one was killed before its end')
})
