import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../scripts/run.ts'
import { root, temporaryFolder } from '../../scripts/workspace.ts'
import { lockstep, smallProject } from '../../test/support/command-line.ts'

test("a project's own installation is run, from wherever another one is called", async () => {
  using folder = temporaryFolder()
  const installed = join(folder.path, 'project', 'node_modules', 'lockstep')
  mkdirSync(join(installed, 'bin'), { recursive: true })
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'lockstep', type: 'module', bin: { lockstep: 'bin/main.js' } }))
  writeFileSync(join(installed, 'bin', 'main.js'), 'console.log(process.argv.slice(2).join())')
  assert.equal((await lockstep(join(folder.path, 'project'), 'list')).stdout, 'list\n')
  assert.equal((await lockstep(folder.path, 'list', '--project', 'project')).stdout, 'list,--project,project\n')
  assert.equal((await lockstep(folder.path, '--project=project')).stdout, '--project=project\n')
  assert.match((await lockstep(folder.path, '--version')).stdout, /^\d+\./)
})

test('definitions of another copy of the package are refused', async () => {
  using project = smallProject({ 'definitions.ts': "export const view = { kind: 'featureView', name: 'visit', version: 1, items: [] }\n" })
  const { code, stderr } = await lockstep(project.path, 'list')
  assert.equal(code, 1)
  assert.match(stderr, /import another copy of lockstep than the one that runs\nWhere: {2}visit\nRemedy: .*npx lockstep\./)
})

test('a project without an installation has the one that runs, in definitions and settings', async () => {
  using folder = temporaryFolder()
  const project = join(folder.path, 'shop')
  assert.equal((await lockstep(folder.path, 'init', 'shop')).code, 0)
  writeFileSync(join(project, 'lockstep.config.ts'), "import { policy } from 'lockstep'\nexport default { policies: [policy] && [] }\n")
  const { code, stdout, stderr } = await lockstep(folder.path, 'check', '--project', 'shop')
  assert.equal(stderr, '')
  assert.deepEqual([code, stdout], [0, '7 definitions: 0 errors, 0 warnings\n'])
})

test('the script of the repository works where it is called from', async () => {
  using folder = temporaryFolder()
  const script = ['--conditions=source', join(root, 'scripts', 'lockstep.ts'), 'init', 'shop']
  const environment = { NODE_OPTIONS: undefined, INIT_CWD: folder.path, npm_lifecycle_event: 'lockstep' }
  const { code, stdout } = await run(process.execPath, script, { cwd: root, environment })
  assert.equal(code, 0)
  assert.match(stdout, /\nNext:\n {2}npm run lockstep -- check --project shop\n.* --labels shop\/data\/labels\.csv /)
  assert.ok(existsSync(join(folder.path, 'shop', 'definitions')))
})
