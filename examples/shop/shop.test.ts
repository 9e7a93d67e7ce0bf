import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Duck, quoteLiteral } from '../../src/offline/index.ts'
import { buildTrainingSet, labelsFrom } from '../../src/pointintime/index.ts'
import { checkTrainingSet, type TrainingSetCheck } from '../../src/testing/index.ts'
import type { RankingVector } from './definitions/views.ts'
import { generateShop, type ShopSummary } from './generate.ts'

let folder: string
let summary: ShopSummary

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-shop-'))
  process.env.SHOP_DATA = join(folder, 'shop')
  summary = await generateShop({ path: process.env.SHOP_DATA, seed: 3, events: 5_000, users: 60, items: 60, labels: 1_000 })
})
after(() => rm(folder, { recursive: true }))

/** The definitions read their environment when they are loaded. */
const views = () => import('./definitions/views.ts')
const labels = () => labelsFrom(join(folder, 'shop', 'labels.parquet'))

async function check(asKnown: boolean): Promise<TrainingSetCheck> {
  const { ranking } = await views()
  await using set = await buildTrainingSet(ranking, labels(), { asKnown })
  return await checkTrainingSet(ranking, set, { asKnown })
}

describe('the training set of a shop', () => {
  for (const asKnown of [false, true]) {
    test(`equals the oracle${asKnown ? ', as known at each moment' : ''}`, async () => {
      const { rows, values, different } = await check(asKnown)
      assert.deepEqual(different, [])
      assert.equal(rows, summary.rows.labels)
      assert.equal(values, 17 * rows)
    })
  }

  test('has something to tell: every feature takes several values', async () => {
    const { ranking } = await views()
    await using set = await buildTrainingSet(ranking, labels())
    const seen = new Map(ranking.featureNames.map((name) => [name, new Set<string>()]))
    for await (const row of set) for (const [name, values] of seen) values.add(JSON.stringify((row as Record<string, unknown>)[name]))
    const dull = [...seen].filter(([, values]) => values.size < 3).map(([name]) => name)
    assert.deepEqual(dull, [])
  })

  test('the items in the cart are those that were added and not removed since', async () => {
    const { ranking } = await views()
    await using duck = await Duck.open({ temporaryFolder: folder })
    const shop = (table: string) => `read_parquet(${quoteLiteral(join(folder, 'shop', `${table}.parquet`))})`
    const expected = await duck.rows(`
      SELECT row, count(*) FILTER (kind = 'added')::INTEGER AS items FROM (
        SELECT row, item, arg_max(kind, moment) AS kind
        FROM (SELECT row_number() OVER () AS row, user_id AS visitor, "at" AS shown FROM ${shop('labels')})
        LEFT JOIN (SELECT user_id, item_id AS item, kind, "at" AS moment FROM ${shop('carts')}) ON user_id = visitor AND moment < shown
        GROUP BY row, item
      ) GROUP BY row ORDER BY row`)
    await using set = await buildTrainingSet(ranking, labels())
    const found: number[] = []
    for await (const row of set) found.push(row.user_cart_item_count)
    assert.deepEqual(
      found,
      expected.map(({ items }) => items),
    )
  })

  test('a wrong value is found', async () => {
    const { ranking } = await views()
    await using set = await buildTrainingSet(ranking, labels())
    async function* altered() {
      let row = 0
      for await (const values of set) yield row++ === 11 ? { ...values, user_search_count_1h: -1 } : values
    }
    const { different } = await checkTrainingSet(ranking, altered())
    assert.deepEqual(
      different.map(({ row, feature, found }) => ({ row, feature, found })),
      [{ row: 11, feature: 'user_search_count_1h', found: -1 }],
    )
  })
})

test('the vector of the ranking view has the types that its features give', async () => {
  const { context } = await import('./definitions/context.ts')
  const atTheDoor = { latitude: 48.8738, longitude: 2.3295 }
  const computed = context.compute({ user_order_value_avg_90d: 50, item_price: '12.50' }, atTheDoor)
  assert.deepEqual(computed, { distance_to_nearest_store_km: 0, price_vs_order_value_avg: 0.25 })
  const vector = {
    user_account_age_days: null,
    user_purchase_count_lifetime: 0,
    user_order_value_avg_90d: null,
    user_category_top3_lifetime: ['shoes'],
    user_return_rate_lifetime: 0,
    item_price: '12.50',
    item_days_since_listed: 3,
    item_rating_avg_lifetime: null,
    item_review_count_lifetime: 0,
    item_purchase_count_7d: 0,
    user_click_count_30m: 0,
    user_viewed_category_last: null,
    user_cart_item_count: 0,
    user_search_count_1h: 0,
    user_seconds_since_last_purchase: null,
    distance_to_nearest_store_km: 0.5,
    price_vs_order_value_avg: null,
  } satisfies RankingVector
  assert.deepEqual(Object.keys(vector), (await views()).ranking.featureNames)
})
