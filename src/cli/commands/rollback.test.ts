import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

const settings = `export default {
  checks: { owner: 'off', description: 'off', 'name-window': 'off', 'name-window-contradiction': 'off' },
}`

test('a rollback says what stands against what comes back, and refuses what nobody could read', async () => {
  using project = smallProject({ 'lockstep.config.ts': settings })
  const { path } = project
  const run = async (code: number, ...commandLine: string[]) => {
    const finished = await lockstep(path, ...commandLine)
    assert.equal(finished.code, code, `${commandLine.join(' ')}\n${finished.stdout}${finished.stderr}`)
    return finished
  }
  const edit = (...changes: [from: string | RegExp, to: string][]) => {
    const file = join(path, 'definitions.ts')
    const text = readFileSync(file, 'utf8')
    const edited = changes.reduce((now, [from, to]) => now.replace(from, to), text)
    assert.notEqual(edited, text)
    writeFileSync(file, edited)
  }
  await run(0, 'apply', '--yes', '--quiet')
  edit(
    [/over\('1h'\)/, "over('2h')"],
    [/name: 'user_clicks',/, "name: 'user_clicks', version: 2,"],
    [/name: 'context',/, "name: 'context', version: 2,"],
    [/name: 'visit',/, "name: 'visit', version: 2,"],
    [/version: 3/, 'version: 4'],
  )
  await run(0, 'apply', '--yes', '--quiet')
  await run(0, 'switch', 'visit', '2', '--force')
  writeFileSync(join(path, 'lockstep.config.ts'), settings.replace("owner: 'off'", "owner: 'error'"))
  const refused = await run(1, 'rollback')
  assert.match(refused.stderr, /has no owner[^\n]*policy owner/i)
  assert.match(refused.stderr, /NOT_MATERIALIZED/)
  assert.equal((await run(0, 'history', '--json')).stdout.match(/"number"/g)?.length, 3)
  const forced = await run(0, 'rollback', '--force')
  assert.match(forced.stdout, /dev holds again what apply 2 left[\s\S]*To be written: lockstep materialize [^\n]*user_clicks@1/)
  assert.doesNotMatch(forced.stdout, /user_clicks@2/)
  await run(0, 'switch', 'visit', '2', '--force')
  await run(0, 'materialize', '--quiet')
  const { stdout } = await run(0, 'rollback', '--json')
  assert.deepEqual(JSON.parse(stdout).unwritten, [])
  assert.ok(JSON.parse(stdout).findings.some(({ rule }: { rule: string }) => rule === 'owner'))
})
