/** `npm run kafka -- --port 0`: Apache Kafka on this machine, for tests and trials, until the process ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BrokerPlan, endBroker, formatStorage, freePort, readCertificate, type Settings, startBroker } from './kafka/broker.ts'
import { kafkaArchives } from './kafka/distribution.ts'

export interface Kafka {
  /** Host and port. */
  readonly bootstrap: string
  /** The second way in, where it was asked for. */
  readonly secure: { readonly bootstrap: string; readonly certificate: string; readonly username: string; readonly password: string } | null
  /** Kills the broker and starts it again over the same data, at the same port. */
  restart(whileDown?: () => Promise<void>): Promise<void>
  /** Kills the broker and removes its data. */
  stop(): Promise<void>
}

export interface KafkaOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Settings of the broker beyond those that it has here. */
  readonly settings?: Settings
  /** Also listens for encrypted connections of a user. */
  readonly secure?: boolean
}

const attempts = 3

/**
 * Starts a broker of its own. Where the machine lacks Java, or what is needed to fetch Kafka, it says so, and tests are skipped, by name
 * and with the reason. What can be installed is.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka | { readonly skipped: string }> {
  const archives = await kafkaArchives()
  if ('missing' in archives) return { skipped: archives.missing }
  // The free port may be taken by another before the broker has it.
  for (let attempt = 1; ; attempt++) {
    try {
      const secure = options.secure ? { port: await freePort(), username: 'lockstep', password: 'secret-of-a-test' } : undefined
      return await start({
        archives: archives.folder,
        folder: mkdtempSync(join(tmpdir(), 'lockstep-kafka-')),
        port: options.port || (await freePort()),
        secure,
        settings: options.settings ?? {},
      })
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

async function start(plan: BrokerPlan): Promise<Kafka> {
  const { folder, port, secure } = plan
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    await formatStorage(plan)
    let broker = await startBroker(plan)
    process.once('exit', remove)
    return {
      bootstrap: `127.0.0.1:${port}`,
      secure: secure === undefined ? null : { ...secure, bootstrap: `127.0.0.1:${secure.port}`, certificate: readCertificate(folder) },
      async restart(whileDown) {
        await endBroker(broker)
        await whileDown?.()
        broker = await startBroker(plan)
      },
      async stop() {
        await endBroker(broker)
        process.off('exit', remove)
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '9092' } } })
  const kafka = await startKafka({ port: Number(values.port) })
  if ('skipped' in kafka) {
    console.error(`Kafka cannot be started: ${kafka.skipped}`)
    process.exitCode = 1
  } else {
    console.log(`Kafka serves at ${kafka.bootstrap} until Ctrl+C`)
    const keep = setInterval(() => undefined, 60_000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(keep)
        void kafka.stop()
      })
    }
  }
}
