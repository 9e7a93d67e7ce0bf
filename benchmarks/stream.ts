import { fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { kafkaEventLog } from '../src/eventlog/drivers/kafka.ts'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import type { EventLog } from '../src/eventlog/index.ts'
import { lmdbOnlineStore } from '../src/online/drivers/lmdb.ts'
import type { OnlineStore } from '../src/online/index.ts'
import { ViewReader } from '../src/serving/index.ts'
import { StreamEngine } from '../src/stream/index.ts'
import type { Probe, ProducerOptions } from './lib/click-producer.ts'
import { clickGroup, clickMaker, clickView, clock } from './lib/clicks.ts'
import { againstKafkaStreams } from './lib/kafka-streams.ts'
import { machine, median, runSide } from './lib/sides.ts'

export interface StreamBenchmark {
  readonly events: number
  readonly keys: number
  readonly runs: number
  readonly json: string
}

export interface Throughput {
  readonly [name: string]: number
  readonly eventsPerSecond: number
  readonly eventsPerCoreSecond: number
}

interface Latency {
  readonly [name: string]: number
  readonly p50: number
  readonly p99: number
  readonly storedP50: number
  readonly storedP99: number
}

/**
 * The live path with durability on: events of JSON in a synced log, state in LMDB. How many events one worker takes in, by the
 * clock and by its processor time, and at half of that load how long after it was handed to the log an event is in a read:
 * in this process, and in the stored rows that serving processes read.
 */
export async function stream({ events: total, keys, runs, json }: StreamBenchmark): Promise<void> {
  console.log(`stream: ${total} events of ${keys} keys, 5 features of 2 windows, log and state on disk`)
  const module = new URL('./stream.ts', import.meta.url).href
  const throughput: Throughput[] = []
  for (let run = 0; run < runs; run++)
    throughput.push(
      (await runSide({ name: 'Lockstep', module, options: { part: 'throughput', total, keys } })).details as unknown as Throughput,
    )
  const rate = median(throughput.map(({ eventsPerSecond }) => eventsPerSecond))
  const perCore = median(throughput.map(({ eventsPerCoreSecond }) => eventsPerCoreSecond))
  const half = rate / 2
  const found = await runSide({ name: 'Lockstep', module, options: { part: 'latency', total: half * 13, keys, rate: half } })
  const latency = found.details as unknown as Latency
  const thousand = (value: number) => `${Math.round(value / 1000)} k`
  console.log(`  taken in          ${thousand(rate)} events/s, ${thousand(perCore)} a second of processor time (bar: 300 k on one core)`)
  console.log(
    `  at ${thousand(half)} events/s   in the next read of this process p50 ${latency.p50.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms (bar: 100 ms)`,
  )
  console.log(`                    in the stored rows p50 ${latency.storedP50.toFixed(0)} ms, p99 ${latency.storedP99.toFixed(0)} ms`)
  const kafka = await againstKafkaStreams(module, { total: Math.min(total, 1_000_000), keys, runs })
  await writeFile(json, `${JSON.stringify({ name: 'stream', machine, events: total, keys, throughput, latency, kafka }, null, 2)}\n`)
  console.log(`  written to ${json}`)
}

type Side =
  | { readonly part: 'throughput'; readonly total: number; readonly keys: number }
  | { readonly part: 'latency'; readonly total: number; readonly keys: number; readonly rate: number }
  /** The topic is filled; also gives the vectors of some users. */
  | { readonly part: 'kafka'; readonly total: number; readonly bootstrap: string; readonly users: readonly number[] }

export async function side(options: Side): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-bench-stream-'))
  try {
    const path = join(folder, 'log')
    const log = options.part === 'kafka' ? kafkaEventLog({ brokers: [options.bootstrap] }) : segmentsEventLog({ path })
    const state = lmdbOnlineStore({ path: join(folder, 'state') })
    const parts = { groups: [clickGroup], log, state, clock }
    try {
      await log.createTopic('clicks', 4)
      if (options.part === 'latency') return await readBack(parts, path, options)
      if (options.part === 'throughput') await fillTopic(log, options.total, options.keys)
      return { ...(await takeIn(parts, options.total)), ...(options.part === 'kafka' ? await vectorsOf(state, options.users) : {}) }
    } finally {
      await log.close()
      await state.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Parts = Parameters<typeof StreamEngine.open>[0]

/** Appends the clicks. */
export async function fillTopic(log: EventLog, total: number, keys: number): Promise<void> {
  const record = clickMaker(total, keys)
  for (let from = 0; from < total; from += 10_000)
    await log.append(
      'clicks',
      Array.from({ length: Math.min(10_000, total - from) }, (_, index) => record(from + index)),
    )
}

/** All events lie in the log; how long until every one is in the state and committed. */
async function takeIn(parts: Parts, total: number): Promise<Throughput> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  const engine = await StreamEngine.open(parts)
  await engine.caughtUp()
  await engine.flush()
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  await engine.close()
  return { eventsPerSecond: total / seconds, eventsPerCoreSecond: total / ((user + system) / 1e6), seconds }
}

/** What the stored rows say of users. */
async function vectorsOf(state: OnlineStore, users: readonly number[]): Promise<{ readonly vectors: readonly object[] }> {
  const reader = await ViewReader.open(clickView, state)
  const read = await reader.read(
    users.map((user_id) => ({ user_id })),
    users.map(() => ({})),
    clock.now(),
  )
  return { vectors: read.map(({ values }) => values) }
}

/** Milliseconds at the beginning that do not count. */
const warmUp = 3000

/** Another process hands events to the log at a rate; now and then one is looked for until it is seen. */
async function readBack(parts: Parts, path: string, { rate, total, keys }: Side & { part: 'latency' }): Promise<Latency> {
  const engine = await StreamEngine.open(parts)
  await engine.ready
  const memory = await ViewReader.open(clickView, parts.state, { live: (own, key) => engine.find(own, key) })
  const stored = await ViewReader.open(clickView, parts.state)
  const moment = clock.now()
  const isSeen = (reader: ViewReader, { key }: Probe) =>
    reader.readSync([{ user_id: key }], [{}], moment)[0]?.values.user_click_count_1h === 1
  const own = new Search(memory, isSeen)
  const others = new Search(stored, isSeen, 20)
  const options: ProducerOptions = { path, rate, seconds: total / rate, keys }
  const producer = fork(new URL('./lib/click-producer.ts', import.meta.url), [JSON.stringify(options)], { execArgv: process.execArgv })
  producer.on('message', (probe: Probe) => {
    own.begin(probe)
    others.begin(probe)
    warmUntil ??= performance.now() + warmUp
  })
  let ended = false
  let warmUntil: number | null = null
  producer.once('exit', () => {
    ended = true
  })
  while (!ended || others.isLooking) {
    if (warmUntil !== null && performance.now() < warmUntil) {
      own.forget()
      others.forget()
    }
    own.look()
    others.look()
    await setTimeout(1)
  }
  await engine.close()
  const quantile = (values: readonly number[], share: number) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
  return {
    p50: quantile(own.found, 0.5),
    p99: quantile(own.found, 0.99),
    storedP50: quantile(others.found, 0.5),
    storedP99: quantile(others.found, 0.99),
    probes: own.found.length,
  }
}

/** Looks for probes with a reader, and takes the time from when each was handed over. */
class Search {
  readonly #reader: ViewReader
  readonly #isSeen: (reader: ViewReader, probe: Probe) => boolean
  /** Milliseconds between two looks: those for what is seen late would be a load of their own. */
  readonly #every: number
  #next = 0
  #probes: Probe[] = []
  /** Milliseconds. */
  readonly found: number[] = []

  constructor(reader: ViewReader, isSeen: (reader: ViewReader, probe: Probe) => boolean, every = 1) {
    this.#reader = reader
    this.#isSeen = isSeen
    this.#every = every
  }

  begin(probe: Probe): void {
    this.#probes.push(probe)
  }

  get isLooking(): boolean {
    return this.#probes.length > 0
  }

  /** Of the time in which code is still being compiled. */
  forget(): void {
    this.#probes = []
  }

  look(): void {
    if (performance.now() < this.#next) return
    this.#next = performance.now() + this.#every
    this.#probes = this.#probes.filter((probe) => {
      if (!this.#isSeen(this.#reader, probe)) return true
      this.found.push(performance.timeOrigin + performance.now() - probe.handed)
      return false
    })
  }
}
