import { categories, queries } from './assortment.ts'
import { countries } from './places.ts'

/**
 * The tables of the shop: each column with the SQL that turns the number it is generated as into its value. Numbers keep
 * the generator fast and small; a moment is generated as milliseconds since the epoch, money as cents, a name by its place in a list.
 */
type Column = (number: string) => string

const identifier =
  (prefix: string, digits: number): Column =>
  (n) =>
    `printf('${prefix}%0${digits}d', ${n}::BIGINT)`
/** Bijective on 32 bits, so that ids are unique and yet say nothing of the order of events. */
const opaque =
  (prefix: string): Column =>
  (n) =>
    `printf('${prefix}%08x', (${n}::BIGINT * 2654435761) & 4294967295)`
const oneOf =
  (values: readonly string[]): Column =>
  (n) =>
    `([${values.map((value) => `'${value}'`).join(', ')}])[${n}::INTEGER + 1]`
const moment: Column = (n) => `epoch_ms(${n}::BIGINT)`
const money: Column = (n) => `(${n}::INTEGER * 0.01::DECIMAL(3, 2))::DECIMAL(12, 2)`
const whole: Column = (n) => `${n}::INTEGER`
const float: Column = (n) => n
const truth: Column = (n) => `${n} = 1`

export const cartKinds = ['added', 'removed'] as const
export const orderKinds = ['purchased', 'returned'] as const

const user = identifier('u', 6)
const item = identifier('i', 5)
const category = oneOf(categories.map(({ name }) => name))

export const tables = {
  users: {
    user_id: user,
    signed_up: moment,
    country: oneOf(countries),
    latitude: float,
    longitude: float,
    birth_year: whole,
    at: moment,
    created: moment,
  },
  items: { item_id: item, category, price: money, listed_at: moment, at: moment, created: moment },
  stores: { store_id: identifier('s', 2), latitude: float, longitude: float },
  clicks: { event_id: opaque('c'), user_id: user, item_id: item, category, at: moment, ingested_at: moment },
  carts: { event_id: opaque('k'), user_id: user, item_id: item, kind: oneOf(cartKinds), at: moment, ingested_at: moment },
  searches: { event_id: opaque('q'), user_id: user, query: oneOf(queries), at: moment, ingested_at: moment },
  orders: {
    order_line_id: opaque('l'),
    order_id: opaque('o'),
    user_id: user,
    item_id: item,
    category,
    kind: oneOf(orderKinds),
    total: money,
    at: moment,
    ingested_at: moment,
  },
  ratings: { event_id: opaque('r'), user_id: user, item_id: item, stars: whole, at: moment, ingested_at: moment },
  labels: {
    user_id: user,
    item_id: item,
    at: moment,
    latitude: float,
    longitude: float,
    purchased_within_1d: truth,
    weight: float,
  },
} as const satisfies Record<string, Record<string, Column>>

export type TableName = keyof typeof tables
export type EventTable = 'clicks' | 'carts' | 'searches' | 'orders' | 'ratings'

/** A row as the generator makes it: a number for every column. */
export type Row<T extends TableName> = { readonly [column in keyof (typeof tables)[T]]: number | null }

export const tableNames = Object.keys(tables) as readonly TableName[]
