import type { SampleData } from './sample-data.ts'

const definitions = `import { average, count, csv, daysSince, entity, events, featureGroup, featureView, last, ndjson, onDemand, ratio, sum, t, table } from 'lockstep'

/** What the features describe, and the column that identifies one. */
export const customer = entity('customer', { customer_id: t.string() }, { description: 'A customer of the shop' })

/** Things that happened. */
export const orders = events('orders', {
  columns: { order_id: t.string(), customer_id: t.string(), kind: t.oneOf('purchased', 'returned'), total: t.decimal(10, 2), at: t.timestamp() },
  time: 'at',
  id: 'order_id',
  lateness: '1h',
  history: csv('data/orders.csv'),
})

/** What is known: each row holds from its time on, until a newer one of the same customer. */
export const profiles = table('profiles', {
  columns: { customer_id: t.string(), city: t.string(), member: t.boolean(), valid_from: t.timestamp() },
  time: 'valid_from',
  history: ndjson('data/profiles.ndjson'),
})

/** Values that follow from the events of a customer before the moment that is asked for. */
export const customerOrders = featureGroup({
  name: 'customer_orders',
  entity: customer,
  source: orders,
  description: 'How often and for how much a customer orders',
  owner: 'growth',
  features: (order) => {
    const purchased = order.kind.eq('purchased')
    return {
      customer_order_count_7d: count().where(purchased).over('7d'),
      customer_order_count_30d: count().where(purchased).over('30d'),
      customer_spend_sum_30d: sum(order.total).where(purchased).over('30d'),
      customer_order_value_avg_90d: average(order.total).where(purchased).over('90d'),
      customer_return_rate_lifetime: ratio(count().where(order.kind.eq('returned')), count().where(purchased)).orElse(0),
      customer_days_since_last_order: daysSince(last(order.at).where(purchased)),
    }
  },
})

/** The row that counts at the moment, as it is. */
export const customerProfile = featureGroup({
  name: 'customer_profile',
  entity: customer,
  source: profiles,
  description: 'Where a customer lives, and whether as a member',
  owner: 'growth',
  features: (profile) => ({ customer_city: profile.city, customer_is_member: profile.member }),
})

/** Computed from the request and other features, by this code, in training as in serving. */
export const basket = onDemand({
  name: 'basket',
  request: { basket_total: t.decimal(10, 2) },
  from: [customerOrders.pick('customer_order_value_avg_90d')],
  features: { basket_vs_order_value_avg: t.float().nullable() },
  compute: ({ customer_order_value_avg_90d: typical }, { basket_total: total }) => ({
    basket_vs_order_value_avg: typical === null ? null : Number(total) / typical,
  }),
  description: 'What is in the basket now, against what the customer usually spends',
  owner: 'growth',
})

/** The features that one model reads. */
export const reorder = featureView({
  name: 'reorder',
  features: [customerOrders, customerProfile, basket],
  description: 'Will the customer order again within two weeks?',
  owner: 'growth',
})
`

const readme = (customer: string) => `# A first Lockstep project

Features are defined once, in \`definitions/shop.ts\`, and have the same values in training and in serving.

\`\`\`sh
npm install
npx lockstep check                 # are the definitions sound?
npx lockstep list                  # what is there?
npx lockstep plan                  # what would an apply change?
npx lockstep apply                 # from then on what is applied counts, and not the files
npx lockstep describe reorder      # a view with its features

# a training set: each label once, with the values as of its moment
npx lockstep train reorder --labels data/labels.csv --out out/reorder.parquet

# the values now, from the online store
npx lockstep materialize
npx lockstep get reorder customer_id=${customer} --request basket_total=49.90

# why a value is what it is
npx lockstep explain reorder.customer_order_count_7d customer_id=${customer}
\`\`\`

| Place | Holds |
| --- | --- |
| \`definitions/\` | entities, sources, feature groups and views |
| \`data/\` | a generated shop: orders, profiles of customers, labels |
| \`.lockstep/\` | the stores of this project, once there are any, and its registry: what is applied, run and allowed, and the audit log. Values are made again with \`lockstep materialize\`, the registry is not: \`lockstep registry export\` |

Change a window in \`definitions/shop.ts\`, check, and read again. Replace the files of \`data/\` by your own, or point the
sources to them.
`

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
  },
  include: ['definitions'],
}

/** The files of a new project by their paths. `lockstep`: where its dependency comes from. */
export function projectFiles(name: string, lockstep: string, data: SampleData): Readonly<Record<string, string>> {
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: { check: 'lockstep check', train: 'lockstep train reorder --labels data/labels.csv --out out/reorder.parquet --overwrite' },
    dependencies: { lockstep },
    engines: { node: '>=22.22' },
  }
  return {
    'package.json': json(manifest),
    'tsconfig.json': json(tsconfig),
    '.gitignore':
      'node_modules/\n# Stores and the registry: not disposable, but no source either. Keep it with: lockstep registry export\n.lockstep/\nout/\n',
    'README.md': readme(data.customer),
    'definitions/shop.ts': definitions,
    'data/orders.csv': data.orders,
    'data/profiles.ndjson': data.profiles,
    'data/labels.csv': data.labels,
  }
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
