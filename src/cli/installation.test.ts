import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
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
