import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ColumnType, t } from '../schema/index.ts'
import { average, count, decayedCount, quantile, ratio, sum, topK } from './aggregation.ts'
import { type Entity, entity } from './entity.ts'
import type { Expression } from './expression.ts'
import { featureGroup } from './group.ts'
import { featureHash, groupHash, onDemandHash, sourceHash, viewHash } from './hash.ts'
import { csv, type History, parquet, rows } from './history.ts'
import { onDemand } from './on-demand.ts'
import { every, type Refresh } from './refresh.ts'
import { type EventsOptions, events, type Row, type TableOptions, table } from './source.ts'
import { topic } from './stream.ts'
import { featureView } from './view.ts'

interface Case {
  readonly name: string
  readonly change: () => string
}

/** Holds the hash of each case against that of the base, which is made anew each time. */
function compare(base: () => string, cases: { readonly same: readonly Case[]; readonly other: readonly Case[] }): void {
  const before = base()
  assert.match(before, /^[0-9a-f]{32}$/)
  for (const { name, change } of cases.same) assert.equal(change(), before, `${name} changes the hash`)
  const seen = new Map([[before, 'the base']])
  for (const { name, change } of cases.other) {
    const hash = change()
    assert.equal(seen.get(hash), undefined, `${name} gives the hash of ${seen.get(hash)}`)
    seen.set(hash, name)
  }
}

const columns = {
  order_id: t.string(),
  user_id: t.string(),
  buyer_id: t.string(),
  kind: t.oneOf('purchased', 'returned'),
  total: t.float(),
  seen: t.timestamp(),
  at: t.timestamp(),
}
type Columns = typeof columns
const ordersWith = (change: Partial<EventsOptions<Columns>> = {}, name = 'orders') =>
  events(name, { columns, time: 'at', id: 'order_id', history: parquet('orders/*.parquet'), ...change })
const usersWith = (change: Partial<TableOptions<Columns>> = {}) =>
  table('users', { columns, time: 'at', created: 'seen', order: ['total', 'kind'], ...change })

const retyped = (column: keyof Columns, type: ColumnType) => ordersWith({ columns: { ...columns, [column]: type } })
const history = (one: History) => sourceHash(ordersWith({ history: one }))

