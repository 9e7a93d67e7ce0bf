import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { type ServedStore, servedStore } from '../../test/support/served-store.ts'

const json = 'content-type: application/json'

function requestOf(first: string, lines: readonly string[], body = ''): Buffer {
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`]
  return Buffer.from(`${[first, 'host: x', ...length, ...lines].join('\r\n')}\r\n\r\n${body}`)
}

const read = (body: unknown, ...lines: string[]) =>
  requestOf('POST /v1/views/ranking/vectors HTTP/1.1', [json, ...lines], typeof body === 'string' ? body : JSON.stringify(body))
const vectorOf = (user: string, ...lines: string[]) => read({ keys: { user_id: user, item_id: '7' }, request: { budget: 10 } }, ...lines)
const health = requestOf('GET /health HTTP/1.1', [])

interface Answered {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** The answers in what a connection sent. */
function answersIn(bytes: Buffer): Answered[] {
  const answers: Answered[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n\r\n', at)
    const head = bytes.toString('latin1', at, end)
    const [, status] = /^HTTP\/1\.1 (\d{3}) [A-Z]/.exec(head) ?? assert.fail(head)
    const [, length] = /content-length: (\d+)/i.exec(head) ?? assert.fail(head)
    at = end + 4 + Number(length)
    answers.push({ status: Number(status), head, body: bytes.toString('utf8', end + 4, at) })
  }
  return answers
}

/** Without what differs from one request to the next. */
const plain = ({ status, body }: Answered) => ({ status, body: body.replace(/r[0-9a-f]{10}-[0-9a-z]+/g, 'ID') })

describe('connections that are answered without the server of Node.js', () => {
  let served: ServedStore
  before(async () => {
    served = await servedStore({ limits: { onDemand: 5000 } })
  })
  after(() => served[Symbol.asyncDispose]())

  const open = async (): Promise<Socket> => {
    const { hostname, port } = new URL(served.server.url)
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true, noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  /** What a connection answers to pieces that are sent one after the other, `count` answers or until it is closed. */
  const exchange = async (pieces: readonly Buffer[], count = Number.POSITIVE_INFINITY, pause = 0): Promise<Answered[]> => {
    const socket = await open()
    const chunks: Buffer[] = []
    const done = new Promise<void>((resolve, reject) => {
      socket.on('error', reject).on('close', resolve).on('end', resolve)
      socket.on('data', (chunk) => {
        chunks.push(chunk)
        const text = Buffer.concat(chunks).toString('latin1')
        if (text.split('HTTP/1.1 ').length - 1 < count) return
        try {
          if (answersIn(Buffer.concat(chunks)).length >= count && text.endsWith('}')) resolve()
        } catch {
          // More is to come.
        }
      })
    })
    for (const piece of pieces) {
      if (socket.destroyed) break
      socket.write(piece)
      await setTimeout(pause)
    }
    if (count === Number.POSITIVE_INFINITY) socket.end()
    await done
    socket.destroy()
    return answersIn(Buffer.concat(chunks))
  }

  test('each request is answered, with what HTTP asks of an answer', async () => {
    const [first, second] = await exchange([vectorOf('ada'), vectorOf('bob')], 2, 20)
    assert.match(first?.head ?? '', /^HTTP\/1\.1 200 OK\r\ncontent-type: application\/json; charset=utf-8\r\n/)
    assert.match(
      first?.head ?? '',
      /\r\ndate: \w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT\r\nconnection: keep-alive\r\nkeep-alive: timeout=72$/,
    )
    assert.match(second?.body ?? '', /"features":\["user_click_count_1h"/)
  })

  test('a request that comes byte by byte is answered', async () => {
    const bytes = vectorOf('ädä')
    const [answer] = await exchange(
      Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
      1,
    )
    assert.equal(answer?.status, 200)
  })

  test('requests of any kind, sent together or cut anywhere, are answered in their order as each by itself', async () => {
    const kinds = [
      vectorOf('ada'),
      vectorOf('bob', 'connection: keep-alive', 'x-a: 1'),
      read({ keys: {} }),
      vectorOf('ada', 'X-A: é'),
      health,
      requestOf('POST /v1/views/none/vectors HTTP/1.1', [json], '{"keys":{}}'),
      requestOf('POST /v1/views/ranking/vectors?a HTTP/1.1', [json], '{}'),
      requestOf('POST /v1/views/ranking/vectors HTTP/1.1', ['content-type: text/csv'], 'a,b'),
      Buffer.concat([
        requestOf('POST /v1/views/ranking/vectors HTTP/1.1', [json, 'transfer-encoding: chunked']),
        Buffer.from('2\r\n{}\r\n0\r\n\r\n'),
      ]),
    ]
    const alone = await Promise.all(kinds.map(async (bytes) => plain((await exchange([bytes], 1))[0] as Answered)))
    assert.deepEqual([...new Set(alone.map(({ status }) => status))].sort(), [200, 400, 404, 415])
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(kinds.length - 1), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(1500), { maxLength: 6 }),
        async (sent, cuts) => {
          const bytes = Buffer.concat(sent.map((kind) => kinds[kind] as Buffer))
          const edges = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]
          const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge))
          const answers = await exchange(pieces, sent.length, 1)
          assert.deepEqual(
            answers.map(plain),
            sent.map((kind) => alone[kind]),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a client that sends no more gets its answers, and the connection is closed', async () => {
    const answers = await exchange([Buffer.concat([vectorOf('ada'), vectorOf('bob')])])
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    )
    assert.deepEqual(await exchange([vectorOf('ada').subarray(0, 90)]), [])
  })

  test('what is no HTTP is refused as by Node.js', async () => {
    for (const bytes of [
      'POST / HTTP/1.1\r\n\r\n',
      'hello\r\n\r\n',
      `POST /v1/views/ranking/vectors HTTP/1.1\r\nhost: x\r\n${'a'.repeat(20_000)}`,
    ]) {
      const socket = await open()
      socket.write(bytes)
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      assert.match(chunk.toString(), /^HTTP\/1\.1 (400|431) /)
      socket.destroy()
    }
  })

  test('who does not read answers is not answered on, and then gets all of them', async () => {
    const socket = await open()
    const rows = Array.from({ length: 500 }, (_, item) => ({ item_id: String(item) }))
    const request = read({ keys: { user_id: 'ada' }, rows, request: { budget: 10 }, names: 'per_row' })
    const count = 100
    socket.pause()
    const counted = async () => {
      const metrics = await (await fetch(`${served.server.url}/metrics`)).text()
      return Number(
        /lockstep_requests_total\{route="\/v1\/views\/:view\/vectors",view="ranking",code="200"[^}]*\} (\d+)/.exec(metrics)?.[1] ?? 0,
      )
    }
    const begun = await counted()
    for (let sent = 0; sent < count; sent++) socket.write(request)
    const settled = async (figure: () => number | Promise<number>) => {
      for (let last = -1; ; await setTimeout(500)) {
        const now = await figure()
        if (now === last) return now
        last = now
      }
    }
    const held = (await settled(counted)) - begun
    assert.ok(held < count, `${held} of ${count} were answered to who reads none`)
    let bytes = 0
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    socket.resume()
    await settled(() => bytes)
    assert.equal((await counted()) - begun, count)
    socket.end()
    await once(socket, 'end')
    assert.ok(bytes > count * 50_000)
  })
})

test('a server that closes ends connections that rest, and answers what is under way', async () => {
  const served = await servedStore({ limits: { onDemand: 5000 } })
  try {
    const { hostname, port } = new URL(served.server.url)
    const [resting, asking] = [connect(Number(port), hostname), connect(Number(port), hostname)]
    await Promise.all([once(resting, 'connect'), once(asking, 'connect')])
    const chunks: Buffer[] = []
    asking.on('data', (chunk: Buffer) => chunks.push(chunk))
    asking.write(vectorOf('ada'))
    await once(asking, 'data')
    // From history, which takes longer than the way of the closing to the connection.
    asking.write(read({ keys: { user_id: 'ada', item_id: '7' }, request: { budget: 10 }, as_known: true, as_of: '2026-03-01T12:00:00Z' }))
    await setTimeout(20)
    await Promise.all([served.server.close(), once(resting, 'close'), once(asking, 'close')])
    const answers = answersIn(Buffer.concat(chunks))
    assert.deepEqual(
      answers.map(({ status, head }) => [status, /connection: (\S+)/.exec(head)?.[1]]),
      [
        [200, 'keep-alive'],
        [200, 'close'],
      ],
    )
  } finally {
    await served[Symbol.asyncDispose]()
  }
})

test('a server that ends says so with each answer, so that nothing is sent on a connection as it is closed', async () => {
  const served = await servedStore({ drain: 1000, limits: { onDemand: 5000 } })
  try {
    const { hostname, port } = new URL(served.server.url)
    const kinds = [vectorOf('ada'), health, read({ keys: {} }), requestOf('GET /none HTTP/1.1', [])]
    const sockets = kinds.map(() => connect(Number(port), hostname))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    let isClosed = false
    const closed = served.server.close().then(() => {
      isClosed = true
    })
    const ended = sockets.map(async (socket, index) => {
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      socket.write(kinds[index] as Buffer)
      await once(socket, 'end')
      assert.equal(isClosed, false)
      return answersIn(Buffer.concat(chunks)).map(({ status, head }) => [status, /connection: (\S+)/i.exec(head)?.[1]])
    })
    assert.deepEqual(await Promise.all(ended), [[[200, 'close']], [[200, 'close']], [[400, 'close']], [[404, 'close']]])
    await closed
  } finally {
    await served[Symbol.asyncDispose]()
  }
})
