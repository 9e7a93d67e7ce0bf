import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { run } from '../run.ts'

export type Settings = Readonly<Record<string, string | number | boolean>>

/** A second way in, encrypted and for one user, who may come by PLAIN or by SCRAM. */
export interface SecureListener {
  readonly port: number
  readonly username: string
  readonly password: string
}

export interface BrokerPlan {
  /** Where the Java archives lie. */
  readonly archives: string
  /** Where all of the broker's files go. */
  readonly folder: string
  readonly port: number
  readonly secure?: SecureListener | undefined
  readonly settings: Settings
}

const startSeconds = 60

/** Enough for tests, and quick to start. */
const machine = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/**
 * Runs Java with the standard input closed, and kills it as soon as the other end of this process's standard input is gone: a broker
 * does not outlive a test that is killed.
 */
const tied = 'exec 3<&0; (read -r _ <&3; kill -9 $$) & exec java "$@" <&- 3<&-'

/** Formats the storage of one broker that is its own controller. */
export async function formatStorage(plan: BrokerPlan): Promise<void> {
  const { archives, folder, port, secure } = plan
  const controller = await freePort()
  mkdirSync(join(folder, 'data'), { recursive: true })
  const properties: Settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}${secure ? `,SECURE://127.0.0.1:${secure.port}` : ''}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${secure ? `,SECURE://127.0.0.1:${secure.port}` : ''}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL',
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
    ...(secure ? await secureSettings(folder, secure) : {}),
    ...plan.settings,
  }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(propertiesOf(folder), lines.join(''))
  const identity = crypto.randomUUID().replaceAll('-', '').slice(0, 22)
  const user = secure ? ['--add-scram', `SCRAM-SHA-256=[name=${secure.username},password=${secure.password}]`] : []
  const format = ['kafka.tools.StorageTool', 'format', '-t', identity, '-c', propertiesOf(folder), ...user]
  await complete(folder, 'java', [...machine, '-cp', join(archives, '*'), ...format])
}

const propertiesOf = (folder: string) => join(folder, 'server.properties')

async function complete(folder: string, program: string, programArguments: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, programArguments, { cwd: folder, timeoutSeconds: startSeconds })
  if (code !== 0) throw new Error(`Kafka cannot be prepared by ${program}:\n${stdout}${stderr}`)
  return stdout
}

/** Makes a certificate that signs itself. */
async function secureSettings(folder: string, { username, password }: SecureListener): Promise<Settings> {
  const store = ['-alias', 'broker', '-keystore', 'broker.p12', '-storetype', 'PKCS12', '-storepass', password]
  const name = ['-dname', 'CN=broker', '-ext', 'SAN=IP:127.0.0.1', '-validity', '2', '-keyalg', 'EC']
  await complete(folder, 'keytool', ['-genkeypair', ...store, ...name])
  writeFileSync(certificateOf(folder), await complete(folder, 'keytool', ['-exportcert', '-rfc', ...store]))
  const login = 'org.apache.kafka.common.security'
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': join(folder, 'broker.p12'),
    'ssl.keystore.password': password,
    'ssl.key.password': password,
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.secure.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required user_${username}="${password}";`,
    'listener.name.secure.scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
  }
}

const certificateOf = (folder: string) => join(folder, 'broker.pem')

/** The certificate of a broker with a secure listener. */
export const readCertificate = (folder: string): string => readFileSync(certificateOf(folder), 'utf8')

/** Starts the broker of a formatted folder and waits until it serves. */
export async function startBroker({ archives, folder }: BrokerPlan): Promise<ChildProcess> {
  const ready = '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info'
  const broker = [...machine, ready, '-cp', join(archives, '*'), 'kafka.Kafka', propertiesOf(folder)]
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