test('events', () => {
  compare(() => sourceHash(ordersWith()), {
    same: [
      {
        name: 'description, owner and tags',
        change: () => sourceHash(ordersWith({ description: 'Orders', owner: 'growth', tags: ['money'] })),
      },
      { name: 'the path of the history', change: () => history(parquet(['2025/*.parquet', '2026/*.parquet'])) },
      { name: 'the format of the history', change: () => history(csv('orders.csv')) },
      {
        name: 'the order of the columns',
        change: () => sourceHash(ordersWith({ columns: Object.fromEntries(Object.entries(columns).reverse()) as Columns })),
      },
      { name: 'what is said of itself', change: () => sourceHash(ordersWith({ timeZone: 'UTC', invalidRows: 'refuse', lateness: '0s' })) },
      { name: 'the lateness', change: () => sourceHash(ordersWith({ lateness: '1h' })) },
      { name: 'a stream', change: () => sourceHash(ordersWith({ stream: topic('orders', { key: 'user_id' }) })) },
      {
        name: 'the topic of a stream, its key, format and partitions',
        change: () =>
          sourceHash(
            ordersWith({
              stream: topic('o', { key: ['buyer_id'], partitions: 1, format: { kind: 'avroRegistry', url: 'http://registry' } }),
            }),
          ),
      },
      { name: 'an id as a list', change: () => sourceHash(ordersWith({ id: ['order_id'] })) },
    ],
    other: [
      { name: 'the name', change: () => sourceHash(ordersWith({}, 'purchases')) },
      { name: 'the kind', change: () => sourceHash(table('orders', { columns, time: 'at' })) },
      { name: 'the type of a column', change: () => sourceHash(retyped('total', t.decimal(12, 2))) },
      { name: 'a scale', change: () => sourceHash(retyped('total', t.decimal(12, 3))) },
      { name: 'nullability', change: () => sourceHash(retyped('total', t.float().nullable())) },
      { name: 'a range', change: () => sourceHash(retyped('total', t.float().range(0, 5))) },
      { name: 'NaN', change: () => sourceHash(retyped('total', t.float().allowNaN())) },
      { name: 'the values of an enumeration', change: () => sourceHash(retyped('kind', t.oneOf('purchased', 'sent'))) },
      { name: 'a further column', change: () => sourceHash(ordersWith({ columns: { ...columns, note: t.string() } as Columns })) },
      { name: 'the time', change: () => sourceHash(ordersWith({ time: 'seen' })) },
      { name: 'another id', change: () => sourceHash(ordersWith({ id: ['order_id', 'user_id'] })) },
      { name: 'no id', change: () => sourceHash(events('orders', { columns, time: 'at', history: parquet('orders/*.parquet') })) },
      { name: 'the known time', change: () => sourceHash(ordersWith({ known: 'seen' })) },
      { name: 'the time zone', change: () => sourceHash(ordersWith({ timeZone: 'Europe/London' })) },
      { name: 'invalid rows', change: () => sourceHash(ordersWith({ invalidRows: 'setAside' })) },
      {
        name: 'columns called otherwise in the file',
        change: () => history(parquet('orders/*.parquet', { columns: { total: 'amount' } })),
      },
      { name: 'a delimiter', change: () => history(csv('orders.csv', { delimiter: ';' })) },
      { name: 'no header', change: () => history(csv('orders.csv', { header: false })) },
      { name: 'the text of null', change: () => history(csv('orders.csv', { nullText: 'NA' })) },
    ],
  })
  assert.equal(sourceHash(ordersWith({ id: ['order_id', 'user_id'] })), sourceHash(ordersWith({ id: ['user_id', 'order_id'] })))
  assert.equal(history(rows([])), history(rows([{ order_id: 'a' }])))
})

test('tables', () => {
  compare(() => sourceHash(usersWith()), {
    same: [{ name: 'the owner', change: () => sourceHash(usersWith({ owner: 'growth' })) }],
    other: [
      { name: 'the order of the tie-breaks', change: () => sourceHash(usersWith({ order: ['kind', 'total'] })) },
      { name: 'fewer tie-breaks', change: () => sourceHash(usersWith({ order: ['total'] })) },
      { name: 'the time of creation', change: () => sourceHash(table('users', { columns, time: 'at', order: ['total', 'kind'] })) },
    ],
  })
})

const user = entity('user', { user_id: t.string() })
type Order = Row<Columns>
interface GroupChange {
  readonly name?: string
  readonly version?: number
  readonly entity?: Entity
  readonly source?: ReturnType<typeof ordersWith>
  readonly keys?: Readonly<Record<string, keyof Columns>>
  readonly refresh?: Refresh
  readonly features?: (order: Order) => Readonly<Record<string, Expression>>
}
const group = (change: GroupChange = {}) =>
  featureGroup({
    name: 'user_orders',
    entity: user,
    source: ordersWith(),
    features: (order: Order) => ({ spend: spend(order) }),
    ...change,
  } as never)
const spendOf = (order: Order) => sum(order.total).where(order.kind.eq('purchased').and(order.total.gt(10)))
const spend = (order: Order) => spendOf(order).over('30d')
const of = (feature: (order: Order) => Expression) => groupHash(group({ features: (order) => ({ spend: feature(order) }) }))

