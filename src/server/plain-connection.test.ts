import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerOptions } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { DirectAnswer } from './direct-route.ts'
import { PlainConnections } from './plain-connections.ts'

/** A request whose body says what its answer is to be. */
const asking = (body: string, path = '/plain'): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`

interface Told {
  readonly codes: number[]
  readonly failures: unknown[]
  heads: number
}

/** A server that answers `/plain` by `answerTo`, and all else by the server of Node.js, with its path. */
async function fronted(
  answerTo: (body: string) => Promise<string>,
  { idle = 72_000, ...http }: ServerOptions & { readonly idle?: number } = {},
) {
  const told: Told = { codes: [], failures: [], heads: 0 }
  const server = createServer({ connectionsCheckingInterval: 50, ...http }, (request, response) => {
    request.resume().on('end', () => response.end(`general ${request.url}`))
  })
  let isEnding = false
  const route = {
    paramsOf: ({ path }: { readonly path: string }) => {
      told.heads++
      return path === '/plain' ? {} : null
    },
    answer: async (_head: unknown, _params: unknown, text: string): Promise<DirectAnswer> => {
      const body = Buffer.from(await answerTo(text))
      return { status: 200, headers: '', body, sent: (code) => void told.codes.push(code) }
    },
  }
  const options = { idle, isEnding: () => isEnding, failed: (error: unknown) => void told.failures.push(error) }
  const plain = PlainConnections.of(server, 'connection', route, options)
  const accepted: Socket[] = []
  server.on('connection', (socket) => accepted.push(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const opened: Socket[] = []
  return {
    plain,
    told,
    accepted,
    end: () => {
      isEnding = true
    },
    /** A connection, and what came over it. */
    open: async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
      opened.push(socket)
      const received = { text: '' }
      socket.on('data', (chunk) => {
        received.text += chunk.toString('latin1')
      })
      socket.on('error', () => {})
      await once(socket, 'connect')
      return { socket, received }
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of opened) socket.destroy()
      plain.closeAll()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Waits until something is so; fails where it is not within some seconds. */
async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 500, `waited for ${isSo}`)
    await setTimeout(10)
  }
}

test('who sends on and on is read no faster than answered, however many answers there were', async () => {
  await using server = await fronted(async (body) => {
    await setTimeout(1)
    return body
  })
  const { socket } = await server.open()
  const request = asking('x')
  socket.write(request.repeat(300_000))
  await until(() => server.told.codes.length >= 200)
  const [accepted] = server.accepted
  const ahead = (accepted?.bytesRead ?? 0) - server.told.codes.length * request.length
  assert.ok(ahead < 512 * 1024, `${ahead} bytes are held for later`)
})

test('who sends many requests ahead does not hold up others', async () => {
  const order: string[] = []
  await using server = await fronted(async (body) => {
    order.push(body)
    return body
  })
  const [many, one] = [await server.open(), await server.open()]
  many.socket.write(asking('many').repeat(800))
  one.socket.write(asking('one'))
  await until(() => server.told.codes.length === 801)
  assert.ok(order.indexOf('one') < 400, `the other was answered after ${order.indexOf('one')}`)
})

test('an answer that cannot be made closes its connection and is told, and the server goes on', async () => {
  await using server = await fronted(async (body) => {
    if (body === 'fail') throw new Error('no answer')
    return body
  })
  const [failing, other] = [await server.open(), await server.open()]
  failing.socket.write(asking('fail') + asking('right'))
  await once(failing.socket, 'end')
  assert.equal(failing.received.text, '')
  assert.deepEqual(
    server.told.failures.map((error) => (error as Error).message),
    ['no answer'],
  )
  other.socket.write(asking('right'))
  await until(() => other.received.text.endsWith('right'))
})

test('a request that comes slowly goes to Node.js, which answers it, or refuses it when its time is over', async () => {
  await using server = await fronted(async (body) => body, { headersTimeout: 1500, requestTimeout: 1500 })
  const [slow, stalled, trickling] = [await server.open(), await server.open(), await server.open()]
  slow.socket.write(asking('late').slice(0, -2))
  stalled.socket.write('POST /pl')
  const trickle = setInterval(() => trickling.socket.write('a'), 100)
  trickling.socket.write('POST /plain HTTP/1.1\r\nx: ')
  try {
    await setTimeout(1800)
    slow.socket.write('te')
    await until(() => slow.received.text.endsWith('general /plain'))
    await until(() => stalled.received.text.startsWith('HTTP/1.1 408 ') && trickling.received.text.startsWith('HTTP/1.1 408 '))
  } finally {
    clearInterval(trickle)
  }
  assert.deepEqual(server.told.codes, [])
})

test('a head is read once, however many pieces its body comes in', async () => {
  await using server = await fronted(async (body) => body)
  const { socket, received } = await server.open()
  // Too long to be kept for other requests.
  const request = asking('x'.repeat(40)).replace('\r\n\r\n', `\r\nx-long: ${'x'.repeat(2000)}\r\n\r\n`)
  for (const piece of [request.slice(0, -40), ...'x'.repeat(40)]) {
    socket.write(piece)
    await setTimeout(1)
  }
  await until(() => received.text.endsWith('x'.repeat(40)))
  assert.equal(server.told.heads, 1)
})

test('a connection may rest a little longer than its client was told', async () => {
  await using server = await fronted(async (body) => body, { idle: 1000 })
  const { socket, received } = await server.open()
  socket.write(asking('first'))
  await until(() => received.text.endsWith('first'))
  assert.match(received.text, /keep-alive: timeout=1\r\n/)
  await setTimeout(1100)
  socket.write(asking('second'))
  await until(() => received.text.endsWith('second'))
  await once(socket, 'end')
})

test('an answer to a client that is gone counts as cut off', async () => {
  let answer = () => {}
  await using server = await fronted(async (body) => {
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return body
  })
  const { socket } = await server.open()
  socket.write(asking('x'))
  await setTimeout(50)
  socket.resetAndDestroy()
  await until(() => server.accepted[0]?.destroyed === true)
  answer()
  await until(() => server.told.codes.length > 0)
  assert.deepEqual(server.told.codes, [499])
})

test('a connection is told to close once, and what comes afterwards is nothing to it', async () => {
  await using server = await fronted(async () => 'x'.repeat(30_000))
  const { socket, received } = await server.open()
  socket.pause()
  // Until something of an answer is still to be sent, and less than would hold up the next one.
  for (let asked = 1; (server.accepted[0]?.writableLength ?? 0) === 0; asked++) {
    socket.write(asking(''))
    await until(() => server.told.codes.length === asked)
  }
  const answers = server.told.codes.length
  for (let times = 0; times < 20; times++) server.plain.closeIdle()
  assert.ok((server.accepted[0]?.listenerCount('finish') ?? 0) < 3)
  socket.write(asking('more') + asking('more', '/other'))
  await setTimeout(50)
  socket.resume()
  await once(socket, 'end')
  assert.equal(server.told.codes.length, answers)
  assert.equal(received.text.split('HTTP/1.1 ').length - 1, answers)
})
