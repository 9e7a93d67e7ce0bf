import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { catalogueOf, count, type Definition, entity, events, featureGroup, featureView, onDemand } from '../definition/index.ts'
import type { Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { applyPlan } from './apply-plan.ts'
import { appliedCatalogue, usageSince } from './consumers.ts'
import { deprecate, lifeCycleSubject, remove } from './life-cycle.ts'
import { planChanges } from './plan-changes.ts'
import { restorable, restore } from './restore.ts'
import { rollBack } from './roll-back.ts'

const environment = 'dev'
const by = { by: 'ada', message: '' }
const checks = { 'name-window': 'off', 'name-entity': 'off', 'tag-flow': 'off' } as const

const user = entity('user', { user_id: t.string() })
const clicksOf = (...more: string[]) =>
  events('clicks', {
    columns: { user_id: t.string(), at: t.timestamp(), ...Object.fromEntries(more.map((name) => [name, t.string()])) },
    time: 'at',
  })
const groupOf = (minutes = 30, source = clicksOf(), version = 1) =>
  featureGroup({
    name: 'activity',
    version,
    entity: user,
    source,
    tags: ['growth'],
    features: () => ({ clicks: count().over(`${minutes}m`), recent: count().over('5m') }),
  })
const group = groupOf()
const context = onDemand({
  name: 'context',
  from: [group.pick('recent')],
  features: { twice: t.integer() },
  compute: ({ recent }) => ({ twice: recent * 2 }),
})
const ranking = featureView({ name: 'ranking', features: [group.pick('clicks')] })
const coded = featureView({ name: 'coded', features: [context] })
const other = featureView({
  name: 'other',
  features: [featureGroup({ name: 'pages', entity: user, source: clicksOf(), features: () => ({ pages: count().over('1h') }) })],
})

const plan = (registry: Registry, definitions: readonly Definition[]) =>
  planChanges({ registry, environment, definitions, checks, sample: 0 })
async function apply(registry: Registry, ...definitions: Definition[]) {
  const { plan: made } = await plan(registry, definitions)
  return await applyPlan(made, { registry, environment, definitions, checks, ...by })
}
const take = async (registry: Registry, name: string) => {
  const catalogue = (await appliedCatalogue(registry, environment)) ?? catalogueOf([ranking, coded])
  const subject = lifeCycleSubject(catalogue, name, environment)
  return await remove(registry, catalogue, environment, subject, { by: 'ada', since: usageSince(registry.clock.now()) })
}
const back = async (registry: Registry, name: string) =>
  (await restore(registry, environment, await restorable(registry, environment, name), { by: 'bob', reason: 'a mistake' })).id
const ids = async (registry: Registry) => [...((await registry.applies.head(environment))?.items.keys() ?? [])]
const stones = async (registry: Registry) => (await registry.lifeCycles.tombstones(environment)).map(({ id }) => id)
const audited = async (registry: Registry) => {
  const found: unknown[] = []
  for await (const { by: who, action, on, why } of registry.audit.list({ action: 'restore' })) found.push([who, action, on, why])
  return found
}

test('what is deprecated is active again, and the audit log says so', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const subject = lifeCycleSubject(catalogueOf([ranking]), 'clicks', environment)
  await deprecate(registry, environment, subject, 'ada', { reason: 'slow', removeAfter: '2999-01-01T00:00:00Z' })
  assert.equal(await back(registry, 'clicks'), 'activity@1.clicks')
  const cycle = await registry.lifeCycles.get(environment, 'activity@1.clicks')
  assert.deepEqual([cycle?.status, cycle?.removeAfter, cycle?.reason, cycle?.by], ['active', null, 'a mistake', 'bob'])
  assert.deepEqual(await audited(registry), [['bob', 'restore', 'activity@1.clicks', 'a mistake']])
  await assert.rejects(back(registry, 'clicks'), { code: 'UNKNOWN_NAME', message: /Nothing called clicks is deprecated or removed in dev/ })
})

test('a rollback to a view that reads a removed feature goes once the feature is restored', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, ranking, coded)
  await take(registry, 'view:ranking@1')
  await take(registry, 'activity@1.clicks')
  const rollback = () => rollBack({ registry, environment, to: 1, ...by })
  await assert.rejects(rollback(), { code: 'NAME_RETIRED', message: /It reads activity@1.clicks, which was removed/ })
  await assert.rejects(back(registry, 'view:ranking'), { code: 'NAME_RETIRED', message: /It reads activity@1.clicks, which was removed/ })
  assert.equal(await back(registry, 'activity@1.clicks'), 'activity@1.clicks')
  assert.deepEqual(await stones(registry), ['view:ranking@1'])
  await rollback()
  assert.ok((await ids(registry)).includes('view:ranking@1'))
  assert.deepEqual(await stones(registry), [])
})

