import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { formatMoment } from '../lib/moment.ts'
import type { FeatureStatistics } from './statistics.ts'

const statistics = (toMicros: number, more: Partial<FeatureStatistics> = {}) => ({
  environment: 'dev',
  group: 'user_orders@1',
  feature: 'clicks',
  from: formatMoment(toMicros),
  to: formatMoment(toMicros),
  toMicros,
  origin: 'materialize' as const,
  trainingSet: null,
  sampledKeys: null,
  computed: formatMoment(toMicros),
  count: 1,
  nulls: 0,
  zeros: 0,
  notNumbers: null,
  distinct: 1,
  minimum: 1,
  maximum: 1,
  mean: 1,
  deviation: 0,
  quantiles: { '0.5': 1 },
  histogram: null,
  top: null,
  ...more,
})

test('statistics of a feature are kept by the time that they are of, the newest 100', async () => {
  await using own = freshRegistry()
  const { registry, clock } = own
  await registry.statistics.keep([
    statistics(clock.now),
    statistics(clock.now, { feature: 'spent', count: 5 }),
    statistics(clock.now, { count: 7 }),
  ])
  assert.deepEqual(
    (await registry.statistics.list('dev', 'user_orders@1')).map(({ feature, count }) => [feature, count]),
    [
      ['spent', 5],
      ['clicks', 7],
    ],
  )
  for (let index = 1; index <= 120; index++) await registry.statistics.keep([statistics(clock.now + index, { count: index })])
  const all = await registry.statistics.list('dev', 'user_orders@1', { feature: 'clicks', limit: 1000 })
  assert.deepEqual([all.length, all[0]?.count, all.at(-1)?.count], [100, 120, 21])
  assert.equal((await registry.statistics.list('dev', 'user_orders@1', { feature: 'spent', limit: 3 })).length, 1)
  assert.deepEqual(await registry.statistics.list('prod', 'user_orders@1'), [])
})

test('the values themselves are taken out of statistics for a reason, once', async () => {
  await using own = freshRegistry()
  const { registry, clock } = own
  await registry.statistics.keep([statistics(clock.now), statistics(clock.now, { group: 'user_orders@10' })])
  const reasonOf = async ({ group }: FeatureStatistics) => (group === 'user_orders@1' ? 'they say too much' : null)
  const withheld = async (dryRun = false) => (await registry.statistics.withhold('dev', reasonOf, { dryRun })).map(({ group }) => group)
  assert.deepEqual(await withheld(true), ['user_orders@1'])
  assert.equal((await registry.statistics.list('dev', 'user_orders@1'))[0]?.minimum, 1)
  assert.deepEqual(await withheld(), ['user_orders@1'])
  assert.deepEqual(await withheld(), [])
  const [left] = await registry.statistics.list('dev', 'user_orders@1')
  assert.deepEqual(
    [left?.minimum, left?.maximum, left?.quantiles, left?.top, left?.mean, left?.withheld],
    [null, null, null, null, 1, 'they say too much'],
  )
  assert.equal((await registry.statistics.list('dev', 'user_orders@10'))[0]?.minimum, 1)
})
