import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { events } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { eventDecoder, isInvalid } from './event-decoder.ts'
import { flatJsonReader } from './flat-json.ts'

const source = events('orders', {
  columns: {
    id: t.string(),
    user: t.integer().range(-5, 1e15),
    total: t.decimal(12, 2).nullable(),
    price: t.float(),
    kind: t.oneOf('view', 'order').nullable(),
    big: t.int64().nullable(),
    fresh: t.boolean().nullable(),
    day: t.date().nullable(),
    tags: t.list(t.string()).nullable(),
    seen: t.timestamp().range('2000-01-01', '2030-01-01').nullable(),
    at: t.timestamp(),
  },
  time: 'at',
  id: 'id',
  timeZone: 'Europe/Paris',
})
const flat = flatJsonReader(source)
const { json } = eventDecoder(source)
const names = Object.keys(source.columns)

const digits = fc.stringMatching(/^-?\d{1,17}(\.\d{1,17})?(e-?\d{1,2})?$/)
const moment = fc.stringMatching(
  /^(0000|1684|1969|2024|2026|2255|9999)-(0\d|1[0-3])-(0[1-9]|[23]\d)T[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,9})?(Z|\+01:00)?$/,
)
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.integer().map(String),
  digits,
  moment.map((text) => JSON.stringify(text)),
  fc.string().map((text) => JSON.stringify(text)),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.constantFrom('true', 'false', 'null', 'nul', '-', '-0', '01', '1.', '.5', '+1', 'NaN', '"view"', '"a\\u0062"', '"1"', '"\t"', '[]'),
  fc.constantFrom('["a"]', '{}', '{"a":1}', '1 2', '""', '"2026-01-05"', '1e400', '9007199254740993', '0.1', '123456789012345678'),
)
const good: Readonly<Record<string, fc.Arbitrary<string>>> = {
  id: fc.stringMatching(/^[\x20-\x7e]{0,40}$/).map((text) => JSON.stringify(text)),
  user: fc.nat().map(String),
  total: fc.nat().map((cents) => (cents / 100).toFixed(2)),
  price: fc.integer().map((cents) => String(cents / 100)),
  at: fc.date({ min: new Date('1700-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }).map((date) => `"${date.toISOString()}"`),
}
const space = fc.constantFrom('', '', '', ' ', '\n\t', '\r', '\u00a0', '\f')
const member = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constantFrom(...names, 'other', 'i', 'ids', 'a"t', '\u0061t', 'é'), value),
      fc.tuple(fc.constantFrom('user', 'price', 'total'), digits),
      fc.tuple(
        fc.constantFrom('seen', 'at'),
        moment.map((text) => JSON.stringify(text)),
      ),
    ),
    space,
    space,
  )
  .map(([[name, text], before, after]) => `${before}${JSON.stringify(name)}${after}:${before}${text}${after}`)
const plain = fc.record(good).map((members) => Object.entries(members).map(([name, text]) => `${JSON.stringify(name)}:${text}`))
const payload = fc
  .tuple(plain, fc.array(member, { maxLength: 3 }), fc.nat({ max: 8 }), fc.constantFrom('', '', '', '', ',', '}', ' ', '\ufeff'))
  .map(([all, more, at, end]) => `{${[...all.slice(0, at), ...more, ...all.slice(at)].join(',')}}${end}`)

test('what is read from the bytes is what is read from the text', () => {
  fc.assert(
    fc.property(payload, (text) => {
      const read = flat(Buffer.from(text))
      if (read !== null) assert.deepEqual(read, json(text))
    }),
    { numRuns: 5000 },
  )
})

test('what nearly all payloads are is read from the bytes, whatever the order of its members', () => {
  fc.assert(
    fc.property(plain, fc.integer(), (members, order) => {
      const sorted = order % 3 === 0 ? members.toReversed() : members
      const text = `{${[...sorted, '"other":"text"', '"more":-1.5'].join(', ')} }`
      const expected = json(text)
      assert.ok(!isInvalid(expected), text)
      if (!text.includes('\\')) assert.deepEqual(flat(Buffer.from(text)), expected, text)
    }),
  )
})

test('what is no event, or not plainly one, is left to the general way', () => {
  const at = '"at":"2026-01-05T10:00:00Z"'
  const texts = [
    '',
    '{',
    '{}',
    '[]',
    `{"id":"a","user":1,"price":1,${at}`,
    `{"id":"a","user":1,"price":1,${at},}`,
    `{"id":"a","user":1.5,"price":1,${at}}`,
  ]
  const others = [`{"id":"é","user":1,"price":1,${at}}`, `{"id":1,"user":1,"price":1,${at}}`, `{"id":"a","user":1,"price":1e3,${at}}`]
  for (const text of [...texts, ...others]) assert.equal(flat(Buffer.from(text)), null, text)
})
