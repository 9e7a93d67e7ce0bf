import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { root } from '../scripts/workspace.ts'
import { type Import, importsOf, type Modules, readModules } from './support/imports.ts'

/** The rules of the code, as data. ARCHITECTURE.md says why. */
const rules = {
  /** Lowest first. A folder of src imports folders of lower layers; those of one layer only where `amongThemselves` says so. */
  layers: [
    { folders: ['lib'] },
    { folders: ['schema'] },
    { folders: ['aggregation'] },
    { folders: ['definition'] },
    { folders: ['plan', 'oracle'] },
    { folders: ['registry', 'offline', 'online', 'eventlog'] },
    { folders: ['pointintime', 'serving', 'stream', 'materialize', 'monitoring', 'parity', 'governance'], amongThemselves: true },
    { folders: ['store'] },
    { folders: ['server', 'client'] },
    { folders: ['cli'] },
  ],
  /** Stands beside the layers: it may use all but these, and only tests use it. */
  testing: { folder: 'testing', never: ['server', 'client', 'cli'] },
  /** What the files of a place must not reach, by however many steps. */
  unreachable: [
    { from: 'src/serving/', never: ['src/offline/', '@duckdb/node-api'], why: 'vectors are served without the batch engine' },
    { from: 'src/offline/', never: ['src/online/'], why: 'history is kept without the online store' },
    {
      from: 'src/client/',
      never: ['src/store/', 'src/offline/', 'src/online/', 'src/registry/'],
      why: 'a client runs where there is no store',
    },
    {
      from: 'src/oracle/',
      never: ['src/plan/', 'src/pointintime/', 'src/serving/', 'src/stream/'],
      why: 'the oracle shares no code with what it judges',
    },
  ],
  /** Folders that compute and do no I/O, and the builtins that they may still use. */
  pure: { folders: ['schema', 'aggregation', 'plan'], builtins: ['node:crypto'] },
  /** Every package that src uses, and where. */
  packages: {
    '@duckdb/node-api': ['src/offline/', 'src/pointintime/', 'src/store/'],
    '@platformatic/kafka': ['src/eventlog/drivers/kafka/'],
    '@redis/client': ['src/online/drivers/redis/'],
    '@opentelemetry/api': ['src/server/tracing.ts'],
    '@opentelemetry/exporter-trace-otlp-http': ['src/server/tracing.ts'],
    '@opentelemetry/resources': ['src/server/tracing.ts'],
    '@opentelemetry/sdk-trace': ['src/server/tracing.ts'],
    acorn: ['src/definition/'],
    'ajv/dist/2020.js': ['src/server/'],
    'apache-arrow': ['src/pointintime/arrow-column.ts', 'src/pointintime/encode-arrow.ts', 'src/pointintime/write-arrow.ts'],
    commander: ['src/cli/'],
    fastify: ['src/server/'],
    lmdb: ['src/online/drivers/lmdb.ts', 'src/online/drivers/lmdb/'],
    'prom-client': ['src/monitoring/'],
    pg: ['src/lib/postgres/'],
    'node:sqlite': ['src/lib/disk.ts', 'src/offline/drivers/parquet/writer-lock.ts', 'src/registry/drivers/'],
  } as Record<string, string[]>,
  /** Files of other folders that are imported directly; of all others only the door, `index.ts`. */
  doorless: ['src/errors.ts', 'src/lib/'],
  /** The only importer of `PORT/drivers/NAME.ts`; parts of a driver stand in `PORT/drivers/NAME/`. */
  driversFor: 'store',
  /** What a file of src must be reachable from. A worker is reached from the module that starts it by URL. */
  entries: ['src/index.ts', 'src/client/index.ts', 'src/testing/index.ts', 'src/cli/main.ts'],
  /** Names that say nothing. */
  names: /^(utils?|helpers?|common|misc|shared|stuff)$/,
  lines: 400,
  /** Longer files, each with the reason why it is one concept. */
  longer: {} as Record<string, string>,
}

const isTest = (path: string) => path.endsWith('.test.ts')
const folderOf = (path: string) => /^src\/([^/]+)\//.exec(path)?.[1] ?? ''
const layerOf = (folder: string) => rules.layers.findIndex(({ folders }) => folders.includes(folder))
const isDriver = (path: string) => /^src\/[^/]+\/drivers\/[^/]+\.ts$/.test(path) && !isTest(path)
const isFile = (target: string) => target.startsWith('src/')
const within = (path: string, places: readonly string[]) =>
  places.some((place) => path === place || (place.endsWith('/') && path.startsWith(place)))

