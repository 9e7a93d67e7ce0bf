import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { avroDecoder, avroEncoder } from './avro.ts'

interface Shape {
  readonly schema: unknown
  /** A value in our form, and as the library has it, with its unions wrapped. */
  readonly value: fc.Arbitrary<{ readonly ours: unknown; readonly theirs: unknown }>
}

const same = <T>(arbitrary: fc.Arbitrary<T>) => arbitrary.map((value) => ({ ours: value as unknown, theirs: value as unknown }))
const text = fc.string({ unit: 'grapheme', maxLength: 10 })
const bytes = fc.uint8Array({ maxLength: 10 }).map((value) => Buffer.from(value))

const simple: Shape[] = [
  { schema: 'null', value: same(fc.constant(null)) },
  { schema: 'boolean', value: same(fc.boolean()) },
  { schema: 'int', value: same(fc.integer()) },
  // The library writes larger ones wrongly.
  { schema: 'long', value: same(fc.integer({ min: -(2 ** 52), max: 2 ** 52 })) },
  { schema: 'float', value: same(fc.float()) },
  { schema: 'double', value: same(fc.double()) },
  { schema: 'string', value: same(text) },
  { schema: 'bytes', value: same(bytes) },
]

let names = 0
const fresh = () => `n${names++}`

function shape(depth: number): fc.Arbitrary<Shape> {
  const plain = fc.constantFrom(...simple)
  const named = fc.constantFrom<() => Shape>(
    () => ({ schema: { type: 'enum', name: fresh(), symbols: ['A', 'B', 'C'] }, value: same(fc.constantFrom('A', 'B', 'C')) }),
    () => ({
      schema: { type: 'fixed', name: fresh(), size: 3 },
      value: same(fc.uint8Array({ minLength: 3, maxLength: 3 }).map((value) => Buffer.from(value))),
    }),
  )
  if (depth === 0)
    return fc.oneof(
      plain,
      named.map((make) => make()),
    )
  const inner = shape(depth - 1)
  const both = (values: readonly { ours: unknown; theirs: unknown }[], pick: 'ours' | 'theirs') => values.map((value) => value[pick])
  return fc.oneof(
    plain,
    named.map((make) => make()),
    inner.map(({ schema, value }) => ({
      schema: { type: 'array', items: schema },
      value: fc.array(value, { maxLength: 4 }).map((items) => ({ ours: both(items, 'ours'), theirs: both(items, 'theirs') })),
    })),
    inner.map(({ schema, value }) => ({
      schema: { type: 'map', values: schema },
      value: fc.dictionary(text, value, { maxKeys: 4, noNullPrototype: true }).map((items) => ({
        ours: Object.fromEntries(Object.entries(items).map(([name, item]) => [name, item.ours])),
        theirs: Object.fromEntries(Object.entries(items).map(([name, item]) => [name, item.theirs])),
      })),
    })),
    fc.array(inner, { maxLength: 4 }).map((fields) => ({
      schema: { type: 'record', name: fresh(), fields: fields.map(({ schema }, index) => ({ name: `f${index}`, type: schema })) },
      value: fc.tuple(...fields.map(({ value }) => value)).map((values) => ({
        ours: Object.fromEntries(values.map(({ ours }, index) => [`f${index}`, ours])),
        theirs: Object.fromEntries(values.map(({ theirs }, index) => [`f${index}`, theirs])),
      })),
    })),
    fc.subarray(simple, { minLength: 1 }).map((branches) => ({
      schema: branches.map(({ schema }) => schema),
      value: fc.oneof(
        ...branches.map(({ schema, value }) =>
          value.map(({ ours, theirs }) => ({ ours, theirs: schema === 'null' ? null : { [schema as string]: theirs } })),
        ),
      ),
    })),
  )
}

