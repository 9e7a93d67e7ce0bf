import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres } from '../scripts/postgres.ts'
import { root, temporaryProject } from '../scripts/workspace.ts'
import { catalogueOf, loadDefinitions } from '../src/definition/index.ts'
import { CatalogueSearch, Lineage, SimilarFeatures } from '../src/plan/index.ts'
import { writeLargeProject } from './lib/large-project.ts'
import { machine, median } from './lib/sides.ts'

interface Options {
  readonly groups: number
  readonly runs: number
  readonly json: string
}

interface Measured {
  readonly seconds: number
  /** Seconds of a processor: what it would take on a machine with nothing else to do. 0 where the system does not tell. */
  readonly cpu: number
  /** Largest resident memory of the process, in MB; 0 where the system does not tell. */
  readonly memory: number
  readonly code: number | null
}

/** What a company of many groups waits for: plan, apply, search and the start of a server, each a process of its own; on SQLite and PostgreSQL. */
export async function registry({ groups, runs, json }: Options): Promise<void> {
  using project = temporaryProject()
  const size = await writeLargeProject(project.path, groups)
  console.log(`registry: ${size.groups} groups with ${size.features} features in ${size.views} views`)
  const figures: Record<string, unknown> = { inProcess: await inProcess(project.path) }
  figures.sqlite = await measureRegistry(project.path, 'SQLite', runs)
  const postgres = await startPostgres()
  if ('skipped' in postgres) console.log(`\nPostgreSQL is left out: ${postgres.skipped}`)
  else
    try {
      writeFileSync(join(project.path, 'lockstep.config.json'), JSON.stringify({ registry: { postgres: postgres.url } }))
      figures.postgres = await measureRegistry(project.path, 'PostgreSQL', runs)
    } finally {
      await postgres.stop()
    }
  await writeFile(json, `${JSON.stringify({ name: 'registry', machine, ...size, runs, ...figures }, null, 2)}\n`)
  console.log(`  written to ${json}`)
}

/** The parts that need no process: what a server or a catalogue would keep. */
async function inProcess(folder: string): Promise<Record<string, number>> {
  process.chdir(folder)
  const [definitions, loading] = await timed(() => loadDefinitions('definitions'))
  const catalogue = catalogueOf(definitions)
  const before = process.memoryUsage().heapUsed
  const [search, indexing] = await timed(() => new CatalogueSearch(catalogue))
  const indexMemory = (process.memoryUsage().heapUsed - before) / 1e6
  const words = [
    'order',
    'user payment value',
    'kind count 7d',
    'fraud refund cost',
    'delivry',
    'campaign clik weight',
    'sum 30d',
    'model 12',
  ]
  const times = Array.from({ length: 400 }, (_, index) => {
    const started = performance.now()
    search.search(words[index % words.length] as string)
    return performance.now() - started
  })
  const [lineage, lineageTime] = await timed(() => new Lineage(catalogue))
  const [, reach] = await timed(() => lineage.reach(lineage.find(`source:${catalogue.sources[0]?.name}.at`), 'down'))
  const [similar, similarTime] = await timed(() => new SimilarFeatures(catalogue))
  const [, allSimilar] = await timed(() => {
    for (const group of catalogue.groups) for (const feature of Object.keys(group.features)) similar.of(group, feature)
  })
  const figures = {
    'load definitions, s': loading,
    'make the search index, s': indexing,
    'memory of the search index, MB': indexMemory,
    'a search, median, ms': median(times),
    'a search, slowest, ms': Math.max(...times),
    'make the lineage, s': lineageTime,
    'all that comes from a column, s': reach,
    'index features by shape, s': similarTime,
    'features like each of all, s': allSimilar,
  }
  show('in process', figures)
  return figures
}

