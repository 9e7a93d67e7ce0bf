import { average, count, entity, events, featureGroup, last, lastN, maximum, minimum, sum, variance } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { correctionCases } from './corrections.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

/*
 * Windows over events: cases whose answers are known from elsewhere, W1 to W18 and A5. An event belongs to a window of
 * length W at q where `q - W <= time < q`.
 */

const key = entity('key', { key: t.integer() })

/** Events without an id: equal ones are two. */
const numbers = events('numbers', { columns: { key: t.integer(), value: t.float(), at: t.timestamp() }, time: 'at' })

const happenings = events('happenings', {
  columns: { id: t.string(), key: t.integer(), at: t.timestamp(), known: t.timestamp().nullable() },
  time: 'at',
  id: 'id',
  known: 'known',
})

const films = events('films', {
  columns: { key: t.integer(), views: t.integer(), rating: t.integer(), title: t.string(), at: t.timestamp() },
  time: 'at',
})

const edges = [
  goldenCase({
    name: 'W6 several aggregates',
    group: featureGroup({
      name: 'film',
      entity: key,
      source: films,
      features: (row) => ({
        views: average(row.views),
        rating: average(row.rating),
        greatest: maximum(row.title),
        latest: last(row.title),
      }),
    }),
    rows: `
      key  views  rating  title  at
      1    4      4       A      2020-01-01T00:00:01
      1    40     5       B      2020-01-01T00:00:02
      1    3      3       C      2020-01-01T00:00:03
      1    5      4       D      2020-01-01T00:00:04
      1    4      4       A      2020-01-01T00:00:05
      1    10     4       A      2020-01-01T00:00:06`,
    reads: `
      key  at                   views  rating  greatest  latest
      1    2020-01-01T00:00:07  11     4       D         A`,
  }),
  goldenCase({
    name: 'W7 small windows',
    group: featureGroup({
      name: 'small',
      entity: key,
      source: numbers,
      features: (row) => ({ sum: sum(row.value).over('2001ms') }),
    }),
    rows: `
      key  value  at
      1    30     2020-05-29T07:56:30
      1    31     2020-05-29T07:56:31
      1    32     2020-05-29T07:56:32
      1    33     2020-05-29T07:56:33`,
    reads: `
      key  at                       sum
      1    2020-05-29T07:56:30.001  30
      1    2020-05-29T07:56:31.001  61
      1    2020-05-29T07:56:32.001  93
      1    2020-05-29T07:56:33.001  96`,
  }),
  goldenCase({
    name: 'W8 gaps, from three seconds to one second before, both included',
    group: featureGroup({
      name: 'gaps',
      entity: key,
      source: numbers,
      features: (row) => ({
        sum: sum(row.value).over('2000001us').delay('999999us'),
        newest: lastN(row.value, 2).over('2000001us').delay('999999us'),
      }),
    }),
    rows: `
      key  value  at
      1    1      2020-01-01T00:00:00
      1    1      2020-01-01T00:00:01
      1    1      2020-01-01T00:00:02
      1    1      2020-01-01T00:00:03
      1    1      2020-01-01T00:00:04
      1    1      2020-01-01T00:00:05
      1    1      2020-01-01T00:00:09
      1    1      2020-01-01T00:00:11
      1    1      2020-01-01T00:00:12`,
    reads: `
      key  at                   sum  newest  status
      1    2020-01-01T00:00:00  0    []      NOT_FOUND
      1    2020-01-01T00:00:01  1    [1]     PRESENT
      1    2020-01-01T00:00:02  2    [1,1]   PRESENT
      1    2020-01-01T00:00:03  3    [1,1]   PRESENT
      1    2020-01-01T00:00:04  3    [1,1]   PRESENT
      1    2020-01-01T00:00:05  3    [1,1]   PRESENT
      1    2020-01-01T00:00:09  0    []      PRESENT
      1    2020-01-01T00:00:11  1    [1]     PRESENT
      1    2020-01-01T00:00:12  2    [1,1]   PRESENT`,
  }),
  goldenCase({
    name: 'W9 ties and the left edge',
    group: featureGroup({
      name: 'ties',
      entity: key,
      source: numbers,
      features: () => ({ below: count().over('3999ms'), exactly: count().over('4000ms') }),
    }),
    rows: `
      key  value  at
      1    1      2020-05-29T07:56:30
      1    1      2020-05-29T07:56:30
      1    1      2020-05-29T07:56:32
      1    1      2020-05-29T07:56:33
      1    1      2020-05-29T07:56:34
      1    1      2020-05-29T07:56:34
      1    1      2020-05-29T07:56:39
      1    1      2020-05-29T07:56:41
      1    1      2020-05-29T07:56:42`,
    reads: `
      key  at                   below  exactly  status
      1    2020-05-29T07:56:30  0      0        NOT_FOUND
      1    2020-05-29T07:56:30  0      0        NOT_FOUND
      1    2020-05-29T07:56:32  2      2        PRESENT
      1    2020-05-29T07:56:33  3      3        PRESENT
      1    2020-05-29T07:56:34  2      4        PRESENT
      1    2020-05-29T07:56:34  2      4        PRESENT
      1    2020-05-29T07:56:39  0      0        PRESENT
      1    2020-05-29T07:56:41  1      1        PRESENT
      1    2020-05-29T07:56:42  2      2        PRESENT`,
  }),
  goldenCase({
    name: 'W10 the moment itself',
    group: featureGroup({
      name: 'moment',
      entity: key,
      source: numbers,
      features: () => ({ lifetime: count(), hour: count().over('1h') }),
    }),
    rows: `
      key  value  at
      1    1      2020-01-01T12:00:00`,
    reads: `
      key  at                          lifetime  hour  status
      1    2020-01-01T11:59:59.999999  0         0     NOT_FOUND
      1    2020-01-01T12:00:00         0         0     NOT_FOUND
      1    2020-01-01T12:00:00.000001  1         1     PRESENT
      1    2020-01-01T13:00:00         1         1     PRESENT
      1    2020-01-01T13:00:00.000001  1         0     PRESENT`,
  }),
]