const record = shape(2).map(({ schema, value }) => ({
  schema: { type: 'record', name: fresh(), fields: [{ name: 'only', type: schema }] },
  value: value.map(({ ours, theirs }) => ({ ours: { only: ours }, theirs: { only: theirs } })),
}))

/** Object.is for numbers within, plain objects and bytes by content. */
const plain = (value: unknown): unknown =>
  JSON.stringify(value, (_name, member) => (typeof member === 'number' ? (Object.is(member, -0) ? '-0' : String(member)) : member))

test('payloads of random schemas are read as a library wrote them, and written as it reads them', () => {
  fc.assert(
    fc.property(
      record.chain(({ schema, value }) => fc.tuple(fc.constant(schema), value)),
      ([schema, { ours, theirs }]) => {
        const type = avsc.Type.forSchema(schema as never, { wrapUnions: 'always' })
        const decoded = avroDecoder(JSON.stringify(schema))(type.toBuffer(theirs))
        assert.equal(plain(decoded), plain(ours))
        const encoded = avroEncoder(JSON.stringify(schema))(ours as Record<string, unknown>)
        assert.ok(type.fromBuffer(Buffer.from(encoded)))
        assert.equal(plain(avroDecoder(JSON.stringify(schema))(encoded)), plain(ours))
      },
    ),
    { numRuns: 300 },
  )
})

const schemaOf = (type: unknown) => JSON.stringify({ type: 'record', name: 'Order', namespace: 'shop', fields: [{ name: 'x', type }] })
const decodeX = (type: unknown, ...payload: number[]) => avroDecoder(schemaOf(type))(Uint8Array.from(payload)).x
const both = (type: unknown, value: unknown, payload: number[]) => {
  assert.deepEqual(decodeX(type, ...payload), value)
  assert.deepEqual([...avroEncoder(schemaOf(type))({ x: value })], payload)
}

test('longs beyond 2^53 are exact', () => {
  both('long', 2 ** 53 - 1, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f])
  both('long', 2n ** 53n, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20])
  both('long', 2n ** 63n - 1n, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
  both('long', -(2n ** 63n), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
  assert.throws(() => decodeX('long', ...new Array(9).fill(0xff), 0x02), /beyond 64 bits/)
  assert.throws(() => decodeX('int', 0xfe, 0xff, 0xff, 0xff, 0x1f), /beyond 32 bits/)
})

test('logical types are public values', () => {
  const logical = (type: string, logicalType: string, more = {}) => ({ type, logicalType, ...more })
  both(logical('bytes', 'decimal', { precision: 9, scale: 2 }), '12.50', [4, 0x04, 0xe2])
  both(logical('bytes', 'decimal', { precision: 9, scale: 2 }), '-0.01', [2, 0xff])
  both(logical('bytes', 'decimal', { precision: 30, scale: 1 }), '-1844674407370955161.6', [18, 0xff, ...new Array(8).fill(0)])
  both(logical('fixed', 'decimal', { precision: 9, scale: 0, name: 'D', size: 3 }), '-2', [0xff, 0xff, 0xfe])
  both(logical('int', 'date'), '1970-01-03', [4])
  both(logical('long', 'timestamp-millis'), new Date(1500), [0xb8, 0x17])
  both(logical('long', 'timestamp-micros'), '1970-01-01T00:00:00.000001Z', [2])
  both(logical('long', 'timestamp-nanos'), '1970-01-01T00:00:00.000001Z', [0xd0, 0x0f])
  both(logical('long', 'local-timestamp-millis'), '1970-01-01T00:00:01', [0xd0, 0x0f])
  both(logical('fixed', 'uuid', { name: 'U', size: 16 }), '00010203-0405-0607-0809-0a0b0c0d0e0f', [...Array(16).keys()])
  assert.throws(() => decodeX(logical('long', 'timestamp-nanos'), 2), /finer than a microsecond/)
  // A meaning that makes no sense, or that nobody knows, counts for nothing.
  both(logical('bytes', 'decimal', { precision: 1, scale: 2 }), Buffer.of(7), [2, 7])
  both(logical('string', 'colour'), 'a', [2, 97])
})

