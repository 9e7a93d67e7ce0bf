import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { parquet } from './history.ts'
import { events, rowOf, table } from './source.ts'

const columns = { order_id: t.string(), user_id: t.string(), total: t.float(), seen: t.timestamp().nullable(), at: t.timestamp() }

test('a source is plain data, with what it does not say filled in', () => {
  const orders = events('orders', {
    columns,
    time: 'at',
    id: 'order_id',
    known: 'seen',
    lateness: '1h',
    history: parquet('orders/*.parquet'),
  })
  assert.deepEqual(orders.columns.total, { kind: 'float', nullable: false })
  assert.deepEqual(
    [orders.id, orders.known, orders.lateness, orders.timeZone, orders.invalidRows],
    [['order_id'], 'seen', 3_600_000_000, 'UTC', 'refuse'],
  )
  const users = table('users', { columns, time: 'at', created: 'seen', order: ['total', 'order_id'] })
  assert.deepEqual([users.kind, users.id, users.known, users.order, users.lateness], ['table', [], 'seen', ['total', 'order_id'], 0])
  assert.equal(users.history, null)
})

test('what a source names must be there and be fit for it', () => {
  // The compiler refuses these; plain JavaScript has only what is thrown.
  const declare = (options: object) => () => events('orders', { columns, time: 'at', ...options } as never)
  const wrong = (code: string, message: string) => ({ code, message: `${message} (source orders)`, where: 'source orders' })
  const among = 'order_id, user_id, total, seen, at'
  assert.throws(declare({ time: 'att' }), wrong('UNKNOWN_COLUMN', 'The column att is not declared; did you mean at?'))
  assert.throws(declare({ time: 'happened' }), wrong('UNKNOWN_COLUMN', `The column happened is not declared; there are ${among}`))
  assert.throws(
    declare({ id: ['order_id', 'oder_id'] }),
    wrong('UNKNOWN_COLUMN', 'The column oder_id is not declared; did you mean order_id?'),
  )
  assert.throws(declare({ known: 'constructor' }), wrong('UNKNOWN_COLUMN', `The column constructor is not declared; there are ${among}`))
  assert.throws(
    declare({ time: 'total' }),
    wrong('INVALID_DEFINITION', 'The time column total must be a timestamp or a date that is never null'),
  )
  assert.throws(
    declare({ time: 'seen' }),
    wrong('INVALID_DEFINITION', 'The time column seen must be a timestamp or a date that is never null'),
  )
  assert.throws(declare({ known: 'total' }), wrong('INVALID_DEFINITION', 'The column total must be a timestamp or a date'))
  assert.throws(declare({ columns: { at: 'timestamp' } }), wrong('INVALID_DEFINITION', 'The column at has no type'))
  assert.throws(declare({ columns: { ...columns, 'total-eur': t.float() } }), {
    ...wrong('INVALID_DEFINITION', '"total-eur" is not a valid column name'),
    remedy: 'Names are snake_case: a letter, then letters, digits and single underscores, at most 63.',
  })
  assert.throws(declare({ lateness: '-1h' }), wrong('INVALID_DURATION', 'The duration "-1h" is negative'))
  assert.throws(() => table('users', { columns, time: 'at', order: ['totals'] as never }), {
    code: 'UNKNOWN_COLUMN',
    where: 'source users',
  })
  assert.throws(() => parquet([]), { code: 'INVALID_DEFINITION', message: 'parquet() needs a path' })
})

test('a row knows the columns of its source and no others', () => {
  const row = rowOf(events('orders', { columns, time: 'at' }))
  assert.deepEqual(row.total.node, { node: 'column', name: 'total', type: { kind: 'float', nullable: false } })
  const unknown = (name: string) => () => Reflect.get(row, name)
  assert.throws(unknown('totl'), {
    code: 'UNKNOWN_COLUMN',
    message: 'The column totl is not declared; did you mean total? (source orders)',
    where: 'source orders',
  })
  for (const name of ['price', 'constructor', 'toString']) assert.throws(unknown(name), { code: 'UNKNOWN_COLUMN' }, name)
})

test('the columns of a table may be null, as there may be no row', () => {
  assert.equal(rowOf(table('users', { columns, time: 'at' })).total.node.type.nullable, true)
})

test('a source cannot be changed, nor by the arrays that it was made of', () => {
  const path = ['a.parquet', 'b.parquet']
  const id = ['order_id', 'user_id'] as const
  const tags = ['money']
  const orders = events('orders', { columns: { ...columns, kind: t.oneOf('a', 'b') }, time: 'at', id, tags, history: parquet(path) })
  tags.push('more')
  path.push('c.parquet')
  assert.deepEqual(orders.tags, ['money'])
  assert.deepEqual(orders.history?.kind === 'parquet' && orders.history.path, ['a.parquet', 'b.parquet'])
  for (const part of [
    orders,
    orders.columns,
    orders.columns.kind,
    orders.columns.kind?.values,
    orders.id,
    orders.order,
    orders.tags,
    orders.history,
  ]) {
    assert.ok(Object.isFrozen(part), JSON.stringify(part))
  }
  assert.throws(() => Object.assign(orders, { timeZone: 'Asia/Tokyo' }), TypeError)
})
