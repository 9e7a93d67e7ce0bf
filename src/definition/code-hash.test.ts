import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { callerModule, codeHash } from './code-hash.ts'

type Files = Readonly<Record<string, string>>
type Compute = (...given: never[]) => unknown

const root = mkdtempSync(join(tmpdir(), 'lockstep-code-hash-'))
after(() => rmSync(root, { recursive: true }))

function project(files: Files): string {
  const folder = mkdtempSync(join(root, 'project-'))
  for (const [name, text] of Object.entries({ 'package.json': '{"type":"module"}', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

/** Writes a project, imports its `view.ts` (or `entry`) and hashes the `compute` that it exports. */
async function hashed(files: Files | string, entry = 'view.ts') {
  const all = typeof files === 'string' ? { [entry]: files } : files
  const url = pathToFileURL(join(project(all), entry)).href
  const { compute } = (await import(url)) as { compute: Compute }
  return codeHash(compute, url)
}

async function equal(a: Files | string, b: Files | string) {
  const [first, second] = [await hashed(a), await hashed(b)]
  assert.ok(first.complete && second.complete)
  assert.equal(first.hash, second.hash)
}

async function different(a: Files | string, b: Files | string) {
  assert.notEqual((await hashed(a)).hash, (await hashed(b)).hash)
}

// First, since the warning is given once in a process.
test('no warning of the type stripper is shown', async () => {
  const warnings: string[] = []
  const listen = ({ message }: Error) => warnings.push(message)
  process.on('warning', listen)
  await hashed('export const compute = () => 1')
  await new Promise(setImmediate)
  process.off('warning', listen)
  assert.deepEqual(warnings, [])
})

const plain = `const factor = 2
export const compute = (known, request) => ({ a: known.a * factor, 'b': request.b ?? "none", c: \`\${known.c}!\`, d: 1000 })`

test('formatting, comments, quotes and types do not change the hash', async () => {
  await equal(
    plain,
    `// The factor.
const factor: number = 2 as const
interface Known { a: number, c: string }
type Result = Record<string, unknown>

/** Computes. */
export const compute = (known: Known, request: { b?: string }): Result => ({
  'a': (known.a * factor), // product
  b: request['b'] ?? 'none',
  c: \`\${known.c}!\`,
  d: 1_000,
} satisfies Result);
`,
  )
})

test('what is not used does not change the hash, nor does its order', async () => {
  const [factor, compute] = plain.split('\n') as [string, string]
  await equal(
    plain,
    `import { sep } from 'node:path'\nexport const other = sep\n${compute}\nexport function third() { return other }\n${factor}\nthird()`,
  )
})

test('operators, literals, and constants in use change the hash', async () => {
  await different(plain, plain.replace('known.a * factor', 'known.a + factor'))
  await different(plain, plain.replace('d: 1000', 'd: 1001'))
  await different(plain, plain.replace('"none"', '""'))
  await different(plain, plain.replace('}!`', '}?`'))
  await different(plain, plain.replace('factor = 2', 'factor = 3'))
  await different(plain, plain.replace('known.a', 'known.z'))
  await different(plain, plain.replace("'b':", 'bb:'))
})

test('literals differ by type and value', async () => {
  const literals = [
    '1',
    "'1'",
    '1n',
    '-1',
    'null',
    'true',
    'false',
    "'null'",
    '1e999',
    '/1/',
    '/1/g',
    '`1`',
    '``',
    'undefined',
    '[]',
    '[,]',
    '[1, , 2]',
    '[1, 2]',
    '{}',
    'String.raw`\\\\n`',
    'String.raw`\\n`',
    'String.raw`\n`',
    '`\\n`',
  ]
  const hashes = await Promise.all(literals.map(async (text) => (await hashed(`export const compute = () => (${text})`)).hash))
  assert.equal(new Set(hashes).size, literals.length)
})

test('flags and small words of the language change the hash', async () => {
  const forms = [
    'a.b',
    'a?.b',
    '(a?.b).c',
    'a?.b.c',
    'a[b]',
    'a.b = 1',
    'a.b ||= 1',
    'a++',
    '++a',
    'delete a.b',
    'typeof a',
    'new a',
    'a()',
    'a?.()',
    'a(...b)',
    'a(b)',
    'a => a',
    '[...a]',
    '[a]',
    '{ a }',
    '{ [a]: a }',
    '{ ...a }',
    '{ get a() { return 1 } }',
    '{ a() { return 1 } }',
    '{ a: () => { return 1 } }',
    'class { a() {} }',
    'class { static a() {} }',
    'class { #a() {} }',
    'class { a = 1 }',
    'class { static { a() } }',
  ]
  const hashes = await Promise.all(forms.map(async (text) => (await hashed(`export const compute = (a, b) => (${text})`)).hash))
  assert.equal(new Set(hashes).size, forms.length)
  const bodies = [
    'for (const x of a) b(x)',
    'for (const x in a) b(x)',
    'for (;;) b(x)',
    'while (a) b(x)',
    'do b(x); while (a)',
    'l: for (;;) { for (;;) break l }',
    'l: for (;;) { for (;;) break }',
    'l: for (;;) { for (;;) continue l }',
    'if (a) b()',
    'if (a) { b() } else { a() }',
    'try { a() } catch { b() }',
    'try { a() } catch (b) { b() }',
    'try { a() } finally { b() }',
    'switch (a) { case 1: b() }',
    'switch (a) { default: b() }',
    'throw a',
    'return a',
    'let c = a',
    'const [c] = a',
    'const { c } = a',
    'const { c = 1 } = a',
    'const { ...c } = a',
  ]
  const more = await Promise.all(bodies.map(async (text) => (await hashed(`export const compute = (a, b) => { ${text} }`)).hash))
  assert.equal(new Set(more).size, bodies.length)
})

const helpers = {
  'view.ts': "import { distance } from './lib/geometry.ts'\nexport const compute = (known: { x: number }) => ({ d: distance(known.x) })",
  'lib/geometry.ts':
    "import { radius as r } from '../constants.ts'\nexport const unrelated = 1\nexport function distance(x: number): number { return x * half(r) }\nconst half = (x: number) => x / 2",
  'constants.ts': 'export const radius = 6371',
}

test('helpers are followed through imports', async () => {
  await different(helpers, { ...helpers, 'constants.ts': 'export const radius = 6372' })
  await different(helpers, { ...helpers, 'lib/geometry.ts': helpers['lib/geometry.ts'].replace('x / 2', 'x / 3') })
  await equal(helpers, { ...helpers, 'lib/geometry.ts': helpers['lib/geometry.ts'].replace('unrelated = 1', 'unrelated = 2') })
  assert.deepEqual((await hashed(helpers)).modules, ['constants.ts', 'lib/geometry.ts', 'view.ts'])
})

test('what a helper is called and where it stands does not change the hash', async () => {
  await equal(helpers, {
    'view.ts':
      "import { radius } from './earth.ts'\nexport const compute = (known: { x: number }) => ({ d: way(known.x) })\nfunction way(x: number) { return x * h(radius) }\nconst h = (x: number) => x / 2",
    'earth.ts': 'const r = 6371\nexport { r as radius }',
  })
})

test('re-exports, defaults and namespaces are followed to the declaration', async () => {
  const declared = { 'c.ts': 'export const value = 1\nexport const other = 2' }
  const compute = 'export const compute = () => ({ v: value })'
  const ways: Files[] = [
    { 'view.ts': `import { value } from './c.ts'\n${compute}` },
    { 'view.ts': `import { named as value } from './b.ts'\n${compute}`, 'b.ts': "export { value as named } from './c.ts'" },
    { 'view.ts': `import { value } from './b.ts'\n${compute}`, 'b.ts': "export * from './c.ts'\nexport * from './b.ts'" },
    { 'view.ts': `import { value } from './b.ts'\n${compute}`, 'b.ts': "import { value } from './c.ts'\nexport { value }" },
    { 'view.ts': `import value from './b.ts'\n${compute}`, 'b.ts': "export { value as default } from './c.ts'" },
    { 'view.ts': "import * as c from './c.ts'\nexport const compute = () => ({ v: c.value })" },
    { 'view.ts': "import { c } from './b.ts'\nexport const compute = () => ({ v: c.value })", 'b.ts': "export * as c from './c.ts'" },
  ]
  for (const way of ways) {
    await different({ ...declared, ...way }, { ...way, 'c.ts': 'export const value = 3\nexport const other = 2' })
  }
  for (const way of ways.slice(0, 6))
    await equal({ ...declared, ...ways[0] }, { 'c.ts': 'export const other = 3\nexport const value = 1', ...way })
  const whole = { 'view.ts': "import * as c from './c.ts'\nexport const compute = () => ({ v: Object.keys(c) })" }
  await different({ ...declared, ...whole }, { 'c.ts': 'export const value = 1\nexport const other = 3', ...whole })
})

test('a default export without a name counts', async () => {
  const view = { 'view.ts': "import f from './f.ts'\nexport const compute = () => ({ v: f() })" }
  await different({ ...view, 'f.ts': 'export default () => 1' }, { ...view, 'f.ts': 'export default () => 2' })
  await different(
    { ...view, 'f.ts': 'export default function () { return 1 }' },
    { ...view, 'f.ts': 'export default function () { return 2 }' },
  )
  await different(
    { ...view, 'f.ts': 'export default function f() { return 1 }' },
    { ...view, 'f.ts': 'export default function f() { return 2 }' },
  )
})

test('circular imports and recursion end', async () => {
  const circle = (limit: number) => ({
    'view.ts':
      "import { odd } from './odd.ts'\nexport const compute = () => ({ v: even(4) })\nexport function even(n: number): boolean { return n === 0 || odd(n - 1) }",
    'odd.ts': `import { even } from './view.ts'\nexport const odd = (n: number): boolean => n > ${limit} && even(n - 1)`,
  })
  await equal(circle(0), circle(0))
  await different(circle(0), circle(1))
})

test('a name bound inside hides the one outside, and only there', async () => {
  const hidden = (k: number, body: string) => `const K = ${k}\nexport const compute = (a) => { ${body} }`
  for (const body of [
    'const K = 1; return K',
    'return ((K) => K)(a)',
    'for (const K of a) return K',
    'try { a() } catch (K) { return K }',
    'if (a) { var K = 1 } return K',
    'const { a: K } = a; return K',
    'return a.K',
    'return { K: a }',
    'function K() {} return K',
    'class K {} return K',
    'return function K() { return K }',
    'K: for (;;) break K',
    'switch (a) { case 1: const K = 1; return K }',
  ]) {
    await equal(hidden(1, body), hidden(2, body))
  }
  for (const body of [
    '{ const K = 1 } return K',
    'return [(K) => K, K]',
    'return { K }',
    'return a[K]',
    'return { [K]: 1 }',
    'const { a: b = K } = a; return b',
    `return \`\${K}\``,
    'return class extends K {}',
    'const f = (b = K) => b; return f()',
  ]) {
    await different(hidden(1, body), hidden(2, body))
  }
})

test('statements that change what is used count, others do not', async () => {
  const filled = (value: number, rest = '') =>
    `const weights = {}\nweights.a = ${value}\nexport const compute = (known) => ({ v: weights[known.k] })\n${rest}`
  await different(filled(1), filled(2))
  await equal(filled(1), filled(1, 'const other = {}\nother.a = 2'))
  const imported = (value: number) => ({
    'view.ts': `import { w } from './w.ts'\nfor (const k of ['a']) w[k] = ${value}\nexport const compute = () => ({ v: w.a })`,
    'w.ts': 'export const w = {}',
  })
  await different(imported(1), imported(2))
})

test('destructured constants and several in one statement are told apart', async () => {
  const some = (name: string, other = 5) => `const { a, b } = { a: 1, b: 2 }, c = ${other}\nexport const compute = () => ({ v: ${name} })`
  await different(some('a'), some('b'))
  await equal(some('a'), some('a', 6))
  await different(some('c'), some('c', 6))
})

test('data files count by what they hold', async () => {
  const data = (json: string) => ({
    'view.ts': "import stores from './stores.json' with { type: 'json' }\nexport const compute = () => ({ v: stores.length })",
    'stores.json': json,
  })
  await equal(data('[{"x":1,"y":2}]'), data('[\n  { "y": 2, "x": 1 }\n]'))
  await different(data('[{"x":1}]'), data('[{"x":2}]'))
})

test('packages count by name, version and imported name; built-in modules by name', async () => {
  const using = (version: string, code = 'export const f = () => 1, g = () => 2', name = 'f') => ({
    'view.ts': `import { ${name} } from 'thing'\nexport const compute = () => ({ v: ${name}() })`,
    'node_modules/thing/package.json': JSON.stringify({ name: 'thing', version, type: 'module', exports: { import: './index.js' } }),
    'node_modules/thing/index.js': code,
  })
  await equal(using('1.0.0'), using('1.0.0', 'export const f = () => 3'))
  await different(using('1.0.0'), using('1.0.1'))
  await different(using('1.0.0'), using('1.0.0', undefined, 'g'))
  const built = (from: string, name = 'sep') => `import { ${name} } from '${from}'\nexport const compute = () => ({ v: ${name} })`
  await equal(built('node:path'), built('path'))
  await different(built('node:path'), built('node:path', 'delimiter'))
})

test('subpath imports are code of the project', async () => {
  const subpath = (value: number) => ({
    'package.json': '{"type":"module","imports":{"#k":"./lib/k.ts"}}',
    'view.ts': "import { k } from '#k'\nexport const compute = () => ({ k })",
    'lib/k.ts': `export const k = ${value}`,
  })
  await equal(subpath(1), subpath(1))
  await different(subpath(1), subpath(2))
})

test('packages linked from within the project are code of the project', async () => {
  const linked = (value: number) => {
    const folder = project({
      'packages/k/package.json': '{"name":"k","version":"1.0.0","type":"module","exports":"./k.ts"}',
      'packages/k/k.ts': `export const k = ${value}`,
      'app/view.ts': "import { k } from 'k'\nexport const compute = () => ({ k })",
      'node_modules/.keep': '',
    })
    symlinkSync(join(folder, 'packages/k'), join(folder, 'node_modules/k'))
    const url = pathToFileURL(join(folder, 'app/view.ts')).href
    return import(url).then(({ compute }: { compute: Compute }) => codeHash(compute, url))
  }
  assert.equal((await linked(1)).hash, (await linked(1)).hash)
  assert.notEqual((await linked(1)).hash, (await linked(2)).hash)
  assert.deepEqual((await linked(1)).modules, ['../packages/k/k.ts', 'view.ts'])
})

test('every way of writing a function is found', async () => {
  const forms = [
    'export const compute = (known) => ({ v: known.v * K })',
    'export const compute = function (known) { return { v: known.v * K } }',
    'export const compute = function named(known) { return { v: known.v * K } }',
    'export function compute(known) { return { v: known.v * K } }',
    'const options = { compute(known) { return { v: known.v * K } } }\nexport const { compute } = options',
    "const options = { 'compute'(known) { return { v: known.v * K } } }\nexport const { compute } = options",
    'class Holder { static compute(known) { return { v: known.v * K } } }\nexport const { compute } = Holder',
    'const make = (options) => options\nexport const { compute } = make({ compute: (known) => ({ v: known.v * K }) })',
  ]
  for (const form of forms) await different(`const K = 1\n${form}`, `const K = 2\n${form}`)
  for (const form of forms) assert.equal((await hashed(`const K = 1\n${form}`)).complete, true, form)
})

test('a function that the module imports is found where it stands', async () => {
  const far = (k: number) => ({
    'view.ts': "export { compute } from './far.ts'",
    'far.ts': `const K = ${k}\nexport const compute = () => ({ K })`,
  })
  await different(far(1), far(2))
  assert.deepEqual(await hashed(far(1)).then(({ complete, modules }) => ({ complete, modules })), { complete: true, modules: ['far.ts'] })
})

test('equal code at two places counts once where it means the same', async () => {
  const once = 'const K = 1\nexport const compute = () => ({ K })'
  await equal(once, `${once}\nexport const again = () => ({ K })`)
})

test('captured values are said not to be seen, the code around them is', async () => {
  const captured = (factor: number, more = '') =>
    `const make = (by) => { const factor = ${factor}; return () => ({ v: by * factor }) }\nexport const compute = make(1)${more}`
  assert.equal((await hashed(captured(1))).complete, false)
  await different(captured(1), captured(2))
})

test('a compiled module has the hash of its TypeScript', async () => {
  const compiled = Object.entries(helpers).map(
    ([name, text]) => [name.replace('.ts', '.js'), stripTypeScriptTypes(text).replaceAll(".ts'", ".js'")] as const,
  )
  assert.equal((await hashed(Object.fromEntries(compiled), 'view.js')).hash, (await hashed(helpers)).hash)
})

test('without its module the code of the function alone counts, and the hash says so', async () => {
  const first = codeHash((a: number) => a + 1, null)
  assert.deepEqual({ ...first, hash: '' }, { hash: '', modules: [], complete: false })
  assert.equal(codeHash((a: number) => /* more */ a + 1, null).hash, first.hash)
  assert.notEqual(codeHash((a: number) => a + 2, null).hash, first.hash)
  assert.equal(codeHash((a: number) => a + 1, pathToFileURL(join(root, 'missing.ts')).href).hash, first.hash)
  assert.equal(codeHash(Math.max, import.meta.url).complete, false)
})

test('the caller is the module outside of the package', async () => {
  assert.equal(callerModule(), import.meta.url)
  const source = readFileSync(new URL('./caller-module.ts', import.meta.url), 'utf8')
  const folder = project({
    'node_modules/lockstep/package.json': '{"name":"lockstep","type":"module","exports":"./dist/index.js"}',
    'node_modules/lockstep/dist/index.js':
      "import { callerModule } from './definition/caller-module.js'\nexport const deep = (n = 30) => n === 0 ? [callerModule()] : [1].flatMap(() => deep(n - 1))",
    'node_modules/lockstep/dist/definition/caller-module.js': stripTypeScriptTypes(source),
    'view.ts': "import { deep } from 'lockstep'\nexport const [found] = deep()",
  })
  const url = pathToFileURL(join(folder, 'view.ts')).href
  assert.equal(((await import(url)) as { found: string }).found, url)
})
