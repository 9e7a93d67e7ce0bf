import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LockstepError } from '../errors.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import type { AggregateParameters } from './aggregate.ts'
import { decompose } from './double.ts'
import { aggregateFunctions } from './functions.ts'
import { ratioToNumber } from './rational.ts'

const type = (kind: TypeData['kind'], more: Partial<TypeData> = {}): TypeData => ({ kind, nullable: false, ...more })
const [integer, int64, float, string, boolean] = [type('integer'), type('int64'), type('float'), type('string'), type('boolean')]
const money = type('decimal', { precision: 12, scale: 2 })

/** The value of a function over the values of events one second apart, the first at 0. */
function valueOver(
  name: string,
  inputs: TypeData | readonly TypeData[],
  values: readonly Cell[],
  parameters: AggregateParameters = {},
  weights: readonly Cell[] = [],
): Cell {
  const types = [inputs].flat() as TypeData[]
  const algebra = aggregateFunctions[name]?.create(types, parameters)
  assert.ok(algebra)
  const state = values.reduce(
    (sofar: unknown, value, index) => algebra.add(sofar, value, index * 1_000_000, index, weights[index] ?? null),
    algebra.zero(),
  )
  return algebra.finish(state, values.length * 1_000_000)
}

const throwsCode = (code: string, run: () => unknown, message?: RegExp) =>
  assert.throws(run, (error) => error instanceof LockstepError && error.code === code && (message?.test(error.message) ?? true))

test('of nothing: counts and sums are 0, lists are empty, all else is null', () => {
  const empty: Readonly<Record<string, Cell>> = {
    average: null,
    collect: [],
    count: 0,
    countDistinct: 0,
    countDistinctApproximate: 0,
    decayedCount: 0,
    decayedSum: 0,
    deviationPopulation: null,
    deviationSample: null,
    first: null,
    firstN: [],
    histogram: '{}',
    last: null,
    lastDistinctN: [],
    lastN: [],
    maximum: null,
    minimum: null,
    quantile: null,
    quantileApproximate: null,
    rate: null,
    sum: 0,
    topK: [],
    topKBySum: [],
    variancePopulation: null,
    varianceSample: null,
  }
  for (const [name, { inputs }] of Object.entries(aggregateFunctions)) {
    const columns = name === 'rate' ? [boolean] : [float, float].slice(0, inputs)
    assert.deepEqual(valueOver(name, columns, [], someParameters(name)), empty[name], name)
  }
})

/** Parameters that the function needs. */
function someParameters(name: string): AggregateParameters {
  if (name.startsWith('decayed')) return { halfLife: 1_000_000 }
  if (name.startsWith('quantile')) return { percentile: 0.5 }
  if (name.startsWith('topK')) return { k: 2 }
  if (name === 'collect') return { limit: 2 }
  return name.endsWith('N') ? { n: 2 } : {}
}

test('golden W6: any split into three parts merges to the same answer', () => {
  const rows = [
    [4, 4, 'A'],
    [40, 5, 'B'],
    [3, 3, 'C'],
    [5, 4, 'D'],
    [4, 4, 'A'],
    [10, 4, 'A'],
  ] as const
  const answers = [
    ['average', integer, 0, 11],
    ['average', integer, 1, 4],
    ['maximum', string, 2, 'D'],
    ['last', string, 2, 'A'],
  ] as const
  for (const [name, column, place, expected] of answers) {
    const algebra = aggregateFunctions[name]?.create([column], {})
    assert.ok(algebra)
    const fold = (from: number, to: number) =>
      rows
        .slice(from, to)
        .reduce((state: unknown, row, index) => algebra.add(state, row[place], from + index, from + index, null), algebra.zero())
    for (let one = 0; one <= rows.length; one++) {
      for (let two = one; two <= rows.length; two++) {
        assert.equal(
          algebra.finish(algebra.merge(algebra.merge(fold(one, two), fold(two, 6)), fold(0, one)), 6),
          expected,
          `${name} cut at ${one} and ${two}`,
        )
      }
    }
  }
})

test('golden W17: moments', () => {
  assert.equal(valueOver('variancePopulation', float, [1.1, 2.2, 3.3, 4.4, 5.5]), 2.42)
  assert.equal(valueOver('variancePopulation', money, [110, 220, 330, 440, 550]), 2.42)
  assert.equal(valueOver('variancePopulation', float, [1.1]), 0)
  assert.equal(valueOver('deviationPopulation', float, [1.1]), 0)
  assert.equal(valueOver('varianceSample', float, [1.1]), null)
  assert.equal(valueOver('deviationSample', float, [1.1]), null)
})

