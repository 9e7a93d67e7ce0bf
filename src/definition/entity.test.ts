import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { entity } from './entity.ts'

test('an entity has one key column or several', () => {
  const trip = entity('trip', { city_id: t.integer(), day: t.date(), vendor: t.oneOf('a', 'b') }, { description: 'A ride' })
  assert.deepEqual(Object.keys(trip.keys), ['city_id', 'day', 'vendor'])
  assert.deepEqual(trip.keys.day, { kind: 'date', nullable: false })
  assert.equal(trip.description, 'A ride')
  for (const part of [trip, trip.keys, trip.keys.vendor, trip.keys.vendor?.values]) assert.ok(Object.isFrozen(part))
})

test('a key column must tell one from another', () => {
  const refused = (columns: object, message: string) =>
    assert.throws(() => entity('user', columns as never), {
      code: 'INVALID_DEFINITION',
      message: `${message} (entity user)`,
      where: 'entity user',
    })
  refused({}, 'An entity needs a key column')
  refused({ user_id: t.string().nullable() }, 'The key column user_id is nullable, which cannot identify anything')
  for (const type of [t.float(), t.list(t.string()), t.vector(2), t.struct()]) {
    refused({ user_id: type }, `The key column user_id is a ${type.data.kind}, which cannot identify anything`)
  }
  refused({ user_id: 'string' }, 'The key column user_id has no type')
  refused({ user_id: undefined }, 'The key column user_id has no type')
})

test('names', () => {
  assert.throws(() => entity('User', { user_id: t.string() }), { code: 'INVALID_DEFINITION', message: /"User" is not a valid entity name/ })
  assert.throws(() => entity('user', { userId: t.string() }), {
    code: 'INVALID_DEFINITION',
    message: /"userId" is not a valid key column name \(user\)/,
  })
})
