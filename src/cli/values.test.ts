import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LockstepError } from '../errors.ts'
import { t } from '../schema/index.ts'
import { collectPair, parseBytes, parseFeature, parseName, parseSplit, typedValues } from './values.ts'

const refuses = (work: () => unknown, message: RegExp, code = 'INVALID_ARGUMENT') =>
  assert.throws(work, (error: LockstepError) => error.code === code && message.test(error.message))

test('pairs, names and features', () => {
  assert.deepEqual(collectPair('b=x=y', collectPair('a=')), { a: '', b: 'x=y' })
  refuses(() => collectPair('=1'), /not NAME=VALUE/)
  refuses(() => collectPair('a=2', { a: '1' }), /a is given twice/)
  assert.deepEqual(
    [parseName('user'), parseName('user@12')],
    [
      { name: 'user', version: undefined },
      { name: 'user', version: 12 },
    ],
  )
  for (const text of ['', '@1', 'user@', 'user@x']) refuses(() => parseName(text), /is not a name/)
  assert.deepEqual(parseFeature('ranking@2.price'), { view: { name: 'ranking', version: 2 }, feature: 'price' })
  for (const text of ['price', '.price', 'ranking.']) refuses(() => parseFeature(text), /names no feature of a view/)
})

test('sizes', () => {
  const sizes = { '1GiB': 2 ** 30, '1.5 MiB': 1.5 * 2 ** 20, '2GB': 2e9, '512mib': 2 ** 29, '4096': 4096, '7B': 7 }
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseBytes(text), bytes, text)
  for (const text of ['', '0', '-1GiB', '1 lot', 'GiB', '1e9', '0.1B']) refuses(() => parseBytes(text), /is not a size/)
})

test('splits by time and by key', () => {
  assert.deepEqual(parseSplit('test=2026-03-01T10:00:00Z'), { by: 'time', test: '2026-03-01T10:00:00Z' })
  assert.deepEqual(parseSplit('validate=2026-02-01,test=2026-03-01'), { by: 'time', validate: '2026-02-01', test: '2026-03-01' })
  assert.deepEqual(parseSplit('user_id:train=80,test=20.5'), { by: 'key', column: 'user_id', shares: { train: 80, test: 20.5 } })
  refuses(() => parseSplit('train=80,test=2026-03-01'), /has no part train/)
  refuses(() => parseSplit('validate=2026-03-01'), /needs the moment/)
  refuses(() => parseSplit('user_id:train=0'), /The share of train is 0/)
  refuses(() => parseSplit('test=soon'), /not an ISO 8601/, 'INVALID_MOMENT')
})

test('values are of the types that are declared for their names', () => {
  const types = {
    text: t.string().data,
    yes: t.boolean().data,
    count: t.integer().data,
    big: t.int64().data,
    share: t.float().data,
    price: t.decimal(10, 2).data,
    at: t.timestamp().data,
    list: t.list(t.integer()).data,
    object: t.struct().data,
  }
  const typed = (given: Record<string, string>) => typedValues(given, types, 'key', 'The view v')
  assert.deepEqual(
    typed({
      text: '12',
      yes: 'true',
      count: '-7',
      big: '9007199254740993',
      share: '1e-3',
      price: '1.50',
      at: '2026-03-01',
      list: '[1]',
      object: '{"a":1}',
    }),
    {
      text: '12',
      yes: true,
      count: -7,
      big: 9007199254740993n,
      share: 0.001,
      price: '1.50',
      at: '2026-03-01',
      list: [1],
      object: { a: 1 },
    },
  )
  const wrong: Record<string, string> = { yes: 'yes', count: '1.5', big: '1n', share: '', list: '[1', object: 'a' }
  for (const [name, text] of Object.entries(wrong)) refuses(() => typed({ [name]: text }), /^".*" is (?!undefined)/, 'INVALID_VALUE')
  refuses(() => typed({ txt: '' }), /The view v has no key txt; did you mean text\?/, 'UNKNOWN_NAME')
})
