import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { run } from '../run.ts'

const startSeconds = 60

/** Enough for tests, and quick to start. */
const machine = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/**
 * Runs Java with the standard input closed, and kills it as soon as the other end of this process's standard input is gone: a broker
 * does not outlive a test that is killed.
 */
const tied = 'exec 3<&0; (read -r _ <&3; kill -9 $$) & exec java "$@" <&- 3<&-'

/** Formats the storage of one broker that is its own controller. */
export async function formatStorage(archives: string, folder: string, port: number, settings: Settings): Promise<void> {
  const controller = await freePort()
  const properties: Settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'group.min.session.timeout.ms': 500,
    'num.network.threads': 2,
    'num.io.threads': 2,
    ...settings,
  }
  mkdirSync(join(folder, 'data'), { recursive: true })
  const file = join(folder, 'server.properties')
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const identity = crypto.randomUUID().replaceAll('-', '').slice(0, 22)
  const format = [...machine, '-cp', join(archives, '*'), 'kafka.tools.StorageTool', 'format', '-t', identity, '-c', file]
  const { code, stdout, stderr } = await run('java', format, { cwd: folder, timeoutSeconds: startSeconds })
  if (code !== 0) throw new Error(`Kafka's storage cannot be formatted:\n${stdout}${stderr}`)
}

export type Settings = Readonly<Record<string, string | number | boolean>>

/** Starts the broker of a formatted folder and waits until it serves. */
export async function startBroker(archives: string, folder: string): Promise<ChildProcess> {
  const ready = '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info'
  const broker = [...machine, ready, '-cp', join(archives, '*'), 'kafka.Kafka', join(folder, 'server.properties')]
  const child = spawn('sh', ['-c', tied, 'kafka', ...broker], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] })
  child.once('exit', () => child.stdin?.destroy())
  let said = ''
  const started = new Promise<void>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000)
      if (said.includes('Kafka Server started')) resolve()
    })
  })
  const waiting = new AbortController()
  const ended = once(child, 'exit', { signal: waiting.signal }).then(() => 'ended')
  const late = after(startSeconds * 1000, 'late', { signal: waiting.signal })
  const outcome = await Promise.race([started, ended, late])
  waiting.abort()
  await Promise.allSettled([ended, late])
  if (outcome === undefined) return child
  await endBroker(child)
  throw new Error(`Kafka has not started:\n${said}`)
}

/** Kills the broker; what it has acknowledged stays. */
export async function endBroker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** A port of the loopback interface that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('The machine gives no port')
  return address.port
}
