import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { run } from '../scripts/run.ts'
import { compile } from '../scripts/typecheck.ts'
import { linkDependencies, root, temporaryFolder } from '../scripts/workspace.ts'

const environment = { PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter), NODE_OPTIONS: undefined }

/** Runs a program that must succeed. */
async function output(cwd: string, program: string, ...programArguments: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, programArguments, { cwd, environment })
  assert.equal(code, 0, `${program} ${programArguments.join(' ')} ended with code ${code}:\n${stdout}${stderr}`)
  return stdout
}

/** Packs a copy of this repository, so that its own dist stays as it is, and answers the file's path. */
async function pack(folder: string): Promise<string> {
  const copy = join(folder, 'repository')
  for (const part of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE', 'src', 'scripts', 'docs']) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const printed = await output(copy, 'npm', 'pack', '--silent', '--offline', '--pack-destination', folder)
  return join(folder, printed.trim().split('\n').at(-1) ?? '')
}

test('the published package works with nothing but Node.js', async (context) => {
  using folder = temporaryFolder()
  const archive = await pack(folder.path)
  const project = join(folder.path, 'project')
  const modules = join(project, 'node_modules')
  linkDependencies(modules)
  await output(folder.path, 'tar', '-xzf', archive, '-C', folder.path)
  renameSync(join(folder.path, 'package'), join(modules, 'lockstep'))
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }')

  await context.test('it holds what is needed, and no source or test', async () => {
    const files = (await output(folder.path, 'tar', '-tzf', archive))
      .trim()
      .split('\n')
      .map((file) => file.replace(/^package\//, ''))
    for (const file of ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'])
      assert.ok(files.includes(file), `${file} is missing`)
    assert.deepEqual(
      files.filter((file) => file.startsWith('src/') || /\.test\./.test(file) || /(?<!\.d)\.ts$/.test(file)),
      [],
    )
  })

  await context.test('it is imported', async () => {
    const code = "import { t } from 'lockstep'; console.log(t.string().data.kind)"
    assert.equal(await output(project, process.execPath, '--input-type=module', '--eval', code), 'string\n')
    const testing = "import('lockstep/testing').then((kit) => console.log(typeof kit))"
    assert.equal(await output(project, process.execPath, '--eval', testing), 'object\n')
    const client = "import('lockstep/client').then(({ connect }) => console.log(typeof connect))"
    assert.equal(await output(project, process.execPath, '--eval', client), 'function\n')
  })

  await context.test('its declarations stand by themselves', async () => {
    writeFileSync(
      join(project, 'use.ts'),
      "import { t, type ValueOf } from 'lockstep'\nconst text = t.string()\nexport const value: ValueOf<typeof text> = 'a'\n",
    )
    const compilerOptions = { module: 'NodeNext', target: 'ES2024', lib: ['ES2024', 'ESNext.Disposable'], types: ['node'], strict: true }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['use.ts'] }))
    const { diagnostics } = await compile(project)
    assert.deepEqual(diagnostics, [])
  })

  await context.test('its command runs', async () => {
    const command = join(modules, 'lockstep', 'dist', 'cli', 'main.js')
    assert.match(await output(project, process.execPath, command, '--help'), /Usage: lockstep/)
  })

  await context.test('a new project runs with it', async () => {
    const command = join(modules, 'lockstep', 'dist', 'cli', 'main.js')
    const lockstep = (cwd: string, ...commandLine: string[]) => output(cwd, process.execPath, command, ...commandLine)
    await lockstep(project, 'init', 'shop')
    const shop = join(project, 'shop')
    assert.match(readFileSync(join(shop, 'package.json'), 'utf8'), /"lockstep": "\^\d/)
    assert.match(await lockstep(shop, 'check'), /: 0 errors, 0 warnings/)
    assert.match(await lockstep(shop, 'train', 'reorder', '--labels', 'data/labels.csv', '--out', 'out/reorder.parquet'), /200 rows/)
    await lockstep(shop, 'materialize')
    const read = await lockstep(shop, 'get', 'reorder', 'customer_id=c03', '--request', 'basket_total=49.90', '--json')
    assert.equal(JSON.parse(read).source, 'online')
  })
})
