import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { after, test } from 'node:test'
import { type ErrorCode, LockstepError } from '../errors.ts'
import { loadDefinitions } from './load.ts'

const root = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-load-')))
after(() => rmSync(root, { recursive: true }))

function folder(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(root, 'project-'))
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(path, name)), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}

/** Loads and returns the error, which must have this code; paths in it are given relative to the project. */
async function refused(code: ErrorCode, files: Readonly<Record<string, string>>, file = '') {
  const path = folder(files)
  const error = await loadDefinitions(join(path, file)).then(
    () => assert.fail('loading did not fail'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof LockstepError, String(error))
  assert.equal(error.code, code, error.message)
  const short = (text: string) => text.replaceAll(`${relative(process.cwd(), path)}/`, '')
  return { message: short(error.message), where: short(error.where), remedy: error.remedy }
}

const user = "export const user = { kind: 'entity', name: 'user' }"
const names = (definitions: readonly { name: string }[]) => definitions.map(({ name }) => name)
const lockstep = (file: string) => new URL(file, import.meta.url).href

test('a file gives what it exports, a folder what its modules export, in order and each once', async () => {
  const path = folder({
    'b.ts':
      "import { user } from './a.ts'\nexport { user }\nexport const other: object = { kind: 'featureView', name: 'z', version: 1 }\nexport const another = { kind: 'onDemand', name: 'y' }",
    'a.ts': `${user}\nexport const source = { kind: 'events', name: 'user' }\nexport const same = user\nexport const helper = () => 1\nexport const text = 'entity'\nexport const none = null\nexport const unlike = { kind: 'thing', name: 'n' }`,
    'c.js': "export default { kind: 'table', name: 'c' }",
    'a.test.ts': 'throw new Error("a test was loaded")',
    'd.d.ts': 'export {}',
    'notes.md': '# Notes',
    'inner/e.ts': "export const inner = { kind: 'entity', name: 'inner' }",
  })
  assert.deepEqual(names(await loadDefinitions(path)), ['user', 'user', 'y', 'z', 'c'])
  assert.deepEqual(names(await loadDefinitions(join(path, 'b.ts'))), ['y', 'z', 'user'])
  assert.equal((await loadDefinitions(join(path, 'a.ts')))[0], (await loadDefinitions(join(path, 'a.ts')))[0])
})

test('a path that is not there is named', async () => {
  const { message } = await refused('INVALID_ARGUMENT', {}, 'definitions.ts')
  assert.match(message, /no file or folder .*definitions\.ts/)
  assert.match((await refused('INVALID_ARGUMENT', { 'notes.md': '' })).message, /holds no module/)
})

test('syntax errors give file and line, in TypeScript and JavaScript, here and in what is imported', async () => {
  assert.deepEqual((await refused('INVALID_DEFINITION', { 'a.ts': 'const a: number = 1\nconst b = = 2' })).where, 'a.ts:2')
  assert.deepEqual((await refused('INVALID_DEFINITION', { 'a.ts': '\nexport enum A { B }' })).where, 'a.ts:2')
  assert.deepEqual((await refused('INVALID_DEFINITION', { 'a.ts': 'const a: number = 1\nconst a = 2' })).where, 'a.ts:2')
  assert.deepEqual(
    (await refused('INVALID_DEFINITION', { 'a.js': "import './inner/b.js'", 'inner/b.js': '\n\nconst b = = 2' })).where,
    'inner/b.js:3',
  )
})

test('a missing import is named with the module that asks for it', async () => {
  const file = await refused('INVALID_DEFINITION', { 'a.ts': "import './inner/b.ts'", 'inner/b.ts': "import './gone.ts'" }, 'a.ts')
  assert.equal(file.message, 'The module inner/gone.ts, which is imported, cannot be found (inner/b.ts)')
  const packaged = await refused('INVALID_DEFINITION', { 'a.ts': "import 'no-such-package-here'" })
  assert.equal(packaged.message, 'The package no-such-package-here, which is imported, cannot be found (a.ts)')
  assert.match(packaged.remedy, /npm install no-such-package-here/)
  const name = await refused(
    'INVALID_DEFINITION',
    { 'a.ts': `\nimport { Gone } from './b.ts'\nexport const gone = Gone`, 'b.ts': user },
    'a.ts',
  )
  assert.equal(name.where, 'a.ts:2')
  assert.match(name.message, /does not provide an export named 'Gone'/)
  assert.match(name.remedy, /import type/)
})

test('a definition used before its module has loaded names the circle', async () => {
  const circle = await refused(
    'CIRCULAR_IMPORT',
    {
      'a.ts': "import { c } from './b.ts'\nexport const a = 1\nexport const d = c",
      'b.ts': "export { c } from './c.ts'",
      'c.ts': "import { a } from './a.ts'\n\nexport const c = a + 1",
    },
    'a.ts',
  )
  assert.equal(
    circle.message,
    'a is used before its module has finished loading; modules import each other: c.ts -> a.ts -> b.ts -> c.ts (c.ts:3)',
  )
})

test('an undefined import names the circle, whoever notices it', async () => {
  const b = "import { c } from './c.ts'\nexport var a = { x: 1 }\nexport const d = c"
  const noticed = await refused('CIRCULAR_IMPORT', { 'b.ts': b, 'c.ts': "import { a } from './b.ts'\nexport const c = a.x" }, 'b.ts')
  assert.match(noticed.message, /^Cannot read properties of undefined \(reading 'x'\); modules import each other: c\.ts -> b\.ts -> c\.ts/)
  const error = lockstep('../errors.ts')
  const throwing = `import { LockstepError } from '${error}'\nimport { a } from './b.ts'\nif (a === undefined) throw new LockstepError('CIRCULAR_IMPORT', 'Item 1 is undefined', { where: 'feature view v' })\nexport const c = 1`
  const told = await refused('CIRCULAR_IMPORT', { 'b.ts': b, 'c.ts': throwing }, 'b.ts')
  assert.equal(told.message, 'Item 1 is undefined; modules import each other: c.ts -> b.ts -> c.ts (feature view v, c.ts:3)')
})

test('a circle that hurts nobody is no error, and is not blamed for others', async () => {
  const harmless = {
    'a.ts': `import { late } from './b.ts'\n${user}\nexport const use = () => late`,
    'b.ts': "import { user } from './a.ts'\nexport const late = () => user",
  }
  assert.deepEqual(names(await loadDefinitions(folder(harmless))), ['user'])
  const early = await refused('INVALID_DEFINITION', { ...harmless, 'b.ts': `${harmless['b.ts']}\nexport const x = y\nconst y = 1` })
  assert.equal(early.message, "Loading threw ReferenceError: Cannot access 'y' before initialization (b.ts:3)")
  const unlike = await refused('INVALID_DEFINITION', { ...harmless, 'b.ts': `${harmless['b.ts']}\nthrow new RangeError('no')` })
  assert.equal(unlike.message, 'Loading threw RangeError: no (b.ts:3)')
  const alone = await refused('INVALID_DEFINITION', { 'a.ts': 'const none = {}\nexport const a = none.x.y' })
  assert.equal(alone.message, "Loading threw TypeError: Cannot read properties of undefined (reading 'y') (a.ts:2)")
})

test('the error of a definition keeps its code and remedy, and gains file and line', async () => {
  const { message, remedy } = await refused('INVALID_DEFINITION', {
    'a.ts': `import { entity } from '${lockstep('./entity.ts')}'\n\nexport const broken = entity('user', {})`,
  })
  assert.equal(message, 'An entity needs a key column (entity user, a.ts:3)')
  assert.equal(remedy, new LockstepError('INVALID_DEFINITION', '').remedy)
})

test('what is thrown need not be an error', async () => {
  assert.equal((await refused('INVALID_DEFINITION', { 'a.ts': "throw 'nothing'" })).message, 'Loading threw nothing (a.ts)')
})

test('two definitions of one kind, name and version are named with file and export', async () => {
  const group = (version: number) => `export const orders${version} = { kind: 'featureGroup', name: 'orders', version: ${version} }`
  const two = await refused('DUPLICATE_NAME', { 'a.ts': group(1), 'b.ts': group(1).replace('orders1', 'again') })
  assert.equal(two.message, 'There are two definitions of feature group orders version 1: orders1 of a.ts and again of b.ts')
  assert.equal((await loadDefinitions(folder({ 'a.ts': group(1), 'b.ts': group(2) }))).length, 2)
  const same = await refused('DUPLICATE_NAME', { 'a.ts': `${user}\nexport const other = { ...user }` })
  assert.equal(same.message, 'There are two definitions of entity user: other of a.ts and user of a.ts')
  const sources = await refused('DUPLICATE_NAME', {
    'a.ts': "export const a = { kind: 'events', name: 's' }\nexport const b = { kind: 'table', name: 's' }",
  })
  assert.equal(sources.message, 'There are two definitions of source s: a of a.ts and b of a.ts')
})