test('golden A5: a window with its sum, count, mean, extremes and deviation', () => {
  const inWindow = [3, 20, 1]
  const answers = {
    sum: 24,
    count: 3,
    average: 8,
    maximum: 20,
    minimum: 1,
    variancePopulation: 218 / 3,
    deviationPopulation: Math.sqrt(218 / 3),
    varianceSample: 109,
  }
  for (const [name, expected] of Object.entries(answers)) {
    assert.equal(valueOver(name, integer, inWindow), expected, name)
    // As what is left of the whole history once the older events are removed.
    const algebra = aggregateFunctions[name]?.create([integer], {})
    assert.ok(algebra)
    let state: unknown = [10, 5, 7, ...inWindow].reduce(
      (sofar: unknown, value, index) => algebra.add(sofar, value, index, index, null),
      algebra.zero(),
    )
    if (!algebra.remove) continue
    for (const [index, value] of [10, 5, 7].entries()) state = algebra.remove(state, value, index, index, null)
    assert.equal(algebra.finish(state, 6), expected, `${name} after removal`)
  }
})

test('sums are exact in their own type', () => {
  assert.equal(valueOver('sum', float, Array(10).fill(0.1)), 1)
  assert.equal(valueOver('sum', float, [1e308, 1e308, -1e308]), 1e308)
  assert.equal(valueOver('sum', money, [1250, -50]), 1200)
  assert.equal(valueOver('sum', int64, [2n ** 62n, 2n ** 62n, -1n]), 2n ** 63n - 1n)
  assert.equal(valueOver('average', money, [1, 2]), 0.015)
  assert.equal(valueOver('average', int64, [2n ** 62n, 2n ** 62n + 1n]), 2 ** 62)
  assert.equal(valueOver('average', type('decimal', { precision: 15, scale: 15 }), Array(11).fill(10 ** 15 - 1)), 0.999999999999999)
})

test('beyond 2^53 and 2^63 a sum is an error, but only once it is asked for', () => {
  const most = Number.MAX_SAFE_INTEGER
  assert.equal(valueOver('sum', integer, [most, most, -most]), most)
  for (const column of [integer, money]) throwsCode('NUMBER_OUT_OF_RANGE', () => valueOver('sum', column, [most, 1]), /2\^53/)
  throwsCode('NUMBER_OUT_OF_RANGE', () => valueOver('sum', integer, [-most, -1]))
  assert.equal(valueOver('sum', int64, [2n ** 63n - 1n, 2n ** 63n - 1n, -(2n ** 63n)]), 2n ** 63n - 2n)
  throwsCode('NUMBER_OUT_OF_RANGE', () => valueOver('sum', int64, [2n ** 63n - 1n, 1n]), /2\^63/)
})

test('variances are the exact ones, rounded once', () => {
  const hostile = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -100, max: 100 }),
    fc.double({ min: 1, max: 1 + 2 ** -40, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer({ min: 0, max: 1_000_000 }).map((cents) => cents / 100),
    fc.constantFrom(1e200, 1e-200, -0),
  )
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 12 }), (values) => {
      // Here from the squared distances, n^2 times each, in units of 2^-2148.
      const units = values.map(decompose).map(({ mantissa, exponent }) => mantissa << BigInt(exponent + 1074))
      const n = BigInt(values.length)
      const sum = units.reduce((sofar, unit) => sofar + unit, 0n)
      const squares = units.reduce((sofar, unit) => sofar + (n * unit - sum) ** 2n, 0n)
      assert.equal(valueOver('variancePopulation', float, values), ratioToNumber(squares, n ** 3n, -2148))
      assert.equal(valueOver('varianceSample', float, values), n === 1n ? null : ratioToNumber(squares, n * n * (n - 1n), -2148))
    }),
    { numRuns: 500 },
  )
  assert.equal(valueOver('varianceSample', int64, [2n ** 62n, 2n ** 62n + 2n]), 2)
  assert.equal(valueOver('variancePopulation', type('decimal', { precision: 15, scale: 15 }), [1, 3]), 1e-30)
})

