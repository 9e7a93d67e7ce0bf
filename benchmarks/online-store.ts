/**
 * How fast an online store loads and reads: `node --conditions=source benchmarks/online-store.ts [lmdb|memory|redis] [--rows N]
 * [--bytes N] [--json FILE]`. The floor of each figure is plain LMDB, with the same bytes and no check of versions; for Redis, on a
 * server of its own, MGET of the same bytes by the same client.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createClient, RESP_TYPES } from '@redis/client'
import { open } from 'lmdb'
import { startRedis } from '../scripts/redis.ts'
import { lmdbOnlineStore } from '../src/online/drivers/lmdb.ts'
import { memoryOnlineStore } from '../src/online/drivers/memory.ts'
import { redisOnlineStore } from '../src/online/drivers/redis.ts'
import type { OnlineRow, OnlineStore } from '../src/online/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '1000000' }, bytes: { type: 'string', default: '200' }, json: { type: 'string' } },
})
const [count, valueBytes] = [Number(values.rows), Number(values.bytes)]
const driver = positionals[0] ?? 'lmdb'
const random = seededRandom(1)
const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'))
const figures: Record<string, number> = {}

function figure(name: string, value: number, unit: string): void {
  figures[name] = value
  console.log(`${name.padEnd(56)} ${value.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(12)} ${unit}`)
}

const inOrder = Uint32Array.from({ length: count }, (_, at) => at)

/** An order that is nobody's. */
const atRandom = inOrder.slice()
for (let at = count - 1; at > 0; at--) {
  const other = random(at + 1)
  const held = atRandom[at] as number
  atRandom[at] = atRandom[other] as number
  atRandom[other] = held
}

const keyOf = (at: number): Uint8Array => Buffer.from(`user ${String(at).padStart(9, '0')}`)
const rowsOf = (order: Uint32Array): OnlineRow[] =>
  Array.from(order, (at) => ({ key: keyOf(at), version: Buffer.alloc(8, 1), value: Buffer.alloc(valueBytes, at) }))
const someKeys = (length: number): Uint8Array[] => Array.from({ length }, () => keyOf(random(count)))

/** Rows a second by the clock, and what each took of a processor, all threads together: that does not depend on who else is busy. */
async function timed(name: string, rows: number, work: () => Promise<void>): Promise<void> {
  const [from, used] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(used)
  figure(name, Math.round((rows * 1000) / (performance.now() - from)), 'rows/s')
  figure(`${name}: processor`, (user + system) / rows, 'us a row')
}

const load = (name: string, store: OnlineStore, rows: readonly OnlineRow[], perCall: number): Promise<void> =>
  timed(name, rows.length, async () => {
    for (let at = 0; at < rows.length; at += perCall) await store.write('t', rows.slice(at, at + perCall))
  })

function readMany(name: string, store: OnlineStore, keysPerRead: number): void {
  const times: number[] = []
  for (let at = 0; at < 200_000 / keysPerRead; at++) {
    const reads = [{ table: 't', keys: someKeys(keysPerRead) }]
    const from = performance.now()
    store.readSync?.(reads)
    times.push((performance.now() - from) * 1000)
  }
  percentiles(name, times)
}

function percentiles(name: string, times: number[]): void {
  times.sort((a, b) => a - b)
  figure(`${name}, p50`, times[Math.floor(times.length * 0.5)] as number, 'us')
  figure(`${name}, p99`, times[Math.floor(times.length * 0.99)] as number, 'us')
}

