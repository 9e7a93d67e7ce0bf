import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { loadDefinitions } from './load.ts'
import { OnDemand } from './on-demand.ts'
import { fingerprintOf, reloadDefinitions } from './reload.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-reload-'))
after(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'definitions.ts')
const [definition, schema] = ['./index.ts', '../schema/index.ts'].map((file) => new URL(file, import.meta.url).href)

writeFileSync(
  path,
  `import { onDemand } from '${definition}'
   import { t } from '${schema}'
   import { times } from './times.ts'
   export const scaled = onDemand({ name: 'scaled', request: { a: t.integer() }, features: { b: t.integer() }, compute: (_known, { a }) => ({ b: a * times }) })`,
)
const write = (times: number) => writeFileSync(join(folder, 'times.ts'), `export const times: number = ${times}`)
write(2)
const first = await loadDefinitions(path)

test('code is loaded as it is now, with what it imports; what was loaded before goes on', async () => {
  write(3)
  const { definitions, files } = await reloadDefinitions(path)
  const values = [first, definitions].map(([one]) => {
    assert.ok(one instanceof OnDemand)
    return [one.compute({}, { a: 5 }), one.code] as const
  })
  assert.deepEqual(
    values.map(([value]) => value),
    [{ b: 10 }, { b: 15 }],
  )
  assert.notEqual(values[0]?.[1], values[1]?.[1])
  assert.deepEqual(
    files.map((file) => file.split('/').at(-1)),
    ['definitions.ts', 'times.ts'],
  )
  const before = fingerprintOf(files)
  assert.equal(fingerprintOf(files), before)
  write(40)
  assert.notEqual(fingerprintOf(files), before)
})

test('an error names the file', async () => {
  write(1)
  writeFileSync(join(folder, 'times.ts'), 'export const other = 1')
  await assert.rejects(reloadDefinitions(path), { code: 'INVALID_DEFINITION', where: `${relative(process.cwd(), path)}:3` })
})
