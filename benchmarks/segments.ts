/**
 * How fast the embedded log appends and reads, in one process:
 * `node --conditions=source benchmarks/segments.ts [--records N] [--partitions N] [--fsync always|interval|never]`.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { segmentsEventLog } from '../src/eventlog/drivers/segments.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    partitions: { type: 'string', default: '8' },
    fsync: { type: 'string', default: 'always' },
  },
})
const [count, partitions] = [Number(values.records), Number(values.partitions)]
const fsync = (['always', 'interval', 'never'] as const).find((each) => each === values.fsync) ?? 'always'
const topic = 'orders'

const records = Array.from({ length: 20_000 }, (_, at) => ({
  key: Buffer.from(`user ${at % 5000}`),
  value: Buffer.from(JSON.stringify({ order_id: `o${at}`, user_id: `user ${at % 5000}`, total: '12.50', at: '2026-01-05T10:00:00Z' })),
}))
const some = (from: number, size: number) => records.slice(from % records.length, (from % records.length) + size)

function figure(name: string, value: string): void {
  console.log(`${name.padEnd(52)} ${value.padStart(24)}`)
}

async function timed(name: string, done: number, work: () => Promise<void>): Promise<void> {
  const [from, used] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(used)
  const rate = Math.round((done * 1000) / (performance.now() - from))
  figure(name, `${rate.toLocaleString('en')} records/s`)
  figure(`${name}: processor`, `${((user + system) / done).toFixed(2)} us a record`)
}

function percentiles(name: string, latencies: number[]): void {
  latencies.sort((a, b) => a - b)
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2)
  figure(`${name}: p50, p99`, `${at(0.5)}, ${at(0.99)} ms`)
}

const path = await mkdtemp(join(tmpdir(), 'lockstep-benchmark-'))
const log = segmentsEventLog({ path, fsync })
const other = segmentsEventLog({ path, fsync })
await log.createTopic(topic, partitions)

for (const size of [10_000, 1000]) {
  await timed(`append, ${size} a call`, count, async () => {
    for (let sent = 0; sent < count; sent += size) await log.append(topic, some(sent, size))
  })
}
await timed('append, 1 a call, 500 callers', 50_000, async () => {
  const caller = async (_: unknown, at: number) => {
    for (let call = 0; call < 100; call++) await log.append(topic, some(at * 100 + call, 1))
  }
  await Promise.all(Array.from({ length: 500 }, caller))
})

const total = 2 * count + 50_000
for (const round of [1, 2, 3]) {
  const consumer = await log.consume(topic, {
    group: `round ${round}`,
    assigned: (all) => Promise.resolve(new Map(all.map((partition) => [partition, 0]))),
    revoked: () => Promise.resolve(),
  })
  await timed(`read, round ${round}`, total, async () => {
    for (let read = 0; read < total; ) read += (await consumer.read(4096, 1000)).length
  })
  await consumer.close()
}

const atEnd = async () => new Map((await log.offsets(topic)).map(({ partition, next }) => [partition, next]))
for (const [name, appender] of [
  ['by the same process', log],
  ['through the disk only', other],
] as const) {
  const consumer = await log.consume(topic, { group: name, assigned: atEnd, revoked: () => Promise.resolve() })
  while (consumer.assignment.length < partitions) await consumer.read(1, 10)
  const [appends, reads]: [number[], number[]] = [[], []]
  for (const record of records.slice(0, 500)) {
    const from = performance.now()
    const appending = appender.append(topic, [record]).then(() => appends.push(performance.now() - from))
    while ((await consumer.read(1, 1000)).length === 0);
    reads.push(performance.now() - from)
    await appending
  }
  percentiles(`append of one record ${name}`, appends)
  percentiles(`from append to read ${name}`, reads)
  await consumer.close()
}
await other.close()
await log.close()
const [from, again] = [performance.now(), segmentsEventLog({ path })]
await again.offsets(topic)
figure('to open', `${(performance.now() - from).toFixed(1)} ms`)
await again.close()
await rm(path, { recursive: true })
