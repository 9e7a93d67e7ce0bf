import { average, count, entity, events, featureGroup, featureView, last, sum, topic } from '../../src/definition/index.ts'
import { seededRandom } from '../../src/lib/seeded-random.ts'
import { t } from '../../src/schema/index.ts'
import { openStore, type Store, type StoreOptions } from '../../src/store/index.ts'

/** Clicks that are streamed, in groups of users, who are the key of the topic, and of items, who are not. */
const clicks = events('clicks', {
  columns: { click_id: t.string(), user_id: t.string(), item_id: t.string(), price: t.float(), at: t.timestamp() },
  time: 'at',
  id: 'click_id',
  lateness: '1h',
  stream: topic('clicks', { key: 'user_id', partitions: 8 }),
})
const userClicks = featureGroup({
  name: 'user_clicks',
  entity: entity('user', { user_id: t.string() }),
  source: clicks,
  features: (click) => ({
    user_click_count_lifetime: count(),
    user_price_sum_lifetime: sum(click.price),
    user_click_count_10m: count().over('10m'),
    user_price_avg_1h: average(click.price).over('1h'),
    user_last_item: last(click.item_id),
    user_session_clicks: count().session('30s'),
  }),
})
const itemClicks = featureGroup({
  name: 'item_clicks',
  entity: entity('item', { item_id: t.string() }),
  source: clicks,
  features: (click) => ({ item_click_count_lifetime: count(), item_price_sum_20m: sum(click.price).over('20m') }),
})
export const streamedGroups = [userClicks, itemClicks]
export const clickView = featureView({ name: 'clicks', features: streamedGroups })

export const users = 40
export const items = 12
/** When clicks happen, and the time that it is. */
export const clickStart = Date.UTC(2026, 2, 1)
export const clickEnd = clickStart + 3_600_000

/** The click of a number, always the same. */
export function click(number: number): { click_id: string; user_id: string; item_id: string; price: number; at: string } {
  const random = seededRandom(number)
  return {
    click_id: `c${number}`,
    user_id: `u${random(users)}`,
    item_id: `i${random(items)}`,
    price: random(10_000) / 100,
    at: new Date(clickStart + random(3_600_000)).toISOString(),
  }
}

/** What a process is told of where to work. */
export interface StreamPlace {
  readonly folder: string
  readonly kafka: string | null
}

export const openClicks = ({ folder, kafka }: StreamPlace, options: Partial<StoreOptions> = {}): Promise<Store> =>
  openStore({
    definitions: [clickView, ...streamedGroups],
    folder,
    clock: () => new Date(clickEnd),
    ...(kafka === null ? {} : { log: { kafka: [kafka] } }),
    ...options,
  })
