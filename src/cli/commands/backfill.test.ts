import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

test('writes what is missing, and says what was there', async () => {
  using project = smallProject()
  const backfill = (group: string, to: string, ...given: string[]) =>
    lockstep(project.path, 'backfill', group, '--from', '2026-03-01', '--to', to, ...given)
  const first = await backfill('user_daily', '2026-03-03', '--memory', '256MiB')
  assert.equal(first.code, 0, first.stderr)
  assert.match(
    first.stdout,
    /^from +to +rows\n2026-03-01T00:00:00Z {2}2026-03-03T00:00:00Z +2\n\nuser_daily version 2: 2 rows written, in /,
  )
  const second = JSON.parse((await backfill('user_daily', '2026-03-04', '--json')).stdout)
  assert.deepEqual([second.group, second.version, second.rows, second.skipped], ['user_daily', 2, 2, 1])
  assert.match((await backfill('user_daily', '2026-03-04')).stdout, /^user_daily version 2: 0 rows written, 2 intervals were there, in /)
})

test('a live group needs the time between its ticks; a range is needed', async () => {
  using project = smallProject()
  const [live, every, range] = await Promise.all([
    lockstep(project.path, 'backfill', 'user_clicks', '--from', '2026-03-01', '--to', '2026-03-02'),
    lockstep(project.path, 'backfill', 'user_clicks', '--from', '2026-03-01', '--to', '2026-03-02', '--every', '12h', '--json'),
    lockstep(project.path, 'backfill', 'user_clicks', '--from', '2026-03-01', '--every', 'daily'),
  ])
  assert.equal(live?.code, 64)
  assert.match(live?.stderr ?? '', /has no ticks of its own/)
  assert.equal(JSON.parse(every?.stdout ?? '').rows, 2)
  assert.deepEqual([range?.code, range?.stdout], [64, ''])
  assert.match(range?.stderr ?? '', /"daily" cannot be read/)
})

test('a killed run is completed by another', async () => {
  using project = smallProject()
  const command = ['backfill', 'user_daily', '--from', '2026-03-01', '--to', '2026-03-04', '--json']
  for (const wait of [400, 700]) {
    const { child, ended } = startLockstep(project.path, command)
    await setTimeout(wait)
    child.kill('SIGKILL')
    await ended
  }
  const { code, stdout, stderr } = await lockstep(project.path, ...command)
  assert.equal(code, 0, stderr)
  const { rows, skipped } = JSON.parse(stdout)
  assert.ok(rows === 4 || skipped === 1, stdout)
})
