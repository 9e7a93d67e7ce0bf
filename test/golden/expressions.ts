import { asOf, daysSince, entity, featureGroup, secondsSince, table, when } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

/* Each function of expressions on values whose answer is known, nulls and edges among them. */

const key = entity('key', { key: t.integer() })

const numbers = table('numbers', {
  columns: { key: t.integer(), n: t.integer(), price: t.decimal(8, 2), big: t.int64(), x: t.float(), at: t.timestamp() },
  time: 'at',
})
const numberRows = `
  key  n   price  big                  x     at
  1    7   0.10   9007199254740993     0.1   2020-01-01
  2    -7  -2.50  -1                   -2.5  2020-01-01
  3    0   0.00   9223372036854775807  0     2020-01-01`

const texts = table('texts', {
  columns: { key: t.integer(), a: t.string().nullable(), b: t.oneOf('x', 'AB', 'ß'), at: t.timestamp() },
  time: 'at',
})
const textRows = `
  key  a    b   at
  1    aB😀  AB  2020-01-01
  2    ßİ   ß   2020-01-01
  3    -    x   2020-01-01`

const moments = table('moments', {
  columns: { key: t.integer(), on: t.date(), moment: t.timestamp(), at: t.timestamp() },
  time: 'at',
})

const truths = table('truths', {
  columns: { key: t.integer(), a: t.boolean().nullable(), b: t.boolean().nullable(), at: t.timestamp() },
  time: 'at',
})