test('the features of a group', () => {
  compare(() => groupHash(group()), {
    same: [
      {
        name: 'other words for the same',
        change: () =>
          of((row) => {
            const dear = row.total.gt(10)
            const amount = sum(row.total)
            return amount.over('4w2d').where(row.kind.eq('purchased')).where(dear)
          }),
      },
      {
        name: 'another way to write a number',
        change: () =>
          of((order) =>
            sum(order.total)
              .where(order.kind.eq('purchased').and(order.total.gt(1e1)))
              .over('720h'),
          ),
      },
      {
        name: 'a condition after the window',
        change: () => of((order) => sum(order.total).where(order.kind.eq('purchased')).over('30d').where(order.total.gt(10))),
      },
      { name: 'the name and the version of the group', change: () => groupHash(group({ name: 'others', version: 2 })) },
      {
        name: 'descriptions',
        change: () => groupHash(group({ description: 'Orders', descriptions: { spend: 'Money' }, owner: 'growth', tags: ['a'] } as never)),
      },
      { name: 'a key column of its own name', change: () => groupHash(group({ keys: { user_id: 'user_id' } })) },
      {
        name: 'the description of the entity',
        change: () => groupHash(group({ entity: entity('user', { user_id: t.string() }, { description: 'A user' }) })),
      },
    ],
    other: [
      {
        name: 'the column',
        change: () =>
          of((order) =>
            count(order.total)
              .where(order.kind.eq('purchased').and(order.total.gt(10)))
              .over('30d'),
          ),
      },
      { name: 'no filter', change: () => of((order) => sum(order.total).over('30d')) },
      {
        name: 'the text of a filter',
        change: () =>
          of((order) =>
            sum(order.total)
              .where(order.kind.eq('returned').and(order.total.gt(10)))
              .over('30d'),
          ),
      },
      {
        name: 'the number of a filter',
        change: () =>
          of((order) =>
            sum(order.total)
              .where(order.kind.eq('purchased').and(order.total.gt(11)))
              .over('30d'),
          ),
      },
      {
        name: 'the comparison',
        change: () =>
          of((order) =>
            sum(order.total)
              .where(order.kind.eq('purchased').and(order.total.gte(10)))
              .over('30d'),
          ),
      },
      {
        name: 'or for and',
        change: () =>
          of((order) =>
            sum(order.total)
              .where(order.kind.eq('purchased').or(order.total.gt(10)))
              .over('30d'),
          ),
      },
      { name: 'the length of the window', change: () => of((order) => spendOf(order).over('31d')) },
      { name: 'a microsecond more', change: () => of((order) => spendOf(order).over('30d1us')) },
      { name: 'lifetime', change: () => of((order) => spendOf(order)) },
      { name: 'tumbling', change: () => of((order) => spendOf(order).tumbling('30d')) },
      { name: 'the last bucket', change: () => of((order) => spendOf(order).tumbling('30d', 'last')) },
      { name: 'session', change: () => of((order) => spendOf(order).session('30d')) },
      { name: 'since', change: () => of((order) => spendOf(order).since(order.kind.eq('returned'))) },
      { name: 'since another condition', change: () => of((order) => spendOf(order).since(order.kind.eq('purchased'))) },
      { name: 'a delay', change: () => of((order) => spend(order).delay('1h')) },
      { name: 'a longer delay', change: () => of((order) => spend(order).delay('2h')) },
      { name: 'a resolution', change: () => of((order) => spendOf(order).over('30d', { resolution: '1h' })) },
      { name: 'a finer resolution', change: () => of((order) => spendOf(order).over('30d', { resolution: '1m' })) },
      { name: 'the aggregate', change: () => of((order) => average(order.total)) },
      { name: 'a parameter', change: () => of((order) => topK(order.kind, 3)) },
      { name: 'another parameter', change: () => of((order) => topK(order.kind, 4)) },
      { name: 'top by sum', change: () => of((order) => topK(order.kind, 3, order.total)) },
      { name: 'a percentile', change: () => of((order) => quantile(order.total, 0.5)) },
      { name: 'another percentile', change: () => of((order) => quantile(order.total, 0.9)) },
      { name: 'a half-life', change: () => of(() => decayedCount('1d')) },
      { name: 'another half-life', change: () => of(() => decayedCount('2d')) },
      { name: 'arithmetic', change: () => of((order) => ratio(spend(order), count())) },
      { name: 'arithmetic the other way round', change: () => of((order) => ratio(count(), spend(order))) },
      { name: 'another value for null', change: () => of((order) => ratio(spend(order), count()).orElse(0)) },
      { name: 'the name of the feature', change: () => groupHash(group({ features: (order) => ({ spent: spend(order) }) })) },
      {
        name: 'a further feature',
        change: () => groupHash(group({ features: (order) => ({ spend: spend(order), n: sum(order.total) }) })),
      },
      { name: 'the refresh', change: () => groupHash(group({ refresh: every('1d') })) },
      { name: 'the period', change: () => groupHash(group({ refresh: every('2d') })) },
      { name: 'the delay of the refresh', change: () => groupHash(group({ refresh: every('1d', { delay: '1h' }) })) },
      { name: 'the column of the key', change: () => groupHash(group({ keys: { user_id: 'buyer_id' } })) },
      { name: 'the name of the entity', change: () => groupHash(group({ entity: entity('person', { user_id: t.string() }) })) },
      { name: 'the name of the key', change: () => groupHash(group({ entity: entity('user', { buyer_id: t.string() }) })) },
      { name: 'the type of the key', change: () => groupHash(group({ entity: entity('user', { user_id: t.oneOf('a', 'b') }) })) },
      { name: 'a further key', change: () => groupHash(group({ entity: entity('user', { user_id: t.string(), buyer_id: t.string() }) })) },
      {
        name: 'the keys in another order',
        change: () => groupHash(group({ entity: entity('user', { buyer_id: t.string(), user_id: t.string() }) })),
      },
      { name: 'the source', change: () => groupHash(group({ source: ordersWith({ timeZone: 'Asia/Tokyo' }) })) },
    ],
  })
})

