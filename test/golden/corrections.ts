import { average, entity, events, featureGroup } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { type GoldenCase, goldenCase } from './golden-case.ts'

const key = entity('key', { key: t.integer() })

const ratings = events('ratings', {
  columns: { id: t.string(), key: t.integer(), rating: t.integer(), at: t.timestamp(), known: t.timestamp().nullable() },
  time: 'at',
  id: 'id',
  known: 'known',
})

const recentRating = featureGroup({
  name: 'recent_rating',
  entity: key,
  source: ratings,
  features: (row) => ({ average: average(row.rating).over('4d') }),
})

const lifetimeRating = featureGroup({
  name: 'lifetime_rating',
  entity: key,
  source: ratings,
  features: (row) => ({ average: average(row.rating) }),
})

/** W1 to W5 and W16: windows that decay, and events that are corrected later. */
export const correctionCases: readonly GoldenCase[] = [
  goldenCase({
    name: 'W1 decay, inserts and a correction',
    group: recentRating,
    asKnown: true,
    rows: `
      id  key  rating  at                   known
      a   2    3       2021-04-04T01:40:00  2021-04-04T01:40:00
      b   2    3       2021-04-05T03:40:00  2021-04-05T03:40:00
      c   2    4       2021-04-06T03:45:00  2021-04-06T03:45:00
      d   2    2       2021-04-09T05:45:00  2021-04-09T05:45:00
      d   2    5       2021-04-09T05:45:00  2021-04-09T07:00:00
      e   2    4       2021-04-10T10:00:00  2021-04-10T10:00:00`,
    reads: `
      key  at                   average
      2    2021-04-09T01:30:00  3.5
      2    2021-04-09T04:30:00  4.0
      2    2021-04-09T06:30:00  3.0
      2    2021-04-09T08:30:00  4.5
      2    2021-04-10T09:00:00  5.0
      2    2021-04-10T23:00:00  4.5`,
  }),
  goldenCase({
    name: 'W2 decay with no event in between',
    group: recentRating,
    rows: `
      id  key  rating  at                   known
      a   2    3       2021-04-04T01:40:00  -
      b   2    3       2021-04-05T03:40:00  -
      c   2    4       2021-04-06T03:45:00  -
      d   2    5       2021-04-09T05:45:00  -`,
    reads: `
      key  at                   average
      2    2021-04-10T01:00:00  4.5
      2    2021-04-10T23:00:00  5.0`,
  }),
  goldenCase({
    name: 'W3 no history',
    group: recentRating,
    asKnown: true,
    rows: `
      id  key  rating  at                   known
      a   2    5       2021-04-10T00:30:00  2021-04-10T00:30:00
      b   2    2       2021-04-10T04:30:00  2021-04-10T04:30:00
      b   2    4       2021-04-10T04:30:00  2021-04-10T12:30:00`,
    reads: `
      key  at                   average  status
      2    2021-04-10T00:07:00  -        NOT_FOUND
      2    2021-04-10T01:07:00  5.0      PRESENT
      2    2021-04-10T05:00:00  3.5      PRESENT
      2    2021-04-10T23:00:00  4.5      PRESENT`,
  }),
  goldenCase({
    name: 'W4 lifetime average',
    group: lifetimeRating,
    rows: `
      id  key  rating  at                   known
      a   1    4       2021-04-10T00:10:00  -
      b   1    5       2021-04-10T00:20:00  -
      c   2    3       2021-04-10T00:20:00  -
      d   1    4       2021-04-10T00:30:00  -
      e   2    3       2021-04-10T00:30:00  -
      f   1    5       2021-04-10T00:40:00  -
      g   1    2       2021-04-10T02:00:00  -
      h   2    3       2021-04-10T02:00:00  -`,
    reads: `
      key  at                   average
      1    2021-04-10T01:00:00  4.5
      1    2021-04-10T02:30:00  4.0
      2    2021-04-10T01:00:00  3.0
      2    2021-04-10T02:30:00  3.0`,
  }),
  goldenCase({
    name: 'W5 a correction moves an event to another key',
    group: lifetimeRating,
    asKnown: true,
    rows: `
      id  key  rating  at                   known
      a   1    4       2021-04-10T00:10:00  -
      b   1    4       2021-04-10T00:11:00  -
      c   1    4       2021-04-10T00:12:00  -
      d   1    5       2021-04-10T00:13:00  -
      e   2    3       2021-04-10T00:14:00  -
      f   2    3       2021-04-10T00:15:00  -
      g   2    3       2021-04-10T00:16:00  -
      d   2    5       2021-04-10T00:13:00  2021-04-10T00:30:00
      h   2    3       2021-04-10T10:00:00  2021-04-10T10:00:00`,
    reads: `
      key  at                   average
      1    2021-04-10T00:29:00  4.25
      2    2021-04-10T00:29:00  3.0
      1    2021-04-10T01:00:00  4.0
      2    2021-04-10T02:30:00  3.5
      2    2021-04-10T23:00:00  3.4`,
  }),
  goldenCase({
    name: 'W16 a correction counts from when it was known, as known',
    group: lifetimeRating,
    asKnown: true,
    rows: `
      id  key  rating  at                   known
      a   1    4       2020-01-01T10:00:00  2020-01-01T10:00:00
      a   1    8       2020-01-01T10:00:00  2020-01-01T12:00:00
      b   1    6       2020-01-01T10:00:00  2020-01-01T10:00:00`,
    reads: `
      key  at                   average
      1    2020-01-01T11:00:00  5
      1    2020-01-01T12:00:00  7`,
  }),
  goldenCase({
    name: 'W16 the version known last counts, where it is not asked as known',
    group: lifetimeRating,
    rows: `
      id  key  rating  at                   known
      a   1    8       2020-01-01T10:00:00  2020-01-01T12:00:00
      a   1    4       2020-01-01T10:00:00  -
      b   1    6       2020-01-01T10:00:00  -`,
    reads: `
      key  at                   average
      1    2020-01-01T11:00:00  7`,
  }),
]
