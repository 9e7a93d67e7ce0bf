import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { parquet } from './history.ts'
import { events, table } from './source.ts'
import { type StreamFormat, showFormat, topic } from './stream.ts'

const columns = { order_id: t.string(), user_id: t.string(), item_id: t.int64(), total: t.float(), at: t.timestamp() }
const orders = (options: object) => events('orders', { columns, time: 'at', ...options } as never)

test('a stream is plain data, with what it does not say filled in', () => {
  const { stream } = events('orders', { columns, time: 'at', stream: topic('orders', { key: 'user_id' }) })
  assert.deepEqual(stream, { topic: 'orders', key: ['user_id'], format: { kind: 'json' }, partitions: 8 })
  const format = { kind: 'avroRegistry', url: 'http://registry:8081' } as const
  const said = events('orders', {
    columns,
    time: 'at',
    stream: topic('shop.orders-1', { key: ['user_id', 'item_id'], format, partitions: 32 }),
  })
  assert.deepEqual(said.stream, { topic: 'shop.orders-1', key: ['user_id', 'item_id'], format, partitions: 32 })
  assert.equal(events('orders', { columns, time: 'at' }).stream, null)
  assert.equal(table('users', { columns, time: 'at' }).stream, null)
})

test('what a topic may be', () => {
  const refused = (message: RegExp, declare: () => unknown) => assert.throws(declare, { code: 'INVALID_DEFINITION', message })
  const key = 'user_id'
  for (const name of ['', 'a b', 'a/b', 'é', 'x'.repeat(201)]) refused(/is no name of a topic/, () => topic(name, { key }))
  for (const partitions of [0, -1, 1.5, Number.NaN, 10_001]) refused(/1 to 10,000 partitions/, () => topic('a', { key, partitions }))
  for (const partitions of [1, 10_000]) assert.equal(topic('a', { key, partitions }).partitions, partitions)
  refused(/needs a key/, () => topic('a', { key: [] }))
  refused(/names a column twice/, () => topic('a', { key: ['user_id', 'user_id'] }))
})

test('the key of a stream is of columns that can identify something', () => {
  assert.throws(() => orders({ stream: topic('orders', { key: ['user_id', 'usr_id'] }) }), {
    code: 'UNKNOWN_COLUMN',
    message: 'The column usr_id is not declared; did you mean user_id? (source orders)',
  })
  assert.throws(() => orders({ stream: topic('orders', { key: 'constructor' }) }), { code: 'UNKNOWN_COLUMN' })
  assert.throws(() => orders({ stream: topic('orders', { key: 'total' }) }), {
    code: 'INVALID_DEFINITION',
    message: 'The key of the stream, total, is a float, which cannot identify anything (source orders)',
  })
})

test('with a history as well events are told apart by an id', () => {
  const stream = topic('orders', { key: 'user_id' })
  const history = parquet('orders/*.parquet')
  assert.throws(() => orders({ stream, history }), {
    code: 'INVALID_DEFINITION',
    message: 'A source with a history and a stream needs an id: both may hold the same event (source orders)',
  })
  for (const options of [{ stream }, { history }, { stream, history, id: 'order_id' }]) orders(options)
})

test('a stream cannot be changed, nor by what it was made of', () => {
  const key: ('user_id' | 'item_id')[] = ['user_id']
  const format = { kind: 'avro', schema: '{}' }
  const { stream } = orders({ stream: topic('orders', { key, format: format as StreamFormat }) })
  key.push('item_id')
  format.schema = 'changed'
  assert.deepEqual(stream, { topic: 'orders', key: ['user_id'], format: { kind: 'avro', schema: '{}' }, partitions: 8 })
  for (const part of [stream, stream?.key, stream?.format]) assert.ok(Object.isFrozen(part))
  assert.ok(!Object.isFrozen(format), 'what was given is left alone')
})

test('formats are shown', () => {
  assert.equal(showFormat({ kind: 'json' }), 'JSON')
  assert.equal(showFormat({ kind: 'avro', schema: '{"type":"record"}' }), 'Avro')
  assert.equal(showFormat({ kind: 'avroRegistry', url: 'http://registry:8081' }), 'Avro, schemas of http://registry:8081')
})
