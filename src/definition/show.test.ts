import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import {
  asOf,
  average,
  collect,
  count,
  countDistinct,
  countDistinctApproximate,
  daysSince,
  decayedCount,
  decayedSum,
  deviation,
  first,
  last,
  lastN,
  maximum,
  quantile,
  quantileApproximate,
  rate,
  ratio,
  secondsSince,
  sum,
  topK,
  variance,
} from './aggregation.ts'
import { Expression, type ExpressionNode, literal, when } from './expression.ts'
import { functionNames } from './functions.ts'
import { every, live } from './refresh.ts'
import { showExpression, showRefresh, showType, showWindow } from './show.ts'
import { events, rowOf } from './source.ts'

const order = rowOf(
  events('orders', {
    columns: {
      user_id: t.string(),
      kind: t.oneOf('purchased', 'returned'),
      category: t.string().nullable(),
      total: t.decimal(12, 2),
      tax: t.decimal(12, 2).nullable(),
      score: t.float().nullable(),
      quantity: t.integer(),
      serial: t.int64(),
      gift: t.boolean(),
      at: t.timestamp(),
      due: t.timestamp().nullable(),
      day: t.date(),
      words: t.list(t.string()).nullable(),
      embedding: t.vector(2).nullable(),
    },
    time: 'at',
  }),
)
const purchased = order.kind.eq('purchased')
const returned = order.kind.eq('returned')

const table: readonly (readonly [{ readonly node: ExpressionNode }, string])[] = [
  // aggregates: function, inputs, parameters, filter, window
  [count(), 'count()'],
  [count(order.category), 'count(category)'],
  [sum(order.total).where(purchased).over('90d'), "sum(total) where kind = 'purchased' over 90d"],
  [sum(order.total).over('1h30m', { resolution: '10m' }), 'sum(total) over 1h30m resolution 10m'],
  [average(order.score).over('7d').delay('1h'), 'average(score) over 7d delay 1h'],
  [count().tumbling('1d'), 'count() tumbling 1d'],
  [count().tumbling('1d', 'last').delay('2h'), 'count() tumbling 1d last delay 2h'],
  [count().session('30m'), 'count() session 30m'],
  [count().where(order.gift).since(purchased), "count() where gift since kind = 'purchased'"],
  [count().delay('5m'), 'count() lifetime delay 5m'],
  [variance(order.score), 'variance(score)'],
  [variance(order.score, 'sample'), 'variance(score, sample)'],
  [deviation(order.score), 'deviation(score)'],
  [deviation(order.score, 'sample').over('1d'), 'deviation(score, sample) over 1d'],
  [first(order.kind), 'first(kind)'],
  [lastN(order.category, 5), 'lastN(category, 5)'],
  [collect(order.total, 100), 'collect(total, 100)'],
  [countDistinct(order.category), 'countDistinct(category)'],
  [countDistinctApproximate(order.category, 10), 'countDistinctApproximate(category, 10)'],
  [topK(order.category, 3), 'topK(category, 3)'],
  [topK(order.category, 3, order.total), 'topK(category, 3, by total)'],
  [quantile(order.score, 0.5), 'quantile(score, 0.5)'],
  [quantileApproximate(order.score, 0.99), 'quantileApproximate(score, 0.99, 0.01)'],
  [rate(returned), "rate(kind = 'returned')"],
  [decayedSum(order.total, '1d'), 'decayedSum(total, 1d)'],
  [decayedCount('12h'), 'decayedCount(12h)'],
  [sum(order.total.minus(order.tax)), 'sum(total - tax)'],
  // arithmetic of aggregates
  [
    ratio(count().where(returned), count().where(purchased)).orElse(0),
    "count() where kind = 'returned' / count() where kind = 'purchased' or else 0",
  ],
  [ratio(sum(order.total).where(order.total.gt(order.tax.times(2))), count()), '(sum(total) where total > tax * 2) / count()'],
  [count().where(purchased).gt(3), "(count() where kind = 'purchased') > 3"],
  [count().over('1h').gt(3), 'count() over 1h > 3'],
  [count().since(returned).plus(1), "count() since kind = 'returned' + 1"],
  [secondsSince(last(order.at)), 'last(at) -> seconds since'],
  [secondsSince(last(order.at).where(purchased)), "last(at) where kind = 'purchased' -> seconds since"],
  [daysSince(first(order.at)).orElse(0), 'first(at) -> days since or else 0'],
  [secondsSince(last(order.at)).lt(60), 'last(at) -> seconds since < 60'],
  [secondsSince(last(order.at)).isNull(), 'last(at) -> seconds since is null'],
  [secondsSince(last(order.at)).dividedBy(60), '(last(at) -> seconds since) / 60'],
  [last(order.at).secondsAfter(first(order.at)), 'first(at) -> seconds until last(at)'],
  [maximum(order.at.daysAfter(order.due)), 'maximum(due -> days until at)'],
  [asOf.hour(), 'hour(as-of moment)'],
  // expressions of a row
  [order.quantity, 'quantity'],
  [order.quantity.plus(1).times(2), '(quantity + 1) * 2'],
  [order.quantity.plus(order.quantity.times(2)), 'quantity + quantity * 2'],
  [order.quantity.minus(order.quantity.minus(1)), 'quantity - (quantity - 1)'],
  [order.quantity.minus(1).minus(2), 'quantity - 1 - 2'],
  [order.quantity.dividedBy(order.quantity.times(2)), 'quantity / (quantity * 2)'],
  [order.quantity.negated().plus(-3), '-quantity + -3'],
  [order.quantity.plus(1).negated(), '-(quantity + 1)'],
  [order.score.absolute().floor(), 'floor(absolute(score))'],
  [order.quantity.toFloat(), 'toFloat(quantity)'],
  [order.kind.ne('returned'), "kind != 'returned'"],
  [order.kind.isIn('purchased', 'returned'), "kind in ('purchased', 'returned')"],
  [order.total.lte('12.50').and(order.total.gte(3)), 'total <= 12.50 and total >= 3'],
  [order.serial.lt(5n), 'serial < 5'],
  [order.gift.eq(true), 'gift = true'],
  [purchased.or(order.gift).and(order.gift.not()), "(kind = 'purchased' or gift) and not gift"],
  [purchased.and(order.gift).or(order.gift), "kind = 'purchased' and gift or gift"],
  [purchased.and(order.gift.and(returned)), "kind = 'purchased' and (gift and kind = 'returned')"],
  [purchased.or(order.gift).not(), "not (kind = 'purchased' or gift)"],
  [order.category.isNull(), 'category is null'],
  [order.tax.plus(1).isNotNull(), 'tax + 1 is not null'],
  [order.category.orElse('none').lower(), "lower(category or else 'none')"],
  [order.tax.orElse(0).plus(1), '(tax or else 0) + 1'],
  [order.tax.orElse(order.tax).orElse(0), 'tax or else tax or else 0'],
  [order.tax.orElse(order.tax.orElse(0)), 'tax or else (tax or else 0)'],
  [order.category.eq("it's"), "category = 'it''s'"],
  [order.category.startsWith('a').and(order.category.endsWith('b')), "category starts with 'a' and category ends with 'b'"],
  [order.category.contains(' '), "category contains ' '"],
  [order.category.concat(order.kind).length(), 'length(concat(category, kind))'],
  [order.category.trim().upper(), 'upper(trim(category))'],
  [order.at.gt('2026-01-05T10:00:00Z'), "at > '2026-01-05T10:00:00Z'"],
  [order.day.eq('2026-01-05'), "day = '2026-01-05'"],
  [order.day.dayOfWeek().gt(5), 'dayOfWeek(day) > 5'],
  [when(order.gift, literal(0), 1), 'if gift then 0 else 1'],
  [when(order.gift, literal(0), when(purchased, literal(1), 2)), "if gift then 0 else if kind = 'purchased' then 1 else 2"],
  [when(order.gift, when(purchased, literal(1), 2), 0), "if gift then (if kind = 'purchased' then 1 else 2) else 0"],
  [when(order.gift, literal(0), 1).plus(1), '(if gift then 0 else 1) + 1'],
  [order.words.orElse(['a']), 'words or else ["a"]'],
  [order.embedding.orElse(Float32Array.of(0, 1.5)), 'embedding or else [0,1.5]'],
]

