import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { type ServedStore, servedStore } from '../../test/support/served-store.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { TokenFile, tokensPath } from './access/tokens.ts'

interface Asked {
  readonly view?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

interface Answered {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

const keys = { user_id: 'ada', item_id: '7' }
const json = { 'content-type': 'application/json' }

/** What differs from one request to the next, and what only connections have. */
function comparable({ status, headers, text }: Answered): unknown {
  const { date: _date, connection: _connection, 'keep-alive': _keepAlive, ...kept } = headers
  const body = text.replace(/r[0-9a-f]{10}-[0-9a-z]+/g, 'ID').replace(/"total_ms":[\d.]+/, '"total_ms":0')
  return { status, headers: { ...kept, 'content-length': undefined, 'lockstep-read-id': undefined }, body }
}

function overNetwork({ server }: ServedStore, path: string, body: string, headers: Record<string, string>): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.url}${path}`,
      { method: 'POST', headers: { 'content-length': Buffer.byteLength(body), ...headers } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** As the framework answers: what is injected does not pass the network, where the direct route stands. */
async function byFramework({ server }: ServedStore, url: string, payload: string, headers: Record<string, string>): Promise<Answered> {
  const response = await server.app.inject({ method: 'POST', url, payload, headers })
  return { status: response.statusCode, headers: response.headers, text: response.payload }
}

describe('a route without the framework answers as with it', () => {
  let served: ServedStore
  let authorization: Readonly<Record<'right' | 'other', string>>
  before(async () => {
    served = await servedStore({ tokens: true, limits: { onDemand: 5000, body: 4096 } })
    const tokens = TokenFile.open(tokensPath(served.folder))
    const [right, other] = [
      await tokens.create({ name: 'r', scopes: ['read:*'] }),
      await tokens.create({ name: 'o', scopes: ['read:other'] }),
    ]
    authorization = { right: `Bearer ${right.text}`, other: `Bearer ${other.text}` }
    await new Promise((resolve) => setTimeout(resolve, 600))
  })
  after(() => served[Symbol.asyncDispose]())

  const same = async (
    what: string,
    { view = 'ranking', body = { keys, request: { budget: 10 } }, headers = {} }: Asked,
  ): Promise<Answered> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const path = `/v1/views/${view}/vectors`
    const all = { ...json, authorization: authorization.right, ...headers }
    const direct = await overNetwork(served, path, text, all)
    assert.deepEqual(comparable(direct), comparable(await byFramework(served, path, text, all)), what)
    return direct
  }

  test('where it is right', async () => {
    const request = { budget: 10 }
    const bodies = [
      { keys, request },
      {
        keys: { user_id: 'ada' },
        rows: [{ item_id: 7 }, { item_id: '8' }],
        request,
        names: 'per_row',
        include: ['statuses', 'event_times', 'types', 'timings'],
      },
      { keys, features: ['item_price', 'item_labels'], layout: 'columns', int64: 'number' },
      { keys, request, explain: true, caller: 'me' },
      { keys, request, on_demand_errors: 'fail', budget_ms: 60_000 },
    ]
    for (const body of bodies) assert.equal((await same(JSON.stringify(body), { body })).status, 200)
    const arrow = await same('Arrow', { headers: { accept: 'application/vnd.apache.arrow.stream' } })
    assert.equal(arrow.headers['content-type'], 'application/vnd.apache.arrow.stream')
    assert.equal(
      (await same('another way to write the type', { headers: { 'content-type': 'application/json; charset=utf-8' } })).status,
      200,
    )
  })

  test('where it is wrong', async () => {
    const wrong: readonly (readonly [number, Asked])[] = [
      [400, { body: '' }],
      [400, { body: '{' }],
      [400, { body: '[]' }],
      [400, { body: 'null' }],
      [400, { body: '{"__proto__":{}}' }],
      [400, { body: '{"keys":{"constructor":{"prototype":1}}}' }],
      [400, { body: { keys, rows: [] } }],
      [400, { body: { keys, unknown: 1 } }],
      [400, { body: { keys: { user_id: 'ada' }, request: { budget: 10 } } }],
      [400, { body: { keys: { ...keys, more: 1 }, request: { budget: 10 } } }],
      [400, { body: { keys: { user_id: 7, item_id: 7 }, request: { budget: 10 } } }],
      [400, { body: { keys, as_of: 'yesterday', request: { budget: 10 } } }],
      [400, { body: { keys, as_of: '2020-01-01', request: { budget: 10 } } }],
      [400, { body: { keys, features: ['none'] } }],
      [400, { body: { keys, request: { budget: 10 }, requests: [{}] } }],
      [404, { view: 'rankng' }],
      [414, { view: 'x'.repeat(120) }],
      [404, { body: { keys, version: 9 } }],
      [401, { headers: { authorization: '' } }],
      [401, { headers: { authorization: 'Bearer none' } }],
      [403, { headers: { authorization: authorization.other } }],
      [415, { headers: { 'content-type': 'text/csv' } }],
      [413, { body: { keys, caller: 'x'.repeat(5000) } }],
    ]
    for (const [status, asked] of wrong) assert.equal((await same(JSON.stringify(asked), asked)).status, status, JSON.stringify(asked))
  })

  test('where it comes in pieces', async () => {
    const body = JSON.stringify({ keys: { user_id: 'ää', item_id: '7' }, request: { budget: 10 } })
    const bytes = Buffer.from(body)
    const { hostname, port } = new URL(served.server.url)
    const socket = connect(Number(port), hostname)
    const head = `POST /v1/views/ranking/vectors HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nauthorization: ${authorization.right}\r\ncontent-length: ${bytes.length}\r\n\r\n`
    // Also in the middle of a character.
    const middle = bytes.indexOf(0xc3) + 1
    for (const piece of [Buffer.from(head), bytes.subarray(0, middle), bytes.subarray(middle)]) {
      socket.write(piece)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    assert.match(Buffer.concat(chunks).toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*"NOT_FOUND"/)
  })

  test('counted as the same route', async () => {
    const { text: token } = await TokenFile.open(tokensPath(served.folder)).create({ name: 'a', scopes: ['admin'] })
    await new Promise((resolve) => setTimeout(resolve, 600))
    const { payload } = await served.server.app.inject({ url: '/metrics', headers: { authorization: `Bearer ${token}` } })
    const routes = [...payload.matchAll(/lockstep_requests_total\{route="([^"]+)",view="ranking"/g)].map(([, route]) => route)
    assert.deepEqual([...new Set(routes)], ['/v1/views/:view/vectors'])
  })
})

test('whatever is thrown below it is answered, and counts no longer as worked on', async () => {
  const inner = memoryOnlineStore()
  const { readSync: _none, ...slow } = inner
  let fails = true
  // A driver may throw anything.
  const read: typeof inner.read = (reads) => (fails ? Promise.reject(null) : inner.read(reads))
  await using served = await servedStore({ limits: { inFlight: 2 } }, { online: { ...slow, read } })
  const status = async () => (await served.read('visitor', { keys: { user_id: 'ada' } })).status
  for (let times = 0; times < 4; times++) assert.equal(await status(), 500)
  fails = false
  assert.equal(await status(), 200)
})
