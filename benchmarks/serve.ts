import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, RESP_TYPES } from '@redis/client'
import { openStore, type StoreOptions } from 'lockstep'
import { startRedis } from '../scripts/redis.ts'
import { selectionsOf } from '../src/definition/index.ts'
import { lmdbOnlineStore } from '../src/online/drivers/lmdb.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { actionsFile, end, profilesFile } from './lib/data.ts'
import { startFeast } from './lib/feast-server.ts'
import { fillByHand } from './lib/handwritten-server.ts'
import { type LoadResult, load, postRequest } from './lib/http-load.ts'
import type { ServeProcessOptions } from './lib/serve-process.ts'
import { type ServedFiles, servedViews } from './lib/served-views.ts'
import { machine, median } from './lib/sides.ts'

interface Options {
  readonly keys: number
  readonly seconds: number
  readonly runs: number
  readonly connections: number
  readonly json: string
}

interface Case {
  readonly name: string
  readonly view: 'tables' | 'mixed' | 'wide' | 'cross'
  body(key: () => number): unknown
}

const rowsOf = (count: number) => (key: () => number) => ({ rows: Array.from({ length: count }, () => ({ user_id: key() })) })

const cases: readonly Case[] = [
  { name: '1 x 50, tables', view: 'tables', body: rowsOf(1) },
  { name: '1 x 50, 30 of windows', view: 'mixed', body: rowsOf(1) },
  { name: '10 x 50, tables', view: 'tables', body: rowsOf(10) },
  { name: '100 x 50, tables', view: 'tables', body: rowsOf(100) },
  { name: '100 x 50, 30 of windows', view: 'mixed', body: rowsOf(100) },
  { name: '1 x 250, tables', view: 'wide', body: rowsOf(1) },
  {
    name: 'user x 100 items, 50 + 20',
    view: 'cross',
    body: (key) => ({ keys: { user_id: key() }, rows: Array.from({ length: 100 }, () => ({ item_id: key() })) }),
  },
]

const folder = join(tmpdir(), 'lockstep-bench', 'serve')

/**
 * Vectors over HTTP from the embedded store and from Redis, against a bare server that returns the same bytes, against one by hand that
 * does the least that a server of features does, and against Feast's Python server on the same Redis. Redis and Feast are left out where
 * they cannot be had.
 */
export async function serve(options: Options): Promise<void> {
  const files: ServedFiles = { profiles: await profilesFile(options.keys), actions: await actionsFile(options.keys * 20, options.keys) }
  console.log(`serve: ${options.keys} keys, ${options.connections} connections, ${options.seconds} s a run, server and load on one machine`)
  await rm(folder, { recursive: true, force: true })
  await materialize(files, lmdbOnlineStore({ path: join(folder, 'online') }))
  await fillByHand(files, join(folder, 'online'), join(folder, 'by-hand'), options.keys)
  const byHand = await ServedProcess.start({ kind: 'by hand', files, folder: join(folder, 'by-hand') })
  const embedded = await serveStore('embedded store', { kind: 'lockstep', files, folder, store: join(folder, 'online') }, options, byHand)
  await byHand.stop()
  const redis = await startRedis()
  let onRedis: Figures[] = []
  let ofFeast: FeastFigures[] = []
  if ('skipped' in redis) console.log(`\nRedis and Feast are left out: ${redis.skipped}`)
  else
    try {
      await materialize(files, { redis: redis.url })
      onRedis = await serveStore('Redis', { kind: 'lockstep', files, folder, store: '', redis: redis.url }, options)
      await mgetFloor(redis.url, options)
      ofFeast = await serveFeast(files, Number(new URL(redis.url).port), options, { embedded, onRedis })
    } finally {
      await redis.stop()
    }
  await writeFile(options.json, `${JSON.stringify({ name: 'serve', machine, ...options, embedded, onRedis, ofFeast }, null, 2)}\n`)
  console.log(`  written to ${options.json}`)
}

/** Milliseconds; `away`: the share of the time in which the load itself was kept from running. */
type Tail = Pick<LoadResult, 'p50' | 'p95' | 'p99' | 'p999' | 'away'>

interface Figures {
  readonly name: string
  /** Requests a second in a closed loop. */
  readonly closed: number
  readonly bare: number
  /** Of the server by hand; null where it has no such view. */
  readonly byHand: number | null
  /** Microseconds of processor time of the server for a request. */
  readonly processor: number
  readonly bareProcessor: number
  /** At half of `closed`; `bare`: of the bare server at the same rate. */
  readonly open: Tail & { readonly rate: number; readonly bare: Tail }
  readonly bytes: number
}

