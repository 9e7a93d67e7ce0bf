import {
  count,
  countDistinct,
  decayedCount,
  entity,
  events,
  featureGroup,
  featureView,
  last,
  lastDistinctN,
  lastN,
  parquet,
  ratio,
  secondsSince,
  t,
} from 'lockstep'

/** To be named wherever results on these data are shown. */
export const attribution = 'OTTO recommender systems data set, a sample of its sessions, OTTO (GmbH & Co KG), CC BY 4.0'

/** What anonymous shoppers did: articles clicked on, put into the cart, ordered. In milliseconds, with ties. */
export const actions = events('actions', {
  columns: {
    session_id: t.integer(),
    place: t.integer(),
    article_id: t.integer(),
    kind: t.oneOf('clicks', 'carts', 'orders'),
    at: t.timestamp(),
  },
  time: 'at',
  id: ['session_id', 'place'],
  lateness: '30m',
  history: parquet(process.env.SESSIONS_DATA ?? '../shared/data/otto_sessions.parquet', {
    columns: { session_id: 'session', place: 'event_index', article_id: 'aid', kind: 'type', at: 'ts' },
  }),
  description: `What the data call a session is a shopper over weeks. ${attribution}`,
  owner: 'web',
})

export const shopper = entity('shopper', { session_id: t.integer() })
export const article = entity('article', { article_id: t.integer() })

export const shopperActions = featureGroup({
  name: 'shopper_actions',
  entity: shopper,
  source: actions,
  features: (action) => {
    const [clicked, added, ordered] = [action.kind.eq('clicks'), action.kind.eq('carts'), action.kind.eq('orders')]
    return {
      shopper_click_count_lifetime: count().where(clicked),
      shopper_cart_count_lifetime: count().where(added),
      shopper_order_count_lifetime: count().where(ordered),
      shopper_cart_rate_lifetime: ratio(count().where(added), count().where(clicked)),
      shopper_click_count_5m: count().where(clicked).over('5m'),
      // A visit: it ends with a pause of half an hour.
      shopper_action_count_session: count().session('30m'),
      shopper_article_count_session: countDistinct(action.article_id).session('30m'),
      shopper_viewed_article_last5_session: lastN(action.article_id, 5).where(clicked).session('30m'),
      shopper_viewed_article_last: last(action.article_id).where(clicked),
      shopper_viewed_article_last5_lifetime: lastDistinctN(action.article_id, 5).where(clicked),
      shopper_cart_count_since: count().where(added).since(ordered),
      shopper_cart_article_last3_since: lastDistinctN(action.article_id, 3).where(added).since(ordered),
      shopper_seconds_since_last_action: secondsSince(last(action.at)),
    }
  },
  description: 'What a shopper did, in this visit and ever',
  descriptions: {
    shopper_action_count_session: 'Actions of this visit; 0 once the shopper was away for half an hour',
    shopper_viewed_article_last5_session: 'Articles clicked on in this visit, the newest first',
    shopper_viewed_article_last5_lifetime: 'Different articles clicked on, the newest first',
    shopper_cart_count_since: 'Articles put into the cart since the last order',
  },
  owner: 'web',
})

export const articleActions = featureGroup({
  name: 'article_actions',
  entity: article,
  source: actions,
  features: (action) => {
    const [clicked, added] = [action.kind.eq('clicks'), action.kind.eq('carts')]
    return {
      article_click_count_1h: count().where(clicked).tumbling('1h', 'last'),
      article_click_count_1d: count().where(clicked).over('1d'),
      article_shopper_count_7d: countDistinct(action.session_id).over('7d'),
      article_cart_count_7d: count().where(added).over('7d', { resolution: '1h' }),
      article_action_decayed_count_lifetime: decayedCount('1d'),
    }
  },
  description: 'How much an article is looked at',
  descriptions: {
    article_click_count_1h: 'Clicks of the last full hour',
    article_cart_count_7d: 'To the hour: the window begins with a full one',
    article_action_decayed_count_lifetime: 'Actions, each counting half as much after every day',
  },
  owner: 'web',
})

export const nextArticle = featureView({
  name: 'next_article',
  features: [shopperActions, articleActions],
  description: 'Which article will this shopper turn to next?',
  owner: 'web',
})
