import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LockstepError } from '../errors.ts'
import { t } from '../schema/index.ts'
import { asOf, count, last, secondsSince, sum } from './aggregation.ts'
import { entity } from './entity.ts'
import { featureGroup } from './group.ts'
import { events, type Row, table } from './source.ts'

const user = entity('user', { user_id: t.string() })
const columns = {
  user_id: t.string(),
  buyer: t.string(),
  vendor: t.oneOf('a', 'b'),
  points: t.integer(),
  total: t.float(),
  fee: t.decimal(9, 2),
  at: t.timestamp(),
}
const orders = events('orders', { columns, time: 'at' })
const users = table('users', { columns, time: 'at' })

/** What `featureGroup` throws for options of which some are wrong; as plain JavaScript, the compiler refuses most of them. */
function refused(options: object): Pick<LockstepError, 'code' | 'message' | 'where' | 'remedy'> {
  const whole = { name: 'user_orders', entity: user, source: orders, features: () => ({ n: count() }), ...options }
  try {
    featureGroup(whole as never)
  } catch (error) {
    assert.ok(error instanceof LockstepError, String(error))
    return error
  }
  return assert.fail('nothing was refused')
}
const ofOrder = (features: (order: Row<typeof columns>) => object) => ({ features })
const ofUser = (features: (row: Row<typeof columns, 'table'>) => object) => ({ source: users, features })

test('a group is plain data, with what it does not say filled in', () => {
  const group = featureGroup({
    name: 'user_orders',
    entity: user,
    source: orders,
    keys: { user_id: 'buyer' },
    features: () => ({ n: count() }),
  })
  assert.deepEqual([group.version, group.keys, group.refresh, group.ttl, group.tags], [1, { user_id: 'buyer' }, { kind: 'live' }, null, []])
  assert.deepEqual(JSON.parse(JSON.stringify(group)).features, { n: count().node })
})

test('every feature has what its source can give', () => {
  const wrong: readonly (readonly [object, string, string])[] = [
    [
      ofOrder((order) => ({ total: order.total })),
      'The column total of events has many values',
      'Aggregate it, for example last(row.total).',
    ],
    [
      ofOrder((order) => ({ total: count().plus(order.points) })),
      'The column points of events has many values',
      'Aggregate it, for example last(row.points).',
    ],
    [
      ofOrder((order) => ({ total: sum(sum(order.total)) })),
      'An aggregate cannot be inside another',
      'Correct the definition at the place named.',
    ],
    [
      ofOrder((order) => ({ total: count().where(sum(order.total).gt(3)) })),
      'An aggregate cannot be inside another',
      'Correct the definition at the place named.',
    ],
    [
      ofOrder((order) => ({ total: count().since(sum(order.total).gt(3)) })),
      'An aggregate cannot be inside another',
      'Correct the definition at the place named.',
    ],
    [
      ofOrder((order) => ({ total: last(secondsSince(order.at)) })),
      'The as-of moment cannot be used inside an aggregate',
      'Use it outside: secondsSince(last(...)).',
    ],
    [
      ofOrder((order) => ({ total: count().where(order.at.lt(asOf)) })),
      'The as-of moment cannot be used inside an aggregate',
      'Use it outside: secondsSince(last(...)).',
    ],
    [
      ofUser(() => ({ total: count() })),
      'A table has one row at a moment, which cannot be aggregated',
      'Declare the source with events(...).',
    ],
    [
      ofUser((row) => ({ total: row.total.plus(sum(row.total)) })),
      'A table has one row at a moment, which cannot be aggregated',
      'Declare the source with events(...).',
    ],
    [
      { features: () => ({ total: undefined }) },
      'The feature is undefined and not an expression',
      'Correct the definition at the place named.',
    ],
    [{ features: () => ({ total: 3 }) }, 'The feature is 3 and not an expression', 'Correct the definition at the place named.'],
  ]
  for (const [options, message, remedy] of wrong) {
    const error = refused(options)
    assert.deepEqual(
      [error.code, error.message, error.remedy],
      ['INVALID_DEFINITION', `${message} (feature group user_orders, feature total)`, remedy],
    )
  }
})

test('a column that the source does not declare is named, with the one that may be meant', () => {
  const error = refused(ofOrder((order) => ({ spent: sum(Reflect.get(order, 'totl')) })))
  assert.deepEqual([error.code, error.message], ['UNKNOWN_COLUMN', 'The column totl is not declared; did you mean total? (source orders)'])
})

