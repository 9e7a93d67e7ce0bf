import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Output } from './output.ts'
import { type ShownStatistics, showStatistics } from './show-statistics.ts'

const output = new Output({ quiet: true })
const value: ShownStatistics = {
  environment: 'dev',
  group: 'orders@1',
  feature: 'spend',
  from: '2026-03-01T00:00:00Z',
  to: '2026-03-01T00:00:00Z',
  origin: 'materialize',
  trainingSet: null,
  sampledKeys: null,
  computed: '2026-03-01T00:00:01Z',
  count: 8,
  nulls: 2,
  zeros: 1,
  notNumbers: 0,
  distinct: 5,
  minimum: 0,
  maximum: 4,
  mean: 1.5,
  deviation: 1.25,
  quantiles: { '0.5': 1 },
  histogram: { from: 0, to: 4, counts: [4, 0, 1, 1] },
  top: null,
  readBy: [{ caller: 'shop', model: 'ranker', last: '2026-03-01T00:00:02Z' }],
  behindSeconds: 90,
  freshness: '1h',
}

test('one time of a feature: all measures, how fresh it is, and who read it last', () => {
  assert.equal(
    showStatistics([value], output),
    `feature       orders@1.spend
as of         2026-03-01T00:00:00Z
computed      2026-03-01T00:00:01Z (materialize)
values        8
null          2 (25.0 %)
zero          1 (12.5 %)
distinct      5
minimum       0
maximum       4
mean          1.5
deviation     1.25
quantile 0.5  1
freshness     1 min 30 s behind; declared 1h
read by       shop (model ranker), last at 2026-03-01T00:00:02Z

from  count
   0      4  ████████████████████████████████████████
   1      0
   2      1  ██████████
   3      1  ██████████`,
  )
})

test('times of a feature stand side by side', () => {
  const later = { ...value, from: '2026-03-02T00:00:00Z', to: '2026-03-03T00:00:00Z', origin: 'backfill', mean: 2 } as const
  assert.equal(
    showStatistics([value, later], output),
    `feature    orders@1.spend
freshness  1 min 30 s behind; declared 1h
read by    shop (model ranker), last at 2026-03-01T00:00:02Z

as of                       2026-03-01T00:00:00Z  2026-03-02T00:00:00Z to 2026-03-03T00:00:00Z
computed      2026-03-01T00:00:01Z (materialize)               2026-03-01T00:00:01Z (backfill)
values                                         8                                             8
null                                  2 (25.0 %)                                    2 (25.0 %)
zero                                  1 (12.5 %)                                    1 (12.5 %)
distinct                                       5                                             5
minimum                                        0                                             0
maximum                                        4                                             4
mean                                         1.5                                             2
deviation                                   1.25                                          1.25
quantile 0.5                                   1                                             1
histogram                                   █ ▂▂                                          █ ▂▂`,
  )
})

test('features stand below each other; what none of them has is no column', () => {
  const text = {
    ...value,
    feature: 'page',
    zeros: null,
    mean: null,
    deviation: null,
    quantiles: null,
    histogram: null,
    minimum: 'a',
    maximum: 'z',
  }
  const shown = showStatistics([value, { ...text, top: [{ value: 'home', count: 6 }], readBy: [] }], output).split('\n')
  assert.match(shown[0] ?? '', /mean {2}deviation {2}most frequent {2}last read$/)
  assert.match(shown[1] ?? '', /1\.5 +1\.25 +2026-03-01T00:00:02Z by shop$/)
  assert.match(shown[2] ?? '', /^orders@1\.page .* a +z +home$/)
  assert.doesNotMatch(
    showStatistics(
      [value, { ...value, feature: 'tax' }].map((one) => ({ ...one, readBy: [] })),
      output,
    ),
    /most frequent|last read/,
  )
})

test('a group that is not in the online store says so where that is declared', () => {
  assert.match(showStatistics([{ ...value, behindSeconds: null }], output), /^freshness +not in the online store; declared 1h$/m)
  assert.doesNotMatch(showStatistics([{ ...value, behindSeconds: null, freshness: null }], output), /freshness/)
})
