import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('a slip in the environment that something is promoted from is told, with those that have something', async () => {
  using project = smallProject()
  const applied = await lockstep(project.path, 'apply', '--yes', '--environment', 'staging', '--new-environment')
  assert.equal(applied.code, 0, applied.stderr)
  const { code, stderr } = await lockstep(project.path, 'promote', '--from', 'stagin', '--to', 'dev')
  assert.equal(code, 1)
  assert.match(stderr, /Nothing is applied in stagin; something is in staging; did you mean staging\?/)
})
