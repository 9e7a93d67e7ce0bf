import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../test/support/command-line.ts'

const train = ['train', 'visit', '--labels', 'labels.csv', '--out', 'out.csv', '--overwrite', '--quiet']
const prices = (path: string) =>
  readFileSync(join(path, 'out.csv'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(',')[5])

test('settings name the definitions, the data folder and other histories; the command line goes before them', async () => {
  using project = smallProject({
    'lockstep.config.ts': `import { csv, type ProjectConfig } from 'lockstep'

export default { definitions: 'features', folder: 'state', history: { clicks: csv('other.csv') } } satisfies ProjectConfig
`,
    'other.csv': 'click_id,user_id,page,price,at\nz,1,home,99,2026-03-01T10:30:00Z\n',
    'third.ndjson': '{"click_id":"y","user_id":1,"page":"home","price":"7","at":"2026-03-01T10:30:00Z"}\n',
    'features/ignored.test.ts': 'throw new Error()\n',
  })
  renameSync(join(project.path, 'definitions.ts'), join(project.path, 'features', 'all.ts'))
  assert.equal((await lockstep(project.path, ...train)).stderr, '')
  assert.deepEqual(prices(project.path), ['user_price_sum_lifetime', '99.00', '0.00', '0.00', '99.00'])
  assert.equal((await lockstep(project.path, ...train, '--history', 'clicks=third.ndjson')).stderr, '')
  assert.deepEqual(prices(project.path).slice(1, 2), ['7.00'])
  assert.equal((await lockstep(project.path, 'materialize', 'user_profile', '--quiet')).code, 0)
  assert.deepEqual([existsSync(join(project.path, 'state')), existsSync(join(project.path, '.lockstep'))], [true, false])
  assert.match((await lockstep(project.path, ...train, '--history', 'click=third.ndjson')).stderr, /no source click; did you mean clicks\?/)
})

test('what is not there is said: a folder, definitions', async () => {
  using project = smallProject({ 'empty/readme.txt': '' })
  const none = await lockstep(join(project.path, 'empty'), 'list')
  assert.equal(none.code, 64)
  assert.match(none.stderr, /There are no definitions in .*empty\nRemedy: .*--definitions.*lockstep init/)
  const other = await lockstep(join(project.path, 'empty'), 'list', 'entities', '--definitions', '../definitions.ts')
  assert.match(other.stdout, /\nuser /)
  assert.match((await lockstep(project.path, 'list', '-p', 'nowhere')).stderr, /There is no folder .*nowhere/)
})

test('files that are broken or gone block nothing that goes by what is applied', async () => {
  using project = smallProject()
  const run = async (...commandLine: string[]) => await lockstep(project.path, ...commandLine)
  assert.equal((await run('apply', '--yes')).code, 0)
  writeFileSync(join(project.path, 'definitions.ts'), 'export const broken = (')
  const refused = await run('plan', '--sample', '0')
  assert.deepEqual([refused.code, /INVALID_DEFINITION/.test(refused.stderr)], [1, true], refused.stderr)
  for (const commandLine of [['history'], ['registry', 'export', 'registry.json']]) {
    const { code, stderr } = await run(...commandLine)
    assert.equal(code, 0, `${commandLine.join(' ')}: ${stderr}`)
    assert.doesNotMatch(stderr, /definitions/)
  }
  const switched = await run('switch', 'offer', '3', '--force')
  assert.deepEqual([switched.code, /cannot be loaded/.test(switched.stderr)], [0, true], switched.stderr)
  const read = await run('get', 'visit', 'user_id=1')
  assert.deepEqual([read.code, /The definitions cannot be loaded/.test(read.stderr)], [0, true], read.stderr)
  assert.equal((await run('get', 'offer', 'user_id=1')).code, 1, 'its code is in the files')
  rmSync(join(project.path, 'definitions.ts'))
  assert.equal((await run('forget', 'user', 'user_id=1', '--dry-run')).code, 0)
})
