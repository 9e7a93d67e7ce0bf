import { entity, featureGroup, table } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

/*
 * Rows of tables as of a moment: cases whose answers are known from elsewhere, P1 to P13 and A1 to A11. A row is valid
 * from its own time on; of rows of one time the one created last counts.
 */

const customer = entity('customer', { customer_id: t.integer() })
const driver = entity('driver', { driver_id: t.integer() })
const integer = t.integer().data

const customers = table('customers', {
  columns: { customer_id: t.integer(), at: t.timestamp(), created: t.timestamp().nullable(), value: t.integer().nullable() },
  time: 'at',
  created: 'created',
})
const drivers = table('drivers', {
  columns: { driver_id: t.integer(), at: t.timestamp(), created: t.timestamp().nullable(), rating: t.integer() },
  time: 'at',
  created: 'created',
})

const forEver = featureGroup({ name: 'customer_value', entity: customer, source: customers, features: (row) => ({ value: row.value }) })
const forADay = featureGroup({
  name: 'customer_day',
  entity: customer,
  source: customers,
  ttl: '86400s',
  features: (row) => ({ value: row.value }),
})
const driverForEver = featureGroup({ name: 'driver_rating', entity: driver, source: drivers, features: (row) => ({ rating: row.rating }) })
const driverForADay = featureGroup({
  name: 'driver_day',
  entity: driver,
  source: drivers,
  ttl: '86400s',
  features: (row) => ({ rating: row.rating }),
})

const customersOfP1 = `
  customer_id  at          created     value
  1001         2020-09-01  2020-09-01  50
  1001         2020-09-01  2020-09-02  100
  2001         2020-09-01  2020-09-01  400
  1001         2020-09-02  2020-09-01  200
  1001         2020-09-04  2020-09-01  300`

