import assert from 'node:assert/strict'
import { test } from 'node:test'
import { t } from '../schema/index.ts'
import { count } from './aggregation.ts'
import { entity } from './entity.ts'
import { featureGroup } from './group.ts'
import { onDemand } from './on-demand.ts'
import { events } from './source.ts'

const orders = events('orders', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const user = featureGroup({
  name: 'user',
  entity: entity('user', { user_id: t.string() }),
  source: orders,
  features: () => ({ orders: count() }),
})
const options = {
  name: 'context',
  request: { hour: t.integer() },
  from: [user],
  features: { busy: t.float() },
  compute: () => ({ busy: 1 }),
}

/** What `onDemand` throws for options of which some are wrong; as plain JavaScript, the compiler refuses most of them. */
const refused = (change: object, code: string, message: string) =>
  assert.throws(() => onDemand({ ...options, ...change } as never), {
    code,
    message: `${message} (on-demand view context)`,
    where: 'on-demand view context',
  })

test('an on-demand view is data beside its code, and cannot be changed', () => {
  const context = onDemand({ ...options, tags: ['now'] })
  assert.deepEqual([context.version, context.request.hour, context.features.busy], [1, t.integer().data, t.float().data])
  assert.match(context.code, /^[0-9a-f]{32}$/)
  for (const part of [context, context.request, context.features, context.from, context.tags]) assert.ok(Object.isFrozen(part))
})

test('compute is a plain function that answers at once', () => {
  refused({ compute: undefined }, 'INVALID_DEFINITION', 'compute is not a function')
  refused({ compute: async () => ({ busy: 1 }) }, 'INVALID_DEFINITION', 'compute must be a plain synchronous function')
  refused({ compute: function* () {} }, 'INVALID_DEFINITION', 'compute must be a plain synchronous function')
  refused({ compute: async function* () {} }, 'INVALID_DEFINITION', 'compute must be a plain synchronous function')
})

test('names, types and versions', () => {
  refused({ features: {} }, 'INVALID_DEFINITION', 'An on-demand view needs a feature')
  refused({ features: { busy: 'float' } }, 'INVALID_DEFINITION', 'The feature busy has no type')
  refused({ features: { Busy: t.float() } }, 'INVALID_DEFINITION', '"Busy" is not a valid feature name')
  refused({ request: { hour: undefined } }, 'INVALID_DEFINITION', 'The request value hour has no type')
  refused({ request: { 'the hour': t.integer() } }, 'INVALID_DEFINITION', '"the hour" is not a valid request value name')
  refused({ version: 0 }, 'INVALID_DEFINITION', 'The version 0 is not a whole number from 1')
  assert.throws(() => onDemand({ ...options, name: 'Context' }), {
    code: 'INVALID_DEFINITION',
    message: '"Context" is not a valid on-demand view name',
  })
})

test('what it reads', () => {
  refused({ from: [user, undefined] }, 'CIRCULAR_IMPORT', 'Item 2 is undefined')
  refused({ from: [orders] }, 'INVALID_DEFINITION', 'Item 1 is neither a feature group, a selection of one, nor an on-demand view')
  refused({ from: [user, user.pick('orders')] }, 'DUPLICATE_NAME', 'The feature orders comes from user and from user')
  assert.equal(onDemand({ ...options, from: [user, user.as({ keys: { user_id: 'seller' }, prefix: 'seller_' })] }).from.length, 2)
})
