import { count, entity, events, every, featureGroup, first, last, lastN, maximum, secondsSince, sum } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

/* The rules of time that no published case covers, worked out by hand. */

const key = entity('key', { key: t.integer() })

const visits = events('visits', {
  columns: { id: t.string(), key: t.integer(), kind: t.string().nullable(), at: t.timestamp() },
  time: 'at',
  id: 'id',
})

const shapes = [
  goldenCase({
    name: 'a session ends with a pause longer than the gap, of all events of the key',
    group: featureGroup({
      name: 'session',
      entity: key,
      source: visits,
      features: (row) => ({
        count: count().session('10s'),
        bought: count().where(row.kind.eq('buy')).session('10s'),
        delayed: count().session('10s').delay('1s'),
      }),
    }),
    rows: `
      id  key  kind  at
      a   1    see   2020-01-01T00:00:00
      b   1    see   2020-01-01T00:00:05
      c   1    buy   2020-01-01T00:00:15
      d   1    see   2020-01-01T00:00:26
      e   1    buy   2020-01-01T00:00:30`,
    reads: `
      key  at                          count  bought  delayed  status
      1    2020-01-01T00:00:00         0      0       0        NOT_FOUND
      1    2020-01-01T00:00:00.000001  1      0       0        PRESENT
      1    2020-01-01T00:00:06         2      0       1        PRESENT
      1    2020-01-01T00:00:16         3      1       2        PRESENT
      1    2020-01-01T00:00:25         3      1       3        PRESENT
      1    2020-01-01T00:00:25.000001  0      0       3        PRESENT
      1    2020-01-01T00:00:26.000001  1      0       0        PRESENT
      1    2020-01-01T00:00:31         2      1       1        PRESENT
      1    2020-01-01T00:00:40         2      1       2        PRESENT
      1    2020-01-01T00:00:40.000001  0      0       2        PRESENT`,
  }),
  goldenCase({
    name: 'tumbling buckets are aligned to the epoch, also before it',
    group: featureGroup({
      name: 'tumbling',
      entity: key,
      source: visits,
      features: () => ({ current: count().tumbling('1m'), complete: count().tumbling('1m', 'last') }),
    }),
    rows: `
      id  key  kind  at
      a   1    see   2020-01-01T00:00:00
      b   1    see   2020-01-01T00:00:59.999999
      c   1    see   2020-01-01T00:01:00
      d   1    see   2020-01-01T00:02:30
      e   2    see   1969-12-31T23:59:30`,
    reads: `
      key  at                          current  complete  status
      1    2020-01-01T00:00:00         0        0         NOT_FOUND
      1    2020-01-01T00:00:59.999999  1        0         PRESENT
      1    2020-01-01T00:01:00         0        2         PRESENT
      1    2020-01-01T00:01:30         1        2         PRESENT
      1    2020-01-01T00:02:00         0        1         PRESENT
      1    2020-01-01T00:02:31         1        1         PRESENT
      1    2020-01-01T00:04:00         0        0         PRESENT
      2    1969-12-31T23:59:45         1        0         PRESENT
      2    1970-01-01T00:00:00         0        1         PRESENT
      2    1970-01-01T00:01:00         0        0         PRESENT`,
  }),
  goldenCase({
    name: 'since the last match in event order, which ids decide where times are equal',
    group: featureGroup({
      name: 'since',
      entity: key,
      source: visits,
      features: (row) => ({
        since: count().since(row.kind.eq('buy')),
        delayed: count().since(row.kind.eq('buy')).delay('1s'),
        seen: count().where(row.kind.eq('see')).since(row.kind.eq('buy')),
      }),
    }),
    rows: `
      id  key  kind  at
      f   1    -     2020-01-01T00:00:05
      e   1    see   2020-01-01T00:00:03
      d   1    buy   2020-01-01T00:00:03
      c   1    see   2020-01-01T00:00:03
      b   1    buy   2020-01-01T00:00:02
      a   1    see   2020-01-01T00:00:01`,
    reads: `
      key  at                          since  delayed  seen
      1    2020-01-01T00:00:01.000001  1      0        1
      1    2020-01-01T00:00:02         1      0        1
      1    2020-01-01T00:00:02.000001  0      1        0
      1    2020-01-01T00:00:04         1      0        1
      1    2020-01-01T00:00:06         2      1        1`,
  }),
  goldenCase({
    name: 'a resolution moves the left edge back, a delay both edges',
    group: featureGroup({
      name: 'edges',
      entity: key,
      source: visits,
      features: () => ({
        exact: count().over('10s'),
        coarse: count().over('10s', { resolution: '5s' }),
        delayed: count().over('10s', { resolution: '5s' }).delay('2s'),
        lifetime: count().delay('6s'),
      }),
    }),
    rows: `
      id  key  kind  at
      a   1    see   2020-01-01T00:00:00
      b   1    see   2020-01-01T00:00:05
      c   1    see   2020-01-01T00:00:09`,
    reads: `
      key  at                          exact  coarse  delayed  lifetime
      1    2020-01-01T00:00:10         3      3       2        1
      1    2020-01-01T00:00:12         2      3       3        2
      1    2020-01-01T00:00:15         2      2       3        2
      1    2020-01-01T00:00:15.000001  1      2       3        3
      1    2020-01-01T00:00:19.999999  0      2       2        3
      1    2020-01-01T00:00:20         0      0       2        3
      1    2020-01-01T00:00:22         0      0       0        3`,
  }),
  goldenCase({
    name: 'a scheduled group has the value of its last tick',
    group: featureGroup({
      name: 'scheduled',
      entity: key,
      source: visits,
      refresh: every('1h', { delay: '10m' }),
      features: (row) => ({ count: count(), recent: count().over('1h'), seconds: secondsSince(last(row.at)) }),
    }),
    rows: `
      id  key  kind  at
      a   1    see   2020-01-01T00:30:00
      b   1    see   2020-01-01T02:00:00`,
    reads: `
      key  at                          count  recent  seconds  status
      1    2020-01-01T01:00:00         0      0       -        NOT_FOUND
      1    2020-01-01T01:09:59.999999  0      0       -        NOT_FOUND
      1    2020-01-01T01:10:00         1      1       1800     PRESENT
      1    2020-01-01T02:09:59.999999  1      1       1800     PRESENT
      1    2020-01-01T02:10:00         1      0       5400     PRESENT
      1    2020-01-01T03:10:00         2      1       3600     PRESENT`,
  }),
]

