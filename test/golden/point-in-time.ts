import { entity, featureGroup, table } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { customer, customers, driverForADay, driverForEver, forADay, forEver } from './customers.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'
import { rowCases } from './rows.ts'

/*
 * Rows of tables as of a moment: cases whose answers are known from elsewhere, P1 to P13 and A1 to A11. A row is valid
 * from its own time on; of rows of one time the one created last counts.
 */

const integer = t.integer().data

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
]

export const pointInTimeCases: readonly GoldenCase[] = [...published, ...known, ...rowCases]
