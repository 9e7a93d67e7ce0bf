import { average, count, entity, events, featureGroup, featureView, maximum, sum, t, topic } from 'lockstep'
import type { NewRecord } from '../../src/eventlog/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { seededRandom } from '../../src/lib/seeded-random.ts'
import { eventEncoder } from '../../src/stream/index.ts'

const user = entity('user', { user_id: t.integer() })
export const clicks = events('clicks', {
  columns: { user_id: t.integer(), amount: t.float(), at: t.timestamp() },
  time: 'at',
  lateness: '1m',
  stream: topic('clicks', { key: 'user_id', partitions: 4 }),
})
/** Five features of two windows. */
export const clickGroup = featureGroup({
  name: 'user_clicks',
  entity: user,
  source: clicks,
  features: (click) => ({
    user_click_count_30m: count().over('30m'),
    user_amount_sum_30m: sum(click.amount).over('30m'),
    user_amount_avg_1h: average(click.amount).over('1h'),
    user_amount_max_1h: maximum(click.amount).over('1h'),
    user_click_count_1h: count().over('1h'),
  }),
})
export const clickView = featureView({ name: 'live', features: [clickGroup] })

const start = Date.UTC(2026, 0, 1)
/** The hour in which all clicks happen is over. */
export const clock = { ...systemClock, now: () => start * 1000 + 3_600_000_000 }

/** Makes the click of a number; in order of their numbers they are in order of time, for `total` of them. */
export function clickMaker(total: number, keys: number): (index: number, key?: number) => NewRecord {
  const encode = eventEncoder(clicks)
  const random = seededRandom(1)
  return (index, key) => {
    const at = new Date(start + Math.floor((index / Math.max(total, 1)) * 3_500_000)).toISOString()
    return encode({ user_id: key ?? random(keys), amount: random(100_000) / 100, at }, 'click')
  }
}