const notes = events('notes', {
  columns: { id: t.integer(), part: t.integer(), key: t.integer(), text: t.string(), at: t.timestamp(), known: t.timestamp().nullable() },
  time: 'at',
  id: ['id', 'part'],
  known: 'known',
})
const noted = featureGroup({
  name: 'noted',
  entity: key,
  source: notes,
  features: (row) => ({ texts: lastN(row.text, 9), count: count() }),
})
const nightly = featureGroup({ name: 'nightly', entity: key, source: notes, refresh: every('1d'), features: () => ({ count: count() }) })
const unnamed = events('unnamed', {
  columns: { key: t.integer(), b: t.integer().nullable(), a: t.string(), at: t.timestamp() },
  time: 'at',
})

const order = [
  goldenCase({
    name: 'ids of several columns order events of one time, numbers by value',
    group: noted,
    rows: `
      id  part  key  text  at                   known
      10  1     1    c     2020-01-01T00:00:01  -
      9   10    1    b     2020-01-01T00:00:01  -
      9   2     1    a     2020-01-01T00:00:01  -
      1   1     1    d     2020-01-01T00:00:02  -`,
    reads: `
      key  at                   texts          count
      1    2020-01-01T00:00:02  ["a","b","c"]  3`,
  }),
  goldenCase({
    name: 'of versions known at one moment the greatest counts; a correction can move the time',
    group: noted,
    rows: `
      id  part  key  text   at                   known
      1   1     1    new    2020-01-01T00:00:05  2020-01-01T00:01:00
      1   1     1    moved  2020-01-01T00:00:09  2020-01-01T00:01:00
      1   1     1    old    2020-01-01T00:00:10  -
      2   1     1    other  2020-01-01T00:00:07  -`,
    reads: `
      key  at                   texts              count
      1    2020-01-01T00:00:09  ["other"]          1
      1    2020-01-01T00:00:10  ["other","moved"]  2`,
  }),
  goldenCase({
    name: 'without an id events of one time are in the order of their content, column by column in the order of names',
    group: featureGroup({
      name: 'unnamed',
      entity: key,
      source: unnamed,
      features: (row) => ({ texts: lastN(row.a, 9), first: first(row.b), last: last(row.b) }),
    }),
    rows: `
      key  b   a  at
      1    2   y  2020-01-01T00:00:01
      1    10  x  2020-01-01T00:00:01
      1    2   x  2020-01-01T00:00:01
      1    -   x  2020-01-01T00:00:01
      1    5   z  2020-01-01T00:00:00`,
    reads: `
      key  at                   texts                  first  last
      1    2020-01-01T00:00:02  ["z","x","x","x","y"]  5      2`,
  }),
  goldenCase({
    name: 'a scheduled group knows what was known at its tick',
    group: nightly,
    asKnown: true,
    rows: `
      id  part  key  text  at                   known
      1   1     1    a     2020-01-01T10:00:00  2020-01-02T00:00:00
      2   1     1    b     2020-01-01T11:00:00  2020-01-02T00:00:00.000001`,
    reads: `
      key  at                   count
      1    2020-01-02T12:00:00  1
      1    2020-01-03T00:00:00  2`,
  }),
  goldenCase({
    name: 'an event of a date is at midnight',
    group: featureGroup({
      name: 'dated',
      entity: key,
      source: events('dated', { columns: { key: t.integer(), value: t.integer(), on: t.date() }, time: 'on' }),
      features: (row) => ({ sum: sum(row.value).over('1d'), latest: maximum(row.on) }),
    }),
    rows: `
      key  value  on
      1    1      2020-01-01
      1    2      2020-01-02`,
    reads: `
      key  at                          sum  latest      status
      1    2020-01-01T00:00:00         0    -           NOT_FOUND
      1    2020-01-01T00:00:00.000001  1    2020-01-01  PRESENT
      1    2020-01-02T00:00:00         1    2020-01-01  PRESENT
      1    2020-01-02T00:00:00.000001  2    2020-01-02  PRESENT`,
  }),
]