const published = [
  goldenCase({
    name: 'P1 no ttl',
    group: forEver,
    rows: customersOfP1,
    reads: `
      customer_id  at          value  status
      1001         2020-08-31  -      NOT_FOUND
      1001         2020-09-01  100    PRESENT
      1001         2020-09-02  200    PRESENT
      1001         2020-09-03  200    PRESENT
      2001         2020-09-02  400    PRESENT
      3001         2020-09-01  -      NOT_FOUND`,
  }),
  goldenCase({
    name: 'P2 a ttl',
    group: forADay,
    rows: `
      customer_id  at          created     value
      1001         2020-09-01  2020-09-01  100
      2001         2020-09-01  2020-09-01  200`,
    reads: `
      customer_id  at                          value  status
      1001         2020-09-01                  100    PRESENT
      1001         2020-09-03                  -      STALE
      2001         2020-09-02                  200    PRESENT
      2001         2020-09-02T00:00:00.000001  -      STALE`,
  }),
  goldenCase({
    name: 'P3 two keys and a ttl',
    group: featureGroup({
      name: 'pair',
      entity: entity('pair', { customer_id: t.integer(), driver_id: t.integer() }),
      source: table('pairs', {
        columns: {
          customer_id: t.integer(),
          driver_id: t.integer(),
          at: t.timestamp(),
          created: t.timestamp(),
          given: t.float(),
          taken: t.float(),
        },
        time: 'at',
        created: 'created',
      }),
      ttl: '86400s',
      features: (row) => ({ given: row.given, taken: row.taken }),
    }),
    rows: `
      customer_id  driver_id  at          created     given  taken
      1001         8001       2020-09-01  2020-09-01  3.0    5.0
      1001         8002       2020-09-01  2020-09-01  4.0    3.0
      2001         8001       2020-09-01  2020-09-01  4.0    4.5`,
    reads: `
      customer_id  driver_id  at          given  taken  status
      1001         8001       2020-09-01  3.0    5.0    PRESENT
      1001         8002       2020-09-03  -      -      STALE
      1001         8003       2020-09-01  -      -      NOT_FOUND
      2001         8001       2020-09-02  4.0    4.5    PRESENT`,
  }),
  goldenCase({
    name: 'P4 the group uses some keys of the label',
    group: forEver,
    labels: { driver_id: integer },
    rows: `
      customer_id  at          created     value
      1001         2020-09-01  2020-09-02  100
      2001         2020-09-01  2020-09-01  400`,
    reads: `
      customer_id  driver_id  at          value
      1001         8001       2020-09-02  100
      2001         8002       2020-09-02  400`,
  }),
  goldenCase({
    name: 'P5 two groups: by customer, with a ttl',
    group: forADay,
    labels: { driver_id: integer },
    rows: `
      customer_id  at          created     value
      1001         2020-09-01  2020-09-01  100
      2001         2020-09-01  2020-09-01  200`,
    reads: `
      customer_id  driver_id  at          value  status
      1001         8001       2020-09-02  100    PRESENT
      1001         8002       2020-09-02  100    PRESENT
      2001         8002       2020-09-03  -      STALE`,
  }),
  goldenCase({
    name: 'P5 two groups: by driver',
    group: driverForEver,
    labels: { customer_id: integer },
    rows: `
      driver_id  at          created     rating
      8001       2020-08-31  2020-08-31  200
      8001       2020-09-01  2020-09-01  300
      8002       2020-09-01  2020-09-01  600
      8002       2020-09-01  2020-09-02  500`,
    reads: `
      customer_id  driver_id  at          rating
      1001         8001       2020-09-02  300
      1001         8002       2020-09-02  500
      2001         8002       2020-09-03  500`,
  }),
  goldenCase({
    name: 'P6 duplicate labels stay',
    group: forEver,
    rows: `
      customer_id  at          created     value
      1001         2020-09-02  2020-09-02  200
      1001         2020-09-04  2020-09-02  400
      2001         2020-09-03  2020-09-01  500
      2001         2020-09-03  2020-09-02  600
      3001         2020-09-03  2020-09-03  700`,
    reads: `
      customer_id  at          value
      1001         2020-09-02  200
      1001         2020-09-03  200
      2001         2020-09-04  600
      2001         2020-09-04  600
      3001         2020-09-04  700`,
  }),
  goldenCase({
    name: 'P7 two groups: by customer',
    group: forEver,
    labels: { driver_id: integer },
    rows: customersOfP1,
    reads: `
      customer_id  driver_id  at          value
      1001         8001       2020-09-01  100
      2001         8001       2020-09-02  400
      2001         8002       2020-09-01  400
      1001         8001       2020-09-02  200
      1001         8001       2020-09-03  200
      1001         8001       2020-09-04  300`,
  }),
  goldenCase({
    name: 'P7 two groups: by driver, with a ttl',
    group: driverForADay,
    labels: { customer_id: integer },
    rows: `
      driver_id  at          created     rating
      8001       2020-09-01  2020-09-01  100
      8001       2020-09-02  2020-09-02  150
      8002       2020-09-02  2020-09-02  200`,
    reads: `
      customer_id  driver_id  at          rating  status
      1001         8001       2020-09-01  100     PRESENT
      2001         8001       2020-09-02  150     PRESENT
      2001         8002       2020-09-01  -       NOT_FOUND
      1001         8001       2020-09-02  150     PRESENT
      1001         8001       2020-09-03  150     PRESENT
      1001         8001       2020-09-04  -       STALE`,
  }),
  goldenCase({
    name: 'P8 a ttl of ten days',
    group: featureGroup({
      name: 'customer_ten_days',
      entity: customer,
      source: customers,
      ttl: '10d',
      features: (row) => ({ value: row.value }),
    }),
    rows: `
      customer_id  at          created     value
      1            2023-12-31  2023-12-31  11
      1            2024-01-02  2024-01-02  22
      1            2024-01-03  2024-01-03  33
      2            2023-01-03  2023-01-03  22
      3            2024-01-01  2024-01-03  10
      3            2024-01-01  2024-01-02  20`,
    reads: `
      customer_id  at          value  status
      1            2024-01-01  11     PRESENT
      1            2024-01-02  22     PRESENT
      2            2024-01-01  -      STALE
      3            2024-01-03  10     PRESENT`,
  }),
  goldenCase({
    name: 'P9 rows written later about earlier',
    group: forEver,
    rows: `
      customer_id  at          created     value
      1001         2020-09-01  2020-09-01  10
      1001         2020-09-01  2020-09-02  20
      1002         2020-09-01  2020-09-02  30
      1002         2020-09-02  2020-09-01  40`,
    reads: `
      customer_id  at          value
      1001         2020-09-03  20
      1002         2020-09-03  40`,
  }),
]

