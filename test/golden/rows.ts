import { entity, featureGroup, table } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { customer, forADay, forEver } from './customers.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

const words = table('words', { columns: { customer_id: t.integer(), at: t.timestamp(), word: t.string() }, time: 'at' })
const word = featureGroup({ name: 'word', entity: customer, source: words, features: (row) => ({ word: row.word }) })

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

/** P11 to P13, and A1 to A11: what well-known systems get wrong. */
export const rowCases: readonly GoldenCase[] = [
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