/** Every import of the modules that are not tests, as `check` judges it: what is wrong with it, or nothing. */
function judge(modules: Modules, check: (path: string, imported: Import) => string | undefined): string[] {
  return [...modules].flatMap(([path, imports]) => {
    if (isTest(path)) return []
    const wrong = imports.map((imported) => ({ target: imported.target, why: check(path, imported) }))
    return wrong.flatMap(({ target, why }) => (why === undefined ? [] : [`${path} imports ${target}: ${why}`]))
  })
}

const layers = (modules: Modules) =>
  judge(modules, (path, { target }) => {
    const [from, to] = [folderOf(path), folderOf(target)]
    if (target === 'src/index.ts') return 'the public door is for users; import the folder'
    if (to === '' || from === to) return
    if (to === rules.testing.folder) return path === 'src/index.ts' || isFile(path) ? `only tests use ${to}` : undefined
    if (from === rules.testing.folder) return rules.testing.never.includes(to) ? `${from} must not know ${to}` : undefined
    const [low, high] = [layerOf(to), from === '' ? layerOf('server') : layerOf(from)]
    if (low < 0) return `the folder ${to} has no layer`
    if (high < 0) return `the folder ${from} has no layer`
    if (low === high && rules.layers[low]?.amongThemselves) return
    if (low >= high) return `${from || 'src'} stands ${low === high ? 'beside' : 'below'} ${to}`
    return
  })

const doors = (modules: Modules) =>
  judge(modules, (path, { target }) => {
    if (!isFile(target) || folderOf(path) === folderOf(target) || within(target, rules.doorless)) return
    if (isDriver(target) && folderOf(path) === rules.driversFor) return
    return target === `src/${folderOf(target)}/index.ts` ? undefined : `the door is src/${folderOf(target)}/index.ts`
  })

const drivers = (modules: Modules) =>
  judge(modules, (path, { target }) => {
    const [, port, name] = /^src\/([^/]+)\/drivers\/([^/]+?)(?:\.ts|\/.*)$/.exec(target) ?? []
    if (port === undefined || folderOf(path) === rules.driversFor) return
    const own = [`src/${port}/drivers/${name}.ts`, `src/${port}/drivers/${name}/`]
    return within(path, own) ? undefined : `only ${rules.driversFor} imports drivers`
  })

const packages = (modules: Modules) =>
  judge(modules, (path, { target }) => {
    if (!isFile(path) || target.startsWith('src/')) return
    if (target === 'lockstep' || target.startsWith('lockstep/')) return 'within src imports are relative'
    const places = rules.packages[target]
    if (places !== undefined) return within(path, places) ? undefined : `only ${places.join(', ')} may`
    if (!target.startsWith('node:')) return 'no rule names this package'
    if (rules.pure.folders.includes(folderOf(path)) && !rules.pure.builtins.includes(target)) return `${folderOf(path)} does no I/O`
    return
  })

const missing = (modules: Modules) =>
  judge(modules, (_path, { target }) => {
    if (!isFile(target) || modules.has(target) || target.endsWith('.json')) return
    return 'there is no such file'
  })

/** The shortest chain of imports from a module to one that `found` accepts. */
function chain(
  modules: Modules,
  start: string,
  found: (target: string) => boolean,
  follow: (imported: Import) => boolean,
): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const path of queue) {
    for (const imported of modules.get(path) ?? []) {
      const { target } = imported
      if (!follow(imported)) continue
      if (found(target)) {
        const steps = [target]
        for (let step: string | undefined = path; step !== undefined; step = step === start ? undefined : cameFrom.get(step))
          steps.unshift(step)
        return steps
      }
      if (cameFrom.has(target) || target === start) continue
      cameFrom.set(target, path)
      queue.push(target)
    }
  }
  return undefined
}

function unreachable(modules: Modules): string[] {
  return rules.unreachable.flatMap(({ from, never, why }) => {
    const starts = [...modules.keys()].filter((path) => path.startsWith(from) && !isTest(path))
    const chains = starts.map((path) =>
      chain(
        modules,
        path,
        (target) => within(target, never),
        ({ runtime }) => runtime,
      ),
    )
    return chains.filter((steps) => steps !== undefined).map((steps) => `${steps.join(' -> ')}: ${why}`)
  })
}

/** Circles of imports that load something; each is told once, from its first file in the alphabet. */
function circles(modules: Modules): string[] {
  const found = [...modules.keys()].map((path) =>
    chain(
      modules,
      path,
      (target) => target === path,
      ({ runtime }) => runtime,
    ),
  )
  return found.filter((steps) => steps !== undefined && steps.toSorted()[0] === steps[0]).map((steps) => (steps ?? []).join(' -> '))
}