async function serveStore(name: string, server: ServeProcessOptions, options: Options, byHand?: ServedProcess): Promise<Figures[]> {
  const ours = await ServedProcess.start(server)
  const figures: Figures[] = []
  for (const one of cases) figures.push({ name: one.name, ...(await measure(one, ours, options, byHand)) })
  await ours.stop()
  console.log(
    `\nserve, ${name}: medians; requests a second in a closed loop, and what the server could do in a second of processor time alone,`,
  )
  console.log(
    'as the load takes its share of the same machine; milliseconds at half of the first in an open loop, with the p99 of the bare',
  )
  console.log('server at that rate, and the share of the time in which the load itself did not get to run')
  console.log(
    `${' '.repeat(30)} req/s     bare  of it  by hand  of it   req/cpu s     bare  of it      p50     p95     p99   p99.9    bare   away   bytes`,
  )
  for (const { name: shown, closed, bare, byHand: hand, processor, bareProcessor, open, bytes } of figures) {
    const pair = (own: number, other: number) =>
      `${[own, other].map((value) => value.toFixed(0).padStart(8)).join(' ')}  ${(own / other).toFixed(2)}`
    const times = [open.p50, open.p95, open.p99, open.p999, open.bare.p99].map((value) => value.toFixed(2).padStart(7)).join(' ')
    const ofHand = hand === null ? ' '.repeat(14) : `${hand.toFixed(0).padStart(8)}  ${(closed / hand).toFixed(2)}`
    const rates = `${pair(closed, bare)} ${ofHand}    ${pair(1e6 / processor, 1e6 / bareProcessor)}`
    console.log(`  ${shown.padEnd(26)} ${rates}  ${times}  ${open.away.toFixed(3)}  ${String(bytes).padStart(6)}`)
  }
  console.log('  the bars, embedded store: 1 x 50 at least half of the bare server; 100 x 50 p99 below 10 ms at half load')
  return figures
}

/** MGET of as many rows as requests read, by the client that the driver has: what of an answer is Redis. */
async function mgetFloor(url: string, { keys: count }: Options): Promise<void> {
  const client = createClient({ url, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } })
  await client.connect()
  const stored: Buffer[] = []
  for await (const keys of client.scanIterator({ COUNT: 1000, TYPE: 'string' })) {
    stored.push(...(keys as unknown as Buffer[]))
    if (stored.length >= count) break
  }
  const random = seededRandom(1)
  for (const rows of [1, 10, 100]) {
    const times: number[] = []
    for (let read = 0; read < 500; read++) {
      const keys = Array.from({ length: 3 * rows }, () => stored[random(stored.length)] as Buffer)
      const started = performance.now()
      await client.mGet(keys)
      times.push(performance.now() - started)
    }
    console.log(`  MGET of the rows of ${rows} x 50: p50 ${median(times).toFixed(2)} ms, one after the other`)
  }
  await client.close()
}

interface FeastFigures {
  readonly name: string
  readonly closed: number
  readonly p50: number
}

/** The rows of tables, as Feast holds them: it has no windows. */
async function serveFeast(
  files: ServedFiles,
  redisPort: number,
  options: Options,
  ours: { readonly embedded: readonly Figures[]; readonly onRedis: readonly Figures[] },
): Promise<FeastFigures[]> {
  const server = await startFeast(files.profiles, redisPort, join(folder, 'feast'))
  if ('skipped' in server) {
    console.log(`\nFeast is left out: ${server.skipped}`)
    return []
  }
  const { connections, seconds, keys } = options
  const figures: FeastFigures[] = []
  try {
    console.log(`\nserve, Feast ${server.version}: its Python server, one process, on the same Redis`)
    for (const rows of [1, 10, 100]) {
      const name = `${rows} x 50, tables`
      const random = seededRandom(1)
      const body = () => ({
        features: server.features,
        full_feature_names: true,
        entities: { user_id: Array.from({ length: rows }, () => random(keys)) },
      })
      const requests = Array.from({ length: 200 }, () => postRequest('/get-online-features', body()))
      await load({ port: server.port, requests, connections, seconds: 1 })
      const runs: LoadResult[] = []
      for (let run = 0; run < options.runs; run++) runs.push(await load({ port: server.port, requests, connections, seconds }))
      if (runs.some(({ errors }) => errors > 0)) throw new Error(`Feast answered ${name} with errors`)
      const [closed, p50] = [median(runs.map(({ perSecond }) => perSecond)), median(runs.map((result) => result.p50))]
      figures.push({ name, closed, p50 })
      const times = (all: readonly Figures[]) => `${((all.find((one) => one.name === name)?.closed ?? 0) / closed).toFixed(0)} x`
      console.log(
        `  ${name.padEnd(20)} ${closed.toFixed(1).padStart(8)} req/s, p50 ${p50.toFixed(1)} ms: ours ${times(ours.embedded)} as many, on Redis ${times(ours.onRedis)} (bar: 50 x)`,
      )
    }
  } finally {
    await server.stop()
  }
  return figures
}

