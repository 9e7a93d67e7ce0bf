/**
 * How fast the Kafka log appends and reads, against the reader of the library whose protocol it uses, in one run on a broker of its
 * own: `node --conditions=source benchmarks/kafka.ts [--records N] [--partitions N]`.
 */
import { parseArgs } from 'node:util'
import { Consumer } from '@platformatic/kafka'
import { startKafka } from '../scripts/kafka.ts'
import { kafkaEventLog } from '../src/eventlog/drivers/kafka.ts'

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, partitions: { type: 'string', default: '8' } },
})
const [count, partitions] = [Number(values.records), Number(values.partitions)]
const perCall = 2000
const callsUnderWay = 8
const topic = 'orders'

const kafka = await startKafka()
if ('skipped' in kafka) throw new Error(`Kafka cannot be started: ${kafka.skipped}`)

const records = Array.from({ length: 20_000 }, (_, at) => ({
  key: Buffer.from(`user ${at % 5000}`),
  value: Buffer.from(JSON.stringify({ order_id: `o${at}`, user_id: `user ${at % 5000}`, total: '12.50', at: '2026-01-05T10:00:00Z' })),
}))

function figure(name: string, value: string): void {
  console.log(`${name.padEnd(52)} ${value.padStart(24)}`)
}

async function timed(name: string, work: () => Promise<void>): Promise<void> {
  const [from, used] = [performance.now(), process.cpuUsage()]
  await work()
  const { user, system } = process.cpuUsage(used)
  const rate = Math.round((count * 1000) / (performance.now() - from))
  figure(name, `${rate.toLocaleString('en')} records/s`)
  figure(`${name}: processor`, `${((user + system) / count).toFixed(2)} us a record`)
}

const log = kafkaEventLog({ brokers: [kafka.bootstrap] })
await log.createTopic(topic, partitions)

await timed(`append, ${perCall} a call, ${callsUnderWay} calls under way`, async () => {
  const calls = new Set<Promise<unknown>>()
  for (let sent = 0; sent < count; sent += perCall) {
    const call = log.append(topic, records.slice(sent % records.length, (sent % records.length) + perCall))
    calls.add(call)
    void call.then(() => calls.delete(call))
    if (calls.size >= callsUnderWay) await Promise.race(calls)
  }
  await Promise.all(calls)
})

for (const round of [1, 2, 3]) {
  const consumer = await log.consume(topic, {
    group: `round ${round}`,
    assigned: (some) => Promise.resolve(new Map(some.map((partition) => [partition, 0]))),
    revoked: () => Promise.resolve(),
  })
  await timed(`read, round ${round}`, async () => {
    for (let read = 0; read < count; ) read += (await consumer.read(2000, 1000)).length
  })
  await consumer.close()
}

for (const round of [1, 2]) {
  const consumer = new Consumer({ clientId: 'bench', groupId: `library-${round}`, bootstrapBrokers: [kafka.bootstrap] })
  await timed(`the library's stream, round ${round}`, async () => {
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false, maxWaitTime: 250 })
    let read = 0
    for await (const _ of stream) if (++read === count) break
  })
  await consumer.close(true)
}

const consumer = await log.consume(topic, {
  group: 'latency',
  assigned: async () => new Map((await log.offsets(topic)).map(({ partition, next }) => [partition, next])),
  revoked: () => Promise.resolve(),
})
while (consumer.assignment.length < partitions) await consumer.read(1, 10)
const latencies: number[] = []
for (const record of records.slice(0, 500)) {
  const from = performance.now()
  const appending = log.append(topic, [record])
  while ((await consumer.read(1, 1000)).length === 0);
  latencies.push(performance.now() - from)
  await appending
}
latencies.sort((a, b) => a - b)
const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2)
figure('from append to read, one record: p50, p99', `${at(0.5)}, ${at(0.99)} ms`)
await log.close()
await kafka.stop()