test('the order of features', () => {
  const two = (features: NonNullable<GroupChange['features']>) => groupHash(group({ features }))
  assert.equal(
    two((order) => ({ spend: spend(order), mean: average(order.total) })),
    two((order) => ({ mean: average(order.total), spend: spend(order) })),
  )
  assert.notEqual(
    two((order) => ({ spend: spend(order), mean: average(order.total) })),
    two((order) => ({ mean: spend(order), spend: average(order.total) })),
  )
})

test('a feature by itself does not depend on its name or on its neighbours', () => {
  const alone = group()
  const beside = group({ features: (order) => ({ other: average(order.total), renamed: spend(order) }) })
  assert.equal(featureHash(alone, 'spend'), featureHash(beside, 'renamed'))
  assert.notEqual(featureHash(alone, 'spend'), featureHash(beside, 'other'))
})

test('the ttl of a table', () => {
  const withTtl = (ttl?: string) =>
    groupHash(
      featureGroup({
        name: 'users',
        entity: user,
        source: usersWith(),
        ...(ttl ? { ttl } : {}),
        features: (row) => ({ total: row.total }),
      }),
    )
  compare(() => withTtl(), {
    same: [],
    other: [
      { name: 'a ttl', change: () => withTtl('1d') },
      { name: 'a longer one', change: () => withTtl('2d') },
    ],
  })
  assert.equal(withTtl('1d'), withTtl('24h'))
})

const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: ordersWith(),
  features: (order) => ({ spend: spend(order), mean: average(order.total) }),
})
const buyerOrders = featureGroup({
  name: 'buyer_orders',
  entity: user,
  source: ordersWith(),
  keys: { user_id: 'buyer_id' },
  features: (order) => ({ bought: spend(order) }),
})
const context = { name: 'context', request: { price: t.float() }, from: [userOrders.pick('mean')], features: { share: t.float() } } as const
const share = onDemand({ ...context, compute: ({ mean }, { price }) => ({ share: price / (mean ?? 1) }) })

