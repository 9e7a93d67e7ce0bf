import { join } from 'node:path'
import { Duck, quoteLiteral } from '../../src/offline/index.ts'
import type { RankingKeys, RankingRequest } from '../shop/definitions/views.ts'
import type { ShopSummary } from '../shop/generate.ts'
import { histories } from './shop-project.ts'

/** What is asked of the ranking view. */
export interface Read {
  readonly keys: RankingKeys
  readonly request: RankingRequest
}

/** A customer who bought before and is looking around at the end of the data, and the best known of the items looked at. */
export async function busyReader(data: string, end: Date): Promise<Read> {
  await using duck = await Duck.open()
  const [keys] = await duck.rows(`
    WITH clicks AS (FROM ${file(data, histories.clicks)}),
    recent AS (FROM clicks WHERE "at" >= (SELECT least(max("at"), ${quoteLiteral(end.toISOString())}::TIMESTAMP - INTERVAL 30 MINUTES) FROM clicks)),
    known AS (SELECT item_id, count(*) AS ratings FROM ${file(data, histories.ratings)} GROUP BY ALL)
    SELECT user_id, arg_max(item_id, (coalesce(ratings, 0), item_id)) AS item_id
    FROM recent LEFT JOIN known USING (item_id)
    GROUP BY user_id
    ORDER BY
      user_id IN (SELECT user_id FROM ${file(data, histories.order_lines)} WHERE kind = 'purchased') DESC,
      user_id IN (SELECT user_id FROM clicks WHERE "at" < (SELECT min("at") FROM recent)) DESC,
      abs(count(*) - 6), user_id
    LIMIT 1`)
  return { keys: keys as unknown as RankingKeys, request: { latitude: 52.52, longitude: 13.405 } }
}

/** About `count` of the labels, spread over all of them. */
export async function sampleOfLabels(data: string, { rows }: ShopSummary, count: number): Promise<Read[]> {
  await using duck = await Duck.open()
  const found = await duck.rows(`
    SELECT user_id, item_id, latitude, longitude FROM (SELECT *, row_number() OVER () AS row FROM ${file(data, 'labels.parquet')})
    WHERE row % ${Math.max(1, Math.floor(rows.labels / count))} = 0 ORDER BY row`)
  const labels = found as unknown as (RankingKeys & RankingRequest)[]
  return labels.map(({ latitude, longitude, ...keys }) => ({ keys, request: { latitude, longitude } }))
}

const file = (data: string, path: string) => `read_parquet(${quoteLiteral(join(data, path))})`
