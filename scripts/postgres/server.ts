import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { Programs } from './programs.ts'

export const user = 'lockstep'
export const password = 'secret-of-a-test'

export interface ServerPlan {
  readonly programs: Programs
  /** Where all of the server's files go. */
  readonly folder: string
  readonly port: number
}

const startSeconds = 30

/** PostgreSQL refuses to run as the superuser: then it runs as a user of the machine who may do nothing. */
const account = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Tests kill the server and never the machine, so nothing has to reach the disk. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '64MB',
  max_connections: 60,
  max_wal_size: '256MB',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

/** As with Kafka: runs the program without input, and kills it when the other end of this process's input is gone. */
const tied = 'exec 3<&0; (read -r _ <&3; kill -9 $$) & exec "$@" <&- 3<&-'

/** Makes an empty cluster of databases with one user, who comes by SCRAM. */
export async function makeDatabases({ programs, folder }: ServerPlan): Promise<void> {
  const secret = join(folder, 'password')
  mkdirSync(dataOf(folder), { mode: 0o700 })
  writeFileSync(secret, password)
  if (account.uid !== undefined) for (const path of [folder, dataOf(folder), secret]) chownSync(path, account.uid, account.gid)
  const choices = [`--username=${user}`, '--auth=scram-sha-256', `--pwfile=${secret}`, '--no-sync', '--encoding=UTF8', '--locale=C']
  const child = start(programs, folder, 'initdb', [`--pgdata=${dataOf(folder)}`, ...choices])
  const said = listen(child)
  const [code] = (await once(child, 'exit')) as [number | null]
  rmSync(secret)
  if (code !== 0) throw new Error(`PostgreSQL cannot be prepared:\n${said()}`)
}

/** Starts the server and waits until it takes connections. */
export async function startServer({ programs, folder, port }: ServerPlan): Promise<ChildProcess> {
  const choices = Object.entries({ ...settings, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = start(programs, folder, 'postgres', ['-D', dataOf(folder), ...choices])
  child.once('exit', () => child.stdin?.destroy())
  const said = listen(child)
  for (const end = Date.now() + startSeconds * 1000; Date.now() < end && !isOver(child); await after(20)) {
    if (said().includes('ready to accept connections')) return child
  }
  await killServer(child)
  throw new Error(`PostgreSQL has not started:\n${said()}`)
}

/** Kills the server and the processes that serve its connections, at once; what it has acknowledged stays. */
export async function killServer(child: ChildProcess): Promise<void> {
  if (isOver(child)) return
  const ended = once(child, 'exit')
  const others = childrenOf(child.pid as number)
  for (const process of [child.pid as number, ...others]) kill(process)
  await ended
  while (others.some((process) => lives(process))) await after(5)
}

function start({ folder: bin, environment }: Programs, cwd: string, program: string, programArguments: readonly string[]): ChildProcess {
  return spawn('sh', ['-c', tied, 'postgres', join(bin, program), ...programArguments], {
    cwd,
    env: { ...process.env, ...environment, LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
    ...account,
  })
}

/** The last of what the program says. */
function listen(child: ChildProcess): () => string {
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-20_000)
  })
  return () => said
}

const dataOf = (folder: string) => join(folder, 'data')
const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

/** Linux tells them; elsewhere the server's processes notice by themselves that it is gone. */
function childrenOf(process: number): number[] {
  try {
    return readFileSync(`/proc/${process}/task/${process}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function kill(process_: number): void {
  try {
    process.kill(process_, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function lives(process_: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${process_}/status`, 'utf8'))
  } catch {
    return false
  }
}
