import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../../scripts/run.ts'
import { linkDependencies, root, temporaryFolder } from '../../../scripts/workspace.ts'
import { lockstep } from '../../../test/support/command-line.ts'

test('the new project runs from end to end, and its types hold', async () => {
  using folder = temporaryFolder()
  const project = join(folder.path, 'Shop Nr 1')
  const init = await lockstep(folder.path, 'init', 'Shop Nr 1')
  assert.equal(init.code, 0, init.stderr)
  assert.match(init.stdout, /^A project in Shop Nr 1:\n {2}package\.json\n[\s\S]*\nNext:\n {2}cd Shop Nr 1\n {2}npm install\n/)
  const { name, dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'))
  assert.equal(name, 'shop-nr-1')
  assert.match(dependencies.lockstep, /^file:/)
  linkDependencies(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules', 'lockstep'))

  const answer = async (...commandLine: string[]) => {
    const { code, stdout, stderr } = await lockstep(project, ...commandLine)
    assert.equal(code, 0, `${commandLine.join(' ')}\n${stderr}`)
    return stdout
  }
  assert.match(await answer('check'), /^\d+ definitions: 0 errors, 0 warnings\n$/)
  assert.match(await answer('train', 'reorder', '--labels', 'data/labels.csv', '--out', 'out/reorder.csv'), /: 200 rows, 9 features,/)
  await answer('materialize')
  const [, customer = ''] = /get reorder customer_id=(\w+)/.exec(readFileSync(join(project, 'README.md'), 'utf8')) ?? []
  const read = ['get', 'reorder', `customer_id=${customer}`, '--request', 'basket_total=49.90', '--json']
  const now = JSON.parse(await answer(...read))
  assert.deepEqual(new Set(Object.values<{ status: string }>(now.features).map(({ status }) => status)), new Set(['PRESENT']))
  assert.ok(now.values.customer_order_count_30d > 0, 'windows read today are not empty')
  assert.match(await answer('explain', 'reorder.customer_order_count_30d', `customer_id=${customer}`), /\ncounts +\d{4}-/)

  const label = readFileSync(join(project, 'out/reorder.csv'), 'utf8').trim().split('\n').at(-1)?.split(',') ?? []
  const [id, at, total, , ...values] = label
  const then = JSON.parse(
    await answer(...read.with(2, `customer_id=${id}`).with(4, `basket_total=${total}`), '--as-of', at ?? '', '--quiet'),
  )
  assert.deepEqual(
    values,
    Object.values(then.values).map((value) => (value === null ? '' : String(value))),
  )

  const types = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--customConditions', 'source'], {
    cwd: project,
  })
  assert.equal(types.stdout, '')
})

test('a folder that has files: manifests are kept, definitions and data are not written over', async () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "commonjs" }')
  const { code, stdout } = await lockstep(folder.path, 'init', '--json')
  assert.equal(code, 0)
  const { written, kept } = JSON.parse(stdout)
  assert.deepEqual([kept, written.includes('definitions/package.json')], [['package.json'], true])
  assert.equal(readFileSync(join(folder.path, 'package.json'), 'utf8'), '{ "type": "commonjs" }')

  mkdirSync(join(folder.path, 'other', 'data'), { recursive: true })
  writeFileSync(join(folder.path, 'other', 'data', 'orders.csv'), 'mine')
  const refused = await lockstep(folder.path, 'init', 'other')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /already has data\/orders\.csv\nRemedy: Choose another folder/)
  assert.deepEqual(readdirSync(join(folder.path, 'other')), ['data'])
})
