import { count, featureGroup, last, secondsSince } from 'lockstep'
import { user } from './entities.ts'
import { carts, clicks, orderLines, searches } from './sources.ts'

/** What a customer is doing right now. The values change while nothing happens: windows move on. */
export const userClicks = featureGroup({
  name: 'user_clicks',
  entity: user,
  source: clicks,
  features: (click) => ({
    user_click_count_30m: count().over('30m'),
    user_viewed_category_last: last(click.category),
  }),
  descriptions: { user_click_count_30m: 'Items looked at', user_viewed_category_last: 'Category of the item looked at last' },
  owner: 'growth',
  tags: ['ranking', 'session'],
})

export const userCart = featureGroup({
  name: 'user_cart',
  entity: user,
  source: carts,
  features: (change) => ({
    // Exact at every moment: an item is added once and removed once, by the customer or by the checkout.
    user_cart_item_count: count()
      .where(change.kind.eq('added'))
      .minus(count().where(change.kind.eq('removed'))),
  }),
  descriptions: { user_cart_item_count: 'Items in the cart now' },
  owner: 'growth',
  tags: ['ranking', 'session'],
})

export const userSearches = featureGroup({
  name: 'user_searches',
  entity: user,
  source: searches,
  features: () => ({
    user_search_count_1h: count().over('1h'),
  }),
  descriptions: { user_search_count_1h: 'Searches of the last hour' },
  owner: 'growth',
  tags: ['ranking', 'session'],
})

export const userRecency = featureGroup({
  name: 'user_recency',
  entity: user,
  source: orderLines,
  features: (line) => ({
    user_seconds_since_last_purchase: secondsSince(last(line.at).where(line.kind.eq('purchased'))),
  }),
  descriptions: { user_seconds_since_last_purchase: 'Null for a customer who never bought' },
  owner: 'growth',
  tags: ['ranking', 'session'],
})
