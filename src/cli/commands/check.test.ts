import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lockstep, smallProject } from '../../../test/support/command-line.ts'

test('says what the rules find, and ends with 1 where one of them is an error', async () => {
  using project = smallProject()
  const warned = await lockstep(project.path, 'check')
  assert.deepEqual([warned.code, warned.stderr], [0, ''])
  assert.match(warned.stdout, /^Warning: .+\n {2}where {3}.+\n {2}remedy {2}.+\n {2}rule {4}[a-z-]+\n/)
  assert.match(warned.stdout, /\n6 definitions: 0 errors, \d+ warnings\n$/)

  using strict = smallProject({ 'lockstep.config.ts': `export default { checks: { description: 'error' } }\n` })
  const failed = await lockstep(strict.path, 'check', '--json')
  assert.equal(failed.code, 1)
  const { definitions, errors, findings } = JSON.parse(failed.stdout)
  assert.equal(definitions, 6)
  assert.equal(errors, findings.filter(({ severity }: { severity: string }) => severity === 'error').length)
  assert.deepEqual(Object.keys(findings[0]).sort(), ['message', 'remedy', 'rule', 'severity', 'where'])
  assert.equal(findings[0].rule, 'description')
})

test('definitions that cannot be loaded are named with file and line', async () => {
  using project = smallProject({ 'definitions.ts': "import { entity } from 'lockstep'\n\nexport const user = entity('user', {})\n" })
  const { code, stdout, stderr } = await lockstep(project.path, 'check')
  assert.deepEqual([code, stdout], [1, ''])
  assert.equal(
    stderr,
    'Error:  An entity needs a key column\nWhere:  entity user, definitions.ts:3\nRemedy: Correct the definition at the place named.\nCode:   INVALID_DEFINITION\n',
  )
  const json = JSON.parse((await lockstep(project.path, 'check', '--json')).stderr)
  assert.deepEqual([json.error.code, json.error.where], ['INVALID_DEFINITION', 'entity user, definitions.ts:3'])
})

test('the settings of a project: wrong ones are refused, with the file', async () => {
  const cases: [name: string, text: string, error: RegExp][] = [
    [
      'lockstep.config.json',
      '{ "definitons": "features.ts" }',
      /There is no setting definitons; did you mean definitions\?\nWhere: {2}lockstep\.config\.json/,
    ],
    ['lockstep.config.json', '{ "online": "redis" }', /The setting online must be 'lmdb', 'memory', \{ redis: url \}, /],
    ['lockstep.config.json', '{', /The settings cannot be loaded: /],
    ['lockstep.config.js', 'export const settings = {}', /The settings are no object; export them as default/],
    ['lockstep.config.ts', "export default { checks: { descripton: 'off' } }", /There is no rule descripton; did you mean description\?/],
  ]
  for (const [name, text, error] of cases) {
    using project = smallProject({ [name]: text })
    const { code, stderr } = await lockstep(project.path, 'check')
    assert.equal(code, 64, stderr)
    assert.match(stderr, error)
  }
})