test('lists: the order of events, the newest, the newest of each', () => {
  const seen = ['a', 'b', 'a', 'c', 'b', 'b']
  assert.deepEqual(valueOver('firstN', string, seen, { n: 2 }), ['a', 'b'])
  assert.deepEqual(valueOver('lastN', string, seen, { n: 3 }), ['c', 'b', 'b'])
  assert.deepEqual(valueOver('collect', string, seen, { limit: 100 }), seen)
  assert.deepEqual(valueOver('lastDistinctN', string, seen, { n: 2 }), ['b', 'c'])
  assert.deepEqual(valueOver('lastDistinctN', string, seen, { n: 9 }), ['b', 'c', 'a'])
  assert.equal(valueOver('first', string, seen), 'a')
  assert.equal(valueOver('last', string, seen), 'b')
})

test('events of one moment are ordered by id, strings by code unit', () => {
  const last = aggregateFunctions.last?.create([string], {})
  assert.ok(last)
  for (const ids of [
    ['😀', 'ﬁ'],
    ['ﬁ', '😀'],
  ]) {
    const state: unknown = ids.reduce((sofar: unknown, id) => last.add(sofar, `of ${id}`, 0, id, null), last.zero())
    assert.equal(last.finish(state, 1), 'of ﬁ')
  }
})

test('top k: by count, by exact sum, ties by value', () => {
  const bought = ['tea', 'milk', 'tea', 'rice', 'milk', 'salt']
  assert.deepEqual(valueOver('topK', string, bought, { k: 3 }), ['milk', 'tea', 'rice'])
  assert.deepEqual(valueOver('topK', integer, [10, 9, 10, 9, -1], { k: 2 }), [9, 10])
  assert.deepEqual(valueOver('topKBySum', [string, float], bought, { k: 3 }, [1, 0.5, 1, 5, 1.5, 2]), ['rice', 'milk', 'salt'])
  // Exactly, 0.1 and 1.9 are a little less than 2.
  assert.deepEqual(valueOver('topKBySum', [string, float], ['a', 'b', 'a'], { k: 1 }, [0.1, 2, 1.9]), ['b'])
  assert.deepEqual(valueOver('topKBySum', [string, float], ['a', 'b', 'b'], { k: 1 }, [1, 1, 2 ** -200]), ['b'])
  assert.deepEqual(valueOver('topKBySum', [string, int64], ['a', 'b'], { k: 1 }, [2n ** 60n, 2n ** 60n + 1n]), ['b'])
})

test('counts and shares', () => {
  assert.equal(valueOver('countDistinct', float, [0, -0, NaN, NaN, 1]), 3)
  assert.equal(valueOver('histogram', string, ['b', 'a', 'b', 'B']), '{"B":1,"a":1,"b":2}')
  assert.equal(valueOver('histogram', money, [1250, 1250]), '{"12.50":2}')
  assert.equal(valueOver('histogram', string, ['9', '10', '__proto__']), '{"10":1,"9":1,"__proto__":1}')
  assert.equal(valueOver('rate', boolean, [true, false, false]), 1 / 3)
})

test('extremes: strings by code unit, false before true, NaN after every number', () => {
  assert.equal(valueOver('maximum', string, ['ﬁ', '😀', 'z']), 'ﬁ')
  assert.equal(valueOver('minimum', boolean, [true, false]), false)
  assert.ok(Object.is(valueOver('maximum', float, [-0, -1]), 0))
  assert.equal(valueOver('maximum', float, [NaN, Infinity]), NaN)
  assert.equal(valueOver('minimum', float, [NaN, Infinity]), Infinity)
})

test('quantiles as NumPy computes them', () => {
  // numpy.quantile of the same lists.
  const table: readonly [readonly number[], number, number][] = [
    [[15, 20, 35, 40, 50], 0.4, 29],
    [[1, 2, 3, 4], 0.5, 2.5],
    [[1, 2, 3, 4], 0.25, 1.75],
    [[3, 1, 2], 0, 1],
    [[3, 1, 2], 1, 3],
    [[7], 0.3, 7],
    [[0.1, 0.2, 0.3], 0.75, 0.25],
    [[0.09, 0.33], 0.58, 0.22920000000000001],
    [[-Number.MAX_VALUE, Number.MAX_VALUE], 0.5, 0],
  ]
  for (const [values, percentile, expected] of table) assert.equal(valueOver('quantile', float, values, { percentile }), expected)
  assert.equal(valueOver('quantile', money, [100, 250], { percentile: 0.5 }), 1.75)
  assert.equal(valueOver('quantile', int64, [1n, 4n], { percentile: 0.5 }), 2.5)
})