for (const [{ node }, text] of table) {
  test(text, () => {
    assert.equal(showExpression(node), text)
  })
}

test('different expressions have different texts', () => {
  assert.equal(new Set(table.map(([{ node }]) => showExpression(node))).size, table.length)
})

test('every function of expressions is shown', () => {
  const shown = new Set<string>()
  const visit = (node: ExpressionNode): void => {
    if (node.node === 'call') {
      shown.add(node.function)
      node.arguments.forEach(visit)
    } else if (node.node === 'aggregate') {
      for (const part of [...node.inputs, node.filter, node.window.kind === 'since' ? node.window.condition : null]) if (part) visit(part)
    }
  }
  for (const [{ node }] of table) visit(node)
  const plain = ['year', 'month', 'day', 'minute']
  assert.deepEqual(
    functionNames.filter((name) => !shown.has(name)),
    plain,
  )
})

test('null is shown where it can stand', () => {
  const nothing = new Expression({ node: 'literal', value: null, type: { kind: 'string', nullable: true } })
  assert.equal(showExpression(nothing.node), 'null')
})

test('windows, refreshes and types', () => {
  assert.equal(showWindow({ kind: 'lifetime', delay: 0 }), 'lifetime')
  assert.equal(showWindow(count().over('90d').node.window), 'over 90d')
  assert.equal(showWindow(count().since(purchased.or(returned)).node.window), "since kind = 'purchased' or kind = 'returned'")
  assert.equal(showRefresh(live), 'live')
  assert.equal(showRefresh(every('1d')), 'every 1d')
  assert.equal(showRefresh(every('1d', { delay: '2h' })), 'every 1d delay 2h')
  const types: readonly (readonly [{ readonly data: Parameters<typeof showType>[0] }, string])[] = [
    [t.string(), 'string'],
    [t.int64().nullable(), 'int64 or null'],
    [t.decimal(12, 2), 'decimal(12, 2)'],
    [t.oneOf('a', "b's"), "oneOf('a', 'b''s')"],
    [t.list(t.integer().nullable()), 'list(integer or null)'],
    [t.vector(64), 'vector(64)'],
    [t.float().range(0, 5).nullable(), 'float from 0 to 5 or null'],
    [t.float().allowNaN(), 'float or NaN'],
  ]
  for (const [{ data }, text] of types) assert.equal(showType(data), text)
})