test('each key of the entity is a column of a like kind', () => {
  const key = (type: object, options: object = {}) => refused({ entity: entity('thing', { thing_id: type } as never), ...options })
  const missing = key(t.string())
  assert.deepEqual(
    [missing.code, missing.where, missing.remedy],
    ['MISSING_KEY', 'feature group user_orders', "Name the column: keys: { thing_id: '...' }."],
  )
  assert.match(missing.message, /^The source orders has no column thing_id for the key thing_id of thing; there are user_id, buyer/)
  const misspelt = refused({ keys: { user_id: 'buyers' } })
  assert.equal(
    misspelt.message,
    'The source orders has no column buyers for the key user_id of user; did you mean buyer? (feature group user_orders)',
  )
  assert.equal(refused({ entity: entity('team', { constructor: t.string() }) }).code, 'MISSING_KEY')
  const unlike: readonly (readonly [object, string, string])[] = [
    [t.string(), 'points', 'a string, the column points of orders an integer'],
    [t.integer(), 'buyer', 'an integer, the column buyer of orders a string'],
    [t.int64(), 'points', 'an int64, the column points of orders an integer'],
    [t.date(), 'at', 'a date, the column at of orders a timestamp'],
    [t.decimal(9, 3), 'fee', 'a decimal(9, 3), the column fee of orders a decimal(9, 2)'],
  ]
  for (const [type, column, message] of unlike) {
    const error = key(type, { keys: { thing_id: column } })
    assert.deepEqual([error.code, error.message], ['INVALID_DEFINITION', `The key thing_id is ${message} (feature group user_orders)`])
  }
  const thing = entity('thing', { thing_id: t.string() })
  assert.deepEqual(
    featureGroup({ name: 'g', entity: thing, source: orders, keys: { thing_id: 'vendor' }, features: () => ({ n: count() }) }).keys,
    { thing_id: 'vendor' },
  )
})

test('names, versions and lengths', () => {
  const wrong: readonly (readonly [object, string, string])[] = [
    [{ name: 'userOrders' }, 'INVALID_DEFINITION', '"userOrders" is not a valid feature group name'],
    [{ features: () => ({ 'n-1': count() }) }, 'INVALID_DEFINITION', '"n-1" is not a valid feature name (feature group user_orders)'],
    [{ features: () => ({}) }, 'INVALID_DEFINITION', 'A feature group needs a feature (feature group user_orders)'],
    [{ version: 0 }, 'INVALID_DEFINITION', 'The version 0 is not a whole number from 1 (feature group user_orders)'],
    [{ version: 1.5 }, 'INVALID_DEFINITION', 'The version 1.5 is not a whole number from 1 (feature group user_orders)'],
    [{ ttl: '1d' }, 'INVALID_DEFINITION', 'A ttl is for tables; give the aggregates of events a window (feature group user_orders)'],
    [
      { source: users, features: (row: Row<typeof columns>) => ({ row: row.total }), ttl: '-1d' },
      'INVALID_DURATION',
      'The duration "-1d" is negative (feature group user_orders)',
    ],
    [
      { source: users, features: (row: Row<typeof columns>) => ({ row: row.total }), ttl: '0s' },
      'INVALID_DURATION',
      'The duration "0s" is zero (feature group user_orders)',
    ],
  ]
  for (const [options, code, message] of wrong) {
    const error = refused(options)
    assert.deepEqual([error.code, error.message], [code, message])
  }
})

test('a property that is left out is no circular import: its name has a slip, or is missing', () => {
  const base = { name: 'user_orders', source: orders, features: () => ({ n: count() }) }
  for (const [options, message] of [
    [{ ...base, entty: user }, 'There is no property entty; did you mean entity? (feature group user_orders)'],
    [base, 'The property entity is missing (feature group user_orders)'],
  ] as const) {
    assert.throws(() => featureGroup(options as never), { code: 'INVALID_DEFINITION', message })
  }
})

test('an entity or a source that is not there yet tells of a circular import', () => {
  for (const [options, message] of [
    [{ entity: undefined }, 'The entity is undefined (feature group user_orders)'],
    [{ source: undefined }, 'The source is undefined (feature group user_orders)'],
  ] as const) {
    const error = refused(options)
    assert.deepEqual(
      [error.code, error.message, error.remedy],
      ['CIRCULAR_IMPORT', message, 'Move what both modules need into a third one.'],
    )
  }
})

test('a group cannot be changed, nor by what it was made of', () => {
  const tags = ['money']
  const descriptions = { n: 'How many' }
  const keys = { user_id: 'buyer' } as const
  const group = featureGroup({
    name: 'user_orders',
    entity: user,
    source: orders,
    keys,
    tags,
    descriptions,
    features: (order) => ({ n: count().where(order.vendor.eq('a')).over('7d').plus(1) }),
  })
  tags.push('more')
  descriptions.n = 'Another'
  assert.deepEqual([group.tags, group.descriptions], [['money'], { n: 'How many' }])
  const parts: unknown[] = [group]
  for (const part of parts) {
    if (typeof part !== 'object' || part === null) continue
    assert.ok(Object.isFrozen(part), JSON.stringify(part))
    parts.push(...Object.values(part))
  }
  assert.ok(parts.length > 50)
  assert.throws(() => Object.assign(group.features, { more: count().node }), TypeError)
})
