import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { events, type StreamFormat, topic } from '../definition/index.ts'
import { type LogRecord, payloadEncoder } from '../eventlog/index.ts'
import { t } from '../schema/index.ts'
import { originHeader } from './origin.ts'
import { recordDecoder } from './record-decoder.ts'

const columns = { id: t.string(), total: t.decimal(12, 2).nullable(), seen: t.date().nullable(), at: t.timestamp() }
const sourceOf = (format?: StreamFormat, change: object = {}) =>
  events('orders', { columns, time: 'at', stream: topic('orders', { key: 'id', ...(format ? { format } : {}) }), ...change })
const record = (value: Uint8Array | string | null, change: Partial<LogRecord> = {}): LogRecord => ({
  partition: 3,
  offset: 7,
  taken: 1000,
  key: null,
  headers: [],
  value: typeof value === 'string' ? Buffer.from(value) : value,
  ...change,
})
const at = Date.UTC(2026, 0, 5, 10) * 1000
const line = '{"id":"a","total":12.5,"at":"2026-01-05T10:00:00Z","seen":"2026-01-06"}'

test('an event has its place, its time and from when it is known', () => {
  const day = Date.UTC(2026, 0, 6) * 1000
  const taken = { partition: 3, offset: 7, taken: 1000 }
  const one = record(line)
  const event = { partition: 3, offset: 7, record: one, origin: taken, cells: ['a', 1250, day / 86_400e6, at], time: at, known: 1000 }
  assert.deepEqual(recordDecoder(sourceOf())(one), event)
  assert.deepEqual(recordDecoder(sourceOf(undefined, { known: 'seen' }))(one), { ...event, known: day })
  const unknown = recordDecoder(sourceOf(undefined, { known: 'seen' }))(record('{"id":"a","at":"2026-01-05T10:00:00Z"}'))
  assert.equal('known' in unknown && unknown.known, Number.NEGATIVE_INFINITY)
  const origin = { partition: 1, offset: 70, taken: 500 }
  const copy = record(line, { headers: [originHeader(origin)] })
  assert.deepEqual(recordDecoder(sourceOf(), true)(copy), { ...event, record: copy, origin, known: 500 })
  assert.deepEqual(recordDecoder(sourceOf())(copy), { ...event, record: copy }, 'in its own topic a record is no copy')
  const again = record(line, { headers: [originHeader({ partition: 9, offset: 9, taken: 9 }), originHeader(origin)] })
  assert.deepEqual(
    recordDecoder(sourceOf(), true)(again),
    { ...event, record: again, origin, known: 500 },
    'the last one is that of the copy',
  )
})

test('a copy that does not say of what is no event', () => {
  const decode = recordDecoder(sourceOf(), true)
  for (const headers of [[], [{ name: 'lockstep-origin', value: Uint8Array.of(0x80) }]]) {
    const found = decode(record(line, { headers }))
    assert.equal('reason' in found && found.reason, 'the copy does not say what it is a copy of')
  }
})

test('what is no event comes back with the reason', () => {
  const decode = recordDecoder(sourceOf())
  const reason = (value: Parameters<typeof record>[0]) => {
    const found = decode(record(value))
    return 'reason' in found ? found.reason : null
  }
  assert.equal(reason(null), 'the record is not a JSON object: ""')
  assert.equal(reason('{'), 'the record is not a JSON object: "{"')
  assert.equal(reason(Uint8Array.of(0x22, 0xff, 0x22)), 'the record is not UTF-8')
  assert.equal(reason('{"id":"a"}'), 'at is missing')
  assert.equal(reason(line), null)
})

const schema = JSON.stringify({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total', type: ['null', { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 3 }] },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'more', type: 'double' },
  ],
})
const fields = { id: 'a', total: '12.500', at: '2026-01-05T10:00:00Z', more: 1 }
const framed = (value: Uint8Array, number: number) => Buffer.concat([Uint8Array.of(0, 0, 0, 0, number), value])

void suite('Avro', () => {
  const cells = (found: object) => ('cells' in found ? found.cells : found)
  const reason = (found: object) => ('reason' in found ? String(found.reason) : null)

  void test('of a known schema', async () => {
    const decode = recordDecoder(sourceOf({ kind: 'avro', schema }))
    const value = await payloadEncoder({ kind: 'avro', schema }, 'orders')(fields)
    assert.deepEqual(cells(await decode(record(value))), ['a', 1250, null, at])
    assert.match(reason(await decode(record(value.subarray(0, 3)))) ?? '', /payload/i)
    const fine = await payloadEncoder({ kind: 'avro', schema }, 'orders')({ ...fields, total: '12.505' })
    assert.equal(reason(await decode(record(fine))), 'total has more than 2 digits behind the point: "12.505"')
  })

  void test('of a registry: again when it cannot be had, and never where there is no such schema', async () => {
    const { createServer } = await import('node:http')
    let answers = 0
    const server = createServer((request, response) => {
      answers++
      if (answers === 1) response.writeHead(503).end()
      else if (request.url?.startsWith('/schemas/ids/5')) response.end(JSON.stringify({ schema }))
      else response.writeHead(404).end(JSON.stringify({ error_code: 40403 }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    try {
      const decode = recordDecoder(sourceOf({ kind: 'avroRegistry', url: `http://127.0.0.1:${port}` }))
      const value = await payloadEncoder({ kind: 'avro', schema }, 'orders')(fields)
      await assert.rejects(async () => await decode(record(framed(value, 5))), { code: 'EVENT_LOG_UNAVAILABLE' })
      const later = decode(record(framed(value, 5)))
      assert.ok(later instanceof Promise)
      assert.deepEqual(cells(await later), ['a', 1250, null, at])
      assert.ok(!(decode(record(framed(value, 5))) instanceof Promise), 'a schema that is known is not asked for')
      assert.notEqual(reason(await decode(record(framed(value, 6)))), null)
      assert.notEqual(reason(await decode(record(value))), null)
    } finally {
      server.close()
    }
  })
})
