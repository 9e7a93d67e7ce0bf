import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startKafka } from '../scripts/kafka.ts'
import { seededRandom } from '../src/lib/seeded-random.ts'
import { fromCell, toCell } from '../src/schema/index.ts'
import type { Store } from '../src/store/index.ts'
import { type OracleRow, oracleValues } from '../src/testing/index.ts'
import { click, clickEnd, clickView, items, openClicks, type StreamPlace, streamedGroups, users } from './support/streamed-clicks.ts'

/** `KILL_SEED` repeats the moments of a run, as nearly as a machine does; `LOCKSTEP_KILLS` asks for more. */
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.LOCKSTEP_KILLS ?? 8)

describe(`workers that are killed under load (KILL_SEED=${seed})`, { concurrency: true }, () => {
  test(`${kills} times, over the embedded log: no event is lost or doubled`, { timeout: 300_000 + kills * 60_000 }, ({ signal }) =>
    inFolder((folder) => killedWorker({ folder, kafka: null }, signal)),
  )

  test(`${kills} times, over Kafka: no event is lost or doubled`, { timeout: 300_000 + kills * 60_000 }, (context) =>
    withKafka(context, (kafka) => inFolder((folder) => killedWorker({ folder, kafka }, context.signal))),
  )

  test('of two workers on eight partitions of Kafka one is killed: the other serves all keys', { timeout: 300_000 }, (context) =>
    withKafka(context, (kafka) => inFolder((folder) => killedOfTwo({ folder, kafka }))),
  )
})

async function killedWorker(place: StreamPlace, signal: AbortSignal): Promise<void> {
  const random = seededRandom(seed)
  const load = new Load(place)
  for (let kill = 0; kill < kills; kill++) {
    // Out of time: nothing of it may go on.
    if (signal.aborted) await load.stop()
    signal.throwIfAborted()
    const worker = startWorker(place)
    // While it starts, takes over, fills, and works.
    if (random(4) > 0) await Promise.race([once(worker, 'message'), setTimeout(15_000)])
    await setTimeout(random(1500))
    await killed(worker)
  }
  const count = await load.stop()
  await using store = await openClicks(place)
  await using live = await store.stream(undefined, { sessionTimeout: 6000 })
  await live.ready
  await live.caughtUp()
  await check(store, count)
  await live.flush()
  await live.close()
  // As a process that only serves reads them.
  await check(store, count)
}

async function killedOfTwo(place: StreamPlace): Promise<void> {
  const workers = [startWorker(place), startWorker(place)]
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const load = new Load(place)
  await setTimeout(4000)
  await killed(workers[0] as ChildProcess)
  await setTimeout(2000)
  const count = await load.stop()
  {
    await using store = await openClicks(place)
    for (let lag = 1; lag > 0; await setTimeout(200)) {
      const status = await store.streamStatus()
      lag = status.groups.reduce((sum, group) => sum + group.lag, 0)
    }
    const status = await store.streamStatus()
    assert.deepEqual(
      status.groups.map(({ workers: names, filled }) => [names.length, filled]),
      [
        [1, true],
        [1, true],
      ],
      'one worker has all partitions',
    )
    await check(store, count)
  }
  await killed(workers[1] as ChildProcess)
}

/** Clicks that are pushed one batch after the other, until it is stopped. Every fifth comes twice. */
class Load {
  readonly #running: Promise<void>
  #pushed = 0
  #stopped = false

  constructor({ kafka, folder }: StreamPlace) {
    this.#running = this.#run({ kafka, folder })
    this.#running.catch(() => {})
  }

  async #run(place: StreamPlace): Promise<void> {
    await using store = await openClicks(place)
    while (!this.#stopped) {
      const batch = Array.from({ length: 40 }, (_, index) => click(this.#pushed + index))
      await store.push('clicks', [...batch, ...batch.filter((_, index) => index % 5 === 0)])
      this.#pushed += batch.length
      await setTimeout(20)
    }
  }

  async stop(): Promise<number> {
    this.#stopped = true
    await this.#running
    return this.#pushed
  }
}

async function check(store: Store, count: number): Promise<void> {
  const { columns } = (streamedGroups[0] as (typeof streamedGroups)[number]).source
  const rows = Array.from({ length: count }, (_, number): OracleRow => {
    const values: Record<string, unknown> = click(number)
    return Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, toCell(type, values[name])]))
  })
  for (let user = 0; user < users; user++) {
    const keys = { user_id: `u${user}`, item_id: `i${user % items}` }
    for (const asOf of [new Date(clickEnd - 1), new Date(clickEnd), new Date(clickEnd + 599_999)]) {
      const expected = streamedGroups.flatMap((group) => {
        const { values } = oracleValues(group, rows, keys, asOf.getTime() * 1000)
        return Object.entries(group.features).map(([name, { type }]) => [name, fromCell(type, values[name] ?? null)])
      })
      const vector = await store.vector(clickView, keys, { asOf })
      assert.deepEqual(
        vector.values,
        Object.fromEntries(expected),
        `${JSON.stringify(keys)} as of ${asOf.toISOString()} of ${count} clicks`,
      )
    }
  }
}

function startWorker(place: StreamPlace): ChildProcess {
  return fork(join(import.meta.dirname, 'support', 'stream-worker.ts'), [JSON.stringify(place)], { execArgv: ['--conditions=source'] })
}

async function killed(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null) assert.fail(`the worker ended by itself with ${worker.exitCode}`)
  const ended = once(worker, 'exit')
  worker.kill('SIGKILL')
  await ended
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-kill-stream-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function withKafka(context: { skip(reason: string): void }, work: (bootstrap: string) => Promise<void>): Promise<void> {
  const kafka = await startKafka()
  if ('skipped' in kafka) return context.skip(kafka.skipped)
  try {
    await work(kafka.bootstrap)
  } finally {
    await kafka.stop()
  }
}