test('names, namespaces, aliases and records that hold themselves', () => {
  const schema = {
    type: 'record',
    name: 'List',
    namespace: 'shop',
    aliases: ['Chain'],
    fields: [
      { name: 'kind', type: { type: 'enum', name: 'Kind', symbols: ['A', 'B'] } },
      { name: 'other', type: 'shop.Kind' },
      { name: 'next', type: ['null', 'Chain'] },
    ],
  }
  const value = { kind: 'A', other: 'B', next: { kind: 'B', other: 'A', next: null } }
  const encoded = avroEncoder(JSON.stringify(schema))(value)
  assert.deepEqual(avroDecoder(JSON.stringify(schema))(encoded), value)
})

test('a field that is missing has its default', () => {
  const type = { type: 'record', name: 'R', fields: [{ name: 'a', type: ['null', 'int'], default: null }] as unknown[] }
  type.fields.push({ name: 'b', type: { type: 'long', logicalType: 'timestamp-millis' }, default: 1500 })
  type.fields.push({ name: 'c', type: 'bytes', default: '\u00ff' })
  type.fields.push({ name: 'd', type: ['null', 'string'] })
  const encoded = avroEncoder(JSON.stringify(type))({})
  assert.deepEqual(avroDecoder(JSON.stringify(type))(encoded), { a: null, b: new Date(1500), c: Buffer.of(255), d: null })
  assert.throws(() => avroEncoder(schemaOf('int'))({}), { code: 'INVALID_VALUE', where: 'x' })
  assert.throws(() => avroEncoder(schemaOf(['null', 'int']))({ x: 'a' }), /"a" is no value of the union of null, int/)
})

test('bad payloads are refused at once, whatever lengths and counts they tell', () => {
  const list = { type: 'array', items: 'int' }
  const huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f]
  const cases: [type: unknown, payload: number[], why: RegExp][] = [
    ['int', [], /cut short/],
    ['int', [2, 2], /has 1 bytes more/],
    ['string', huge, /cut short/],
    ['string', [0x03, 97], /cut short/],
    ['string', [2, 0xff], /not UTF-8/],
    [list, huge, /cut short/],
    [{ type: 'array', items: 'null' }, huge, /cut short/],
    [{ type: 'map', values: list }, huge, /cut short/],
    [['null', 'int'], [4], /has 2 where there are 2 choices/],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, [1], /has -1 where there are 1 choices/],
  ]
  for (const [type, payload, why] of cases) {
    const started = performance.now()
    assert.throws(() => decodeX(type, ...payload), { code: 'INVALID_VALUE', message: why })
    assert.ok(performance.now() - started < 500)
  }
  const endless = { type: 'record', name: 'E', fields: [{ name: 'e', type: 'E' }] }
  assert.throws(() => avroDecoder(JSON.stringify(endless))(new Uint8Array()), /deeper than/)
  const deep = { type: 'record', name: 'E', fields: [{ name: 'e', type: ['null', 'E'] }] }
  assert.throws(() => avroDecoder(JSON.stringify(deep))(new Uint8Array(100_000).fill(2)), /deeper than/)
})

test('random bytes are read or refused', () => {
  const schema = avroDecoder(
    schemaOf({
      type: 'map',
      values: ['null', 'long', { type: 'array', items: ['string', 'double', { type: 'int', logicalType: 'date' }] }],
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
      try {
        schema(payload)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'INVALID_VALUE', String(error))
      }
    }),
  )
})

test('schemas that are none are refused', () => {
  for (const schema of ['', '{}', '"colour"', '{"type":"record","name":"a"}', '{"type":"record","name":"1","fields":[]}', '[["null"]]']) {
    assert.throws(() => avroDecoder(schema), { code: 'INVALID_DEFINITION' }, schema)
  }
})