test('on-demand views', () => {
  compare(() => onDemandHash(share), {
    same: [
      {
        name: 'formatting, comments and types',
        // biome-ignore format: as another hand would write it
        change: () => onDemandHash(onDemand({ ...context, compute: ( { mean },   { price }: { price: number } ) => ( { // a share
          "share" : (price/( mean ?? 1.0 )),
        } ) })),
      },
      {
        name: 'name, version and description',
        change: () =>
          onDemandHash(
            onDemand({
              ...context,
              name: 'other',
              version: 2,
              description: 'x',
              compute: ({ mean }, { price }) => ({ share: price / (mean ?? 1) }),
            }),
          ),
      },
    ],
    other: [
      {
        name: 'the code',
        change: () => onDemandHash(onDemand({ ...context, compute: ({ mean }, { price }) => ({ share: price / (mean ?? 2) }) })),
      },
      {
        name: 'the type of a feature',
        change: () =>
          onDemandHash(
            onDemand({
              ...context,
              features: { share: t.float().nullable() },
              compute: ({ mean }, { price }) => ({ share: price / (mean ?? 1) }),
            }),
          ),
      },
      {
        name: 'the type of a request value',
        change: () =>
          onDemandHash(
            onDemand({ ...context, request: { price: t.integer() }, compute: ({ mean }, { price }) => ({ share: price / (mean ?? 1) }) }),
          ),
      },
      {
        name: 'a further input',
        change: () =>
          onDemandHash(onDemand({ ...context, from: [userOrders], compute: ({ mean }, { price }) => ({ share: price / (mean ?? 1) }) })),
      },
    ],
  })
  const reading = (from: readonly [typeof userOrders, typeof buyerOrders] | readonly [typeof buyerOrders, typeof userOrders]) =>
    onDemandHash(
      onDemand({
        ...context,
        from: from as readonly [typeof userOrders, typeof buyerOrders],
        compute: ({ mean }, { price }) => ({ share: price / (mean ?? 1) }),
      }),
    )
  assert.equal(reading([userOrders, buyerOrders]), reading([buyerOrders, userOrders]))
})

test('views', () => {
  const of = (...features: readonly unknown[]) => viewHash(featureView({ name: 'ranking', features } as never))
  compare(() => of(userOrders, buyerOrders, share), {
    same: [
      {
        name: 'name, version and description',
        change: () =>
          viewHash(
            featureView({
              name: 'other',
              version: 2,
              description: 'x',
              owner: 'y',
              tags: ['z'],
              features: [userOrders, buyerOrders, share],
            }),
          ),
      },
      { name: 'the order of the items', change: () => of(share, buyerOrders, userOrders) },
      { name: 'a group picked in parts', change: () => of(userOrders.pick('mean'), buyerOrders, share, userOrders.pick('spend')) },
      { name: 'a key of its own name', change: () => of(userOrders.as({ keys: { user_id: 'user_id' }, prefix: '' }), buyerOrders, share) },
    ],
    other: [
      { name: 'fewer features', change: () => of(userOrders.pick('mean'), buyerOrders, share) },
      { name: 'a prefix', change: () => of(userOrders.as({ prefix: 'user_' }), buyerOrders, share) },
      { name: 'another key', change: () => of(userOrders, buyerOrders.as({ keys: { user_id: 'buyer_id' } }), share) },
      { name: 'no on-demand features', change: () => of(userOrders, buyerOrders) },
      {
        name: 'other features of the same names',
        change: () => of(group({ features: (order) => ({ spend: average(order.total), mean: spend(order) }) }), buyerOrders, share),
      },
    ],
  })
  const trip = (first: string, second: string) =>
    of(userOrders.as({ keys: { user_id: first }, prefix: 'from_' }), userOrders.as({ keys: { user_id: second }, prefix: 'to_' }))
  assert.notEqual(trip('sender', 'receiver'), trip('receiver', 'sender'))
})
