import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { connect, type LockstepError } from 'lockstep/client'
import { ranking, type ServedStore, servedStore, visitor } from '../../test/support/served-store.ts'
import { TokenFile, tokensPath } from '../server/access/tokens.ts'

const large = 9_007_199_254_740_993n
const isError = (code: string, message: RegExp) => (error: LockstepError) => {
  assert.equal(error.name, 'LockstepError')
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

describe('a client', () => {
  let served: ServedStore
  before(async () => {
    served = await servedStore()
  })
  after(() => served[Symbol.asyncDispose]())
  const client = () => connect({ url: `${served.server.url}/` })

  test('gives the vectors that the store gives, value for value', async () => {
    const keys = [
      { user_id: 'ada', item_id: large },
      { user_id: 'bob', item_id: 8n },
      { user_id: 'nobody', item_id: 7n },
    ]
    const request = { budget: 12.5, mood: null }
    const expected = await served.store.vectors(ranking, keys, { request })
    const found = await client().view(ranking).vectors(keys, { request })
    assert.match(found.readId, /^r/)
    assert.deepEqual([...found], expected)
    const { readId, ...one } = await client().view<typeof ranking>('ranking').vector({ user_id: 'ada', item_id: large }, { request })
    assert.match(readId, /^r/)
    assert.deepEqual(one, expected[0])
    assert.ok(one.values.item_embedding instanceof Float32Array)
    assert.equal(one.values.user_last_item, large)
    assert.deepEqual(one.values.user_top_items, [7n, large])
    assert.ok(Number.isNaN(one.values.item_weight))
  })

  test('chooses features, shares keys, and gives a request value for each row', async () => {
    const found = await client()
      .view(ranking)
      .vectors([{ item_id: 7n }, { item_id: 8n }], {
        shared: { user_id: 'ada' },
        features: ['budget_per_click', 'item_price'],
        requests: [
          { budget: 3, mood: 'calm' },
          { budget: 4, mood: 'calm' },
        ],
        asOf: new Date('2026-03-01T12:00:00Z'),
      })
    assert.deepEqual(
      found.map(({ values }) => values),
      [
        { budget_per_click: 3, item_price: '9.99' },
        { budget_per_click: 4, item_price: null },
      ],
    )
    assert.equal(found[1]?.features.item_price.status, 'STALE')
    const known = await client().view(visitor).vector({ user_id: 'ada' }, { asKnown: true, asOf: '2026-03-01T11:00:00Z' })
    assert.equal(known.values.user_spend_lifetime, '1.50')
  })

  test('explains a read, and pushes events', async () => {
    const { readId } = await client().view(visitor).vector({ user_id: 'ada' }, { explain: true })
    const { explanations, same_definition } = await client().explain(readId, { feature: 'user_last_item' })
    assert.deepEqual([same_definition, explanations.length, explanations[0]?.served.value], [true, 1, String(large)])
    assert.deepEqual([explanations[0]?.agrees, explanations[0]?.late], [true, []])
    const event = { click_id: 'n', user_id: 'zoe', item_id: large, price: '1.00', at: '2026-03-01T11:59:00Z' }
    assert.deepEqual(await client().push('clicks', [event], { dryRun: true }), { events: 1, positions: [] })
    const { positions } = await client().push('clicks', [event])
    assert.deepEqual(
      positions.map(({ offset }) => Number(offset)),
      [0],
    )
  })

  test('throws what the server says', async () => {
    const view = client().view('ranking')
    await assert.rejects(view.vector({ user_id: 'ada' }), isError('MISSING_KEY', /item_id/))
    await assert.rejects(view.vector({ user_id: 5, item_id: 7 }), isError('INVALID_VALUE', /^[^(]+\(body\.keys\.user_id\)$/))
    await assert.rejects(client().view('rankng').vector({}), isError('UNKNOWN_NAME', /ranking/))
    await assert.rejects(client().explain('r0000000000-0'), isError('UNKNOWN_READ', /kept/))
    assert.throws(() => connect({ url: 'localhost' }), isError('INVALID_ARGUMENT', /url/))
  })

  test('says who asks, beside the name of its token', async () => {
    await using closed = await servedStore({ tokens: true })
    const { text } = await TokenFile.open(tokensPath(closed.folder)).create({ name: 'web', scopes: ['read:visitor'] })
    await new Promise((resolve) => setTimeout(resolve, 600))
    const { url } = closed.server
    await assert.rejects(connect({ url }).view(visitor).vector({ user_id: 'ada' }), isError('UNAUTHENTICATED', /token/))
    const named = connect({ url, token: text, caller: 'shop', model: 'm1' })
    const { readId } = await named.view(visitor).vector({ user_id: 'ada' }, { explain: true })
    const { read } = await named.explain(readId)
    assert.deepEqual([read.caller, read.model], ['web/shop', 'm1'])
  })
})

describe('a client of a server that fails', () => {
  let answers: ((request: IncomingMessage, response: ServerResponse) => void)[] = []
  let asked: number[] = []
  const connections = new Set<unknown>()
  const server = createServer((request, response) => {
    asked.push(performance.now())
    connections.add(request.socket)
    request.resume()
    const answer = answers.shift() ?? (() => response.destroy())
    request.on('end', () => answer(request, response))
  })
  before(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)))
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const told =
    (status: number, body: unknown, headers: Record<string, string> = {}) =>
    (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    }
  const overloaded = (status: number, headers?: Record<string, string>) =>
    told(status, { error: { code: 'OVERLOADED', message: 'Too much', where: '', remedy: 'Wait.' } }, headers)
  const good = told(200, {
    read_id: 'r1',
    as_of: '2026-03-01T12:00:00Z',
    features: ['a'],
    types: ['list(int64)'],
    rows: [{ values: [['5', null]], statuses: ['PRESENT'], event_times: [null] }],
  })
  const read = (given: (typeof answers)[number][], options: object = {}) => {
    answers = given
    asked = []
    const { port } = server.address() as AddressInfo
    return connect({ url: `http://127.0.0.1:${port}`, ...options })
      .view('v')
      .vector({})
  }

  test('tries again after 429, 503 and a broken connection', async () => {
    const { values, features } = await read([overloaded(429), (_, response) => response.destroy(), overloaded(503), good])
    assert.deepEqual([values, features], [{ a: [5n, null] }, { a: { status: 'PRESENT', eventTime: null } }])
    assert.equal(asked.length, 4)
  })

  test('waits as long as Retry-After says', async () => {
    await read([overloaded(503, { 'retry-after': '1' }), good])
    const [first = 0, second = 0] = asked
    assert.ok(second - first >= 990, `${second - first} ms`)
  })

  test('gives up after so many tries', async () => {
    await assert.rejects(
      read(
        Array.from({ length: 9 }, () => overloaded(429)),
        { retries: 2 },
      ),
      isError('OVERLOADED', /^Too much$/),
    )
    assert.equal(asked.length, 3)
  })

  test('does not wait longer than a call may take', async () => {
    const started = performance.now()
    await assert.rejects(read([overloaded(503, { 'retry-after': '60' }), good], { timeout: 5000 }), isError('OVERLOADED', /Too much/))
    assert.ok(performance.now() - started < 1000)
    await assert.rejects(read([() => {}], { timeout: 150 }), isError('SERVER_FAILED', /No answer within 150 ms/))
    assert.equal(asked.length, 1)
  })

  test('does not ask again what is wrong', async () => {
    const wrong = { error: { code: 'MISSING_KEY', message: 'The key is missing', where: '', remedy: '' } }
    await assert.rejects(read([told(400, wrong), good]), isError('MISSING_KEY', /missing/))
    await assert.rejects(
      read([told(500, { error: { code: 'NEW_CODE', message: 'Something new' } }), good]),
      isError('SERVER_FAILED', /500: Something new/),
    )
    await assert.rejects(read([(_, response) => response.end('<html>'), good]), isError('SERVER_FAILED', /no JSON/))
    assert.equal(asked.length, 1)
  })

  test('that is not there', async () => {
    await assert.rejects(
      connect({ url: 'http://127.0.0.1:9', retries: 1 }).view('v').vector({}),
      isError('SERVER_FAILED', /cannot be reached: .*\(http:\/\/127\.0\.0\.1:\d+\/v1\/views\//),
    )
  })

  test('keeps its connections, and is stopped by a signal', async () => {
    connections.clear()
    const { port } = server.address() as AddressInfo
    const view = connect({ url: `http://127.0.0.1:${port}` }).view('v')
    answers = Array.from({ length: 20 }, () => good)
    for (let count = 0; count < 20; count++) await view.vector({})
    assert.ok(connections.size <= 2, `${connections.size} connections`)
    const stop = new AbortController()
    answers = [overloaded(503, { 'retry-after': '5' })]
    const waiting = view.vector({}, { signal: stop.signal })
    setTimeout(() => stop.abort(), 100)
    await assert.rejects(waiting, isError('INTERRUPTED', /stopped/))
  })
})
