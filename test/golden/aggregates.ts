import {
  average,
  collect,
  count,
  countDistinct,
  decayedCount,
  decayedSum,
  deviation,
  entity,
  events,
  featureGroup,
  first,
  firstN,
  histogram,
  last,
  lastDistinctN,
  lastN,
  maximum,
  minimum,
  quantile,
  rate,
  sum,
  topK,
  variance,
} from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

/* Each exact aggregate of a few events, and of none, worked out by hand. */

const key = entity('key', { key: t.integer() })

const things = events('things', {
  columns: {
    key: t.integer(),
    n: t.integer().nullable(),
    price: t.decimal(6, 2).nullable(),
    big: t.int64().nullable(),
    real: t.float().nullable(),
    word: t.string().nullable(),
    flag: t.boolean().nullable(),
    at: t.timestamp(),
  },
  time: 'at',
})

const rows = `
  key  n  price  big                   real    word  flag   at
  1    3  0.10   9223372036854775807   0.1     b     true   2020-01-01T00:00:01
  1    -  0.20   -                     0.2     a     false  2020-01-01T00:00:02
  1    1  -      -9223372036854775807  -       -     -      2020-01-01T00:00:03
  1    2  0.30   -                     0.3     b     true   2020-01-01T00:00:04
  1    3  0.01   1                     -       a     -      2020-01-01T00:00:05
  1    -  -      -                     -       c     -      2020-01-01T00:00:06
  2    -  -      -                     1e308   -     -      2020-01-01T00:00:01
  2    -  -      -                     1e308   -     -      2020-01-01T00:00:02
  2    -  -      -                     -1e308  -     -      2020-01-01T00:00:03
  3    -  -      -                     -       -     -      2020-01-01T00:00:01`

