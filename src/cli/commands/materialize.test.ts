import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { lockstep, smallProject, startLockstep } from '../../../test/support/command-line.ts'

test('the result as JSON; a group in its version; what another definition wrote is kept until a rebuild', async () => {
  using project = smallProject()
  const materialize = (...given: string[]) => lockstep(project.path, 'materialize', 'user_daily@2', '--json', ...given)
  const [result] = JSON.parse((await materialize()).stdout)
  assert.deepEqual([result.group, result.version, result.keys, result.written, result.older], ['user_daily', 2, 2, 2, 0])
  assert.equal(JSON.parse((await materialize('--as-of', '2026-03-02')).stdout)[0].older, 2)

  const definitions = join(project.path, 'definitions.ts')
  writeFileSync(definitions, readFileSync(definitions, 'utf8').replace("every('1d')", "every('2d')"))
  const mismatch = await materialize()
  assert.equal(mismatch.code, 1)
  assert.equal(JSON.parse(mismatch.stderr).error.code, 'DEFINITION_MISMATCH')
  assert.equal((await materialize('--rebuild')).code, 0)
  const unknown = await lockstep(project.path, 'materialize', 'user_clicks', 'usr_daily')
  assert.match(unknown.stderr, /There is no group usr_daily; did you mean user_daily\?/)
})

test('a killed run leaves a store that reads, and another run completes it', async () => {
  using project = smallProject()
  for (const wait of [300, 600]) {
    const { child, ended } = startLockstep(project.path, ['materialize'])
    await setTimeout(wait)
    child.kill('SIGKILL')
    await ended
    assert.equal((await lockstep(project.path, 'get', 'visit', 'user_id=1', '--quiet')).code, 0)
  }
  assert.equal((await lockstep(project.path, 'materialize', '--as-of', '2026-03-03')).code, 0)
  const { stdout } = await lockstep(project.path, 'get', 'visit', 'user_id=1', '--as-of', '2026-03-03', '--json')
  assert.deepEqual(JSON.parse(stdout).values.user_price_sum_lifetime, '16.75')
})
