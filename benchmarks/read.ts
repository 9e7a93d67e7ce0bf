import { writeFile } from 'node:fs/promises'
import { type EventGroupPlan, planGroup } from '../src/plan/index.ts'
import { LiveGroup } from '../src/stream/index.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { fiveWindows } from './lib/live-features.ts'
import { machine, runSide } from './lib/sides.ts'

interface Options {
  readonly reads: number
  readonly json: string
}

interface Figures {
  readonly events: number
  /** Microseconds. */
  readonly first: number
  readonly fresh: { readonly p50: number; readonly p99: number }
  readonly other: { readonly p50: number; readonly p99: number }
  readonly disordered: { readonly p50: number; readonly p99: number }
  readonly scan: number
}

const sizes = [100, 1_000, 10_000, 100_000, 1_000_000]

/** Exact windows over 100 to a million events of one key, in memory, against a raw scan of arrays. */
export async function read(options: Options): Promise<void> {
  console.log('read: 5 windows over nearly all events of one key, exact, in memory; µs a read of all five')
  console.log('  events       first      after an event          other moments        after a late event      a raw scan   of a scan')
  console.log('                read       p50       p99         p50       p99         p50       p99        of arrays')
  const cases: Figures[] = []
  for (const events of sizes) {
    const { details } = await runSide({ name: 'read', module: import.meta.url, options: { events, reads: options.reads } })
    const figures = details as unknown as Figures
    cases.push(figures)
    const pair = ({ p50, p99 }: { p50: number; p99: number }) => `${p50.toFixed(1).padStart(9)} ${p99.toFixed(1).padStart(9)}`
    const { first, fresh, other, disordered, scan } = figures
    console.log(
      `  ${String(events).padStart(7)} ${first.toFixed(0).padStart(10)} ${pair(fresh)}   ${pair(other)}   ${pair(disordered)} ${scan.toFixed(1).padStart(14)} ${(fresh.p50 / scan).toFixed(3).padStart(10)} x`,
    )
  }
  console.log('  the bar: microseconds, not milliseconds, at 100,000 events')
  await writeFile(options.json, `${JSON.stringify({ name: 'read', machine, ...options, cases }, null, 2)}\n`)
  console.log(`  written to ${options.json}`)
}

const gap = 1000
const key = 'k'

export function side({ events, reads }: { events: number; reads: number }): Figures {
  const plan = planGroup(fiveWindows(Math.ceil(events * gap * 0.95))) as EventGroupPlan
  const live = new LiveGroup(plan)
  const random = seededRandom(1)
  live.load(key, null, null)
  let now = 1_700_000_000_000_000
  const times = new Float64Array(events + 3 * reads)
  const amounts = new Float64Array(events + 3 * reads)
  let count = 0
  const arrive = () => {
    now += gap
    const amount = random(100_000) / 100
    times[count] = now
    amounts[count++] = amount
    live.apply(key, now, 0, [amount])
  }
  while (count < events) arrive()
  let sink = 0
  const readAt = (moment: number): number => {
    const from = performance.now()
    const found = live.read(key)
    found?.seek(moment)
    for (let feature = 0; feature < plan.features.length; feature++) sink += Number(found?.value(feature))
    return (performance.now() - from) * 1000
  }
  const first = readAt(now + 1)
  const measure = (before: () => void, moment: () => number) => {
    for (let i = 0; i < reads / 10; i++) {
      before()
      readAt(moment())
    }
    const taken = Float64Array.from({ length: reads }, () => {
      before()
      return readAt(moment())
    }).sort()
    return { p50: taken[Math.floor(reads * 0.5)] as number, p99: taken[Math.floor(reads * 0.99)] as number }
  }
  const fresh = measure(arrive, () => now + 1)
  const nothing = () => {}
  const other = measure(nothing, () => now + 1 + random(events * gap * 0.04))
  const disordered = measure(
    () => void live.apply(key, now - random(30 * gap), 0, [1]),
    () => now + 1,
  )
  const scans = Float64Array.from({ length: Math.min(reads, Math.ceil(20_000_000 / events)) }, () =>
    scan(times, amounts, count, now, events * gap * 0.95),
  ).sort()
  if (Number.isNaN(sink)) throw new Error('no value')
  return { events, first, fresh, other, disordered, scan: scans[scans.length >> 1] as number }
}

/** The same five values by looking at each event, with sums as doubles come: not exact. */
function scan(times: Float64Array, amounts: Float64Array, count: number, now: number, span: number): number {
  const from = performance.now()
  let sum = 0
  let half = 0
  let largest = Number.NEGATIVE_INFINITY
  let events = 0
  for (let i = count - 1; i >= 0 && (times[i] as number) > now - span; i--) {
    const amount = amounts[i] as number
    events++
    sum += amount
    if ((times[i] as number) > now - span / 2) half += amount
    if (amount > largest) largest = amount
  }
  if (events + sum + half + largest + sum / events === 0) throw new Error('nothing was seen')
  return (performance.now() - from) * 1000
}
