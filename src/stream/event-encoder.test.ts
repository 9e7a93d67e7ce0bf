import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { events, topic } from '../definition/index.ts'
import { t, toCell } from '../schema/index.ts'
import { eventDecoder } from './event-decoder.ts'
import { eventEncoder, recordEncoder } from './event-encoder.ts'
import { recordDecoder } from './record-decoder.ts'

const columns = {
  text: t.string(),
  kind: t.oneOf('a', '"b"').nullable(),
  flag: t.boolean(),
  whole: t.integer().nullable(),
  big: t.int64(),
  real: t.float().allowNaN(),
  money: t.decimal(15, 4),
  cents: t.decimal(9, 0),
  at: t.timestamp(),
  day: t.date().nullable(),
  tags: t.list(t.string().nullable()),
  sums: t.list(t.decimal(12, 2)),
  bigs: t.list(t.int64()),
  place: t.vector(2),
  more: t.struct().nullable(),
}
const source = events('orders', { columns, time: 'at', id: 'text', stream: topic('orders', { key: 'text' }) })
const micros = fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 })
const money = (digits: number, scale: number) =>
  fc.integer({ min: -(10 ** digits) + 1, max: 10 ** digits - 1 }).map((scaled) => (scaled / 10 ** scale).toFixed(scale))
const wellFormed = fc.string({
  unit: fc.oneof(fc.constantFrom('"', '\\', '\0', '\n', '\u2028', '🙂', 'é'), fc.string({ minLength: 1, maxLength: 1 })),
})
const row = fc.record({
  text: wellFormed,
  kind: fc.constantFrom('a', '"b"', null, undefined),
  flag: fc.boolean(),
  whole: fc.option(fc.maxSafeInteger()),
  big: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  real: fc.double(),
  money: money(15, 4),
  cents: money(9, 0),
  at: fc.oneof(
    micros.map((at) => new Date(Math.trunc(at / 1000))),
    fc.constantFrom(
      '2026-01-05',
      '2026-01-05T10:00:00.123456Z',
      '2026-01-05T10:00Z',
      '2026-01-05 10:00:00+05:30',
      '1999-12-31T23:59:59.9Z',
    ),
  ),
  day: fc.constantFrom('2026-01-05', '2024-02-29', null),
  tags: fc.array(fc.option(wellFormed)),
  sums: fc.array(money(12, 2)),
  bigs: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  place: fc.tuple(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.float({ noNaN: true, noDefaultInfinity: true })),
  more: fc.option(
    fc.dictionary(wellFormed, fc.oneof(wellFormed, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean())),
  ),
})

const textOf = (bytes: Uint8Array | null) => Buffer.from(bytes ?? []).toString()

test('what is encoded is decoded as the cells of the values', () => {
  const encode = eventEncoder(source)
  const decode = eventDecoder(source)
  fc.assert(
    fc.property(row, (values) => {
      const { key, value } = encode(values, 'event 1')
      const cells = Object.entries(source.columns).map(([name, type]) => toCell(type, values[name as keyof typeof values]))
      assert.deepEqual(decode.json(textOf(value)), cells)
      assert.equal(textOf(key), values.text)
    }),
    { numRuns: 500 },
  )
})

test('the key of a record is its text, or JSON where it is anything else', () => {
  const event = {
    text: 'é"',
    whole: 7,
    big: 2n ** 60n,
    flag: true,
    real: 0,
    money: '1.5',
    cents: 1,
    at: '2026-01-05T10:00:00+01:00',
    tags: [],
    sums: [],
    bigs: [],
    place: [0, 1],
  }
  const keyed = (...key: (keyof typeof columns)[]) => {
    const encode = eventEncoder(events('orders', { columns, time: 'at', stream: topic('orders', { key }) }))
    return textOf(encode(event, '').key)
  }
  assert.equal(keyed('text'), 'é"')
  assert.equal(keyed('whole'), '[7]')
  assert.equal(keyed('whole', 'text'), '[7,"é\\""]')
  assert.equal(keyed('money'), '1.5000')
  assert.equal(keyed('at'), '2026-01-05T09:00:00Z')
  assert.equal(keyed('big', 'flag', 'day'), '[{"$int64":"1152921504606846976"},true,null]')
})

