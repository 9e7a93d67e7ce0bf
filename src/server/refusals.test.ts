import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Reply, type ServedStore, servedStore } from '../../test/support/served-store.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'

const keys = { user_id: 'ada', item_id: 7 }

describe('a request that is wrong', () => {
  let served: ServedStore
  before(async () => {
    served = await servedStore({ limits: { body: 20_000, values: 5000 } })
  })
  after(() => served[Symbol.asyncDispose]())

  const refused = ({ status, body }: Reply) => {
    // A failure can be found in the log by its read id.
    assert.deepEqual(Object.keys(body), status >= 500 ? ['error', 'read_id'] : ['error'])
    assert.deepEqual(Object.keys(body.error), ['code', 'message', 'where', 'remedy'])
    assert.ok(body.error.message && body.error.remedy, 'it says what to do')
    return [status, body.error.code, body.error.where]
  }
  const wrong: [what: string, body: unknown, status: number, code: string, where: string][] = [
    ['no JSON', '{"keys":', 400, 'INVALID_REQUEST', 'body'],
    ['no body', '', 400, 'INVALID_REQUEST', 'body'],
    ['a body that is no object', [1], 400, 'INVALID_REQUEST', 'body'],
    ['a field that is not known', { keys, featurs: [] }, 400, 'INVALID_REQUEST', 'body'],
    ['a field of another type', { keys: 'ada' }, 400, 'INVALID_REQUEST', 'body.keys'],
    ['a list that is empty', { rows: [] }, 400, 'INVALID_REQUEST', 'body.rows'],
    ['a choice that there is not', { keys, layout: 'round' }, 400, 'INVALID_REQUEST', 'body.layout'],
    ['no key', {}, 400, 'MISSING_KEY', 'body.keys'],
    ['a key too few', { keys: { user_id: 'ada' } }, 400, 'MISSING_KEY', 'body.keys'],
    ['a key too many', { keys: { ...keys, shop: 1 } }, 400, 'UNKNOWN_NAME', 'body.keys.shop'],
    ['a key of another type', { keys: { user_id: 5, item_id: 7 } }, 400, 'INVALID_VALUE', 'body.keys.user_id'],
    [
      'a key that cannot be shown',
      '{"keys":{"user_id":{"toString":{}},"item_id":[{"toString":1}]}}',
      400,
      'INVALID_VALUE',
      'body.keys.user_id',
    ],
    ['a key that is null', { keys: { user_id: null, item_id: 7 } }, 400, 'MISSING_KEY', 'body.keys'],
    ['a 64-bit key that is none', { keys: { user_id: 'ada', item_id: '99999999999999999999' } }, 400, 'INVALID_VALUE', 'body.keys.item_id'],
    ['a feature that is not known', { keys, features: ['item_prize'] }, 400, 'UNKNOWN_NAME', 'body.features'],
    ['a feature twice', { keys, features: ['item_price', 'item_price'] }, 400, 'DUPLICATE_NAME', 'body.features'],
    ['a request value that is not known', { keys, request: { bugdet: 1 } }, 400, 'UNKNOWN_NAME', 'body.request.bugdet'],
    ['a request value of another type', { keys, request: { budget: 'x' } }, 400, 'INVALID_VALUE', 'body.request.budget'],
    ['such a value of history', { keys, request: { mood: true }, as_known: true }, 400, 'INVALID_VALUE', 'body.request.mood'],
    ['a key of another type, of history', { keys: { user_id: 5, item_id: 7 }, as_known: true }, 400, 'INVALID_VALUE', 'body.keys.user_id'],
    ['a row that lacks a key', { keys: { user_id: 'ada' }, rows: [{ item_id: 7 }, {}] }, 400, 'MISSING_KEY', 'body.rows[1]'],
    ['a row with a key too many', { rows: [keys, { ...keys, shop: 1 }] }, 400, 'UNKNOWN_NAME', 'body.rows[1].shop'],
    ['a key of another type in a row', { rows: [keys, { ...keys, item_id: 'x' }] }, 400, 'INVALID_VALUE', 'body.rows[1].item_id'],
    ['such a row of history', { rows: [keys, { ...keys, item_id: 'x' }], as_known: true }, 400, 'INVALID_VALUE', 'body.rows[1].item_id'],
    ['a request of another type', { rows: [keys, keys], requests: [{}, { budget: 'x' }] }, 400, 'INVALID_VALUE', 'body.requests[1].budget'],
    ['a request too many', { rows: [keys, keys], requests: [{}, { bugdet: 1 }] }, 400, 'UNKNOWN_NAME', 'body.requests[1].bugdet'],
    ['a moment before what is stored', { keys, as_of: '2020-01-01' }, 400, 'READ_BEFORE_STATE', 'body.as_of'],
    ['a duration that is none', { keys, max_staleness: 'long' }, 400, 'INVALID_DURATION', 'body.max_staleness'],
    ['one request and several', { keys, request: {}, requests: [{}] }, 400, 'INVALID_REQUEST', 'body.requests'],
    ['requests for other rows', { keys, requests: [{}, {}] }, 400, 'INVALID_ARGUMENT', 'body.requests'],
    ['a moment that is none', { keys, as_of: 'yesterday' }, 400, 'INVALID_MOMENT', 'body.as_of'],
    ['a version that there is not', { keys, version: 9 }, 404, 'UNKNOWN_NAME', ''],
    ['too many values', { rows: Array.from({ length: 500 }, () => ({})), keys }, 400, 'INVALID_REQUEST', 'body.rows'],
    ['too large a body', { keys: { user_id: 'a'.repeat(20_000), item_id: 7 } }, 413, 'INVALID_REQUEST', 'body'],
  ]
  for (const [what, body, status, code, where] of wrong) {
    test(`${what} is ${status}`, async () => {
      assert.deepEqual(refused(await served.read('ranking', body as object)), [status, code, where])
    })
  }

  test('a view that there is not is 404, and the one that is meant is named', async () => {
    const reply = await served.read('rankng', { keys })
    assert.deepEqual(refused(reply), [404, 'UNKNOWN_NAME', ''])
    assert.match(reply.body.error.message, /ranking/)
    assert.deepEqual(refused(await served.send('/v1/views/rankng')), [404, 'UNKNOWN_NAME', ''])
    assert.deepEqual(refused(await served.send('/v1/sources/facts/events', { event: {} })), [404, 'UNKNOWN_NAME', ''])
  })

  test('a path that there is not is 404', async () => {
    assert.deepEqual(refused(await served.send('/v2/views?token=secret')), [404, 'UNKNOWN_NAME', ''])
    assert.deepEqual(refused(await served.send('/health', {})), [404, 'UNKNOWN_NAME', ''])
  })

  test('another media type is 415', async () => {
    assert.deepEqual(refused(await served.read('ranking', { keys }, { 'content-type': 'text/csv' })), [
      415,
      'INVALID_REQUEST',
      'header content-type',
    ])
  })

  test('headers that are too large are 431, and what is no HTTP is 400, in the form of all errors', async () => {
    const answers = await Promise.all(
      [`GET /health HTTP/1.1\r\nhost: a\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n`, 'hello\r\n\r\n'].map(rawAnswer),
    )
    for (const [place, status] of [431, 400].entries()) {
      const [head = '', text = ''] = (answers[place] as string).split('\r\n\r\n')
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `))
      assert.deepEqual(refused({ status, headers: new Headers(), body: JSON.parse(text) }), [status, 'INVALID_REQUEST', ''])
    }
  })

  const rawAnswer = async (text: string): Promise<string> => {
    const { port, hostname } = new URL(served.server.url)
    const socket = connect(Number(port), hostname)
    socket.write(text)
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return answer
  }

  test('what would be right is told', async () => {
    const message = async (body: object) => (await served.read('ranking', body)).body.error.message
    assert.match(await message({ keys, layout: 'round' }), /rows, columns/)
    assert.match(await message({ keys: { ...keys, user_id: 'a'.repeat(20_000) } }), /larger than 20000 bytes/)
    assert.match((await served.read('ranking', { keys, as_of: '2020-01-01' })).body.error.remedy, /"as_known": true/)
  })

  test('a failure of the server tells nothing of itself', async () => {
    const failing = memoryOnlineStore()
    let broken = false
    await using other = await servedStore(
      {},
      {
        online: {
          ...failing,
          readSync(reads) {
            if (broken) throw new TypeError('the password is 1234')
            return failing.readSync?.(reads) ?? []
          },
        },
      },
    )
    broken = true
    const reply = await other.read('ranking', { keys })
    assert.deepEqual(refused(reply), [500, 'INTERNAL', ''])
    assert.doesNotMatch(JSON.stringify(reply.body), /1234/)
  })
})

test('more requests than are worked on at the same time are 429 with Retry-After', async () => {
  const inner = memoryOnlineStore()
  const { readSync: _none, ...slow } = inner
  let let_go = () => {}
  const held = new Promise<void>((resolve) => {
    let_go = resolve
  })
  await using served = await servedStore(
    { limits: { inFlight: 2 } },
    {
      online: {
        ...slow,
        async read(reads) {
          await held
          return await inner.read(reads)
        },
      },
    },
  )
  const first = [served.read('visitor', { keys: { user_id: 'ada' } }), served.read('visitor', { keys: { user_id: 'bob' } })]
  await new Promise((resolve) => setTimeout(resolve, 100))
  const more = await served.read('visitor', { keys: { user_id: 'ada' } })
  assert.deepEqual([more.status, more.body.error.code, more.headers.get('retry-after')], [429, 'OVERLOADED', '1'])
  let_go()
  assert.deepEqual(
    (await Promise.all(first)).map(({ status }) => status),
    [200, 200],
  )
  assert.equal((await served.read('visitor', { keys: { user_id: 'ada' } })).status, 200)
})

test('a request that does not arrive in time is 408, and its connection ends', async () => {
  await using served = await servedStore({ limits: { request: 300 } })
  const { port, hostname } = new URL(served.server.url)
  const socket = connect(Number(port), hostname)
  socket.write('POST /v1/views/ranking/vectors HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"keys"')
  const began = performance.now()
  let answer = ''
  for await (const chunk of socket) answer += chunk
  assert.match(answer, /^HTTP\/1\.1 408 /)
  assert.match(answer, /did not come in time/)
  assert.ok(performance.now() - began < 3000)
})

test('what is open is asked by HEAD too', async () => {
  await using served = await servedStore({ tokens: true })
  const status = async (path: string) => (await fetch(served.server.url + path, { method: 'HEAD' })).status
  assert.deepEqual(await Promise.all(['/health', '/ready', '/v1/views'].map(status)), [200, 200, 404])
})

test('requests that are cut off are not worked on any more', async () => {
  await using served = await servedStore({ limits: { inFlight: 5 } })
  const { port, hostname } = new URL(served.server.url)
  for (let cut = 0; cut < 20; cut++) {
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.write(
      'POST /v1/views/ranking/vectors HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"keys"',
    )
    await sleep(5)
    socket.destroy()
  }
  await sleep(50)
  assert.equal((await served.read('visitor', { keys: { user_id: 'ada' } })).status, 200)
})

test('rows that another definition replaced are refused while they are served', async () => {
  const online = memoryOnlineStore()
  await using served = await servedStore({}, { online })
  const read = async () => (await served.read('visitor', { keys: { user_id: 'ada' } })).status
  assert.equal(await read(), 200)
  for (const table of await online.tables())
    if (await online.readMeta(table)) await online.writeMeta(table, '{"layout":1,"hash":"another"}')
  for (let tries = 0; (await read()) === 200 && tries < 50; tries++) await sleep(100)
  assert.equal(await read(), 500)
  assert.equal((await served.send('/ready')).status, 500)
})
