import { events, parquet, t, table } from 'lockstep'

/** The folder that `examples/shop/generate.ts` made. */
const data = process.env.SHOP_DATA ?? 'shop-data'

/** A table states what is known: a row counts from `at` until a newer one of the same key. */
export const users = table('users', {
  columns: { user_id: t.string(), signed_up: t.timestamp(), country: t.string(), at: t.timestamp(), created: t.timestamp() },
  time: 'at',
  created: 'created',
  history: parquet(`${data}/users.parquet`),
  owner: 'accounts',
})

export const items = table('items', {
  columns: {
    item_id: t.string(),
    category: t.string(),
    price: t.decimal(12, 2).range(0, 100_000),
    listed_at: t.timestamp(),
    at: t.timestamp(),
    created: t.timestamp(),
  },
  time: 'at',
  created: 'created',
  history: parquet(`${data}/items.parquet`),
  owner: 'catalogue',
})

/** Events happen once: those of one id are one event, however often they are delivered, and may come up to six hours late. */
const delivered = { time: 'at', known: 'ingested_at', lateness: '6h' } as const

export const clicks = events('clicks', {
  columns: {
    event_id: t.string(),
    user_id: t.string(),
    item_id: t.string(),
    category: t.string(),
    at: t.timestamp(),
    ingested_at: t.timestamp(),
  },
  id: 'event_id',
  ...delivered,
  history: parquet(`${data}/clicks/*/*.parquet`),
  owner: 'web',
})

export const carts = events('carts', {
  columns: {
    event_id: t.string(),
    user_id: t.string(),
    item_id: t.string(),
    kind: t.oneOf('added', 'removed'),
    at: t.timestamp(),
    ingested_at: t.timestamp(),
  },
  id: 'event_id',
  ...delivered,
  history: parquet(`${data}/carts.parquet`),
  description: 'A checkout removes every line from the cart at the moment of the order',
  owner: 'web',
})

export const searches = events('searches', {
  columns: { event_id: t.string(), user_id: t.string(), query: t.string(), at: t.timestamp(), ingested_at: t.timestamp() },
  id: 'event_id',
  ...delivered,
  history: parquet(`${data}/searches.parquet`),
  owner: 'search',
})

export const orderLines = events('order_lines', {
  columns: {
    order_line_id: t.string(),
    order_id: t.string(),
    user_id: t.string(),
    item_id: t.string(),
    category: t.string(),
    kind: t.oneOf('purchased', 'returned'),
    total: t.decimal(12, 2),
    at: t.timestamp(),
    ingested_at: t.timestamp(),
  },
  id: 'order_line_id',
  ...delivered,
  history: parquet(`${data}/orders.parquet`),
  description: 'A return is a line of its own; a corrected line comes again under its id',
  owner: 'checkout',
})

export const ratings = events('ratings', {
  columns: {
    event_id: t.string(),
    user_id: t.string(),
    item_id: t.string(),
    stars: t.integer().range(1, 5),
    at: t.timestamp(),
    ingested_at: t.timestamp(),
  },
  id: 'event_id',
  ...delivered,
  history: parquet(`${data}/ratings.parquet`),
  owner: 'reviews',
})
