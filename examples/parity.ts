/** `npm run parity`: every value of the examples by every path, on generated and on real events, compared as bytes. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { LockstepError, type ParityPath, type ParityReport } from 'lockstep'
import { countOf, formatCount, formatSeconds } from '../src/cli/format.ts'
import { strong } from '../src/cli/output.ts'
import { formatTable } from '../src/cli/table.ts'
import { generateSessions } from './sessions/generate.ts'
import { generateShop } from './shop/generate.ts'

const usage = `Every value of the examples by every path, on generated and on real events, compared as bytes.

  npm run parity                 about ten million values, some minutes on two cores
  npm run parity -- --scale 0.1  a tenth of it

  --scale N      multiplies the events around which values are compared (1)
  --seed N       another choice of events, moments and orders of arrival (1)
  --data DIR     where online_retail.parquet and otto_sessions.parquet are (../shared/data)
  --help         this text
`

interface Input {
  readonly name: string
  readonly definitions: string
  readonly view: string
  readonly environment: Readonly<Record<string, string>>
  readonly options: readonly string[]
  /** The events around which values are compared. */
  readonly sample: number
}

const examples = import.meta.dirname
const program = ['--conditions=source', resolve(examples, '../src/cli/main.ts')]

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { scale: { type: 'string' }, seed: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-parity-'))
  const started = performance.now()
  try {
    const inputs = await prepare(folder, resolve(values.data ?? join(examples, '../../shared/data')))
    const reports = await runAll(inputs, Number(values.scale ?? 1), Number(values.seed ?? 1))
    show(inputs, reports, (performance.now() - started) / 1000)
    return [...reports.values()].every(({ proven }) => proven) ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The inputs that are there: two are generated, two are files of real events. */
async function prepare(folder: string, data: string): Promise<Input[]> {
  const sessions = join(folder, 'sessions.parquet')
  await generateShop({ path: join(folder, 'shop'), seed: 3, events: 20_000, users: 300, items: 200, labels: 0 })
  await generateSessions({ path: sessions })
  const retail = join(data, 'online_retail.parquet')
  const otto = join(data, 'otto_sessions.parquet')
  const shop = { definitions: 'shop/definitions', view: 'ranking', environment: { SHOP_DATA: join(folder, 'shop') } }
  const visits = (path: string) => ({ definitions: 'sessions/definitions.ts', view: 'next_article', environment: { SESSIONS_DATA: path } })
  const lines = { definitions: 'retail/definitions.ts', view: 'reorder', environment: { RETAIL_DATA: retail } }
  const all = [
    { name: 'shop (generated)', ...shop, options: [], sample: 2_000, needs: null },
    { name: 'sessions (generated)', ...visits(sessions), options: [], sample: 1_000, needs: null },
    { name: 'otto_sessions.parquet', ...visits(otto), options: [], sample: 862, needs: otto },
    { name: 'online_retail.parquet', ...lines, options: [], sample: 3_500, needs: retail },
    { name: 'online_retail.parquet, lateness 1d', ...lines, options: ['--lateness', '1d'], sample: 3_500, needs: retail },
  ]
  for (const { name, needs } of all)
    if (needs !== null && !existsSync(needs)) console.error(`Left out: ${name}, as the file ${needs} is not there`)
  return all.filter(({ needs }) => needs === null || existsSync(needs))
}

/** All inputs, as many at once as there are cores; the longest first. */
async function runAll(inputs: readonly Input[], scale: number, seed: number): Promise<Map<Input, ParityReport>> {
  const reports = new Map<Input, ParityReport>()
  const queue = inputs.toReversed().values()
  const worker = async () => {
    for (const input of queue) {
      const report = await parity(input, Math.max(1, Math.round(input.sample * scale)), seed)
      reports.set(input, report)
      console.error(`${input.name}: ${countOf(report.total.compared, 'value')} in ${formatSeconds(report.seconds)}`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return reports
}

/** Runs the command in a process of its own, and gives its report. */
async function parity({ name, definitions, view, environment, options }: Input, sample: number, seed: number): Promise<ParityReport> {
  const given = [
    'parity',
    view,
    '--definitions',
    join(examples, definitions),
    '--sample',
    String(sample),
    '--seed',
    String(seed),
    ...options,
    '--json',
  ]
  const child = spawn(process.execPath, [...program, ...given], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  await new Promise((ended) => child.on('close', ended))
  if (stdout === '') throw new LockstepError('INTERRUPTED', `${name} was not compared to its end`)
  return JSON.parse(stdout) as ParityReport
}

type Counts = Pick<ParityPath, 'compared' | 'equal' | 'late' | 'different'>

function show(inputs: readonly Input[], reports: ReadonlyMap<Input, ParityReport>, seconds: number): void {
  const rows = inputs.flatMap((input) => {
    const { paths, total } = reports.get(input) as ParityReport
    return [...paths, { path: 'all', ...total }].map((counts) => ({ input: input.name, ...counts }))
  })
  const number = (title: keyof Counts) => ({
    title,
    align: 'right' as const,
    value: (row: Counts) => formatCount(row[title]),
  })
  const table = formatTable(
    rows,
    [
      { title: 'input', value: ({ input }) => input },
      { title: 'path', value: ({ path }) => path },
      number('compared'),
      number('equal'),
      number('late'),
      number('different'),
    ],
    strong,
  )
  const all = [...reports.values()]
  for (const { differences } of all) for (const difference of differences) console.log(difference)
  const sum = (of: keyof Counts) => all.reduce((total, report) => total + report.total[of], 0)
  const counts = `${formatCount(sum('equal'))} equal, ${formatCount(sum('late'))} for late events, ${formatCount(sum('different'))} different`
  console.log(`${table}\n\n${strong(`${countOf(sum('compared'), 'value')} compared: ${counts}`)}, in ${formatSeconds(seconds)}`)
}
