import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'
import { lmdbOnlineStore } from '../src/online/drivers/lmdb.ts'
import { ViewReader } from '../src/serving/index.ts'
import { StreamEngine } from '../src/stream/index.ts'
import { clickGroup, clickMaker, clickView, clock } from './lib/clicks.ts'
import { machine, median, runSide } from './lib/sides.ts'

interface Recovery {
  readonly [name: string]: number
  readonly keys: number
  readonly events: number
  /** Milliseconds until the first vector was read, until the partitions were taken over, and until all was caught up. */
  readonly read: number
  readonly takenOver: number
  readonly caughtUp: number
  /** The longest time, in milliseconds, in which commits kept the worker from anything else. */
  readonly pause: number
}

/** Events that a crash leaves uncommitted. */
const backlog = 100_000

/**
 * A worker dies with 100,000 events taken and not committed; another begins over its state. How long until it serves, until it
 * has the partitions, and until it has caught up, against the size of the state; and how long commits hold a worker up.
 */
export async function recovery({ runs, json }: { readonly runs: number; readonly json: string }): Promise<void> {
  console.log(`recovery: time to serve again after a crash that left ${backlog} events to be read again`)
  const module = new URL('./recovery.ts', import.meta.url).href
  const sizes: Recovery[] = []
  for (const keys of [1000, 10_000, 100_000]) {
    const found: Recovery[] = []
    for (let run = 0; run < runs; run++)
      found.push((await runSide({ name: 'Lockstep', module, options: { keys, events: keys * 20 } })).details as unknown as Recovery)
    const of = (name: keyof Recovery) => median(found.map((one) => one[name] as number))
    const size = { keys, events: keys * 20, read: of('read'), takenOver: of('takenOver'), caughtUp: of('caughtUp'), pause: of('pause') }
    sizes.push(size)
    console.log(
      `  ${String(keys).padStart(7)} keys, ${String(size.events).padStart(8)} events: first read ${size.read.toFixed(0)} ms, partitions ${size.takenOver.toFixed(0)} ms, caught up ${size.caughtUp.toFixed(0)} ms; longest pause ${size.pause.toFixed(0)} ms`,
    )
  }
  await writeFile(json, `${JSON.stringify({ name: 'recovery', machine, backlog, sizes }, null, 2)}\n`)
  console.log(`  written to ${json}`)
}

export async function side({ keys, events }: { readonly keys: number; readonly events: number }): Promise<Recovery> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-bench-recovery-'))
  try {
    const record = clickMaker(events + backlog, keys)
    const pause = await crash(folder, events, record)
    const began = performance.now()
    const log = segmentsEventLog({ path: join(folder, 'log') })
    const state = lmdbOnlineStore({ path: join(folder, 'state') })
    const reader = await ViewReader.open(clickView, state)
    reader.readSync([{ user_id: 1 }], [{}], clock.now())
    const read = performance.now() - began
    const engine = await StreamEngine.open({ groups: [clickGroup], log, state, clock })
    await engine.ready
    while ([...engine.units()].length === 0) await clock.sleep(1)
    const takenOver = performance.now() - began
    await engine.caughtUp()
    const caughtUp = performance.now() - began
    await engine.close()
    await state.close()
    await log.close()
    return { keys, events, read, takenOver, caughtUp, pause }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Takes events in and commits them, takes more in and dies. */
async function crash(folder: string, events: number, record: ReturnType<typeof clickMaker>): Promise<number> {
  const log = segmentsEventLog({ path: join(folder, 'log') })
  const state = lmdbOnlineStore({ path: join(folder, 'state') })
  const append = async (from: number, count: number) => {
    for (let at = from; at < from + count; at += 10_000)
      await log.append(
        'clicks',
        Array.from({ length: Math.min(10_000, from + count - at) }, (_, index) => record(at + index)),
      )
  }
  await log.createTopic('clicks', 4)
  await append(0, events)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const engine = await StreamEngine.open({ groups: [clickGroup], log, state, clock, commitEvery: 100 })
  await engine.caughtUp()
  await engine.flush()
  delay.disable()
  await engine.abandon()
  await append(events, backlog)
  await state.close()
  await log.close()
  return delay.max / 1e6
}
