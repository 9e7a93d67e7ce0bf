import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kafkaStreamsArchives } from '../../scripts/kafka/distribution.ts'
import { startKafka } from '../../scripts/kafka.ts'
import { run } from '../../scripts/run.ts'
import { kafkaEventLog } from '../../src/eventlog/drivers/kafka.ts'
import { fillTopic, type Throughput } from '../stream.ts'
import { clock } from './clicks.ts'
import { median, runSide } from './sides.ts'

interface Options {
  readonly total: number
  readonly keys: number
  readonly runs: number
}

/** Users whose features are compared. */
const users = [1, 2, 3, 500, 70_000]

const program = fileURLToPath(new URL('./KafkaStreamsClicks.java', import.meta.url))
const machine = ['-Xmx3g', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']

/**
 * Lockstep and Kafka Streams over one topic of one broker, in turn: events a second, by the clock and by the processor time of the
 * process that takes them in. Says why where Kafka cannot be had. Throws where the two disagree on a feature.
 */
export async function againstKafkaStreams(module: string, { total, keys, runs }: Options): Promise<object> {
  const archives = await kafkaStreamsArchives()
  const kafka = 'missing' in archives ? { skipped: archives.missing } : await startKafka()
  if ('missing' in archives || 'skipped' in kafka) {
    console.log(`  Kafka Streams     left out: ${'skipped' in kafka ? kafka.skipped : ''}`)
    return kafka
  }
  try {
    const log = kafkaEventLog({ brokers: [kafka.bootstrap] })
    await log.createTopic('clicks', 4)
    await fillTopic(log, total, keys)
    await log.close()
    const lockstep: Throughput[] = []
    const streams: Throughput[] = []
    for (let turn = 0; turn < runs; turn++) {
      const ours = await runSide({ name: 'Lockstep', module, options: { part: 'kafka', total, bootstrap: kafka.bootstrap, users } })
      const { vectors, ...figures } = ours.details as unknown as Throughput & { readonly vectors: readonly Vector[] }
      lockstep.push(figures)
      const theirs = await runStreams(archives.folder, kafka.bootstrap, total)
      streams.push(theirs.figures)
      for (const [index, vector] of vectors.entries()) checkSame(vector, theirs.features[index] ?? '')
    }
    tell('Lockstep', lockstep)
    tell('Kafka Streams', streams)
    const ratio = (of: (figures: Throughput) => number) => (median(lockstep.map(of)) / median(streams.map(of))).toFixed(1)
    const [byClock, byProcessor] = [ratio((one) => one.eventsPerSecond), ratio((one) => one.eventsPerCoreSecond)]
    console.log(`                    ${byClock} times as many by the clock, ${byProcessor} times by processor time`)
    return { events: total, lockstep, streams }
  } finally {
    await kafka.stop()
  }
}

function tell(name: string, runs: readonly Throughput[]): void {
  const thousand = (of: (figures: Throughput) => number) => `${Math.round(median(runs.map(of)) / 1000)} k`
  const [byClock, byProcessor] = [thousand((one) => one.eventsPerSecond), thousand((one) => one.eventsPerCoreSecond)]
  console.log(`  ${name.padEnd(17)} from Kafka ${byClock} events/s, ${byProcessor} a second of processor time`)
}

async function runStreams(archives: string, bootstrap: string, total: number): Promise<{ figures: Throughput; features: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-bench-streams-'))
  try {
    const job = [program, bootstrap, 'clicks', total, folder, clock.now() / 1000, ...users].map(String)
    const { code, stdout, stderr } = await run('java', [...machine, '-cp', join(archives, '*'), ...job], { cwd: folder })
    if (code !== 0) throw new Error(`Kafka Streams ended with code ${code}: ${stderr}`)
    const [times = '', ...features] = stdout.trim().split('\n')
    const [seconds = Number.NaN, processor = Number.NaN] = times.split(' ').map(Number)
    return { figures: { eventsPerSecond: total / seconds, eventsPerCoreSecond: total / processor, seconds }, features }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Vector = Readonly<Record<string, number | null>>

/** Kafka Streams' sums are not exact, so that their last digits may differ. */
function checkSame(vector: Vector, line: string): void {
  const [user, halfCount, halfSum, average, maximum, hourCount] = line.split(' ').map((text) => (text === 'null' ? null : Number(text)))
  const theirs = {
    user_click_count_30m: halfCount,
    user_amount_sum_30m: halfSum,
    user_amount_avg_1h: average,
    user_amount_max_1h: maximum,
    user_click_count_1h: hourCount,
  }
  for (const [name, value] of Object.entries(theirs)) {
    const own = vector[name] ?? null
    const isSame =
      own === null || value === null || value === undefined ? (own ?? 0) === (value ?? 0) : Math.abs(own - value) <= 1e-9 * Math.abs(own)
    if (!isSame) throw new Error(`${name} of user ${user} is ${own} in Lockstep and ${value} in Kafka Streams`)
  }
}