const flags = events('flags', {
  columns: { key: t.integer(), flag: t.boolean().nullable(), value: t.integer().nullable(), at: t.timestamp() },
  time: 'at',
})

const filters = [
  goldenCase({
    name: 'a filter that is null does not hold',
    group: featureGroup({
      name: 'filtered',
      entity: key,
      source: flags,
      features: (row) => ({
        yes: count().where(row.flag),
        no: count().where(row.flag.not()),
        or: count().where(row.flag.or(row.value.gt(1))),
        and: count().where(row.flag.and(row.value.gt(1))),
        nor: count().where(row.flag.or(row.value.gt(1)).not()),
        unknown: count().where(row.flag.isNull()),
        twice: sum(row.value).where(row.flag).where(row.value.gt(1)),
      }),
    }),
    rows: `
      key  flag   value  at
      1    true   1      2020-01-01T00:00:01
      1    true   2      2020-01-01T00:00:02
      1    true   -      2020-01-01T00:00:03
      1    false  1      2020-01-01T00:00:04
      1    false  2      2020-01-01T00:00:05
      1    false  -      2020-01-01T00:00:06
      1    -      1      2020-01-01T00:00:07
      1    -      2      2020-01-01T00:00:08
      1    -      -      2020-01-01T00:00:09`,
    reads: `
      key  at                yes  no  or  and  nor  unknown  twice
      1    2020-01-01T01:00  3    3   5   1    1    3        2`,
  }),
]

export const ruleCases: readonly GoldenCase[] = [...shapes, ...order, ...filters]
