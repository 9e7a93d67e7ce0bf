import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { columnOf, Duck } from '../offline/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { valueStatistics } from './value-statistics.ts'

const float: TypeData = { kind: 'float', nullable: true, allowNaN: true }

async function statisticsOf(type: TypeData, cells: readonly Cell[], duck?: Duck) {
  await using own = duck ? { [Symbol.asyncDispose]: async () => {} } : await Duck.open({ threads: 1 })
  const engine = duck ?? (own as Duck)
  const table = engine.uniqueName('cells')
  await engine.createTable(table, { value: type })
  await engine.append(table, [type], [columnOf(type, cells)], cells.length)
  const found = (await valueStatistics(engine, table, { value: type })).get('value')
  await engine.run(`DROP TABLE ${table}`)
  assert.ok(found)
  return found
}

test('numbers: every statistic by hand', async () => {
  const found = await statisticsOf(float, [null, 0, 1, 2, 3, 4, 4, 0, 10, Number.NaN])
  assert.deepEqual(
    { ...found, deviation: found.deviation?.toFixed(6) },
    {
      count: 10,
      nulls: 1,
      zeros: 2,
      notNumbers: 1,
      distinct: 6,
      minimum: 0,
      maximum: 10,
      mean: 3,
      deviation: Math.sqrt((9 + 4 + 1 + 0 + 1 + 1 + 9 + 49) / 8).toFixed(6),
      quantiles: { 0.01: 0, 0.05: 0, 0.25: 0, 0.5: 2, 0.75: 4, 0.95: 10, 0.99: 10 },
      histogram: { from: 0, to: 10, counts: [2, 0, 1, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] },
      top: null,
    },
  )
})

test('what is exact stays so: decimals, whole numbers of 64 bits, moments and dates as public values', async () => {
  const decimal = await statisticsOf({ kind: 'decimal', precision: 12, scale: 2, nullable: true }, [125, 1050, null])
  assert.deepEqual([decimal.minimum, decimal.maximum, decimal.mean], ['1.25', '10.50', 5.875])
  const whole = await statisticsOf({ kind: 'int64', nullable: false }, [2n ** 62n, 2n ** 62n + 1n])
  assert.deepEqual([whole.minimum, whole.maximum, whole.distinct], ['4611686018427387904', '4611686018427387905', 2])
  const moments = await statisticsOf({ kind: 'timestamp', nullable: true }, [0, 1_500_000, 1_500_000])
  assert.deepEqual(
    [moments.minimum, moments.maximum, moments.top?.[0]],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:01.500Z', { value: '1970-01-01T00:00:01.500Z', count: 2 }],
  )
  assert.equal((await statisticsOf({ kind: 'date', nullable: true }, [1, 2])).maximum, '1970-01-03')
})

test('texts, truths and lists have top values, ties by value', async () => {
  const texts = await statisticsOf({ kind: 'string', nullable: true }, ['b', 'a', 'b', null, 'a', 'c'])
  assert.deepEqual(
    [texts.top, texts.minimum, texts.maximum, texts.distinct, texts.nulls],
    [
      [
        { value: 'a', count: 2 },
        { value: 'b', count: 2 },
        { value: 'c', count: 1 },
      ],
      'a',
      'c',
      3,
      1,
    ],
  )
  assert.deepEqual((await statisticsOf({ kind: 'boolean', nullable: true }, [true, false, true])).top, [
    { value: 'true', count: 2 },
    { value: 'false', count: 1 },
  ])
  const list: TypeData = { kind: 'list', nullable: false, element: { kind: 'string', nullable: false } }
  assert.deepEqual((await statisticsOf(list, [['x', 'y'], ['x'], ['x', 'y']])).top?.[0], { value: '["x","y"]', count: 2 })
})

test('nothing and only nulls', async () => {
  const none = await statisticsOf(float, [])
  assert.deepEqual([none.count, none.minimum, none.mean, none.quantiles, none.histogram], [0, null, null, null, null])
  assert.deepEqual((await statisticsOf({ kind: 'string', nullable: true }, [null])).top, [])
})

test('a histogram counts every number once, and quantiles are values', async () => {
  await using duck = await Duck.open({ threads: 1 })
  await fc.assert(
    fc.asyncProperty(
      // No cell is -0.
      fc.array(fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)), { minLength: 1, maxLength: 50 }),
      async (cells) => {
        const numbers = cells.filter((cell) => cell !== null)
        const found = await statisticsOf(float, cells, duck)
        assert.equal(found.histogram?.counts.reduce((sum, count) => sum + count, 0) ?? 0, numbers.length)
        assert.equal(found.distinct, new Set(numbers).size)
        for (const value of Object.values(found.quantiles ?? {})) assert.ok(numbers.includes(value), `${value}`)
        if (numbers.length > 0) assert.deepEqual([found.minimum, found.maximum], [Math.min(...numbers), Math.max(...numbers)])
      },
    ),
    { numRuns: 60 },
  )
})
