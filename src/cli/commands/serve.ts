import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { LockstepError } from '../../errors.ts'
import { suggestion } from '../../lib/suggestion.ts'
import type { ServerLimits, ServerOptions } from '../../server/index.ts'
import { withExamples } from '../examples.ts'
import { followApplied } from '../follow.ts'
import { whileStoppable } from '../interrupt.ts'
import { sessionOf } from '../session.ts'
import { collectPair, parseThreads } from '../values.ts'

interface ServeCommandOptions {
  readonly host: string
  readonly port: number
  readonly processes: number
  readonly tokens?: boolean
  readonly insecure?: boolean
  readonly certificate?: string
  readonly key?: string
  readonly stream?: boolean
  readonly explainShare?: number
  readonly explainKeep?: string
  readonly logFeatures?: number
  readonly limit?: Readonly<Record<string, string>>
  readonly drain: number
  readonly log: NonNullable<ServerOptions['log']>
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description('Serves the views over HTTP, until it is stopped. /openapi.json describes the API.')
    .option('--host <address>', 'where to listen; off the loopback interface with tokens only', '127.0.0.1')
    .option('--port <number>', 'which port', parsePort, 8080)
    .option('--processes <number>', 'processes that share the port', parseThreads, 1)
    .option('--tokens', 'ask for a token on the loopback interface too (see lockstep token)')
    .option('--insecure', 'let other machines read and write without a token')
    .option('--certificate <file>', 'serve HTTPS with this certificate (PEM)')
    .option('--key <file>', 'the key of the certificate (PEM)')
    .option('--no-stream', 'leave it to lockstep stream to keep live groups up to date')
    .option('--explain-share <share>', 'the share of reads that is kept for explanations (default: 0.001)', parseShare)
    .option('--explain-keep <duration>', 'for how long they are kept (default: 1h)')
    .option('--log-features <share>', 'the share of reads that is logged as Parquet, for lockstep parity --served', parseShare)
    .option('--limit <name=number>', `another limit than the default, may be repeated: ${Object.keys(limitNames).join(', ')}`, collectPair)
    .option('--drain <milliseconds>', 'how long /ready fails before connections are closed', parseWhole, 0)
    .option('--log <level>', 'silent, error, warn, info or debug, on stderr', parseLevel, 'info')
    .action(serve)
  withExamples(command, [
    'lockstep serve',
    'lockstep serve --port 8080 --processes 2 --log-features 0.01',
    'lockstep serve --host 0.0.0.0 --certificate server.pem --key server-key.pem',
    'lockstep serve --limit rows=200 --limit in-flight=300',
  ])
}

async function serve(options: ServeCommandOptions, command: Command): Promise<void> {
  if (cluster.isPrimary && options.processes > 1) await overseeProcesses(options.processes)
  else await serveHere(options, command)
}

async function serveHere(options: ServeCommandOptions, command: Command): Promise<void> {
  const { output, project } = await sessionOf(command)
  const { Server } = await import('../../server/index.ts')
  const tls = readTls(options, (path) => project.path(path))
  const limits = readLimits(options.limit)
  await using store = await project.open()
  await using follower = await followApplied(command, store, project, output)
  // Groups that a stream keeps up to date may be applied later.
  const streams = options.stream !== false && (follower !== null || store.streamedGroups().length > 0)
  await using live = streams ? await store.stream(undefined, { warn: (error) => output.warn((error as Error).message) }) : null
  const { explainShare: share, explainKeep: keep, logFeatures } = options
  await using server = await Server.start(store, {
    host: options.host,
    port: options.port,
    insecure: options.insecure ?? false,
    limits,
    drain: options.drain,
    log: options.log,
    explain: { ...(share === undefined ? {} : { share }), ...(keep === undefined ? {} : { keep }) },
    ...(options.tokens ? { tokens: true } : {}),
    ...(tls ? { tls } : {}),
    ...(live ? { after: live.ready } : {}),
    ...(follower ? { follower } : {}),
    ...(logFeatures === undefined ? {} : { featureLog: { folder: `${store.folder}/served`, share: logFeatures } }),
  })
  const views = store.views.map(({ name, version }) => `${name}@${version}`)
  if (cluster.isPrimary) output.result({ url: server.url, views }, () => `Serving ${views.join(', ')} on ${server.url}`)
  else process.send?.({ url: server.url, views })
  await new Promise<void>((resolve) => {
    process.once('disconnect', resolve)
    process.once('message', (message) => message === stop && resolve())
    void whileStoppable(resolve, () => new Promise<never>(() => {}))
  })
  output.note('Closing: what is under way is answered.')
}

