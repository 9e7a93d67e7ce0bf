import { writeFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type EventGroupPlan, planGroup } from '../src/plan/index.ts'
import { encodeKey } from '../src/schema/index.ts'
import { LiveGroup } from '../src/stream/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { fiveWindows, visits } from './lib/live-features.ts'
import { machine, runSide } from './lib/sides.ts'

interface Options {
  readonly keys: number
  readonly json: string
}

interface Figures {
  readonly keys: number
  readonly events: number
  /** Bytes that the process has more than before, after a collection of garbage. */
  readonly bytes: number
  /** Bytes that the state itself believes to take. */
  readonly believed: number
}

/** Events of a key; in memory as many as its longest window holds. */
const shapes = [1, 5, 20, 100, 1000]

/** What live state takes in memory, by key and by event. */
export async function memoryState({ keys, json }: Options): Promise<void> {
  console.log('memory-state: a time and one number an event, no ids; keys as "user 12345"; events taken and committed 50 ms apart')
  console.log('    keys   events of a key   bytes a key in all     the bar (150 + 24 an event)     as it believes')
  const cases: (Figures & { readonly each: number; readonly bar: number })[] = []
  for (const each of shapes) {
    const { details } = await runSide({
      name: 'state',
      module: import.meta.url,
      options: { keys: Math.ceil(keys / Math.max(each / 20, 1)), each },
    })
    const figures = details as unknown as Figures
    const bar = 150 + 24 * (figures.events / figures.keys)
    cases.push({ ...figures, each, bar })
    const share = (bytes: number) => (bytes / figures.keys).toFixed(0)
    const columns = [
      figures.keys,
      (figures.events / figures.keys).toFixed(1),
      share(figures.bytes),
      bar.toFixed(0),
      share(figures.believed),
    ]
    console.log(`  ${columns.map((column, index) => String(column).padStart([6, 17, 20, 31, 18][index] as number)).join(' ')}`)
  }
  const kept = cases.every(({ bytes, keys: own, bar }) => bytes / own <= bar)
  console.log(`  the bar is ${kept ? 'kept' : 'NOT kept'}`)
  await writeFile(json, `${JSON.stringify({ name: 'memory-state', machine, cases, kept }, null, 2)}\n`)
  console.log(`  written to ${json}`)
  if (!kept) process.exitCode = 1
}

/** Microseconds between two events. */
const step = 1000

/** Events arrive in order of time, of random keys, twice as many as the window holds at the end. */
export function side({ keys, each }: { keys: number; each: number }): Figures {
  const plan = planGroup(fiveWindows(keys * each * step)) as EventGroupPlan
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  const memory = () => {
    collect()
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  // What the code itself takes is there before anything is measured.
  fill(plan, 1000, 4)
  const before = memory()
  const live = fill(plan, keys, each)
  return { keys: live.keys, events: live.events, bytes: memory() - before, believed: live.bytes }
}

function fill(plan: EventGroupPlan, keys: number, each: number): LiveGroup {
  const live = new LiveGroup(plan)
  const random = seededRandom(1)
  const type = visits.columns.visitor
  const textOf = (place: number) => Buffer.from(encodeKey([type as NonNullable<typeof type>], [`user ${place}`])).toString('latin1')
  let now = 1_700_000_000_000_000
  const version = new Uint8Array(16)
  const total = each === 1 ? keys : 2 * keys * each
  for (let i = 0; i < total; i++) {
    // First every key once, so that all are there.
    const key = textOf(i < keys ? i : random(keys))
    now += step
    if (!live.has(key)) live.load(key, null, null)
    live.apply(key, now, 0, [random(100_000) / 100])
    if (i % 20_000 === 0) {
      live.advance(now)
      live.takeChanges(version)
      live.committed()
    }
  }
  live.takeChanges(version)
  live.committed()
  return live
}
