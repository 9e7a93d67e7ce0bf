import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { count } from './aggregation.ts'
import { entity, type KeyColumns } from './entity.ts'
import { featureGroup } from './group.ts'
import { viewHash } from './hash.ts'
import { onDemand } from './on-demand.ts'
import { events } from './source.ts'
import { featureView, selectionsOf } from './view.ts'

const orders = events('orders', {
  columns: {
    user_id: t.string(),
    user_number: t.integer(),
    item_id: t.string(),
    fee: t.decimal(9, 2),
    rate: t.decimal(9, 3),
    at: t.timestamp(),
  },
  time: 'at',
})
const group = <K extends KeyColumns, const Feature extends string>(name: string, keys: K, feature: Feature, columns: object = {}) =>
  featureGroup({
    name,
    entity: entity(name, keys),
    source: orders,
    keys: columns as never,
    features: () => ({ [feature]: count() }) as Record<Feature, ReturnType<typeof count>>,
  })
const user = group('user', { user_id: t.string() }, 'user_orders')
const item = group('item', { item_id: t.string() }, 'item_orders')
const hour = onDemand({
  name: 'hour',
  request: { hour: t.integer() },
  from: [item],
  features: { busy: t.float() },
  compute: () => ({ busy: 1 }),
})

/** What `featureView` throws for items that do not go together; as plain JavaScript, the compiler refuses most of them. */
const refused = (features: readonly unknown[], code: string, message: string, change: object = {}) =>
  assert.throws(() => featureView({ name: 'ranking', features, ...change } as never), {
    code,
    message: `${message} (feature view ranking)`,
    where: 'feature view ranking',
  })

test('a view has the keys and requests of its items, those behind on-demand views included, each once', () => {
  const view = featureView({ name: 'ranking', features: [user, hour, user.as({ keys: { user_id: 'seller_id' }, prefix: 'seller_' })] })
  assert.deepEqual(Object.keys(view.keys), ['user_id', 'item_id', 'seller_id'])
  assert.deepEqual(view.request, { hour: t.integer().data })
  assert.deepEqual(view.featureNames, ['user_orders', 'busy', 'seller_user_orders'])
  assert.deepEqual(
    selectionsOf(view).map((selection) => selection.group.name),
    ['user', 'item', 'user'],
  )
})

test('two features of one name', () => {
  const remedy = "Leave one out with pick(...), or rename with as({ prefix: '...' })."
  assert.throws(() => featureView({ name: 'ranking', features: [user, user.pick('user_orders' as never)] } as never), {
    code: 'DUPLICATE_NAME',
    message: 'The feature user_orders comes from user and from user (feature view ranking)',
    remedy,
  })
  const busy = group('busy_user', { user_id: t.string() }, 'busy')
  refused([hour, busy], 'DUPLICATE_NAME', 'The feature busy comes from hour and from busy_user')
})

test('a key that is also a feature or a request value', () => {
  refused([item, group('user', { user_id: t.string() }, 'item_id')], 'DUPLICATE_NAME', 'item_id is a key and also a feature')
  refused(
    [hour, item.as({ keys: { item_id: 'hour' }, prefix: 'by_hour_' } as never)],
    'DUPLICATE_NAME',
    'hour is a key and also a request value',
  )
  refused([hour, user.as({ keys: { user_id: 'busy' } } as never)], 'DUPLICATE_NAME', 'busy is a key and also a feature')
})

test('keys and request values of one name are of one kind', () => {
  const numbered = group('numbered', { user_id: t.integer() }, 'orders', { user_id: 'user_number' })
  refused([user, numbered], 'INVALID_DEFINITION', 'The key user_id is a string in one place and an integer in another')
  refused(
    [user, item.as({ keys: { item_id: 'user_id' } } as never), numbered],
    'INVALID_DEFINITION',
    'The key user_id is a string in one place and an integer in another',
  )
  const scaled = (name: string, type: ReturnType<typeof t.decimal>, column: string) =>
    group(name, { amount: type }, name, { amount: column })
  refused(
    [scaled('fees', t.decimal(9, 2), 'fee'), scaled('rates', t.decimal(9, 3), 'rate')],
    'INVALID_DEFINITION',
    'The key amount is a decimal(9, 2) in one place and a decimal(9, 3) in another',
  )
  const other = onDemand({ name: 'other', request: { hour: t.string() }, features: { late: t.boolean() }, compute: () => ({ late: true }) })
  refused([hour, other], 'INVALID_DEFINITION', 'The request value hour is an integer in one place and a string in another')
  const team = group('team', { constructor: t.string() }, 'team_orders', { constructor: 'user_id' })
  assert.deepEqual(Object.keys(featureView({ name: 'teams', features: [team] }).keys), ['constructor'])
})

test('items that are not there, or are something else', () => {
  refused([], 'INVALID_DEFINITION', 'A feature view needs a feature')
  refused([user, undefined], 'CIRCULAR_IMPORT', 'Item 2 is undefined')
  refused([user, orders], 'INVALID_DEFINITION', 'Item 2 is neither a feature group, a selection of one, nor an on-demand view')
  refused([null], 'INVALID_DEFINITION', 'Item 1 is neither a feature group, a selection of one, nor an on-demand view')
  refused([user], 'INVALID_DEFINITION', 'The version -1 is not a whole number from 1', { version: -1 })
  assert.throws(() => featureView({ name: 'Ranking', features: [user] }), {
    code: 'INVALID_DEFINITION',
    message: '"Ranking" is not a valid feature view name',
  })
})

test('a view cannot be changed', () => {
  const tags = ['shop']
  const view = featureView({ name: 'ranking', features: [user, hour], tags })
  tags.push('more')
  assert.deepEqual(view.tags, ['shop'])
  for (const part of [view, view.items, view.keys, view.keys.user_id, view.request, view.tags]) assert.ok(Object.isFrozen(part))
})

test('what stands for null is checked, and belongs to what the view means', () => {
  const withDefaults = (defaults: object) => featureView({ name: 'ranking', features: [user, hour], defaults } as never)
  const [first = ''] = withDefaults({}).featureNames
  assert.throws(() => withDefaults({ nothing: 1 }), { code: 'UNKNOWN_NAME', message: /default for nothing/ })
  assert.throws(() => withDefaults({ [first]: {} }), { code: 'INVALID_VALUE', message: new RegExp(`default of ${first}`) })
  assert.throws(() => withDefaults({ [first]: null }), { code: 'INVALID_VALUE' })
  const plain = featureView({ name: 'ranking', features: [user, hour] })
  assert.equal(viewHash(withDefaults({})), viewHash(plain))
  assert.notEqual(viewHash(withDefaults({ [first]: 5 })), viewHash(plain))
  assert.ok(Object.isFrozen(withDefaults({ [first]: 5 }).defaults))
})