test('so it does where the group left with the view', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, ranking, other)
  await take(registry, 'view:ranking@1')
  await take(registry, 'activity@1.clicks')
  await take(registry, 'group:activity@1')
  await assert.rejects(back(registry, 'view:ranking@1'), { code: 'NAME_RETIRED' })
  await back(registry, 'clicks')
  assert.equal(await back(registry, 'view:ranking@1'), 'view:ranking@1')
  assert.ok((await ids(registry)).includes('group:activity@1'))
  assert.deepEqual(await stones(registry), [])
  assert.equal((await registry.lifeCycles.get(environment, 'group:activity@1'))?.status, 'active')
  const [last] = await registry.applies.history(environment, { limit: 1 })
  assert.deepEqual([last?.kind, last?.by, last?.message], ['restore', 'bob', 'restored view:ranking@1'])
})

test('a view comes back with its code and group, and is current again where no other version is', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const first = await apply(registry, ranking, coded)
  await take(registry, 'view:coded@1')
  await take(registry, 'onDemand:context@1')
  assert.deepEqual((await restorable(registry, environment, 'view:coded')).target, { environment, on: 'view:coded', tags: [] })
  await back(registry, 'view:coded')
  const head = await registry.applies.head(environment)
  assert.deepEqual(head?.items, first.items)
  assert.deepEqual(head?.current, first.current)
  assert.deepEqual((await audited(registry)).length, 1)
})

test('what would mean something else does not come back, nor what another meaning took the name of', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, ranking, other)
  await take(registry, 'view:ranking@1')
  await take(registry, 'group:activity@1')
  // The source that it read is another one now.
  const wider = clicksOf('page')
  await take(registry, 'view:other@1')
  await take(registry, 'group:pages@1')
  await apply(
    registry,
    featureView({
      name: 'wide',
      features: [featureGroup({ name: 'wide', entity: user, source: wider, features: () => ({ wide: count().over('1h') }) })],
    }),
  )
  await assert.rejects(back(registry, 'view:ranking@1'), { code: 'NAME_RETIRED', message: /would mean something else/ })
  assert.deepEqual((await ids(registry)).includes('view:ranking@1'), false)
})

test('of several versions the highest is meant, and of features of several groups none', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const second = featureView({ name: 'ranking', version: 2, features: [groupOf(60, clicksOf(), 2).pick('clicks')] })
  await apply(registry, ranking, other)
  await apply(registry, second, other)
  const catalogue = catalogueOf([ranking, second, other])
  for (const name of ['activity@1.clicks', 'activity@2.clicks', 'view:ranking@1', 'view:ranking@2'])
    await deprecate(registry, environment, lifeCycleSubject(catalogue, name, environment), 'ada', { reason: 'old' })
  assert.equal(await back(registry, 'view:ranking'), 'view:ranking@2')
  assert.equal(await back(registry, 'view:ranking'), 'view:ranking@1')
  assert.equal(await back(registry, 'clicks'), 'activity@2.clicks')
  assert.equal(await back(registry, 'activity.clicks'), 'activity@1.clicks')
  await registry.lifeCycles.set(environment, { ...deprecated, id: 'taps@1.spare' }, 'deprecate')
  await registry.lifeCycles.set(environment, { ...deprecated, id: 'pages@1.spare' }, 'deprecate')
  await assert.rejects(back(registry, 'spare'), { code: 'UNKNOWN_NAME', message: 'spare is a feature of pages, taps' })
  assert.deepEqual((await restorableTarget(registry, catalogue)).target, { environment, on: 'group:activity', tags: ['growth'] })
})

const deprecated = { status: 'deprecated', replacement: null, removeAfter: null, reason: '', brownOuts: [], by: 'ada' } as const

async function restorableTarget(registry: Registry, catalogue: ReturnType<typeof catalogueOf>) {
  await deprecate(registry, environment, lifeCycleSubject(catalogue, 'activity@1.recent', environment), 'ada', { reason: 'old' })
  return await restorable(registry, environment, 'recent')
}

test('of a restoration and an apply at the same time one is refused', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, ranking, other)
  await take(registry, 'view:ranking@1')
  const subject = await restorable(registry, environment, 'view:ranking@1')
  const outcomes = await Promise.allSettled([
    restore(registry, environment, subject, { by: 'bob' }),
    restore(registry, environment, subject, { by: 'eve' }),
  ])
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []))
  assert.deepEqual(refused, ['REGISTRY_CONFLICT'])
})