export const aggregateCases: readonly GoldenCase[] = [
  goldenCase({
    name: 'count, countDistinct, rate',
    group: featureGroup({
      name: 'counts',
      entity: key,
      source: things,
      features: (row) => ({
        count: count(),
        of_n: count(row.n),
        distinct: countDistinct(row.n),
        words: countDistinct(row.word),
        rate: rate(row.flag),
      }),
    }),
    rows,
    reads: `
      key  at          count  of_n  distinct  words  rate                status
      1    2021-01-01  6      4     3         3      0.6666666666666666  PRESENT
      3    2021-01-01  1      0     0         0      -                   PRESENT
      4    2021-01-01  0      0     0         0      -                   NOT_FOUND`,
  }),
  goldenCase({
    name: 'sum: exact, and rounded once',
    group: featureGroup({
      name: 'sums',
      entity: key,
      source: things,
      features: (row) => ({ n: sum(row.n), price: sum(row.price), big: sum(row.big), real: sum(row.real) }),
    }),
    rows,
    reads: `
      key  at          n  price  big  real   status
      1    2021-01-01  9  0.61   1    0.6    PRESENT
      2    2021-01-01  0  0.00   0    1e308  PRESENT
      4    2021-01-01  0  0.00   0    0      NOT_FOUND`,
  }),
  goldenCase({
    name: 'average',
    group: featureGroup({
      name: 'averages',
      entity: key,
      source: things,
      features: (row) => ({ n: average(row.n), price: average(row.price), big: average(row.big), real: average(row.real) }),
    }),
    rows,
    reads: `
      key  at          n     price   big                 real
      1    2021-01-01  2.25  0.1525  0.3333333333333333  0.2
      2    2021-01-01  -     -       -                   3.333333333333333e307
      3    2021-01-01  -     -       -                   -`,
  }),
  goldenCase({
    name: 'variance and deviation, of a population and of a sample',
    group: featureGroup({
      name: 'spreads',
      entity: key,
      source: things,
      features: (row) => ({
        population: variance(row.n),
        sample: variance(row.n, 'sample'),
        deviation: deviation(row.n),
        of_sample: deviation(row.n, 'sample'),
        price: variance(row.price),
        of_two: variance(row.n, 'sample').over('3s'),
        of_one: variance(row.n, 'sample').over('2s'),
        of_one_all: deviation(row.n).over('2s'),
      }),
    }),
    rows,
    reads: `
      key  at                   population  sample              deviation         of_sample           price       of_two  of_one  of_one_all
      1    2020-01-01T00:00:07  0.6875      0.9166666666666666  0.82915619758885  0.9574271077563381  0.01176875  0.5     -       0
      3    2020-01-01T00:00:07  -           -                   -                 -                   -           -       -       -`,
  }),
  goldenCase({
    name: 'minimum and maximum',
    group: featureGroup({
      name: 'extremes',
      entity: key,
      source: things,
      features: (row) => ({
        min_n: minimum(row.n),
        max_price: maximum(row.price),
        min_big: minimum(row.big),
        max_word: maximum(row.word),
        min_flag: minimum(row.flag),
        max_at: maximum(row.at),
      }),
    }),
    rows,
    reads: `
      key  at          min_n  max_price  min_big               max_word  min_flag  max_at                status
      1    2021-01-01  1      0.30       -9223372036854775807  c         false     2020-01-01T00:00:06Z  PRESENT
      4    2021-01-01  -      -          -                     -         -         -                     NOT_FOUND`,
  }),
  goldenCase({
    name: 'first, last and the lists in event order',
    group: featureGroup({
      name: 'sequences',
      entity: key,
      source: things,
      features: (row) => ({
        first: first(row.word),
        last: last(row.n),
        first_n: firstN(row.n, 2),
        last_n: lastN(row.word, 3),
        distinct: lastDistinctN(row.word, 2),
        all: collect(row.price, 3),
      }),
    }),
    rows,
    reads: `
      key  at          first  last  first_n  last_n         distinct   all                     status
      1    2021-01-01  b      3     [3,1]    ["b","a","c"]  ["c","a"]  ["0.20","0.30","0.01"]  PRESENT
      3    2021-01-01  -      -     []       []             []         []                      PRESENT`,
  }),
  goldenCase({
    name: 'topK by count and by sum, histogram',
    group: featureGroup({
      name: 'frequencies',
      entity: key,
      source: things,
      features: (row) => ({
        top: topK(row.word, 2),
        numbers: topK(row.n, 9),
        by_sum: topK(row.word, 2, row.price),
        words: histogram(row.word),
        prices: histogram(row.price),
      }),
    }),
    rows,
    reads: `
      key  at          top        numbers  by_sum     words                prices
      1    2021-01-01  ["a","b"]  [3,1,2]  ["b","a"]  {"a":2,"b":2,"c":1}  {"0.10":1,"0.20":1,"0.30":1,"0.01":1}
      3    2021-01-01  []         []       []         {}                   {}`,
  }),
  goldenCase({
    name: 'quantiles between two values',
    group: featureGroup({
      name: 'quantiles',
      entity: key,
      source: things,
      features: (row) => ({
        least: quantile(row.n, 0),
        quarter: quantile(row.n, 0.25),
        median: quantile(row.n, 0.5),
        greatest: quantile(row.n, 1),
        price: quantile(row.price, 0.5),
        real: quantile(row.real, 0.9),
      }),
    }),
    rows,
    reads: `
      key  at          least  quarter  median  greatest  price  real
      1    2021-01-01  1      1.75     2.5     3         0.15   0.28
      3    2021-01-01  -      -        -       -         -      -`,
  }),
  goldenCase({
    name: 'decay by half with every half-life',
    group: featureGroup({
      name: 'decays',
      entity: key,
      source: things,
      features: (row) => ({
        count: decayedCount('1s'),
        sum: decayedSum(row.n, '1s'),
        price: decayedSum(row.price, '1s').over('4s'),
        earlier: decayedSum(row.n, '1s').delay('2s'),
      }),
    }),
    rows,
    reads: `
      key  at                   count    sum      price   earlier  status
      1    2020-01-01T00:00:06  0.96875  2.21875  0.0925  0.875    PRESENT
      3    2020-01-01T00:00:03  0.25     0        0       0        PRESENT
      4    2020-01-01T00:00:06  0        0        0       0        NOT_FOUND`,
  }),
]
