import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('dates that are over are refused unless forced; a second deprecation says what it replaces; nothing is searched for nothing', async () => {
  using project = smallProject()
  const run = (...given: string[]) => lockstep(project.path, ...given)
  assert.equal((await run('apply', '--yes')).code, 0)
  const deprecate = (...given: string[]) => run('deprecate', 'user_profile@1.user_plan', ...given)
  for (const given of [
    ['--remove-after', '2020-01-01'],
    ['--brown-out', '2020-01-01T10:00Z/1h'],
  ]) {
    const refused = await deprecate('--reason', 'old', ...given)
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /2020-01-01.* is over already/)
    assert.match(refused.stderr, /INVALID_ARGUMENT/)
  }
  assert.deepEqual((await deprecate('--reason', 'first', '--remove-after', '2020-01-01', '--force')).stderr, '')
  const again = await deprecate('--reason', 'second', '--json')
  assert.match(again.stderr, /^Note: {3}It replaces what was said on \S+ by \S+: user_profile@1\.user_plan is deprecated \(first\)/)
  const { reason, replaced } = JSON.parse(again.stdout)
  assert.deepEqual([reason, replaced.reason], ['second', 'first'])
  const nothing = await run('search', ' ')
  assert.notEqual(nothing.code, 0)
  assert.match(nothing.stderr, /INVALID_ARGUMENT/)
})
