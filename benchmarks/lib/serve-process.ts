import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openStore } from 'lockstep'
import { lmdbOnlineStore } from '../../src/online/drivers/lmdb.ts'
import { Server } from '../../src/server/index.ts'
import { end } from './data.ts'
import { serveByHand } from './handwritten-server.ts'
import { type ServedFiles, servedViews } from './served-views.ts'

/** A server of the benchmark, in a process of its own: tells its port, then its processor time whenever it is asked, and ends with its parent. */
export type ServeProcessOptions =
  | { readonly kind: 'lockstep'; readonly files: ServedFiles; readonly folder: string; readonly store: string; readonly redis?: string }
  | { readonly kind: 'by hand'; readonly files: ServedFiles; readonly folder: string }
  | { readonly kind: 'bare'; readonly body: string }

process.on('disconnect', () => process.exit(0))
process.once('message', async (options: ServeProcessOptions) => {
  const port = await start(options)
  process.on('message', () => process.send?.(process.cpuUsage()))
  process.send?.(port)
})

async function start(options: ServeProcessOptions): Promise<number> {
  if (options.kind === 'bare') {
    const body = Buffer.from(options.body)
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length }
    const server = createServer((request, response) => {
      // What is asked is read, and not looked at.
      request.on('data', () => {})
      request.on('end', () => response.writeHead(200, headers).end(body))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  if (options.kind === 'by hand') return await serveByHand(options.folder, options.files)
  const views = Object.values(servedViews(options.files))
  const online = options.redis ? { redis: options.redis } : lmdbOnlineStore({ path: options.store, readOnly: true })
  const store = await openStore({ definitions: views, folder: options.folder, online, clock: () => end })
  const server = await Server.start(store, { log: 'warn' })
  return Number(new URL(server.url).port)
}