/** Commits of 20,000 rows with keys at random, and how long each holds this thread: by its call, and by what follows it. */
async function commits(store: OnlineStore): Promise<void> {
  const perCall = 20_000
  const rows = rowsOf(atRandom)
  const [calls, longest]: [number[], number[]] = [[], []]
  let text: string | null = null
  await timed('commits of 20,000 rows, keys at random', rows.length, async () => {
    for (let at = 0; at < rows.length; at += perCall) {
      const from = performance.now()
      const committing = store.commit?.(
        [{ table: 'unit', expected: text, text: `${at}` }],
        [{ table: 't', rows: rows.slice(at, at + perCall) }],
      )
      let last = performance.now()
      calls.push((last - from) * 1000)
      let [going, held] = [true, 0]
      const turn = () => {
        held = Math.max(held, performance.now() - last)
        last = performance.now()
        if (going) setImmediate(turn)
      }
      setImmediate(turn)
      await committing
      going = false
      longest.push(held)
      text = `${at}`
    }
  })
  const median = (all: number[]) => all.sort((a, b) => a - b)[all.length >> 1] as number
  figure('commits: the call, p50', median(calls) / perCall, 'us a row')
  figure('commits: longest turn meanwhile, p50', median(longest), 'ms')
}

/** The store and its client alone by turns, so that both meet the same machine. */
async function readRemote(url: string, store: OnlineStore): Promise<void> {
  const client = createClient({ url, RESP: 2, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } })
  await client.connect()
  for (const length of [1, 10, 100]) {
    const [ours, floor]: [number[], number[]] = [[], []]
    for (let at = 0; at < 6000; at++) {
      const keys = someKeys(length)
      let from = performance.now()
      await store.read([{ table: 't', keys }])
      ours.push((performance.now() - from) * 1000)
      const wanted = keys.map((key) => `lockstep:{t}/${key}`)
      from = performance.now()
      await client.sendCommand(['MGET', ...wanted])
      floor.push((performance.now() - from) * 1000)
    }
    percentiles(`read of ${length} random keys`, ours)
    percentiles(`floor: MGET of ${length} random keys`, floor)
  }
  client.destroy()
}

async function floor(): Promise<void> {
  const root = open({ path: join(folder, 'floor'), noSubdir: false, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false })
  const rows = rowsOf(inOrder)
  await timed('floor: plain LMDB, load, keys in order', count, async () => {
    for (let at = 0; at < rows.length; at += 4096) {
      await root.transaction(() => {
        for (const { key, value } of rows.slice(at, at + 4096)) root.putSync(key, value)
      })
    }
  })
  const keys = someKeys(200_000)
  const from = performance.now()
  for (const key of keys) root.getBinaryFast(key)
  figure('floor: plain LMDB, get without a copy, mean', ((performance.now() - from) * 1000) / keys.length, 'us')
  await root.close()
  rmSync(join(folder, 'floor'), { recursive: true })
}

const redis = driver === 'redis' ? await startRedis() : null
if (redis && 'skipped' in redis) throw new Error(redis.skipped)

try {
  console.log(`${driver}, ${count.toLocaleString('en')} rows with values of ${valueBytes} bytes`)
  if (driver === 'lmdb') await floor()
  for (const [name, order, perCall] of [
    ['one call, keys in order', inOrder, count],
    ['one call, keys at random', atRandom, count],
    ['calls of 100,000, keys at random', atRandom, 100_000],
  ] as const) {
    const path = join(folder, 'store')
    const store = redis ? redisOnlineStore({ url: redis.url }) : driver === 'memory' ? memoryOnlineStore() : lmdbOnlineStore({ path })
    const rows = rowsOf(order)
    await load(`load, ${name}`, store, rows, perCall)
    await load(`again, ${name}`, store, rows, perCall)
    if (driver === 'lmdb') figure(`file, ${name}`, statSync(join(path, 'data.mdb')).size / count, 'bytes a row')
    if (order === inOrder && redis) await readRemote(redis.url, store)
    else if (order === inOrder) for (const keys of [1, 10, 100]) readMany(`read of ${keys} random keys`, store, keys)
    if (order === inOrder) await commits(store)
    if (redis) for (const table of await store.tables()) await store.drop(table)
    await store.close()
    rmSync(path, { recursive: true, force: true })
  }
  figure('peak memory', process.resourceUsage().maxRSS / 1024, 'MiB')
  if (values.json) writeFileSync(values.json, JSON.stringify({ driver, count, valueBytes, figures }, null, 2))
} finally {
  await redis?.stop()
  rmSync(folder, { recursive: true })
}
