import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  count,
  type Definition,
  entity,
  events,
  featureGroup,
  featureView,
  onDemand,
  parquet,
  snapshotOf,
  sum,
} from '../definition/index.ts'
import type { Duration } from '../lib/duration.ts'
import { t } from '../schema/index.ts'
import { differenceOf } from './diff.ts'
import { showDifference } from './show-difference.ts'

interface Choice {
  readonly window?: Duration
  readonly version?: number
  readonly owner?: string
  readonly path?: string
  readonly extra?: boolean
  readonly zone?: string
  readonly of?: number
}

const user = entity('user', { user_id: t.string() })

function world({
  window = '30m',
  version = 1,
  owner = 'growth',
  path = 'orders/*.parquet',
  extra = false,
  zone = 'UTC',
  of = version,
}: Choice) {
  const orders = events('orders', {
    columns: { user_id: t.string(), total: t.float(), ...(extra ? { note: t.string() } : {}), at: t.timestamp() },
    time: 'at',
    timeZone: zone,
    history: parquet(path),
  })
  const userOrders = featureGroup({
    name: 'user_orders',
    version,
    entity: user,
    source: orders,
    owner,
    features: (order) => ({ user_order_count: count().over(window), user_total_sum: sum(order.total) }),
  })
  const context = onDemand({
    name: 'context',
    version,
    from: [userOrders.pick('user_order_count')],
    features: { busy: t.boolean() },
    compute: ({ user_order_count }) => ({ busy: user_order_count > 3 }),
  })
  const ranking = featureView({
    name: 'ranking',
    version: of,
    features: [userOrders.pick('user_total_sum').as({ prefix: 'buyer_' }), context],
  })
  return { orders, userOrders, context, ranking }
}

const all = (choice: Choice): Definition[] => Object.values(world(choice))
const shown = (before: Definition[], after: Definition[]) =>
  `\n${showDifference(differenceOf(snapshotOf(before), snapshotOf(after)))}\n`.replaceAll(/^/gm, '      ').trimEnd()

/** What changes, and what is said of it. */
const cases: readonly (readonly [name: string, before: Definition[], after: Definition[], text: string])[] = [
  ['nothing', all({}), all({}), '\n'],
  [
    'everything is new',
    [],
    all({}),
    `
      + entity user: new
          read by ranking@1

      + group user_orders@1: new
          + user_order_count: count() over 30m
          + user_total_sum: sum(total)
          read by ranking@1

      + on-demand context@1: new
          + busy: boolean
          read by ranking@1

      + source orders: new
          read by ranking@1

      + view ranking@1: new
          + buyer_user_total_sum: user_orders@1.user_total_sum
          + busy: context@1.busy

      ! stored values of user_orders@1: to be written, by materialize (online) and backfill (offline)
`,
  ],
  [
    'a window, without a new version',
    all({}),
    all({ window: '60m' }),
    `
      ~ group user_orders@1: values change
          ~ user_order_count: count() over 30m → count() over 1h
          read by ranking@1

      ~ on-demand context@1: values change, as user_orders@1 changed
          ~ busy: boolean
          read by ranking@1

      ~ view ranking@1: values change, as user_orders@1, context@1 changed
          ~ busy: context@1.busy

      ! stored values of user_orders@1: those of another definition, online and offline
`,
  ],
  [
    'a window, with new versions beside the old ones',
    all({}),
    [...all({}), world({ window: '60m', version: 2 }).ranking],
    `
      + group user_orders@2: new version of user_orders@1, values change
          ~ user_order_count: count() over 30m → count() over 1h
          read by ranking@2

      + on-demand context@2: new version of context@1, values change
          ~ busy: boolean
          read by ranking@2

      + view ranking@2: new version of ranking@1, values change
          · buyer_user_total_sum: user_orders@1.user_total_sum → user_orders@2.user_total_sum
          ~ busy: context@1.busy → context@2.busy

      ! stored values of user_orders@2: to be written, by materialize (online) and backfill (offline)
`,
  ],
  [
    'a view of the same values in another version of their group',
    [world({}).ranking],
    [
      world({}).orders,
      world({}).userOrders,
      featureView({ name: 'ranking', features: [world({ version: 2 }).userOrders.pick('user_total_sum').as({ prefix: 'buyer_' })] }),
    ],
    `
      + group user_orders@2: new version of user_orders@1, features in common keep their values
          read by ranking@1

      - on-demand context@1: removed
          read by ranking@1

      ~ view ranking@1: values change
          · buyer_user_total_sum: user_orders@1.user_total_sum → user_orders@2.user_total_sum
          - busy: context@1.busy

      ! stored values of user_orders@2: to be written, by materialize (online) and backfill (offline)
`,
  ],
  [
    'an owner and a path',
    all({}),
    all({ owner: 'ranking', path: 's3/orders/*.parquet' }),
    `
      · group user_orders@1: values stay the same
          · owner: growth → ranking
          read by ranking@1

      · source orders: values stay the same
          · history: parquet orders/*.parquet → parquet s3/orders/*.parquet
          read by ranking@1
`,
  ],
  [
    'a source, which all that reads it follows',
    all({}),
    all({ extra: true, zone: 'Europe/Berlin' }),
    `
      ~ group user_orders@1: values change, as orders changed
          ~ user_order_count: count() over 30m
          ~ user_total_sum: sum(total)
          read by ranking@1

      ~ on-demand context@1: values change, as user_orders@1 changed
          ~ busy: boolean
          read by ranking@1

      ~ source orders: values change
          ~ timeZone: UTC → Europe/Berlin
          + note: string
          read by ranking@1

      ~ view ranking@1: values change, as user_orders@1, context@1 changed
          ~ buyer_user_total_sum: user_orders@1.user_total_sum
          ~ busy: context@1.busy

      ! stored values of user_orders@1: those of another definition, online and offline
`,
  ],
  [
    'what is no longer there',
    all({}),
    [world({}).orders],
    `
      - entity user: removed
          read by ranking@1

      - group user_orders@1: removed
          read by ranking@1

      - on-demand context@1: removed
          read by ranking@1

      - view ranking@1: removed

      ! stored values of user_orders@1: read by nobody any more
`,
  ],
]

for (const [name, before, after, text] of cases) {
  test(`a difference as text: ${name}`, () => {
    assert.equal(shown(before, after).replaceAll(/ +$/gm, ''), text.trimEnd())
  })
}