test('approximate quantiles stay within their error of the value of that rank', () => {
  const doubles = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ min: 0.5, max: 4, noNaN: true }))
  fc.assert(
    fc.property(
      fc.array(doubles, { minLength: 1, maxLength: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0.00001, 0.001, 0.01, 0.05, 0.25),
      (values, percentile, error) => {
        const exact = values.toSorted((a, b) => a - b)[Math.floor(percentile * (values.length - 1))] as number
        const found = valueOver('quantileApproximate', float, values, { percentile, error }) as number
        if (Math.abs(exact) < 2 ** -1022) assert.equal(found, 0)
        else assert.ok(Math.abs(found / 4 - exact / 4) <= (error * Math.abs(exact)) / 4, `${found} for ${exact}`)
      },
    ),
    { numRuns: 2000 },
  )
  assert.equal(valueOver('quantileApproximate', float, [1, Infinity, NaN], { percentile: 0.5 }), Infinity)
  assert.equal(valueOver('quantileApproximate', float, [1, Infinity, NaN], { percentile: 1 }), NaN)
  assert.equal(valueOver('quantileApproximate', money, [100], { percentile: 1 }), 1.005)
})

test('result types', () => {
  const table: readonly [string, readonly TypeData[], AggregateParameters, TypeData][] = [
    ['count', [], {}, integer],
    ['count', [type('vector', { length: 2 })], {}, integer],
    ['sum', [integer], {}, integer],
    ['sum', [int64], {}, int64],
    ['sum', [type('float', { nullable: true, allowNaN: true, minimum: 0 })], {}, type('float', { allowNaN: true })],
    ['sum', [money], {}, type('decimal', { precision: 18, scale: 2 })],
    ['average', [money], {}, type('float', { nullable: true })],
    ['first', [money], {}, { ...money, nullable: true }],
    ['lastN', [{ ...money, nullable: true }], { n: 3 }, type('list', { element: money })],
    ['topKBySum', [string, money], { k: 3 }, type('list', { element: string })],
    ['histogram', [string], {}, type('struct')],
    ['rate', [boolean], {}, type('float', { nullable: true })],
    ['decayedCount', [], { halfLife: 1 }, float],
  ]
  for (const [name, inputs, parameters, expected] of table)
    assert.deepEqual(aggregateFunctions[name]?.result(inputs, parameters), expected, name)
})

test('what makes no sense is refused with the reason', () => {
  const table: readonly [string, readonly TypeData[], AggregateParameters, RegExp][] = [
    ['sum', [string], {}, /sum cannot take a column of kind string; it takes integer, int64, float, decimal/],
    ['sum', [], {}, /sum takes one column, not 0/],
    ['count', [float, float], {}, /count takes one column, not 2/],
    ['topKBySum', [string], { k: 1 }, /topKBySum takes 2 columns, not 1/],
    ['maximum', [type('struct')], {}, /maximum cannot take a column of kind struct/],
    ['countDistinct', [type('vector', { length: 3 })], {}, /kind vector/],
    ['rate', [integer], {}, /rate cannot take a column of kind integer; it takes boolean/],
    ['topK', [string], {}, /topK needs the parameter k, a whole number from 1 to 100000, which is missing/],
    ['topK', [string], { k: 1.5 }, /whole number from 1 to 100000, not 1.5/],
    ['topK', [string], { k: 1, toString: 2 }, /topK has no parameter toString; it has k/],
    ['sum', [float], { k: 1 }, /sum has no parameter k; it has none/],
    ['quantile', [float], { percentile: 50 }, /a number from 0 to 1, not 50/],
    ['quantile', [float], { percentile: '0.5' }, /not "0.5"/],
    ['quantile', [float], { percentile: NaN }, /percentile/],
    ['quantileApproximate', [float], { percentile: 0.5, error: 0 }, /error/],
    ['countDistinctApproximate', [string], { precision: 3 }, /from 4 to 18, not 3/],
    ['decayedSum', [float], { halfLife: 0 }, /halfLife/],
  ]
  for (const [name, inputs, parameters, message] of table) {
    throwsCode('INVALID_DEFINITION', () => aggregateFunctions[name]?.result(inputs, parameters), message)
  }
  assert.equal(aggregateFunctions.constructor, undefined)
})