/** The folders of one layer may use one another, but not in a circle. */
function folderCircles(modules: Modules): string[] {
  const folders = new Map<string, Import[]>()
  for (const [path, imports] of modules) {
    if (isTest(path) || folderOf(path) === '') continue
    const others = imports.map(({ target }) => folderOf(target)).filter((folder) => folder !== '' && folder !== folderOf(path))
    folders.set(folderOf(path), [...(folders.get(folderOf(path)) ?? []), ...others.map((target) => ({ target, runtime: true }))])
  }
  return circles(folders)
}

function unused(modules: Modules): string[] {
  const reached = new Set(rules.entries)
  for (const path of reached) for (const { target } of modules.get(path) ?? []) if (isFile(target)) reached.add(target)
  return [...modules.keys()].filter((path) => !isTest(path) && !reached.has(path)).map((path) => `${path} is reached from no entry`)
}

/** Each driver has a test beside it that runs the suite of its port, and a page. */
function provenDrivers(modules: Modules, exists: (path: string) => boolean): string[] {
  return [...modules.keys()].filter(isDriver).flatMap((path) => {
    const beside = path.replace(/\.ts$/, '.test.ts')
    const suite = modules.get(beside)?.some(({ target, runtime }) => runtime && target.startsWith('src/testing/'))
    const page = `docs/reference/stores/${folderOf(path)}-${basename(path, '.ts')}.md`
    return [
      ...(modules.has(beside) ? [] : [`${path} has no ${beside}`]),
      ...(modules.has(beside) && !suite ? [`${beside} calls no suite of src/testing`] : []),
      ...(exists(page) ? [] : [`${path} has no page ${page}`]),
    ]
  })
}

function sizes(files: ReadonlyMap<string, number>): string[] {
  const tooLong = [...files].filter(([path, count]) => count > rules.lines && rules.longer[path] === undefined)
  return tooLong.map(([path, count]) => `${path} has ${count} lines, ${rules.lines} at most`)
}

function names(paths: Iterable<string>): string[] {
  const parts = (path: string) => path.replace(/(\.test)?\.\w+$/, '').split('/')
  return [...paths]
    .filter((path) => parts(path).some((part) => rules.names.test(part)))
    .map((path) => `${path} has a name that says nothing`)
}

const { modules, unreadable } = readModules(root, 'src/**/*.ts')
const others = globSync('{test,scripts,examples,benchmarks}/**/*.ts', { cwd: root }).sort()
const lineCounts = new Map(
  [...modules.keys(), ...others]
    .filter((path) => !isTest(path))
    .map((path) => [path, readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length]),
)

/** Each rule with what it finds. */
const checks: Record<string, (modules: Modules) => string[]> = {
  'every file can be read': () => unreadable,
  'imports point to lower layers': layers,
  'folders are entered by their doors': doors,
  'only the store imports drivers': drivers,
  'packages and builtins are used where they belong': packages,
  'imported files exist': missing,
  'some folders do not reach others': unreachable,
  'no module imports itself in a circle': circles,
  'no folder imports itself in a circle': folderCircles,
  'every file is used': unused,
  'every driver has its suite and its page': (all) => provenDrivers(all, (path) => existsSync(join(root, path))),
  'files have telling names': (all) => names([...all.keys(), ...others]),
  'files are small': () => sizes(lineCounts),
  'no file names this machine or a registry': machineNames,
}

function machineNames(): string[] {
  const general = ['/', '/home', '/Users', '/tmp', tmpdir()]
  const places = [homedir(), dirname(root)].filter((path) => !general.includes(path)).map((path) => `${path}/`)
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)
  return tracked
    .filter((path) => existsSync(join(root, path)))
    .flatMap((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      const named = places.filter((place) => text.includes(place)).map((place) => `${path} names ${place}`)
      return path === 'package-lock.json' && text.includes('"resolved"') ? [...named, `${path} names a registry`] : named
    })
}

for (const [rule, check] of Object.entries(checks)) {
  test(rule, () => {
    const found = check(modules)
    assert.ok(found.length === 0, `\n${found.join('\n')}`)
  })
}

test('imports are found in every form, and only where they are imports', () => {
  const source = [
    "import { type A, b } from './b.ts'",
    "import type { C } from '../schema/index.ts'",
    "export type { D } from './d.ts'",
    "export * from './e.ts'",
    "const text = `\nimport { no } from './no.ts'\nimport type { No } from './no.ts'`",
    "// import type { No } from './no.ts'",
    "/** type: import('./no.ts').No */",
    "const f = async (g: import('./g.ts').G) => await import('./f.ts')",
    "const url = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)",
    "import 'node:fs'",
  ].join('\n')
  const found = importsOf('src/lib/a.ts', source).map(({ target, runtime }) => `${runtime ? 'loads' : 'types'} ${target}`)
  assert.deepEqual(found.sort(), [
    'loads node:fs',
    'loads src/lib/b.ts',
    'loads src/lib/e.ts',
    'loads src/lib/f.ts',
    'loads src/lib/worker.ts',
    'types src/lib/d.ts',
    'types src/lib/g.ts',
    'types src/schema/index.ts',
  ])
})

