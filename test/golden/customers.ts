import { entity, featureGroup, table } from '../../src/definition/index.ts'
import { t } from '../../src/schema/index.ts'

export const customer = entity('customer', { customer_id: t.integer() })
export const driver = entity('driver', { driver_id: t.integer() })

export const customers = table('customers', {
  columns: { customer_id: t.integer(), at: t.timestamp(), created: t.timestamp().nullable(), value: t.integer().nullable() },
  time: 'at',
  created: 'created',
})
export const drivers = table('drivers', {
  columns: { driver_id: t.integer(), at: t.timestamp(), created: t.timestamp().nullable(), rating: t.integer() },
  time: 'at',
  created: 'created',
})

export const forEver = featureGroup({
  name: 'customer_value',
  entity: customer,
  source: customers,
  features: (row) => ({ value: row.value }),
})
export const forADay = featureGroup({
  name: 'customer_day',
  entity: customer,
  source: customers,
  ttl: '86400s',
  features: (row) => ({ value: row.value }),
})
export const driverForEver = featureGroup({
  name: 'driver_rating',
  entity: driver,
  source: drivers,
  features: (row) => ({ rating: row.rating }),
})
export const driverForADay = featureGroup({
  name: 'driver_day',
  entity: driver,
  source: drivers,
  ttl: '86400s',
  features: (row) => ({ rating: row.rating }),
})
