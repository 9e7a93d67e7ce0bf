import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type PayloadFormat, payloadDecoder, payloadEncoder } from './payload.ts'

interface Registered {
  readonly id: number
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly { name: string; subject: string; version: number }[]
}

/** A schema registry: `GET /schemas/ids/{id}` and `GET /subjects/{subject}/versions/{version}`. */
class Registry implements AsyncDisposable {
  readonly asked: string[] = []
  readonly subjects = new Map<string, Registered>()
  failing = false
  authorization: string | undefined
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = decodeURIComponent(request.url ?? '')
      this.asked.push(path)
      this.authorization = request.headers.authorization
      const [, id] = /^\/schemas\/ids\/(-?\d+)$/.exec(path) ?? []
      const [, subject] = /^\/subjects\/(.+)\/versions\/\w+$/.exec(path) ?? []
      const found = [...this.subjects].find(([name, each]) => name === subject || String(each.id) === id)?.[1]
      response.statusCode = this.failing ? 503 : found === undefined ? 404 : 200
      response.end(JSON.stringify(found ?? { error_code: 40403, message: 'Schema not found' }))
    })
  }

  static async start(): Promise<Registry> {
    const registry = new Registry()
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    return registry
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get url(): string {
    return `http://${this.host}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}

const record = (name: string, fields: Record<string, unknown>) =>
  JSON.stringify({ type: 'record', name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) })
const order = record('Order', { id: 'string', total: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } })
const framed = (id: number, ...payload: number[]) => Buffer.from([0, 0, 0, 0, id, ...payload])
const anOrder = [2, 97, 4, 0x04, 0xe2]

test('JSON objects, and nothing else', async () => {
  const decode = payloadDecoder({ kind: 'json' })
  assert.deepEqual(await decode(Buffer.from('{"a":[1,"ä"]}')), { a: [1, 'ä'] })
  for (const bad of ['', '[]', 'null', '3', '{"a":', '{"a":1} x']) {
    assert.throws(() => decode(Buffer.from(bad)), { code: 'INVALID_VALUE' }, bad)
  }
  assert.throws(() => decode(Uint8Array.of(0x22, 0xff, 0x22)), /not UTF-8/)
  const encoded = await payloadEncoder({ kind: 'json' }, 'orders')({ a: 1, b: 2n ** 60n })
  assert.equal(Buffer.from(encoded).toString(), '{"a":1,"b":"1152921504606846976"}')
})

test('Avro of a schema that is given', async () => {
  const format: PayloadFormat = { kind: 'avro', schema: order }
  assert.deepEqual(payloadDecoder(format)(Uint8Array.from(anOrder)), { id: 'a', total: '12.50' })
  assert.deepEqual([...(await payloadEncoder(format, 'orders')({ id: 'a', total: '12.5' }))], anOrder)
  assert.throws(() => payloadDecoder({ kind: 'avro', schema: 'colour' }), { code: 'INVALID_DEFINITION' })
})

test('a schema of a registry is asked for once, and then read at once', async () => {
  await using registry = await Registry.start()
  registry.subjects.set('orders-value', { id: 7, schema: order })
  const decode = payloadDecoder({ kind: 'avroRegistry', url: registry.url })
  const payload = framed(7, ...anOrder)
  const several = await Promise.all([decode(payload), decode(payload), decode(payload)])
  for (const fields of several) assert.deepEqual(fields, { id: 'a', total: '12.50' })
  assert.deepEqual(decode(payload), { id: 'a', total: '12.50' })
  assert.deepEqual(registry.asked, ['/schemas/ids/7'])
})

test('schemas that are given by their numbers are not asked for', async () => {
  await using registry = await Registry.start()
  const decode = payloadDecoder({ kind: 'avroRegistry', url: registry.url, schemas: { 9: order } })
  assert.deepEqual(decode(framed(9, ...anOrder)), { id: 'a', total: '12.50' })
  assert.deepEqual(registry.asked, [])
})

test('what is written in the frame is read from it', async () => {
  await using registry = await Registry.start()
  registry.subjects.set('orders-value', { id: 7, schema: order })
  const format: PayloadFormat = { kind: 'avroRegistry', url: `${registry.url}/` }
  const encode = payloadEncoder(format, 'orders')
  const fields = { id: 'a', total: '12.50' }
  assert.deepEqual([...(await encode(fields))], [...framed(7, ...anOrder)])
  await encode(fields)
  assert.deepEqual(registry.asked, ['/subjects/orders-value/versions/latest'])
  await assert.rejects(async () => payloadEncoder(format, 'others')(fields), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(async () => encode({ id: 'a', total: 'much' }), { code: 'INVALID_VALUE', where: 'total' })
})

test('a schema may refer to others', async () => {
  await using registry = await Registry.start()
  registry.subjects.set('money', { id: 1, schema: record('Money', { cents: 'int' }) })
  registry.subjects.set('price', {
    id: 2,
    schema: record('Price', { net: 'Money' }),
    references: [{ name: 'Money', subject: 'money', version: 1 }],
  })
  registry.subjects.set('offer-value', {
    id: 3,
    schema: record('Offer', { price: 'Price', fee: 'Money' }),
    references: [{ name: 'Price', subject: 'price', version: 1 }],
  })
  const decode = payloadDecoder({ kind: 'avroRegistry', url: registry.url })
  assert.deepEqual(await decode(framed(3, 20, 2)), { price: { net: { cents: 10 } }, fee: { cents: 1 } })
})

test('bad payloads are told from a registry that is away', async () => {
  await using registry = await Registry.start()
  registry.subjects.set('orders-value', { id: 7, schema: order })
  registry.subjects.set('proto', { id: 8, schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' })
  registry.subjects.set('broken', { id: 10, schema: '{"type":"colour"}' })
  const decode = payloadDecoder({ kind: 'avroRegistry', url: registry.url })
  const bad = (payload: Uint8Array, message: RegExp) => assert.rejects(async () => decode(payload), { code: 'INVALID_VALUE', message })
  await bad(Uint8Array.of(0, 0, 0, 0), /does not begin with the number of a schema/)
  await bad(Uint8Array.of(1, 0, 0, 0, 7, 2), /does not begin with the number of a schema/)
  await bad(framed(7, 2), /is cut short/)
  await bad(framed(8), /of the kind PROTOBUF/)
  await bad(framed(10), /is of schema 10: .*no type/)
  await bad(framed(11), /names the schema 11, which the registry at .* does not know/)
  const { length } = registry.asked
  await bad(framed(11), /does not know/)
  assert.equal(registry.asked.length, length, 'what is unknown is not asked for each time')

  const other = payloadDecoder({ kind: 'avroRegistry', url: registry.url })
  registry.failing = true
  await assert.rejects(async () => other(framed(7, ...anOrder)), { code: 'EVENT_LOG_UNAVAILABLE', message: /answers 503/ })
  registry.failing = false
  assert.deepEqual(await other(framed(7, ...anOrder)), { id: 'a', total: '12.50' })

  const away = payloadDecoder({ kind: 'avroRegistry', url: registry.url })
  await registry[Symbol.asyncDispose]()
  await assert.rejects(async () => away(framed(7, ...anOrder)), { code: 'EVENT_LOG_UNAVAILABLE', message: /cannot be asked/ })
  assert.throws(() => payloadDecoder({ kind: 'avroRegistry', url: 'registry:8081' }), { code: 'INVALID_ARGUMENT' })
})

test('user and password go to the registry and into no message', async () => {
  await using registry = await Registry.start()
  const decode = payloadDecoder({ kind: 'avroRegistry', url: `http://me:p%40ss@${registry.host}` })
  await assert.rejects(
    async () => decode(framed(1)),
    (error: Error) => !error.message.includes('ss') || !error.message.includes('p@'),
  )
  assert.equal(registry.authorization, `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
})