/** `processor`: microseconds of it for each answer. */
type Closed = LoadResult & { readonly processor: number }

async function measure(one: Case, ours: ServedProcess, options: Options, byHand?: ServedProcess): Promise<Omit<Figures, 'name'>> {
  const random = seededRandom(1)
  const path = `/v1/views/${one.view}/vectors`
  const requests = Array.from({ length: 500 }, () =>
    postRequest(
      path,
      one.body(() => random(options.keys)),
    ),
  )
  const answer = await fetch(`http://127.0.0.1:${ours.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(one.body(() => random(options.keys))),
  })
  const body = await answer.text()
  if (answer.status !== 200) throw new Error(body)
  const bare = await ServedProcess.start({ kind: 'bare', body })
  const { connections, seconds } = options
  const closed = async (server: ServedProcess): Promise<Closed> => {
    const before = await server.processorTime()
    const result = await load({ port: server.port, requests, connections, seconds })
    return { ...result, processor: ((await server.processorTime()) - before) / result.answers }
  }
  const hand = one.view === 'tables' ? byHand : undefined
  const servers = [ours, bare, ...(hand ? [hand] : [])]
  for (const { port } of servers) await warmUp(port, requests, connections)
  const results = new Map(servers.map((server) => [server, [] as Closed[]]))
  for (let run = 0; run < options.runs; run++) for (const server of servers) results.get(server)?.push(await closed(server))
  const of = (server: ServedProcess, figure: 'perSecond' | 'processor') => median((results.get(server) ?? []).map((one) => one[figure]))
  const half = of(ours, 'perSecond') / 2
  const open = new Map([ours, bare].map((server) => [server, [] as LoadResult[]]))
  // Between requests other code runs than under full load, and it is compiled too.
  for (const { port } of open.keys()) await load({ port, requests, connections, seconds: 5, rate: half })
  for (let run = 0; run < options.runs; run++)
    for (const [{ port }, runs] of open) runs.push(await load({ port, requests, connections, seconds, rate: half }))
  await bare.stop()
  const errors = [...(results.get(ours) ?? []), ...(open.get(ours) ?? [])].reduce((sum, result) => sum + result.errors, 0)
  if (errors > 0) throw new Error(`${one.name}: ${errors} answers were no 200`)
  const tail = (server: ServedProcess): Tail => {
    const at = (figure: keyof Tail) => median((open.get(server) ?? []).map((result) => result[figure]))
    return { p50: at('p50'), p95: at('p95'), p99: at('p99'), p999: at('p999'), away: at('away') / (seconds * 1000) }
  }
  return {
    closed: of(ours, 'perSecond'),
    bare: of(bare, 'perSecond'),
    byHand: hand ? of(hand, 'perSecond') : null,
    processor: of(ours, 'processor'),
    bareProcessor: of(bare, 'processor'),
    open: { rate: half, ...tail(ours), bare: tail(bare) },
    bytes: Buffer.byteLength(body),
  }
}

/** What runs often is compiled again and again: a server takes some 50,000 small reads, or ten seconds of large ones, to be as fast as it gets. */
async function warmUp(port: number, requests: readonly Buffer[], connections: number): Promise<void> {
  const began = performance.now()
  for (let asked = 0; asked < 60_000 && performance.now() - began < 15_000; )
    asked += (await load({ port, requests, connections, seconds: 1 })).answers
}

async function materialize(files: ServedFiles, online: NonNullable<StoreOptions['online']>): Promise<void> {
  const views = Object.values(servedViews(files))
  const groups = new Map(views.flatMap((view) => selectionsOf(view)).map(({ group }) => [`${group.name}@${group.version}`, group]))
  await using store = await openStore({ definitions: views, online, clock: () => end })
  await store.materialize([...groups.values()])
}

class ServedProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
  }

  static start(options: ServeProcessOptions): Promise<ServedProcess> {
    return new Promise((resolve, reject) => {
      const child = fork(new URL('./lib/serve-process.ts', import.meta.url), { execArgv: process.execArgv })
      child.send(options)
      child.once('message', (port) => resolve(new ServedProcess(port as number, child)))
      child.once('exit', (code) => reject(new Error(`The server ended with code ${code}`)))
    })
  }

  /** Microseconds of the processor that it has taken. */
  async processorTime(): Promise<number> {
    const answer = once(this.#child, 'message')
    this.#child.send('processor time')
    const [{ user, system }] = (await answer) as [NodeJS.CpuUsage]
    return user + system
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.disconnect()
    await ended
  }
}