test('each rule finds what breaks it', () => {
  const project = (files: Record<string, string>): Modules =>
    new Map(Object.entries(files).map(([path, text]) => [path, importsOf(path, text)]))
  const load = (...targets: string[]) => targets.map((target) => `import '${target}'`).join('\n')
  const broken: [rule: string, files: Record<string, string>, finding: RegExp][] = [
    ['imports point to lower layers', { 'src/schema/a.ts': load('../plan/index.ts') }, /schema stands below plan/],
    ['imports point to lower layers', { 'src/online/a.ts': load('../offline/index.ts') }, /online stands beside offline/],
    ['imports point to lower layers', { 'src/schema/a.ts': "import type { A } from '../cli/index.ts'" }, /schema stands below cli/],
    ['imports point to lower layers', { 'src/index.ts': load('./server/index.ts') }, /src stands beside server/],
    ['imports point to lower layers', { 'src/strange/a.ts': load('../lib/a.ts') }, /strange has no layer/],
    ['imports point to lower layers', { 'src/store/a.ts': load('../testing/index.ts') }, /only tests use testing/],
    ['imports point to lower layers', { 'src/testing/a.ts': load('../cli/index.ts') }, /testing must not know cli/],
    ['folders are entered by their doors', { 'src/plan/a.ts': load('../schema/type.ts') }, /the door is src\/schema\/index.ts/],
    ['only the store imports drivers', { 'src/online/index.ts': load('./drivers/lmdb.ts') }, /only store imports drivers/],
    [
      'packages and builtins are used where they belong',
      { 'src/serving/a.ts': load('lmdb') },
      /only src\/online\/drivers\/lmdb.ts, src\/online\/drivers\/lmdb\/ may/,
    ],
    ['packages and builtins are used where they belong', { 'src/serving/a.ts': load('left-pad') }, /no rule names this package/],
    ['packages and builtins are used where they belong', { 'src/plan/a.ts': load('node:fs') }, /plan does no I\/O/],
    ['packages and builtins are used where they belong', { 'src/plan/a.ts': load('lockstep') }, /within src imports are relative/],
    ['imported files exist', { 'src/plan/a.ts': load('./b.ts') }, /there is no such file/],
    [
      'some folders do not reach others',
      { 'src/serving/a.ts': load('../materialize/index.ts'), 'src/materialize/index.ts': load('@duckdb/node-api') },
      /serving\/a.ts -> src\/materialize\/index.ts -> @duckdb\/node-api: vectors are served/,
    ],
    [
      'no module imports itself in a circle',
      { 'src/lib/a.ts': load('./b.ts'), 'src/lib/b.ts': load('./a.ts') },
      /a.ts -> src\/lib\/b.ts -> src\/lib\/a.ts/,
    ],
    [
      'no folder imports itself in a circle',
      { 'src/serving/a.ts': load('../stream/index.ts'), 'src/stream/b.ts': load('../serving/index.ts') },
      /serving -> stream -> serving/,
    ],
    [
      'every file is used',
      { 'src/index.ts': load('./lib/a.ts'), 'src/lib/a.ts': '', 'src/lib/b.ts': '' },
      /^src\/lib\/b.ts is reached from no entry$/,
    ],
    ['every driver has its suite and its page', { 'src/online/drivers/none.ts': '' }, /has no src\/online\/drivers\/none.test.ts/],
    [
      'every driver has its suite and its page',
      { 'src/online/drivers/none.ts': '', 'src/online/drivers/none.test.ts': '' },
      /none.test.ts calls no suite of src\/testing/,
    ],
    [
      'every driver has its suite and its page',
      { 'src/online/drivers/none.ts': '' },
      /has no page docs\/reference\/stores\/online-none.md/,
    ],
    ['files have telling names', { 'src/lib/utils.ts': '' }, /src\/lib\/utils.ts has a name that says nothing/],
  ]
  for (const [rule, files, finding] of broken) assert.match((checks[rule]?.(project(files)) ?? []).join('\n'), finding, rule)
  assert.match(sizes(new Map([['src/a.ts', rules.lines + 1]])).join(), /has 401 lines/)
  const sound = project({
    'src/lib/a.ts': "import type { B } from './b.ts'",
    'src/lib/b.ts': load('./a.ts'),
    'src/store/a.ts': load('../online/drivers/lmdb.ts'),
  })
  for (const rule of [
    'imports point to lower layers',
    'folders are entered by their doors',
    'only the store imports drivers',
    'no module imports itself in a circle',
  ]) {
    assert.deepEqual(checks[rule]?.(sound), [], rule)
  }
})
