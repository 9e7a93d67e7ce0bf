import { temporaryFolder } from '../../scripts/workspace.ts'
import {
  count,
  entity,
  events,
  featureGroup,
  featureView,
  rows as history,
  last,
  onDemand,
  sum,
  table,
  topic,
  topK,
} from '../../src/definition/index.ts'
import { momentMicros } from '../../src/lib/moment.ts'
import { t } from '../../src/schema/index.ts'
import { Server, type ServerOptions } from '../../src/server/index.ts'
import { openUnguarded, type Store, type StoreOptions } from '../../src/store/index.ts'

/** What time it is to the store, in ISO 8601 and as a Date. */
export const now = '2026-03-01T12:00:00Z'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.int64() })
export const clicks = events('clicks', {
  columns: { click_id: t.string(), user_id: t.string(), item_id: t.int64(), price: t.decimal(8, 2), at: t.timestamp() },
  time: 'at',
  id: 'click_id',
  lateness: '1h',
  history: history([
    { click_id: 'a', user_id: 'ada', item_id: 7n, price: '1.50', at: '2026-03-01T10:00:00Z' },
    { click_id: 'b', user_id: 'ada', item_id: 9_007_199_254_740_993n, price: '2.25', at: '2026-03-01T11:30:00Z' },
    { click_id: 'c', user_id: 'bob', item_id: 7n, price: '4.00', at: '2026-03-01T11:45:00Z' },
  ]),
  stream: topic('clicks', { key: 'user_id', partitions: 2 }),
})
export const userClicks = featureGroup({
  name: 'user_clicks',
  entity: user,
  source: clicks,
  features: (click) => ({
    user_click_count_1h: count().over('1h'),
    user_spend_lifetime: sum(click.price),
    user_last_item: last(click.item_id),
    user_top_items: topK(click.item_id, 2),
  }),
})
export const itemFacts = featureGroup({
  name: 'item_facts',
  entity: item,
  source: table('facts', {
    columns: {
      item_id: t.int64(),
      price: t.decimal(8, 2),
      weight: t.float().allowNaN(),
      embedding: t.vector(3),
      labels: t.list(t.string()),
      note: t.string().nullable(),
      day: t.date(),
      at: t.timestamp(),
    },
    time: 'at',
    history: history([
      fact(7n, { price: '9.99', weight: 0.1, at: '2026-03-01T11:00:00Z' }),
      fact(9_007_199_254_740_993n, { price: '5.00', weight: Number.NaN, at: '2026-03-01T11:00:00Z' }),
      fact(8n, { price: '3.00', weight: 2, at: '2026-02-01T00:00:00Z' }),
    ]),
  }),
  ttl: '7d',
  features: (row) => ({
    item_price: row.price,
    item_weight: row.weight,
    item_embedding: row.embedding,
    item_labels: row.labels,
    item_note: row.note,
    item_day: row.day,
    item_at: row.at,
  }),
})
function fact(item_id: bigint, given: { readonly price: string; readonly weight: number; readonly at: string }) {
  return { item_id, embedding: [0.1, 0.2, -0.3], labels: ['new', 'öl "x"'], note: null, day: '2026-02-28', ...given }
}

const context = onDemand({
  name: 'context',
  request: { budget: t.float().nullable(), mood: t.oneOf('calm', 'throw', 'loop').nullable() },
  from: [userClicks.pick('user_click_count_1h')],
  features: { budget_per_click: t.float().nullable() },
  compute: ({ user_click_count_1h: clicked }, { budget, mood }) => {
    if (mood === 'throw') throw new Error('a bad mood')
    while (mood === 'loop');
    return { budget_per_click: budget === null || clicked === 0 ? null : budget / clicked }
  },
})

export const ranking = featureView({ name: 'ranking', version: 2, features: [userClicks, itemFacts, context], owner: 'growth' })
export const visitor = featureView({ name: 'visitor', features: [userClicks] })
/** What stands for what is not there. */
export const careful = featureView({
  name: 'careful',
  features: [userClicks.pick('user_last_item'), itemFacts.pick('item_price'), context],
  defaults: { item_price: '0.00', budget_per_click: -1 },
})
export const definitions = [ranking, visitor, careful, userClicks, itemFacts]

/** A store of these definitions and its server, in a folder of their own, all of which end with a `using` block. */
export interface ServedStore extends AsyncDisposable {
  readonly store: Store
  readonly server: Server
  readonly folder: string
  /** Sends a request: a body is posted as JSON, a text as it is. */
  send(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Reply>
  /** The vectors of a view. */
  read(view: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Reply>
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: Answered
}

/** What any route may answer, as far as tests look at it. */
export interface Answered {
  readonly read_id: string
  readonly as_of: string
  readonly source: string
  readonly view: string
  readonly version: number
  readonly features: readonly string[]
  readonly types: readonly string[]
  readonly rows: readonly { readonly values: unknown[]; readonly statuses: unknown[]; readonly event_times: unknown[] }[]
  readonly columns: readonly { readonly name: string; readonly values: unknown[]; readonly statuses: unknown[] }[]
  readonly errors: readonly { readonly code: string; readonly where: string }[]
  readonly timings: { readonly total_ms: number }
  readonly error: { readonly code: string; readonly message: string; readonly where: string; readonly remedy: string }
  readonly [other: string]: unknown
}

export async function servedStore(options: ServerOptions = {}, storeOptions: Partial<StoreOptions> = {}): Promise<ServedStore> {
  const folder = temporaryFolder()
  const store = await openUnguarded({
    definitions,
    folder: folder.path,
    online: 'memory',
    clock: () => new Date(momentMicros(now) / 1000),
    ...storeOptions,
  })
  try {
    await store.materialize()
    const server = await Server.start(store, { log: 'silent', ...options })
    const send = (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
      exchange(server.url + path, body, headers)
    return {
      store,
      server,
      folder: folder.path,
      send,
      read: (view, body, headers) => send(`/v1/views/${view}/vectors`, body, headers),
      [Symbol.asyncDispose]: async () => {
        await server.close()
        await store.close()
        folder[Symbol.dispose]()
      },
    }
  } catch (error) {
    await store.close()
    folder[Symbol.dispose]()
    throw error
  }
}

async function exchange(url: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Reply> {
  const response = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : { text }) as Answered }
}