export const expressionCases: readonly GoldenCase[] = [
  goldenCase({
    name: 'arithmetic is exact, or rounded once',
    group: featureGroup({
      name: 'arithmetic',
      entity: key,
      source: numbers,
      features: (row) => ({
        add: row.n.plus(row.price),
        subtract: row.price.minus(row.n),
        multiply: row.price.times(row.price),
        third: row.price.dividedBy(3),
        quotient: row.n.dividedBy(row.price),
        scaled: row.x.times(3),
        negated: row.x.times(-1),
      }),
    }),
    rows: numberRows,
    reads: `
      key  at          add    subtract  multiply  third                 quotient  scaled               negated
      1    2020-01-01  7.10   -6.90     0.0100    0.03333333333333333   70        0.30000000000000004  -0.1
      2    2020-01-01  -9.50  4.50      6.2500    -0.8333333333333334   2.8       -7.5                 2.5
      3    2020-01-01  0.00   0.00      0.0000    0                     -         0                    0`,
  }),
  goldenCase({
    name: 'signs, whole numbers, floats',
    group: featureGroup({
      name: 'signs',
      entity: key,
      source: numbers,
      features: (row) => ({
        negated: row.big.negated(),
        absolute: row.price.absolute(),
        floor: row.price.floor(),
        floor_x: row.x.floor(),
        big: row.big.toFloat(),
        price: row.price.toFloat(),
      }),
    }),
    rows: numberRows,
    reads: `
      key  at          negated               absolute  floor  floor_x  big                  price
      1    2020-01-01  -9007199254740993     0.10      0      0        9007199254740992     0.1
      2    2020-01-01  1                     2.50      -3     -3       -1                   -2.5
      3    2020-01-01  -9223372036854775807  0.00      0      0        9223372036854775808  0`,
  }),
  goldenCase({
    name: 'comparison of numbers by value, across kinds',
    group: featureGroup({
      name: 'comparison',
      entity: key,
      source: numbers,
      features: (row) => ({
        eq: row.n.eq(-7),
        ne: row.n.ne(-7),
        lt: row.price.lt(row.n),
        lte: row.price.lte(row.n),
        gt: row.price.gt('-2.5'),
        gte: row.price.gte('-2.5'),
        exact: row.big.eq(9007199254740993n),
        above: row.big.gt(row.n),
        one_of: row.price.isIn('0.1', '2.50', 0),
      }),
    }),
    rows: numberRows,
    reads: `
      key  at          eq     ne     lt     lte    gt     gte   exact  above  one_of
      1    2020-01-01  false  true   true   true   true   true  true   true   true
      2    2020-01-01  true   false  false  false  false  true  false  true   false
      3    2020-01-01  false  true   false  true   true   true  false  true   true`,
  }),
  goldenCase({
    name: 'a missing row is null in every column',
    group: featureGroup({
      name: 'missing',
      entity: key,
      source: numbers,
      features: (row) => ({
        n: row.n,
        sum: row.n.plus(1),
        or_else: row.price.orElse('1.50'),
        is_null: row.n.isNull(),
        is_not_null: row.n.isNotNull(),
        eq: row.n.eq(7),
        one_of: row.n.isIn(7),
        case: when(row.n.gt(0), row.n, -1),
      }),
    }),
    rows: numberRows,
    reads: `
      key  at          n   sum  or_else  is_null  is_not_null  eq     one_of  case  status
      1    2020-01-01  7   8    0.10     false    true         true   true    7     PRESENT
      2    2020-01-01  -7  -6   -2.50    false    true         false  false   -1    PRESENT
      9    2020-01-01  -   -    1.50     true     false        -      -       -1    NOT_FOUND`,
  }),
  goldenCase({
    name: 'texts by code unit, letters of ASCII only',
    group: featureGroup({
      name: 'texts',
      entity: key,
      source: texts,
      features: (row) => ({
        lower: row.a.lower(),
        upper: row.a.upper(),
        length: row.a.length(),
        trim: row.b.concat('  ').trim(),
        concat: row.a.concat(row.b),
        starts: row.a.startsWith('a'),
        ends: row.a.endsWith('😀'),
        contains: row.a.contains('B'),
        after: row.a.gt('b'),
      }),
    }),
    rows: textRows,
    reads: `
      key  at          lower  upper  length  trim  concat  starts  ends   contains  after
      1    2020-01-01  ab😀   AB😀   3       AB    aB😀AB  true    true   true      false
      2    2020-01-01  ßİ     ßİ     2       ß     ßİß     false   false  false     true
      3    2020-01-01  -      -      -       x     -       -       -      -         -`,
  }),
  goldenCase({
    name: 'parts of the calendar in UTC, and time between moments',
    group: featureGroup({
      name: 'calendar',
      entity: key,
      source: moments,
      features: (row) => ({
        year: row.moment.year(),
        month: row.moment.month(),
        day: row.on.day(),
        weekday: row.on.dayOfWeek(),
        hour: row.moment.hour(),
        minute: row.moment.minute(),
        seconds: secondsSince(row.moment),
        days: daysSince(row.moment),
        until: row.moment.daysAfter(asOf),
      }),
    }),
    rows: `
      key  on          moment                      at
      1    2024-02-29  2024-02-29T23:59:59.999999  2020-01-01
      2    1969-12-28  1969-12-31T23:59:59.999999  1969-12-01`,
    reads: `
      key  at                   year  month  day  weekday  hour  minute  seconds       days  until
      1    2024-03-01T00:00:00  2024  2      29   4        23    59      0.000001      0     -1
      1    2024-02-29T23:59:59  2024  2      29   4        23    59      -0.999999     -1    0
      2    1970-01-02T00:00:00  1969  12     28   7        23    59      86400.000001  1     -2`,
  }),
  goldenCase({
    name: 'three-valued logic',
    group: featureGroup({
      name: 'logic',
      entity: key,
      source: truths,
      features: (row) => ({ and: row.a.and(row.b), or: row.a.or(row.b), not: row.a.not() }),
    }),
    rows: `
      key  a      b      at
      1    true   true   2020-01-01
      2    true   false  2020-01-01
      3    true   -      2020-01-01
      4    false  true   2020-01-01
      5    false  false  2020-01-01
      6    false  -      2020-01-01
      7    -      true   2020-01-01
      8    -      false  2020-01-01
      9    -      -      2020-01-01`,
    reads: `
      key  at          and    or     not
      1    2020-01-01  true   true   false
      2    2020-01-01  false  true   false
      3    2020-01-01  -      true   false
      4    2020-01-01  false  true   true
      5    2020-01-01  false  false  true
      6    2020-01-01  false  -      true
      7    2020-01-01  -      true   -
      8    2020-01-01  false  -      -
      9    2020-01-01  -      -      -`,
  }),
]
