/** `npm run redis -- --port 6379`: Redis (or Valkey) on this machine, for tests and trials, until the process ends. */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { freePort } from './kafka/broker.ts'
import { type RedisBinary, redisBinary } from './redis/binary.ts'
import { makeCluster } from './redis/cluster.ts'
import { killServer, makeCertificate, type ServerPlan, startServer } from './redis/server.ts'

export interface Redis {
  /** `redis://127.0.0.1:PORT`, of a cluster that of its first node; without the password. */
  readonly url: string
  /** Host and port of each server. */
  readonly nodes: readonly string[]
  /** What signs the server's certificate; null where connections are not encrypted. */
  readonly certificate: string | null
  /** Kills a server, the first unless told; what it has acknowledged stays. */
  kill(node?: number): Promise<void>
  /** Starts a killed server again, at the same port. */
  start(node?: number): Promise<void>
  /** Halts a server, which keeps its connections and answers nothing, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT', node?: number): void
  /** Kills all servers and removes their data. */
  stop(): Promise<void>
}

export interface RedisOptions {
  /** Of the first server; 0, the default, takes free ones. */
  readonly port?: number
  /** Three masters that share the slots, in place of one server. */
  readonly cluster?: boolean
  /** Encrypted connections only. */
  readonly tls?: boolean
  readonly password?: string
}

const attempts = 3

/**
 * Starts servers of its own. Where the machine has none and cannot fetch one, it says so, and tests are skipped, by name
 * and with the reason. What can be installed is.
 */
export async function startRedis(options: RedisOptions = {}): Promise<Redis | { readonly skipped: string }> {
  const binary = await redisBinary()
  if ('missing' in binary) return { skipped: binary.missing }
  // The free port may be taken by another before the server has it.
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(binary, options)
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

async function start(binary: RedisBinary, { port = 0, cluster = false, tls = false, password }: RedisOptions): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-redis-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', remove)
  const servers: ChildProcess[] = []
  const stop = async () => {
    await Promise.all(servers.map(killServer))
    process.off('exit', remove)
    remove()
  }
  try {
    const certificate = tls ? await makeCertificate(folder) : null
    const plans: ServerPlan[] = []
    for (let node = 0; node < (cluster ? 3 : 1); node++) {
      const own = join(folder, `${node}`)
      mkdirSync(own)
      const free = node === 0 && port > 0 ? port : await clusterPort()
      plans.push({ binary, folder: own, port: free, cluster, certificate, password: password ?? null })
    }
    for (const plan of plans) servers.push(await startServer(plan))
    const ports = plans.map((plan) => plan.port)
    const ca = certificate && readFileSync(certificate.certificate, 'utf8')
    if (cluster) await makeCluster(ports, password ?? null, ca)
    return {
      url: `redis${tls ? 's' : ''}://127.0.0.1:${ports[0]}`,
      nodes: ports.map((each) => `127.0.0.1:${each}`),
      certificate: ca,
      kill: (node = 0) => killServer(servers[node] as ChildProcess),
      start: async (node = 0) => {
        servers[node] = await startServer(plans[node] as ServerPlan)
      },
      signal: (signal, node = 0) => {
        servers[node]?.kill(signal)
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Servers of a cluster speak with each other at a port that is 10,000 above their own. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port + 10_000 < 65_536) return port
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '6379' }, cluster: { type: 'boolean', default: false } },
  })
  const redis = await startRedis({ port: Number(values.port), cluster: values.cluster })
  if ('skipped' in redis) {
    console.error(`Redis cannot be started: ${redis.skipped}`)
    process.exitCode = 1
  } else {
    console.log(`Redis serves at ${redis.nodes.join(', ')} until Ctrl+C`)
    const keep = setInterval(() => undefined, 60_000)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        clearInterval(keep)
        void redis.stop()
      })
    }
  }
}
