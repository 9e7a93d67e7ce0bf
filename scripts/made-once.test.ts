import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { madeOnce } from './made-once.ts'
import { run } from './run.ts'
import { root, temporaryFolder } from './workspace.ts'

/** Makes a folder in half a second and says so. */
const maker = (folder: string) => `
  import { writeFileSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  import { madeOnce } from ${JSON.stringify(join(root, 'scripts', 'made-once.ts'))}
  await madeOnce(${JSON.stringify(folder)}, async (partial) => {
    await setTimeout(500)
    writeFileSync(partial + '/whole', '')
    console.log('made')
  })
  console.log('there')`

test('of processes that want a folder at once one makes it, and all have it', async () => {
  using workspace = temporaryFolder()
  const folder = join(workspace.path, 'cache', 'tool')
  const ended = await Promise.all(
    [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '--eval', maker(folder)], { cwd: workspace.path })),
  )
  assert.deepEqual(ended.map(({ stdout, stderr }) => stdout + stderr).sort(), ['made\nthere\n', 'there\n', 'there\n'])
  assert.deepEqual(readdirSync(folder), ['whole'])
})

test('what fails leaves nothing, and is done again', async () => {
  using workspace = temporaryFolder()
  const folder = join(workspace.path, 'tool')
  const fails = madeOnce(folder, async (partial) => {
    writeFileSync(join(partial, 'half'), '')
    throw new Error('no network')
  })
  await assert.rejects(fails, /no network/)
  assert.deepEqual(readdirSync(workspace.path), ['tool.lock'])
  await madeOnce(folder, async (partial) => writeFileSync(join(partial, 'whole'), 'yes'))
  assert.equal(readFileSync(join(folder, 'whole'), 'utf8'), 'yes')
})
