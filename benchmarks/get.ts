import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FeatureView, openStore } from 'lockstep'
import { momentMicros } from '../src/lib/moment.ts'
import { lmdbOnlineStore } from '../src/online/drivers/lmdb.ts'
import type { OnlineRow } from '../src/online/index.ts'
import { planView } from '../src/plan/index.ts'
import { encodeKey } from '../src/schema/index.ts'
import { onlineTable, ViewReader } from '../src/serving/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { actionsFile, end, profilesFile } from './lib/data.ts'
import { manyWindows, profileGroup, user, viewOf } from './lib/online-features.ts'
import { PlainLmdb } from './lib/plain-lmdb.ts'
import { machine, median, runSide } from './lib/sides.ts'

interface Options {
  readonly keys: number
  readonly reads: number
  readonly runs: number
  readonly json: string
}

interface Files {
  readonly profiles: string
  readonly actions: string
}

/** Microseconds a read took. */
interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

interface Case {
  readonly name: string
  readonly keys: number
  readonly view: (files: Files) => FeatureView
}

const tables = ({ profiles }: Files) =>
  viewOf('tables', profileGroup('one', profiles, 20), profileGroup('two', profiles, 20), profileGroup('three', profiles, 10))
const mixed = ({ profiles, actions }: Files) => viewOf('mixed', profileGroup('one', profiles, 20), manyWindows(actions))

const cases: readonly Case[] = [
  { name: '1 key, 50 features of 3 tables', keys: 1, view: tables },
  { name: '1 key, 20 features of a table, 30 of windows', keys: 1, view: mixed },
  { name: '100 keys, 50 features of 3 tables', keys: 100, view: tables },
  { name: '100 keys, 20 features of a table, 30 of windows', keys: 100, view: mixed },
]

/** Ways to read, of which the first is the one with a bar. */
const ways = ['store.vector', 'readSync', 'floor'] as const
type Way = (typeof ways)[number]
type Figures = Record<string, Record<Way, Latency>>

const folder = join(tmpdir(), 'lockstep-bench', 'get')

/** Vectors of 50 features from the embedded store, in process, against plain LMDB with the same bytes. */
export async function get(options: Options): Promise<void> {
  const files: Files = { profiles: await profilesFile(options.keys), actions: await actionsFile(options.keys * 20, options.keys) }
  const side = (work: string) => ({ name: work, module: import.meta.url, options: { work, files, ...options } })
  console.log(`get: vectors of 50 features, ${options.keys} keys, ${options.reads} reads of random keys a run`)
  await runSide(side('materialize'))
  const runs: Figures[] = []
  for (let run = 0; run < options.runs; run++) runs.push((await runSide(side('read'))).details as unknown as Figures)
  const latencies = cases.map(({ name }) => {
    const of = (way: Way, share: keyof Latency) => median(runs.map((figures) => figures[name]?.[way][share] as number))
    return { name, ...Object.fromEntries(ways.map((way) => [way, { p50: of(way, 'p50'), p95: of(way, 'p95'), p99: of(way, 'p99') }])) }
  })
  console.log(`\nget: medians of ${options.runs} runs, in µs${' '.repeat(23)}p50      p95      p99    of the floor`)
  for (const latency of latencies as unknown as ({ name: string } & Record<Way, Latency>)[]) {
    console.log(`  ${latency.name}`)
    for (const way of ways) {
      const { p50, p95, p99 } = latency[way]
      const columns = [p50, p95, p99].map((value) => value.toFixed(1).padStart(8)).join(' ')
      console.log(`    ${way.padEnd(46)} ${columns} ${way === 'floor' ? '' : `${(p50 / latency.floor.p50).toFixed(2).padStart(11)} x`}`)
    }
  }
  console.log('  the bar: store.vector of 1 key at most 20 µs in the median')
  await writeFile(options.json, `${JSON.stringify({ name: 'get', machine, ...options, cases: latencies }, null, 2)}\n`)
  console.log(`  written to ${options.json}`)
}

export async function side(options: { work: 'materialize' | 'read'; files: Files } & Options): Promise<Figures | undefined> {
  if (options.work === 'read') return await read(options)
  await materialize(options.files)
  return undefined
}

/** The groups of a view, each with its table. */
const groupsOf = (view: FeatureView) => new Map(planView(view).uses.map(({ plan }) => [onlineTable(plan.group), plan.group]))

async function materialize(files: Files): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  const online = lmdbOnlineStore({ path: join(folder, 'ours') })
  await using store = await openStore({ definitions: [], online, clock: () => end })
  await using floor = new PlainLmdb(join(folder, 'floor'))
  for (const [table, group] of [...groupsOf(tables(files)), ...groupsOf(mixed(files))]) {
    await store.materialize([group])
    const rows: OnlineRow[] = []
    for await (const row of online.scan(table)) rows.push(row)
    await floor.load(table, rows)
  }
}

async function read({ files, keys, reads }: { files: Files } & Options): Promise<Figures> {
  const figures: Figures = {}
  const online = lmdbOnlineStore({ path: join(folder, 'ours'), readOnly: true })
  await using store = await openStore({ definitions: [], online, clock: () => end })
  await using floor = new PlainLmdb(join(folder, 'floor'))
  const keyTypes = Object.values(user.keys)
  const packed = Array.from({ length: keys }, (_, key) => encodeKey(keyTypes, [key]))
  const at = momentMicros(end)
  for (const one of cases) {
    const view = one.view(files)
    const names = [...groupsOf(view).keys()]
    const reader = await ViewReader.open(view, online)
    const work: Record<Way, (rows: { user_id: number }[]) => unknown> = {
      'store.vector': one.keys === 1 ? (rows) => store.vector(view, rows[0] as { user_id: number }) : (rows) => store.vectors(view, rows),
      readSync: (rows) => reader.readSync(rows, [{}], at),
      floor: (rows) => rows.map(({ user_id }) => floor.read(names, packed[user_id] as Uint8Array, 50)),
    }
    const times: Record<Way, number[]> = { 'store.vector': [], readSync: [], floor: [] }
    const random = seededRandom(1)
    const rounds = Math.ceil(reads / one.keys)
    // Before the first round that counts as many warm up.
    for (let round = -rounds; round < rounds; round++) {
      for (const way of ways) {
        const rows = Array.from({ length: one.keys }, () => ({ user_id: random(keys) }))
        const from = performance.now()
        const answer = work[way](rows)
        if (answer instanceof Promise) await answer
        if (round >= 0) times[way].push((performance.now() - from) * 1000)
      }
      // As between requests: a turn of the event loop ends LMDB's snapshot.
      if (round % 10 === 0) await new Promise(setImmediate)
    }
    figures[one.name] = { 'store.vector': latency(times['store.vector']), readSync: latency(times.readSync), floor: latency(times.floor) }
  }
  return figures
}

function latency(times: number[]): Latency {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] as number
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}