const customersOfP10 = `
  customer_id  at          created     value
  1001         2020-09-01  2020-09-01  10
  1002         2020-09-01  2020-09-01  30
  1001         2020-09-01  2020-09-03  20
  1002         2020-09-01  2020-09-03  40
  1003         2020-09-01  2020-09-03  50`

const known = [
  goldenCase({
    name: 'P10 by event time',
    group: forEver,
    rows: customersOfP10,
    reads: `
      customer_id  at          value
      1001         2020-09-02  20
      1002         2020-09-02  40
      1003         2020-09-02  50`,
  }),
  goldenCase({
    name: 'P10 as known',
    group: forEver,
    asKnown: true,
    rows: customersOfP10,
    reads: `
      customer_id  at          value  status
      1001         2020-09-02  10     PRESENT
      1002         2020-09-02  30     PRESENT
      1003         2020-09-02  -      NOT_FOUND
      1003         2020-09-03  50     PRESENT`,
  }),
  goldenCase({
    name: 'P11 only future rows',
    group: featureGroup({
      name: 'share',
      entity: customer,
      source: table('shares', { columns: { customer_id: t.integer(), at: t.timestamp(), share: t.float() }, time: 'at' }),
      features: (row) => ({ share: row.share }),
    }),
    rows: `
      customer_id  at                share
      1            2020-09-01T11:00  0.9
      2            2020-09-01T10:00  0.5`,
    reads: `
      customer_id  at                share  status
      1            2020-09-01T09:00  -      NOT_FOUND
      2            2020-09-01T12:00  0.5    PRESENT`,
  }),
]

const words = table('words', { columns: { customer_id: t.integer(), at: t.timestamp(), word: t.string() }, time: 'at' })
const word = featureGroup({ name: 'word', entity: customer, source: words, features: (row) => ({ word: row.word }) })

const writes = [
  goldenCase({
    name: 'P12 the newest row counts, whatever the order of writes',
    group: word,
    rows: `
      customer_id  at                word
      123          2020-09-01T12:00  hi
      123          2020-09-01T11:00  bye`,
    reads: `
      customer_id  at                word
      123          2020-09-01T12:00  hi`,
  }),
  goldenCase({
    name: 'P12 a newer row, and a batch of old ones',
    group: word,
    rows: `
      customer_id  at                   word
      123          2020-09-01T12:00:00  hi
      123          2020-09-01T11:00:00  bye
      123          2020-09-01T12:00:01  latest
      123          2020-09-01T11:00:00  old`,
    reads: `
      customer_id  at                   word
      123          2020-09-01T12:00:00  hi
      123          2020-09-01T12:00:01  latest
      123          2020-09-01T12:00:02  latest`,
  }),
  goldenCase({
    name: 'P12 one batch, any order',
    group: forEver,
    rows: `
      customer_id  at                   created  value
      1            2020-09-01T00:00:02  -        20
      1            2020-09-01T00:00:03  -        30
      1            2020-09-01T00:00:01  -        10
      2            2020-09-01T00:00:03  -        30
      2            2020-09-01T00:00:01  -        10
      2            2020-09-01T00:00:02  -        20`,
    reads: `
      customer_id  at                   value
      1            2020-09-01T00:00:04  30
      2            2020-09-01T00:00:04  30`,
  }),
  goldenCase({
    name: 'P13 statuses',
    group: forADay,
    rows: `
      customer_id  at          created  value
      1            2020-09-02  -        10
      2            2020-08-31  -        20
      4            2020-09-02  -        -`,
    reads: `
      customer_id  at          value  status
      1            2020-09-02  10     PRESENT
      2            2020-09-02  -      STALE
      3            2020-09-02  -      NOT_FOUND
      4            2020-09-02  -      PRESENT`,
  }),
]

const ranked = table('ranked', {
  columns: {
    customer_id: t.integer(),
    at: t.timestamp(),
    created: t.timestamp().nullable(),
    amount: t.integer(),
    rank: t.integer().nullable(),
  },
  time: 'at',
  created: 'created',
  order: ['rank'],
})

