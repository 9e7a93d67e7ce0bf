import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { count, sum } from './aggregation.ts'
import { entity } from './entity.ts'
import { featureGroup } from './group.ts'
import { events } from './source.ts'

const trips = events('trips', { columns: { city_id: t.string(), day: t.string(), fare: t.float(), at: t.timestamp() }, time: 'at' })
const city = featureGroup({
  name: 'city',
  entity: entity('city', { city_id: t.string() }),
  source: trips,
  features: (trip) => ({ trips: count(), fares: sum(trip.fare) }),
})
const cityDay = featureGroup({
  name: 'city_day',
  entity: entity('city_day', { city_id: t.string(), day: t.string() }),
  source: trips,
  features: () => ({ trips: count() }),
})
const shown = ({ features, keys }: { features: object; keys: object }) => [features, keys]

test('features are picked, renamed by a prefix, and read by other keys', () => {
  const keys = { city_id: 'city_id' }
  assert.deepEqual(shown(city.pick('fares')), [{ fares: 'fares' }, keys])
  assert.deepEqual(shown(city.pick('fares', 'trips', 'fares')), [{ fares: 'fares', trips: 'trips' }, keys])
  assert.deepEqual(shown(city.as({})), [{ trips: 'trips', fares: 'fares' }, keys])
  const origin = city.as({ keys: { city_id: 'origin' }, prefix: 'origin_' })
  assert.deepEqual(shown(origin), [{ origin_trips: 'trips', origin_fares: 'fares' }, { city_id: 'origin' }])
  assert.deepEqual(shown(origin.pick('origin_fares')), [{ origin_fares: 'fares' }, { city_id: 'origin' }])
  assert.deepEqual(shown(city.pick('fares').as({ keys: { city_id: 'origin' }, prefix: 'origin_' })), shown(origin.pick('origin_fares')))
  assert.deepEqual(shown(origin.as({ prefix: 'the_' }).pick('the_origin_trips')), [{ the_origin_trips: 'trips' }, { city_id: 'origin' }])
  assert.deepEqual(cityDay.as({ keys: { day: 'date' } }).keys, { city_id: 'city_id', day: 'date' })
})

test('what is picked and renamed must be there', () => {
  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [() => city.pick('fare' as never), 'UNKNOWN_NAME', 'The group city has no feature fare; did you mean fares?'],
    [() => city.pick('constructor' as never), 'UNKNOWN_NAME', 'The group city has no feature constructor; there are trips, fares'],
    [
      () => city.as({ prefix: 'to_' }).pick('trips' as never),
      'UNKNOWN_NAME',
      'The group city has no feature trips; there are to_trips, to_fares',
    ],
    [() => city.as({ keys: { city: 'origin' } as never }), 'UNKNOWN_NAME', 'The entity city has no key city; there are city_id'],
    [
      () => city.as({ keys: { constructor: 'origin' } as never }),
      'UNKNOWN_NAME',
      'The entity city has no key constructor; there are city_id',
    ],
    [() => city.pick(), 'INVALID_DEFINITION', 'pick() names no feature (selection of city)'],
    [() => city.as({ keys: { city_id: 'Origin' } }), 'INVALID_DEFINITION', '"Origin" is not a valid key column name (city)'],
    [() => city.as({ keys: { city_id: '' } }), 'INVALID_DEFINITION', '"" is not a valid key column name (city)'],
    [() => city.as({ prefix: 'to-' }), 'INVALID_DEFINITION', '"to-trips" is not a valid feature name (selection of city)'],
    [
      () => city.as({ prefix: 'x'.repeat(60) }),
      'INVALID_DEFINITION',
      `"${'x'.repeat(60)}trips" is not a valid feature name (selection of city)`,
    ],
    [
      () => cityDay.as({ keys: { day: 'city_id' } }),
      'DUPLICATE_NAME',
      'Two keys of city_day have one name in city_id, city_id (selection of city_day)',
    ],
  ]
  for (const [select, code, message] of wrong) assert.throws(select, { code, message })
})

test('a selection cannot be changed, nor does it change what it was made of', () => {
  const origin = city.as({ keys: { city_id: 'origin' } })
  for (const part of [origin, origin.features, origin.keys]) assert.ok(Object.isFrozen(part))
  assert.deepEqual(city.keys, { city_id: 'city_id' })
})
