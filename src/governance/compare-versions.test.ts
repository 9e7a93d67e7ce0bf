import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, entity, events, featureGroup, featureView, onDemand, rows, sum, table } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { compareGroups, compareViews } from './compare-versions.ts'

const user = entity('user', { user_id: t.integer() })
const minute = (minutes: number) => new Date(Date.UTC(2026, 2, 1) + minutes * 60_000).toISOString()
/** The user u has ten events, one every u minutes. */
const clicked = Array.from({ length: 40 }, (_, index) => index + 1).flatMap((id) =>
  Array.from({ length: 10 }, (_, each) => ({ user_id: id, weight: each, at: minute(id * each) })),
)
const clicks = events('clicks', {
  columns: { user_id: t.integer(), weight: t.integer(), at: t.timestamp() },
  time: 'at',
  history: rows(clicked),
})
const activity = (version: number, window: '30m' | '60m') =>
  featureGroup({
    name: 'activity',
    version,
    entity: user,
    source: clicks,
    features: (click) => ({
      click_count: count().over(window),
      weight_sum: sum(click.weight),
      ...(version === 1 ? { old: count() } : { fresh: count() }),
    }),
  })

test('of two versions of a group, the share of real values that differ, by feature, with examples', async () => {
  const compared = await compareGroups(activity(1, '30m'), activity(2, '60m'))
  assert.deepEqual([compared.keys, compared.added, compared.removed], [40, ['fresh'], ['old']])
  const [counts, sums] = compared.features
  assert.deepEqual([sums?.feature, sums?.compared, sums?.different, sums?.examples], ['weight_sum', 40, 0, []])
  assert.equal(counts?.feature, 'click_count')
  assert.ok(counts && counts.different > 20 && counts.different <= 40, `${counts?.different} differ`)
  assert.equal(counts.examples.length, 3)
  for (const { key, at, before, after } of counts.examples) {
    const inside = (minutes: number) =>
      clicked.filter(({ user_id, at: when }) => {
        const age = Date.parse(at) - Date.parse(when)
        return user_id === key.user_id && age > 0 && age <= minutes * 60_000
      }).length
    assert.deepEqual([before, after], [inside(30), inside(60)])
  }
})

test('a sample of one seed is always the same one', async () => {
  const compare = (seed: number) => compareGroups(activity(1, '30m'), activity(2, '60m'), { sample: 7, seed, examples: 100 })
  const [once, again, other] = [await compare(1), await compare(1), await compare(2)]
  assert.deepEqual(once, again)
  assert.notDeepEqual(once.features[0]?.examples, other.features[0]?.examples)
})

test('views of several entities are compared by keys that history knows; what needs a request is left out', async () => {
  const item = entity('item', { item_id: t.string() })
  const prices = table('prices', {
    columns: { item_id: t.string(), price: t.integer(), at: t.timestamp() },
    time: 'at',
    history: rows([
      { item_id: 'a', price: 1, at: minute(0) },
      { item_id: 'b', price: 2, at: minute(0) },
    ]),
  })
  const catalogue = featureGroup({ name: 'catalogue', entity: item, source: prices, features: ({ price }) => ({ price }) })
  const scaled = onDemand({
    name: 'scaled',
    request: { factor: t.integer() },
    from: [catalogue.pick('price')],
    features: { scaled_price: t.integer() },
    compute: ({ price }, { factor }) => ({ scaled_price: (price ?? 0) * factor }),
  })
  const ranking = (version: number, window: '30m' | '60m') =>
    featureView({ name: 'ranking', version, features: [activity(version, window).pick('click_count'), catalogue, scaled] })
  const compared = await compareViews(ranking(1, '30m') as never, ranking(2, '60m') as never)
  assert.deepEqual(compared.skipped, ['scaled_price'])
  assert.deepEqual(
    compared.features.map(({ feature, different }) => [feature, different > 0]),
    [
      ['click_count', true],
      ['price', false],
    ],
  )
  const keys = compared.features[0]?.examples.map(({ key }) => Object.keys(key).sort())
  assert.deepEqual(keys, [
    ['item_id', 'user_id'],
    ['item_id', 'user_id'],
    ['item_id', 'user_id'],
  ])
})

test('versions of other entities cannot be compared', async () => {
  const buyer = entity('buyer', { buyer_id: t.integer() })
  const other = featureGroup({
    name: 'activity',
    version: 2,
    entity: buyer,
    source: clicks,
    keys: { buyer_id: 'user_id' },
    features: () => ({ click_count: count() }),
  })
  await assert.rejects(compareGroups(activity(1, '30m'), other), { code: 'INVALID_ARGUMENT' })
})
