import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { type Aggregation, average, count, decayedSum, lastN, quantile, ratio, sum, topK } from './aggregation.ts'
import { events, rowOf } from './source.ts'

const order = rowOf(
  events('orders', {
    columns: {
      user_id: t.string(),
      kind: t.oneOf('purchased', 'returned'),
      total: t.decimal(12, 2),
      stars: t.integer().nullable(),
      note: t.string(),
      at: t.timestamp(),
    },
    time: 'at',
  }),
)
const day = 86_400_000_000

test('windows as data, in microseconds', () => {
  const condition = order.kind.eq('returned')
  const windows: readonly (readonly [Pick<Aggregation, 'node'>, object])[] = [
    [count(), { kind: 'lifetime', delay: 0 }],
    [count().delay('1h'), { kind: 'lifetime', delay: day / 24 }],
    [count().over('1us'), { kind: 'sliding', length: 1, resolution: 0, delay: 0 }],
    [count().over('7d', { resolution: '7d' }).delay('1d'), { kind: 'sliding', length: 7 * day, resolution: 7 * day, delay: day }],
    [count().delay('1d').over('7d'), { kind: 'sliding', length: 7 * day, resolution: 0, delay: day }],
    [count().tumbling('1d'), { kind: 'tumbling', length: day, part: 'current', delay: 0 }],
    [count().tumbling('1d', 'last'), { kind: 'tumbling', length: day, part: 'last', delay: 0 }],
    [count().session('30m'), { kind: 'session', gap: day / 48, delay: 0 }],
    [count().since(condition), { kind: 'since', condition: condition.node, delay: 0 }],
  ]
  for (const [aggregation, window] of windows) assert.deepEqual(aggregation.node.window, window)
})

test('lengths that make no sense', () => {
  const refused: readonly (readonly [() => unknown, string])[] = [
    [() => count().over('-1d'), 'The duration "-1d" is negative (over)'],
    [() => count().over('0s'), 'The duration "0s" is zero (over)'],
    [() => count().over('900y'), 'The duration "900y" cannot be read (over)'],
    [() => count().over('73001d'), 'The duration "73001d" is longer than 200 years (over)'],
    [() => count().over(30 as never), 'The duration 30 is not a text (over)'],
    [() => count().over(''), 'The duration "" is empty (over)'],
    [() => count().over('1h', { resolution: '2h' }), 'The resolution 2h is longer than the window 1h'],
    [() => count().over('1h', { resolution: '0s' }), 'The duration "0s" is zero (resolution)'],
    [() => count().tumbling('0d'), 'The duration "0d" is zero (tumbling)'],
    [() => count().session('-30m'), 'The duration "-30m" is negative (session)'],
    [() => count().delay('soon'), 'The duration "soon" cannot be read (delay)'],
    [() => decayedSum(order.total, '0s'), 'The duration "0s" is zero (halfLife)'],
  ]
  for (const [declare, message] of refused) assert.throws(declare, { code: 'INVALID_DURATION', message })
})

test('an aggregate has one window', () => {
  type Total = Aggregation<'decimal', false, string>
  const windows: Readonly<Record<string, (aggregation: Total) => Total>> = {
    sliding: (aggregation) => aggregation.over('1d'),
    tumbling: (aggregation) => aggregation.tumbling('1d'),
    session: (aggregation) => aggregation.session('1d'),
    since: (aggregation) => aggregation.since(order.kind.eq('returned')),
  }
  for (const [first, one] of Object.entries(windows)) {
    for (const [second, another] of Object.entries(windows)) {
      assert.throws(() => another(one(sum(order.total))), {
        code: 'INVALID_DEFINITION',
        message: `sum has two windows, ${first} and ${second}`,
      })
    }
  }
})

test('a window belongs to an aggregate, not to what is computed from aggregates', () => {
  for (const expression of [count().plus(1), ratio(count(), count()), average(order.stars).orElse(0), order.total]) {
    assert.equal((expression as { over?: unknown }).over, undefined)
  }
})

test('a second condition narrows the first', () => {
  const purchased = order.kind.eq('purchased')
  const dear = order.total.gt(100)
  assert.deepEqual(count().where(purchased).where(dear).node, count().where(purchased.and(dear)).node)
  assert.equal(count().node.filter, null)
})

test('a condition is a boolean', () => {
  const refused = (condition: unknown, what: string) => {
    assert.throws(() => count().where(condition as never), {
      code: 'INVALID_DEFINITION',
      message: `where was given ${what} instead of a condition`,
    })
    assert.throws(() => count().since(condition as never), {
      code: 'INVALID_DEFINITION',
      message: `since was given ${what} instead of a condition`,
    })
  }
  refused(order.total, 'a decimal')
  refused(undefined, 'undefined')
  refused(true, 'true')
})

test('an aggregate takes columns of some kinds, and parameters within bounds', () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => sum(order.note as never), /^sum cannot take a column of kind string; it takes integer, int64, float, decimal$/],
    [() => sum(undefined as never), /^sum was given undefined instead of a column$/],
    [() => sum(3 as never), /^sum was given 3 instead of a column$/],
    [() => lastN(order.note, 0), /^lastN needs the parameter n, a whole number from 1 to 100000, not 0$/],
    [() => topK(order.note, 2.5), /^topK needs the parameter k, a whole number/],
    [() => quantile(order.total, 1.01), /^quantile needs the parameter percentile, a number from 0 to 1, not 1.01$/],
  ]
  for (const [declare, message] of refused) assert.throws(declare, { code: 'INVALID_DEFINITION', message })
  assert.throws(() => sum(undefined as never), { remedy: 'Name a declared column; undefined often means a circular import.' })
})
