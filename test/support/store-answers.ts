import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, entity, events, featureGroup, featureView, last, rows, sum, topic } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'
import { openStore, type StoreOptions } from '../../src/store/index.ts'

const user = entity('user', { user_id: t.string() })
const columns = { id: t.string(), user_id: t.string(), amount: t.integer(), at: t.timestamp() }
const users = Array.from({ length: 20 }, (_, at) => `user ${at}`)
const moment = (minutes: number) => new Date(Date.UTC(2026, 2, 1, 10, minutes)).toISOString()
const event = (kind: string, at: number) => ({ id: `${kind} ${at}`, user_id: users[(at * 7) % 20] as string, amount: at, at: moment(at) })
const source = (name: string, live: boolean) =>
  events(name, {
    columns,
    time: 'at',
    id: 'id',
    lateness: '1h',
    history: rows(Array.from({ length: 60 }, (_, at) => event('past', at))),
    ...(live ? { stream: topic(name, { key: 'user_id', partitions: 2 }) } : {}),
  })
const [clicks, orders] = [source('clicks', true), source('orders', false)]
const live = featureGroup({
  name: 'user_clicks',
  entity: user,
  source: clicks,
  features: (click) => ({ click_count_30m: count().over('30m'), click_amount_sum: sum(click.amount) }),
})
const stored = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orders,
  features: (order) => ({ order_count_2h: count().over('2h'), last_amount: last(order.amount) }),
})
const view = featureView({ name: 'ranking', features: [live, stored] })

/**
 * What a view of a streamed and a materialized group answers with this online store: when the stream has begun, after events, and
 * after another opened the same store, at once and later.
 */
export async function storeAnswers(online: NonNullable<StoreOptions['online']>): Promise<readonly unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-answers-'))
  let now = new Date(moment(70))
  const options = { definitions: [view, live, stored], folder, online, clock: () => now }
  const read = async (store: Awaited<ReturnType<typeof openStore>>) => {
    const keys = [...users, 'nobody'].map((user_id) => ({ user_id }))
    return (await store.vectors(view, keys)).map(({ values, features }) => ({ values, features }))
  }
  const seen: unknown[] = []
  try {
    {
      await using store = await openStore(options)
      await store.materialize([stored])
      await using stream = await store.stream()
      await stream.ready
      seen.push(await read(store))
      await store.push(
        'clicks',
        Array.from({ length: 40 }, (_, at) => event('new', at + 30)),
      )
      await stream.flush()
      seen.push(await read(store))
    }
    // Another process, as it were: all it knows is in the online store.
    await using again = await openStore(options)
    seen.push(await read(again))
    now = new Date(moment(95))
    seen.push(await read(again))
    return seen
  } finally {
    await rm(folder, { recursive: true })
  }
}
