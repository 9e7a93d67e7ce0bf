import { setTimeout as after } from 'node:timers/promises'
import { createClient } from '@redis/client'

const slots = 16_384
const joinSeconds = 30

/** Makes one cluster of servers that know nothing of each other, each with an equal share of the slots. `ca`: what signs their certificate. */
export async function makeCluster(ports: readonly number[], password: string | null, ca: string | null): Promise<void> {
  const clients = ports.map((port) => {
    const at = { host: '127.0.0.1', port }
    const socket = ca === null ? at : { ...at, tls: true as const, ca }
    return createClient({ RESP: 2, socket, ...(password === null ? {} : { password }) })
  })
  try {
    await Promise.all(clients.map((client) => client.connect()))
    for (const [at, client] of clients.entries()) {
      const [first, end] = [at, at + 1].map((each) => Math.round((each * slots) / ports.length)) as [number, number]
      await client.sendCommand(['CLUSTER', 'SET-CONFIG-EPOCH', `${at + 1}`])
      await client.sendCommand(['CLUSTER', 'ADDSLOTS', ...Array.from({ length: end - first }, (_, slot) => `${first + slot}`)])
      if (at > 0) await client.sendCommand(['CLUSTER', 'MEET', '127.0.0.1', `${ports[0]}`])
    }
    for (const until = Date.now() + joinSeconds * 1000; ; await after(20)) {
      const states = await Promise.all(clients.map((client) => client.sendCommand(['CLUSTER', 'INFO'])))
      const joined = (state: unknown) => /cluster_state:ok/.test(`${state}`) && new RegExp(`cluster_size:${ports.length}`).test(`${state}`)
      if (states.every(joined)) return
      if (Date.now() > until) throw new Error(`The servers have not become a cluster:\n${states.join('\n')}`)
    }
  } finally {
    for (const client of clients) client.destroy()
  }
}