async function measureRegistry(folder: string, name: string, runs: number): Promise<Record<string, number>> {
  const run = (...commandLine: string[]) => measure(folder, commandLine)
  const medianOf = async (codes: readonly number[], ...commandLine: string[]) => {
    const all: Measured[] = []
    for (let index = 0; index < runs; index++) all.push(await run(...commandLine))
    for (const { code } of all)
      if (code === null || !codes.includes(code)) throw new Error(`lockstep ${commandLine.join(' ')} ended with ${code}`)
    return {
      seconds: median(all.map(({ seconds }) => seconds)),
      cpu: median(all.map(({ cpu }) => cpu)),
      memory: Math.max(...all.map(({ memory }) => memory)),
    }
  }
  const first = await medianOf([2], 'plan', '--quiet')
  const apply = await run('apply', '--yes', '--quiet')
  if (apply.code !== 0) throw new Error(`apply ended with ${apply.code}`)
  const nothing = await medianOf([0], 'plan', '--quiet')
  const changed = changeWindow(folder)
  const change = await medianOf([2], 'plan', '--quiet')
  const applyChange = await run('apply', '--yes', '--quiet')
  changed.undo()
  const search = await medianOf([0], 'search', 'payment', 'value', '--quiet')
  const starts: Measured[] = []
  for (let index = 0; index < runs; index++) starts.push(await measureStart(folder))
  const figures = {
    'plan of all as new, s': first.seconds,
    '  of a processor, s': first.cpu,
    '  memory, MB': first.memory,
    'apply of all, s': apply.seconds,
    'plan of nothing, s': nothing.seconds,
    'plan of one changed window, s': change.seconds,
    '  of a processor for one change, s': change.cpu,
    '  memory for one change, MB': change.memory,
    'apply of that, s': applyChange.seconds,
    'lockstep search, s': search.seconds,
    'start of a server, s': median(starts.map(({ seconds }) => seconds)),
    '  of a processor at its start, s': median(starts.map(({ cpu }) => cpu)),
    '  memory of the server, MB': Math.max(...starts.map(({ memory }) => memory)),
  }
  show(name, figures)
  return figures
}

/** A new version of the first group, with one window changed, and of the views that read it. */
function changeWindow(folder: string): { undo(): void } {
  const path = join(folder, 'definitions', 'user_order_events_0.ts')
  const text = readFileSync(path, 'utf8')
  const [start, end] = [text.indexOf("name: 'user_orders_0',"), text.indexOf("name: 'user_orders_1',")]
  const group = text
    .slice(start, end)
    .replace("'user_orders_0',", "'user_orders_0', version: 2,")
    .replace(/over\('(\d+)(\w)'\)/, "over('$1$2').delay('1h')")
  const changed = text.slice(0, start) + group + text.slice(end)
  writeFileSync(path, changed.replace("name: 'user_model_0',", "name: 'user_model_0', version: 2,"))
  return { undo: () => writeFileSync(path, text) }
}

const program = ['--conditions=source', join(root, 'src', 'cli', 'main.ts')]

/** Runs a command to its end. */
async function measure(folder: string, commandLine: readonly string[]): Promise<Measured> {
  const started = performance.now()
  const child = spawn(process.execPath, [...program, ...commandLine], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const used = watch(child.pid)
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { seconds: (performance.now() - started) / 1000, ...used(), code }
}

/** Starts a server, until it says where it serves. */
async function measureStart(folder: string): Promise<Measured> {
  const started = performance.now()
  const child = spawn(process.execPath, [...program, 'serve', '--port', '0', '--no-stream', '--insecure'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const used = watch(child.pid)
  await new Promise<void>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => text.includes('Serving') && resolve())
    child.once('exit', (code) => reject(new Error(`The server ended with code ${code}`)))
  })
  const seconds = (performance.now() - started) / 1000
  const atStart = used()
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  return { seconds, ...atStart, code: 0 }
}

/** Watches what a process takes. */
function watch(pid: number | undefined): () => Pick<Measured, 'cpu' | 'memory'> {
  let [memory, cpu] = [0, 0]
  const look = () => {
    try {
      memory = Math.max(memory, Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
      // User and system time, the 14th and 15th fields, in hundredths of a second.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      cpu = Math.max(cpu, (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100)
    } catch {
      // The process has ended, or the system has no /proc.
    }
  }
  const timer = setInterval(look, 20)
  return () => {
    clearInterval(timer)
    look()
    return { memory, cpu }
  }
}

async function timed<T>(work: () => T | Promise<T>): Promise<[result: T, seconds: number]> {
  const started = performance.now()
  const result = await work()
  return [result, (performance.now() - started) / 1000]
}

function show(name: string, figures: Readonly<Record<string, number>>): void {
  console.log(`\n${name}`)
  for (const [title, value] of Object.entries(figures))
    console.log(`  ${title.padEnd(40)} ${value.toFixed(value < 10 ? 3 : 0).padStart(9)}`)
}
