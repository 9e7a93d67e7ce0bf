import { featureView, type KeysOf, type RequestOf, type VectorOf } from 'lockstep'
import { context } from './context.ts'
import { userCart, userClicks, userRecency, userSearches } from './interaction.ts'
import { itemCatalogue, itemOrders, itemRatings } from './item.ts'
import { userOrders, userProfile } from './user.ts'

/** What the ranking model reads for a customer and an item. */
export const ranking = featureView({
  name: 'ranking',
  features: [userProfile, userOrders, itemCatalogue, itemRatings, itemOrders, userClicks, userCart, userSearches, userRecency, context],
  description: 'Will this customer buy this item within a day?',
  owner: 'growth',
})

/** Some of the same features, for the letter that is sent to loyal customers. */
export const loyalty = featureView({
  name: 'loyalty',
  features: [userProfile, userOrders.pick('user_purchase_count_lifetime', 'user_category_top3_lifetime')],
  owner: 'growth',
})

/** Inferred from the definitions; nothing is generated. */
export type RankingKeys = KeysOf<typeof ranking>
export type RankingRequest = RequestOf<typeof ranking>
export type RankingVector = VectorOf<typeof ranking>