const tenSeconds = featureGroup({ name: 'ten_seconds', entity: key, source: numbers, features: () => ({ count: count().over('10s') }) })
const earlyAndLate = `
  key  value  at
  1    1      2020-01-01T00:00:05
  1    1      2020-01-01T00:00:12`

const readers = [
  goldenCase({
    name: 'W11 a read alone',
    group: tenSeconds,
    rows: earlyAndLate,
    reads: `
      key  at                   count
      1    2020-01-01T00:00:15  2`,
  }),
  goldenCase({
    name: 'W11 the same read after another',
    group: tenSeconds,
    rows: earlyAndLate,
    reads: `
      key  at                   count
      1    2020-01-01T00:00:14  2
      1    2020-01-01T00:00:15  2`,
  }),
  goldenCase({
    name: 'W12 a late event counts from the moment it arrives',
    group: featureGroup({
      name: 'late',
      entity: key,
      source: happenings,
      features: () => ({ hour: count().over('1h'), three_hours: count().over('3h') }),
    }),
    asKnown: true,
    rows: `
      id  key  at                   known
      a   1    2020-01-01T10:59:00  2020-01-01T10:59:00
      b   1    2020-01-01T10:00:00  2020-01-01T12:00:00`,
    reads: `
      key  at                          hour  three_hours
      1    2020-01-01T11:59:59.999999  0     1
      1    2020-01-01T12:00:00         0     2`,
  }),
  goldenCase({
    name: 'W13 redelivery',
    group: featureGroup({ name: 'redelivered', entity: key, source: happenings, features: () => ({ count: count() }) }),
    rows: `
      id  key  at                   known
      a   1    2020-01-01T10:00:00  2020-01-01T10:00:01
      a   1    2020-01-01T10:00:00  2020-01-01T10:00:02
      a   1    2020-01-01T10:00:00  2020-01-01T10:00:02`,
    reads: `
      key  at                   count
      1    2020-01-01T11:00:00  1`,
  }),
  goldenCase({
    name: 'W14 reading does not change state',
    group: tenSeconds,
    rows: earlyAndLate,
    reads: `key at count${'\n1 2020-01-01T00:00:15 2'.repeat(10)}`,
  }),
  goldenCase({
    name: 'W15 midnight edge',
    group: featureGroup({ name: 'midnight', entity: key, source: numbers, features: () => ({ count: count().over('3d') }) }),
    rows: `
      key  value  at
      1    1      2020-01-01T00:00:00`,
    reads: `
      key  at                   count
      1    2020-01-04T00:00:00  1
      1    2020-01-04T00:02:00  0`,
  }),
]

const purchases = events('purchases', { columns: { key: t.integer(), at: t.timestamp() }, time: 'at' })

const values = [
  goldenCase({
    name: 'W17 moments',
    group: featureGroup({ name: 'moments', entity: key, source: numbers, features: (row) => ({ variance: variance(row.value) }) }),
    rows: `
      key  value  at
      1    1.1    2020-01-01T00:00:01
      1    2.2    2020-01-01T00:00:02
      1    3.3    2020-01-01T00:00:03
      1    4.4    2020-01-01T00:00:04
      1    5.5    2020-01-01T00:00:05
      2    1.1    2020-01-01T00:00:01`,
    reads: `
      key  at                   variance
      1    2020-01-01T00:01:00  2.42
      2    2020-01-01T00:01:00  0`,
  }),
  goldenCase({
    name: 'W18 purchases of seven days',
    group: featureGroup({ name: 'purchases', entity: key, source: purchases, features: () => ({ count: count().over('7d') }) }),
    rows: `
      key  at
      1    2026-01-01
      1    2026-01-03
      1    2025-12-20`,
    reads: `
      key  at          count
      1    2026-01-05  2`,
  }),
  goldenCase({
    name: 'A5 sliding extremes and variance',
    group: featureGroup({
      name: 'amounts',
      entity: key,
      source: numbers,
      features: (row) => ({
        sum: sum(row.value).over('15m'),
        count: count().over('15m'),
        mean: average(row.value).over('15m'),
        max: maximum(row.value).over('15m'),
        min: minimum(row.value).over('15m'),
        variance: variance(row.value).over('15m'),
      }),
    }),
    rows: `
      key  value  at
      1    10     2020-01-01T00:01
      1    5      2020-01-01T00:06
      1    7      2020-01-01T00:11
      1    3      2020-01-01T00:16
      1    20     2020-01-01T00:21
      1    1      2020-01-01T00:26`,
    reads: `
      key  at                sum  count  mean  max  min  variance
      1    2020-01-01T00:30  24   3      8     20   1    72.66666666666667`,
  }),
]

export const windowCases: readonly GoldenCase[] = [...correctionCases, ...edges, ...readers, ...values]
