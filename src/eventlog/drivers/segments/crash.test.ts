import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../../lib/clock.ts'
import { seededRandom } from '../../../lib/seeded-random.ts'
import { SimulatedDisk } from '../../../testing/simulated-disk.ts'
import type { EventLog, LogRecord, RecordPosition } from '../../log.ts'
import { segmentsEventLog } from '../segments.ts'
import type { Fsync } from './settings.ts'

/** What one seed does: a few lives of a log on one disk, each ended by a crash, a kill or a close. */
interface Run {
  readonly seed: number
  readonly random: (below: number) => number
  readonly disk: SimulatedDisk
  readonly clock: Clock
  readonly fsync: Fsync
  readonly partitions: number
  /** Values that were handed to `append`, and where those lie that were acknowledged. */
  readonly tried: Set<string>
  readonly acknowledged: Map<string, RecordPosition>
  /** What was seen at a place, in any life. */
  readonly seen: Map<string, string>
  next: number
}

const lives = 6
const name = ({ partition, offset }: RecordPosition): string => `${partition}/${offset}`
const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString()

async function withSeed(seed: number, fsync: Fsync): Promise<void> {
  const random = seededRandom(seed)
  let now = 1_700_000_000_000_000
  const run: Run = {
    seed,
    random,
    disk: new SimulatedDisk(seed),
    // It goes back at times.
    clock: { now: () => (now += random(5000) - 500), sleep: () => setImmediate() },
    fsync,
    partitions: 1 + random(3),
    tried: new Set(),
    acknowledged: new Map(),
    seen: new Map(),
    next: 0,
  }
  for (let life = 0; life < lives; life++) await live(run, life)
}

async function live(run: Run, life: number): Promise<void> {
  const { random, disk, clock, fsync, partitions } = run
  const machine = disk.process()
  const options = { path: '/log', segmentBytes: 300 + random(4000), fsync, disk: machine, clock }
  const log = segmentsEventLog(options)
  const dies = life < lives - 1
  // Also within the opening, and its repairs.
  if (dies && random(4) === 0) disk.crashAfter(random(60))
  const done = (async () => {
    await log.createTopic('t', partitions)
    await check(run, log)
    if (dies && random(2) === 0) disk.crashAfter(random(200))
    const appenders = Array.from({ length: 1 + random(3) }, (_, at) => appendSome(run, log, `${life}-${at}`))
    // Another process appends to the same log, or dies while it does.
    const other = disk.process()
    const second = segmentsEventLog({ ...options, disk: other })
    if (random(2) === 0) appenders.push(appendSome(run, second, `${life}-other`))
    if (random(3) === 0) other.kill()
    await Promise.all(appenders)
    await second.close().catch(ignoreDeath)
    // What is seen before it is flushed may be lost.
    if (random(2) === 0) await check(run, log)
    if (random(2) === 0) await log.close()
  })()
  try {
    await done
  } catch (error) {
    if (!dies) throw error
    ignoreDeath(error)
  } finally {
    disk.crash()
  }
}

/** Appends one batch after the other, and remembers what is acknowledged. */
async function appendSome(run: Run, log: EventLog, key: string): Promise<void> {
  const { random } = run
  for (let batch = random(8); batch >= 0; batch--) {
    const values = Array.from(
      { length: 1 + random(5) },
      () => `${key} ${run.next++} ${'x'.repeat(random(6) === 0 ? random(5000) : random(60))}`,
    )
    for (const value of values) run.tried.add(value)
    const positions = await log
      .append(
        't',
        values.map((value) => ({ key: Buffer.from(key), value: Buffer.from(value) })),
      )
      .catch(ignoreDeath)
    if (positions === undefined) return
    for (const [at, position] of positions.entries()) run.acknowledged.set(values[at] as string, position)
  }
}

/** Whether the log holds what it has to hold, and nothing else. */
async function check(run: Run, log: EventLog): Promise<void> {
  const told = `seed ${run.seed}, fsync ${run.fsync}`
  const records = await readAll(log)
  const values = records.map(({ value }) => text(value))
  assert.equal(new Set(values).size, values.length, `${told}: nothing is there twice`)
  const places = new Map(records.map((record) => [name(record), text(record.value)]))
  for (const [partition, own] of Map.groupBy(records, (record) => record.partition)) {
    for (const [at, { offset, taken, key, value }] of own.entries()) {
      const before = own[at - 1]
      assert.ok(run.tried.has(text(value)) && text(value).startsWith(`${text(key)} `), `${told}: ${text(value)} was appended`)
      if (run.fsync === 'always') assert.equal(offset, at, `${told}: no offset of ${partition} is missing`)
      if (before === undefined) continue
      assert.ok(offset > before.offset && taken > before.taken, `${told}: offset and taken grow`)
    }
    for (const [, byKey] of Map.groupBy(own, ({ key }) => text(key))) {
      const numbers = byKey.map(({ value }) => Number(text(value).split(' ')[1]))
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
        `${told}: a key keeps its order`,
      )
    }
  }
  if (run.fsync === 'always') {
    for (const [place, value] of run.seen) assert.equal(places.get(place), value, `${told}: ${place} is what it was`)
    for (const [value, position] of run.acknowledged) assert.equal(places.get(name(position)), value, `${told}: ${name(position)} is there`)
  }
  for (const [place, value] of places) run.seen.set(place, value)
}

async function readAll(log: EventLog): Promise<LogRecord[]> {
  const ends = await log.offsets('t')
  const reader = await log.consume('t', {
    group: 'check',
    assigned: (all) => Promise.resolve(new Map(all.map((partition) => [partition, 0]))),
    revoked: () => Promise.resolve(),
  })
  const records: LogRecord[] = []
  for (;;) {
    const complete = reader.assignment.length === ends.length
    const some = await reader.read(100, 1)
    records.push(...some)
    if (complete && some.length === 0) break
  }
  await reader.close()
  for (const { partition, first, next } of ends) {
    const last = records.findLast((record) => record.partition === partition)?.offset ?? -1
    assert.ok(first === 0 && last < next)
  }
  return records
}

function ignoreDeath(error: unknown): undefined {
  if ((error as { code?: string }).code === 'STORE_UNAVAILABLE') return undefined
  throw error
}

for (const [fsync, seeds] of [
  ['always', 60],
  ['interval', 30],
  ['never', 30],
] as const) {
  test(`what is acknowledged is there after any crash, in order, and nothing else: fsync ${fsync}`, async () => {
    for (let seed = 1; seed <= seeds; seed++) await withSeed(seed, fsync)
  })
}
