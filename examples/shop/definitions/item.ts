import { average, count, daysSince, featureGroup } from 'lockstep'
import { item } from './entities.ts'
import { items, orderLines, ratings } from './sources.ts'

export const itemCatalogue = featureGroup({
  name: 'item_catalogue',
  entity: item,
  source: items,
  features: (row) => ({
    item_price: row.price,
    item_days_since_listed: daysSince(row.listed_at),
  }),
  description: 'What the catalogue says of an item',
  descriptions: { item_price: 'The price of the moment', item_days_since_listed: 'Whole days since the item was first offered' },
  owner: 'catalogue',
  tags: ['ranking', 'money'],
})

export const itemRatings = featureGroup({
  name: 'item_ratings',
  entity: item,
  source: ratings,
  features: (rating) => ({
    item_rating_avg_lifetime: average(rating.stars),
    item_review_count_lifetime: count(),
  }),
  description: 'What customers think of an item',
  descriptions: {
    item_rating_avg_lifetime: '1 to 5 stars; null where nobody rated it',
    item_review_count_lifetime: 'How many ratings it has',
  },
  owner: 'catalogue',
  tags: ['ranking'],
})

export const itemOrders = featureGroup({
  name: 'item_orders',
  entity: item,
  source: orderLines,
  features: (line) => ({
    item_purchase_count_7d: count().where(line.kind.eq('purchased')).over('7d'),
  }),
  description: 'How an item sells',
  descriptions: { item_purchase_count_7d: 'Order lines of the last seven days' },
  owner: 'catalogue',
  tags: ['ranking'],
})
