import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('environments are listed, and one that is over goes from the registry', async () => {
  using project = smallProject({ 'lockstep.config.ts': 'export default { environments: { prod: {} } }' })
  const run = async (code: number, ...given: string[]) => {
    const finished = await lockstep(project.path, ...given)
    assert.equal(finished.code, code, `${given.join(' ')}\n${finished.stdout}${finished.stderr}`)
    return finished
  }
  const names = async () => {
    const listed = JSON.parse((await run(0, 'environment', 'list', '--json')).stdout) as { name: string; apply: number | null }[]
    return listed.map(({ name, apply }) => `${name} ${apply}`)
  }
  await run(0, 'apply', '--yes')
  await run(0, 'promote', '--from', 'dev', '--to', 'trial', '--new-environment')
  await run(0, 'materialize', '--environment', 'trial')
  assert.deepEqual(await names(), ['dev 1', 'prod null', 'trial 1'])

  assert.match((await run(64, 'environment', 'remove', 'trial', '--environment', 'trial')).stderr, /that this command works in/)
  const dry = await run(0, 'environment', 'remove', 'trial', '--dry-run')
  assert.match(dry.stdout, /^table +would go\nenvironments +1\napplies +1\n/)
  assert.match(dry.stdout, /trial: nothing was changed/)

  const folder = join('.lockstep', 'environments', 'trial')
  const removed = JSON.parse((await run(0, 'environment', 'remove', 'trial', '--yes', '--reason', 'over', '--json')).stdout)
  assert.deepEqual([removed.documents.applies, removed.remains, removed.declared], [1, [folder], false])
  assert.ok(existsSync(join(project.path, folder)))
  assert.deepEqual(await names(), ['dev 1', 'prod null'])
  assert.match((await run(0, 'audit')).stdout, /environment\.remove +environment:trial .* over/)
})
