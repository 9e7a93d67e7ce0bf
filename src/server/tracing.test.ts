import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { servedStore } from '../../test/support/served-store.ts'
import { openStore } from '../store/index.ts'
import { Server } from './server.ts'

test('spans of requests go to the collector that the environment names, below those of callers', async (t) => {
  const received: string[] = []
  const collector = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => (text += part))
    request.on('end', () => {
      received.push(`${request.url} ${text}`)
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  t.after(() => collector.close())
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`
  process.env.OTEL_SERVICE_NAME = 'features-of-the-shop'
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
    delete process.env.OTEL_SERVICE_NAME
  })
  const { smallProject } = await import('../../test/support/command-line.ts')
  using project = smallProject()
  await using store = await openStore({ definitions: `${project.path}/definitions.ts`, folder: `${project.path}/.lockstep` })
  const server = await Server.start(store, { log: 'silent' })
  const [trace, parent] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  const answer = await fetch(`${server.url}/v1/views/visit/vectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${trace}-${parent}-01` },
    body: '{"keys":{"user_id":1}}',
  })
  assert.equal(answer.status, 200)
  const { read_id: readId } = (await answer.json()) as { read_id: string }
  await server.close()
  const [sent = ''] = received
  assert.match(sent, /^\/v1\/traces /)
  for (const part of [trace, parent, readId, 'POST /v1/views/:view/vectors', 'features-of-the-shop']) assert.ok(sent.includes(part), part)
})

test('a collector that is away is no failure: the server closes in time', async (t) => {
  const port = await freePort()
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`
  t.after(() => delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT)
  await using served = await servedStore()
  assert.equal((await served.read('visitor', { keys: { user_id: 'ada' } })).status, 200)
  const began = performance.now()
  await served.server.close()
  assert.ok(performance.now() - began < 5000)
})

/** A port on which nobody listens, as it was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
