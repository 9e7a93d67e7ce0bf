import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { run } from '../run.ts'
import type { RedisBinary } from './binary.ts'

export interface ServerPlan {
  readonly binary: RedisBinary
  /** Where all of the server's files go. */
  readonly folder: string
  readonly port: number
  readonly cluster: boolean
  /** Where the certificate lies; null where connections are not encrypted. */
  readonly certificate: Certificate | null
  readonly password: string | null
}

export interface Certificate {
  readonly certificate: string
  readonly key: string
}

const startSeconds = 20

/** Kills the server as soon as the other end of its parent's pipe is gone: a server does not outlive a test that is killed. */
const tied = 'exec 3<&0; (read -r _ <&3; kill -9 $$ 2>/dev/null) & exec "$@" <&- 3<&-'

/** Makes a certificate that signs itself. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const made = { certificate: join(folder, 'server.pem'), key: join(folder, 'server.key') }
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const name = ['-subj', '/CN=redis', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const { code, stderr } = await run('openssl', ['req', '-x509', ...curve, ...name, '-keyout', made.key, '-out', made.certificate], {
    cwd: folder,
    timeoutSeconds: 30,
  })
  if (code !== 0) throw new Error(`openssl makes no certificate:\n${stderr}`)
  return made
}

/** Starts a server over the data of its folder and waits until it serves. What it has answered outlives it, by its log of writes. */
export async function startServer({ binary, folder, port, cluster, certificate, password }: ServerPlan): Promise<ChildProcess> {
  mkdirSync(folder, { recursive: true })
  const settings: Record<string, string> = {
    ...(certificate === null
      ? { port: `${port}` }
      : {
          port: '0',
          'tls-port': `${port}`,
          'tls-cert-file': certificate.certificate,
          'tls-key-file': certificate.key,
          'tls-auth-clients': 'no',
        }),
    ...(cluster ? { 'cluster-enabled': 'yes', 'cluster-node-timeout': '2000' } : {}),
    ...(cluster && certificate !== null ? { 'tls-cluster': 'yes', 'tls-ca-cert-file': certificate.certificate } : {}),
    ...(password === null ? {} : { requirepass: password }),
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    // `everysec` lets writes wait while the disk is busy, and a kill lose what was acknowledged.
    appendfsync: 'no',
  }
  const given = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const env = { ...process.env, LD_LIBRARY_PATH: [binary.libraries, process.env.LD_LIBRARY_PATH ?? ''].filter(Boolean).join(':') }
  const child = spawn('sh', ['-c', tied, 'redis', binary.path, ...given], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] })
  child.once('exit', () => child.stdin?.destroy())
  let said = ''
  const started = new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000)
      if (said.includes('Ready to accept connections')) resolve()
    })
  })
  const waiting = new AbortController()
  const ended = once(child, 'exit', { signal: waiting.signal }).then(() => 'ended')
  const late = after(startSeconds * 1000, 'late', { signal: waiting.signal })
  const outcome = await Promise.race([started, ended, late])
  waiting.abort()
  await Promise.allSettled([ended, late])
  if (outcome === undefined) return child
  await killServer(child)
  throw new Error(`Redis has not started:\n${said}`)
}

export async function killServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
