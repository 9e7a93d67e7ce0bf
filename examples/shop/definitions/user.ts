import { count, countDistinct, daysSince, featureGroup, ratio, sum, topK } from 'lockstep'
import { user } from './entities.ts'
import { orderLines, users } from './sources.ts'

export const userProfile = featureGroup({
  name: 'user_profile',
  entity: user,
  source: users,
  features: (profile) => ({
    user_account_age_days: daysSince(profile.signed_up),
  }),
  description: 'What a customer told us',
  descriptions: { user_account_age_days: 'Whole days since the customer signed up' },
  owner: 'growth',
  tags: ['ranking'],
})

export const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orderLines,
  features: (line) => {
    const purchased = line.kind.eq('purchased')
    const returned = line.kind.eq('returned')
    const spent = sum(line.total).where(purchased).over('90d')
    const orders = countDistinct(line.order_id).where(purchased).over('90d')
    return {
      user_purchase_count_lifetime: count().where(purchased),
      user_order_value_avg_90d: ratio(spent, orders),
      user_category_top3_lifetime: topK(line.category, 3).where(purchased),
      user_return_rate_lifetime: ratio(count().where(returned), count().where(purchased)).orElse(0),
    }
  },
  description: 'What a customer bought and sent back',
  descriptions: {
    user_purchase_count_lifetime: 'Order lines bought, those sent back later included',
    user_order_value_avg_90d: 'Money of an order, of all its lines; null where there was none',
    user_category_top3_lifetime: 'The categories bought from most often, the first most often',
    user_return_rate_lifetime: 'Lines sent back for each line bought',
  },
  owner: 'growth',
  tags: ['ranking', 'money'],
})