const failures = [
  goldenCase({
    name: 'A1 the keys (1, 11) and (11, 1) are different',
    group: featureGroup({
      name: 'two_texts',
      entity: entity('two_texts', { a: t.string(), b: t.string() }),
      source: table('two_texts', { columns: { a: t.string(), b: t.string(), at: t.timestamp(), value: t.integer() }, time: 'at' }),
      features: (row) => ({ value: row.value }),
    }),
    rows: `
      a   b   at          value
      1   11  2020-09-01  1
      11  1   2020-09-01  2`,
    reads: `
      a    b   at          value  status
      1    11  2020-09-01  1      PRESENT
      11   1   2020-09-01  2      PRESENT
      111  1   2020-09-01  -      NOT_FOUND`,
  }),
  goldenCase({
    name: 'A2 equal rows do not multiply the output',
    group: forEver,
    rows: `
      customer_id  at          created     value
      1            2020-09-01  2020-09-01  10
      1            2020-09-01  2020-09-01  10
      1            2020-09-01  2020-09-01  10`,
    reads: `
      customer_id  at          value
      1            2020-09-01  10
      1            2020-09-02  10`,
  }),
  goldenCase({
    name: 'A3 a null creation is the oldest and loses nothing',
    group: forEver,
    rows: `
      customer_id  at          created     value
      1            2020-09-01  -           10
      2            2020-09-01  -           10
      2            2020-09-01  2000-01-01  20`,
    reads: `
      customer_id  at          value
      1            2020-09-01  10
      2            2020-09-01  20`,
  }),
  goldenCase({
    name: 'A4 count and order of labels',
    group: forEver,
    rows: `
      customer_id  at          created  value
      1            2020-09-02  -        10
      2            2020-09-02  -        20`,
    reads: `
      customer_id  at          value  status
      2            2020-09-03  20     PRESENT
      9            2020-09-03  -      NOT_FOUND
      1            2020-09-03  10     PRESENT
      1            1969-12-31  -      NOT_FOUND
      2            2020-09-03  20     PRESENT
      9            2020-09-03  -      NOT_FOUND
      1            2020-09-02  10     PRESENT`,
  }),
  goldenCase({
    name: 'A10 a late row counts by its own time',
    group: forEver,
    rows: `
      customer_id  at          created     value
      1            2020-09-05  2020-09-05  50
      1            2020-09-03  2020-09-06  30`,
    reads: `
      customer_id  at          value  status
      1            2020-09-02  -      NOT_FOUND
      1            2020-09-04  30     PRESENT
      1            2020-09-06  50     PRESENT`,
  }),
  goldenCase({
    name: 'A11 zones',
    group: word,
    rows: `
      customer_id  at                         word
      1            2020-01-01T10:00:00+02:00  east
      1            2020-01-01T09:00:00        none
      1            2020-01-01T04:30:00-05:00  west
      1            2020-01-01T10:00:00Z       utc`,
    reads: `
      customer_id  at                         word  status
      1            2020-01-01T07:59:59.999Z   -     NOT_FOUND
      1            2020-01-01T08:00:00        east  PRESENT
      1            2020-01-01T10:00:00+01:00  none  PRESENT
      1            2020-01-01T09:30:00Z       west  PRESENT
      1            2020-01-01T05:00:00-05:00  utc   PRESENT`,
  }),
  goldenCase({
    name: 'A declared order decides between rows of one time and creation, then their content',
    group: featureGroup({ name: 'ranked', entity: customer, source: ranked, features: (row) => ({ amount: row.amount, rank: row.rank }) }),
    rows: `
      customer_id  at          created     amount  rank
      1            2020-09-01  2020-09-01  3       2
      1            2020-09-01  2020-09-01  1       10
      1            2020-09-01  2020-09-01  9       -
      2            2020-09-01  2020-09-01  5       1
      2            2020-09-01  2020-09-01  7       1
      2            2020-09-01  2020-09-01  6       1
      3            2020-09-01  2020-09-02  1       1
      3            2020-09-01  2020-09-01  2       9`,
    reads: `
      customer_id  at          amount  rank
      1            2020-09-01  1       10
      2            2020-09-01  7       1
      3            2020-09-01  1       1`,
  }),
]

export const pointInTimeCases: readonly GoldenCase[] = [...published, ...known, ...writes, ...failures]
