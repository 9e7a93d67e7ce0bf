import {
  average,
  count,
  countDistinct,
  deviation,
  entity,
  events,
  type FeatureGroup,
  featureGroup,
  featureView,
  last,
  maximum,
  minimum,
  parquet,
  ratio,
  secondsSince,
  sum,
  t,
  table,
} from 'lockstep'

export const user = entity('user', { user_id: t.integer() })

/** The columns of a row of a table, 20 of them; `data.ts` fills them. */
export const profileColumns = {
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`score_${index}`, t.float()] as const)),
  ...Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`number_${index}`, t.integer()] as const)),
  name: t.string(),
  city: t.string(),
  level: t.oneOf('bronze', 'silver', 'gold'),
  balance: t.decimal(12, 2),
  active: t.boolean(),
  joined: t.timestamp(),
} as const

/** A group of a table with a row a key: the first `features` of its columns, named `NAME_COLUMN`. */
export function profileGroup(name: string, path: string, features: number): FeatureGroup {
  const columns = { user_id: t.integer(), at: t.timestamp(), ...profileColumns }
  const source = table('profiles', { columns, time: 'at', history: parquet(path) })
  const names = Object.keys(profileColumns).slice(-features)
  return featureGroup({
    name,
    entity: user,
    source,
    features: (row) => Object.fromEntries(names.map((column) => [`${name}_${column}`, row[column as keyof typeof row]])),
  }) as FeatureGroup
}

const actions = (path: string) =>
  events('actions', {
    columns: { user_id: t.integer(), at: t.timestamp(), kind: t.oneOf('viewed', 'purchased'), item: t.integer(), amount: t.float() },
    time: 'at',
    history: parquet(path),
  })

/** A live group of a few aggregates: what is materialized are the events of the longest window, and a state of those before. */
export const fewAggregates = (path: string): FeatureGroup =>
  featureGroup({
    name: 'activity',
    entity: user,
    source: actions(path),
    features: (row) => ({
      count_lifetime: count(),
      count_1d: count().over('1d'),
      sum_1d: sum(row.amount).over('1d'),
      sum_7d: sum(row.amount).over('7d'),
      last_item: last(row.item).over('7d'),
    }),
  }) as FeatureGroup

/** A live group of 30 features over windows of up to 30 days. */
export const manyWindows = (path: string): FeatureGroup =>
  featureGroup({
    name: 'windows',
    entity: user,
    source: actions(path),
    features: (row) => {
      const purchased = row.kind.eq('purchased')
      const each = ['1h', '1d', '7d', '30d'].map((window) => ({
        [`count_${window}`]: count().over(window),
        [`sum_${window}`]: sum(row.amount).over(window),
        [`average_${window}`]: average(row.amount).over(window),
        [`maximum_${window}`]: maximum(row.amount).over(window),
        [`purchases_${window}`]: count().where(purchased).over(window),
        [`spent_${window}`]: sum(row.amount).where(purchased).over(window),
      }))
      return {
        ...Object.assign({}, ...each),
        minimum_30d: minimum(row.amount).over('30d'),
        deviation_7d: deviation(row.amount).over('7d'),
        items_30d: countDistinct(row.item).over('30d'),
        last_item_30d: last(row.item).over('30d'),
        seconds_since_last_30d: secondsSince(last(row.at).over('30d')),
        purchase_rate_30d: ratio(count().where(purchased).over('30d'), count().over('30d')),
      }
    },
  }) as FeatureGroup

export const viewOf = (name: string, ...features: FeatureGroup[]) => featureView({ name, features })