test('what is no event is refused, and where', () => {
  const encode = eventEncoder(source)
  const event = {
    text: 'a',
    flag: true,
    big: 1n,
    real: 0,
    money: '1.5',
    cents: 1,
    at: '2026-01-05',
    tags: [],
    sums: [],
    bigs: [],
    place: [0, 1],
  }
  const refused = (change: object, code: string, message: RegExp) =>
    assert.throws(
      () => encode({ ...event, ...change }, 'event 3'),
      (error: Error & { code: string; where: string }) => {
        assert.equal(error.code, code)
        assert.match(error.message, message)
        assert.match(error.where, /^event 3/)
        return true
      },
    )
  encode(event, 'event 3')
  refused({ text: null }, 'INVALID_VALUE', /null is given, and string is not nullable here/)
  refused({ text: '\ud800' }, 'INVALID_VALUE', /well-formed/)
  refused({ big: 2n ** 63n }, 'INVALID_VALUE', /64 bits/)
  refused({ money: '1.23456' }, 'INVALID_VALUE', /more than 4 digits/)
  refused({ at: '2026-02-30T10:00:00Z' }, 'INVALID_MOMENT', /not a date of the calendar/)
  refused({ at: '2026-01-05 10:00:00.1234567Z' }, 'INVALID_MOMENT', /finer than a microsecond/)
  refused({ txt: 'a' }, 'UNKNOWN_COLUMN', /did you mean text\?/)
  refused({ toString: 1 }, 'UNKNOWN_COLUMN', /no column toString/)
})

test('times without a zone are local times of the source', () => {
  const zoned = events('visits', {
    columns: { id: t.string(), at: t.timestamp().range('2026-07-05T08:00', '2026-07-05T08:30') },
    time: 'at',
    timeZone: 'Europe/Paris',
    stream: topic('visits', { key: 'id' }),
  })
  const encode = eventEncoder(zoned)
  for (const at of ['2026-07-05T10:00:00', '2026-07-05T08:00:00Z', '2026-07-05T11:00:00+03:00', new Date('2026-07-05T08:00:00Z')])
    assert.equal(textOf(encode({ id: 'a', at }, '').value), '{"id":"a","at":"2026-07-05T08:00:00Z"}')
  assert.throws(() => encode({ id: 'a', at: '2026-07-05T08:00:00' }, ''), { code: 'INVALID_VALUE' })
  assert.throws(() => encode({ id: 'a', at: '2026-07-05T10:00:00Z' }, ''), { code: 'INVALID_VALUE' })
})

test('a topic of Avro gets Avro', async () => {
  const schema = JSON.stringify({
    type: 'record',
    name: 'Visit',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'page', type: ['null', 'string'] },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
    ],
  })
  const visits = events('visits', {
    columns: { id: t.int64(), page: t.string().nullable(), at: t.timestamp() },
    time: 'at',
    stream: topic('visits', { key: 'id', format: { kind: 'avro', schema } }),
  })
  const encode = recordEncoder(visits)
  const event = { id: 2n ** 60n, at: '2026-01-05T10:00:00.000001Z' }
  const { key, value } = await encode(event, 'event 1')
  const found = await recordDecoder(visits)({ partition: 0, offset: 0, taken: 0, headers: [], key, value })
  assert.deepEqual('cells' in found && found.cells, [2n ** 60n, null, Date.UTC(2026, 0, 5, 10) * 1000 + 1])
  assert.equal(textOf(key), '[{"$int64":"1152921504606846976"}]')
  assert.throws(() => encode({ ...event, id: null }, 'event 1'), { code: 'INVALID_VALUE' })
})