/** What a process that shares a port is told at the end. */
const stop = 'stop'

/** A process that dies is started again after so many milliseconds, and so often in all. */
const [restartAfter, mostRestarts] = [500, 1000]

/** Processes that share a port; one that dies is started again. */
async function overseeProcesses(count: number): Promise<void> {
  let stopping = false
  let listening = 0
  let restarts = 0
  cluster.on('message', (_worker, { url, views }: { url: string; views: string[] }) => {
    if (++listening === count) process.stdout.write(`Serving ${views.join(', ')} on ${url} by ${count} processes\n`)
  })
  const failed = new Promise<never>((_, reject) => {
    cluster.on('exit', (worker, code) => {
      if (stopping) return
      if (listening < count)
        reject(new LockstepError('SERVER_FAILED', `Process ${worker.process.pid} ended at its start with code ${code}`))
      else if (++restarts > mostRestarts)
        reject(new LockstepError('SERVER_FAILED', `Processes died ${restarts} times; the last one with code ${code}`))
      else setTimeout(() => !stopping && cluster.fork(), restartAfter)
    })
  })
  for (let index = 0; index < count; index++) cluster.fork()
  const stopped = new Promise<void>((resolve) => void whileStoppable(resolve, () => new Promise<never>(() => {})))
  try {
    await Promise.race([stopped, failed])
  } finally {
    stopping = true
    await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => endOf(worker as NonNullable<typeof worker>)))
  }
}

async function endOf(worker: import('node:cluster').Worker): Promise<void> {
  if (worker.isDead()) return
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  // No signal: Ctrl-C sends one to all processes, and a second one would end them with requests under way.
  worker.send(stop, () => {})
  await ended
}

function readTls({ certificate, key }: ServeCommandOptions, path: (given: string) => string): ServerOptions['tls'] | undefined {
  if (certificate === undefined && key === undefined) return
  if (certificate === undefined || key === undefined)
    throw new LockstepError('INVALID_ARGUMENT', 'HTTPS needs both a certificate and its key', { remedy: 'Give --certificate and --key.' })
  return { certificate: readPem(path(certificate)), key: readPem(path(key)) }
}

/** What may be limited, by its name in options; of what the API describes, up to so many. */
const limitNames: Readonly<Record<string, readonly [limit: keyof ServerLimits, most?: number]>> = {
  body: ['body'],
  rows: ['rows', 1000],
  values: ['values'],
  events: ['events', 10_000],
  'in-flight': ['inFlight'],
  'on-demand': ['onDemand'],
  request: ['request'],
}

function readLimits(given: Readonly<Record<string, string>> = {}): Partial<ServerLimits> {
  const limits = Object.entries(given).map(([name, text]) => {
    const [limit, most = 1_000_000_000] = limitNames[name] ?? []
    if (limit === undefined)
      throw new LockstepError('INVALID_ARGUMENT', `There is no limit ${name}${suggestion(name, Object.keys(limitNames))}`)
    const number = Number(text)
    if (/^\d+$/.test(text) && number >= 1 && number <= most) return [limit, number] as const
    throw new LockstepError('INVALID_ARGUMENT', `The limit ${name} is a whole number from 1 to ${most}`, {
      where: `--limit ${name}=${text}`,
    })
  })
  return Object.fromEntries(limits)
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new LockstepError('INVALID_ARGUMENT', `The file cannot be read: ${(cause as Error).message}`, { where: path, cause })
  }
}

const levels: readonly string[] = ['silent', 'error', 'warn', 'info', 'debug'] satisfies ServeCommandOptions['log'][]

const parseLevel = (text: string): string => {
  if (levels.includes(text)) return text
  throw new InvalidArgumentError(`It is one of ${levels.join(', ')}.`)
}

const parseWhole = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is a whole number.')
}

const parsePort = (text: string): number => {
  const port = parseWhole(text)
  if (port <= 65_535) return port
  throw new InvalidArgumentError('A port is a number from 0 to 65535.')
}

const parseShare = (text: string): number => {
  const share = Number(text)
  if (text.trim() !== '' && share >= 0 && share <= 1) return share
  throw new InvalidArgumentError('A share is a number from 0 to 1.')
}
