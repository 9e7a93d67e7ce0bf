import { onDemand, t } from 'lockstep'
import { stores } from '../data/places.ts'
import { itemCatalogue } from './item.ts'
import { userOrders } from './user.ts'

interface Place {
  readonly latitude: number
  readonly longitude: number
}

const earthRadius = 6_371.0088
const radians = (degrees: number) => (degrees * Math.PI) / 180

/** Kilometres along the surface of a sphere of the Earth's mean radius: the haversine formula. */
function distance(from: Place, to: Place): number {
  const haversine = (angle: number) => Math.sin(angle / 2) ** 2
  const [north, south] = [radians(from.latitude), radians(to.latitude)]
  const share = haversine(north - south) + Math.cos(north) * Math.cos(south) * haversine(radians(from.longitude - to.longitude))
  return 2 * earthRadius * Math.asin(Math.sqrt(Math.min(1, share)))
}

/** To the metre: sines differ in their last bits from one engine to another, which a model must not see. */
const toTheMetre = (kilometres: number) => Math.round(kilometres * 1_000) / 1_000

/** Plain TypeScript over the request and other features. It runs for every training row and for every request. */
export const context = onDemand({
  name: 'context',
  request: { latitude: t.float().range(-90, 90), longitude: t.float().range(-180, 180) },
  from: [userOrders.pick('user_order_value_avg_90d'), itemCatalogue.pick('item_price')],
  features: {
    distance_to_nearest_store_km: t.float(),
    price_vs_order_value_avg: t.float().nullable(),
  },
  compute: ({ user_order_value_avg_90d: orderValue, item_price: price }, here) => ({
    distance_to_nearest_store_km: toTheMetre(Math.min(...stores.map((store) => distance(here, store)))),
    price_vs_order_value_avg: price === null || !orderValue ? null : Number(price) / orderValue,
  }),
  description: 'What depends on where the customer is, and on who looks at which item',
  owner: 'growth',
  tags: ['ranking'],
})
