import { average, count, entity, events, type FeatureGroup, featureGroup, maximum, sum, t } from 'lockstep'

const visitors = entity('visitor', { visitor: t.string() })

/** Events of one number, without ids. */
export const visits = events('visits', {
  columns: { visitor: t.string(), at: t.timestamp(), amount: t.float() },
  time: 'at',
})

/** Five features over sliding windows, the longest of `span` microseconds. */
export const fiveWindows = (span: number): FeatureGroup =>
  featureGroup({
    name: 'visits',
    entity: visitors,
    source: visits,
    features: (row) => ({
      visitor_visit_count: count().over(`${span}us`),
      visitor_amount_sum: sum(row.amount).over(`${span}us`),
      visitor_amount_sum_half: sum(row.amount).over(`${Math.ceil(span / 2)}us`),
      visitor_amount_avg: average(row.amount).over(`${span}us`),
      visitor_amount_max: maximum(row.amount).over(`${span}us`),
    }),
  }) as FeatureGroup
