import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { catalogueOf, count, type Definition, entity, events, featureGroup, featureView } from '../definition/index.ts'
import type { Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { applyPlan } from './apply-plan.ts'
import { usageSince } from './consumers.ts'
import { impactOf } from './impact.ts'
import { lifeCycleSubject, remove } from './life-cycle.ts'
import { planChanges } from './plan-changes.ts'
import { registerModel } from './register-model.ts'
import { refuseRemoved } from './removed.ts'
import { restorable, restore } from './restore.ts'
import { WorkLog } from './work-log.ts'

const by = { by: 'ada', message: '' }
const checks = { 'name-window': 'off', 'name-entity': 'off' } as const
const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const group = featureGroup({
  name: 'activity',
  entity: user,
  source: clicks,
  features: () => ({ clicks: count().over('30m'), recent: count().over('5m') }),
})
const ranking = featureView({ name: 'ranking', features: [group] })
const other = featureView({ name: 'other', features: [group.pick('recent')] })

async function apply(registry: Registry, environment: string, ...definitions: Definition[]) {
  const options = { registry, environment, definitions, checks }
  const { plan } = await planChanges({ ...options, sample: 0 })
  return await applyPlan(plan, { ...options, ...by })
}
const take = (registry: Registry, environment: string, name: string) =>
  remove(registry, catalogueOf([]), environment, lifeCycleSubject(catalogueOf([ranking, other]), name, environment), {
    by: 'ada',
    since: usageSince(registry.clock.now()),
  })

/** A training set of `ranking@1` in dev, which is not live: only models hold. */
async function trained(registry: Registry, features = ['clicks', 'recent']) {
  const about = { view: 'ranking', version: 1, hash: '', labels: { hash: '', rows: 1 }, rows: 1, path: 'a', created: '', by: 'ada' }
  const id = await registry.trainingSets.record(registry.clock.now(), { ...about, features, environment: 'dev' })
  return await registry.trainingSets.retire(id)
}
async function register(registry: Registry, environments: string[], features?: string[]) {
  const trainingSet = await trained(registry, features)
  return await registerModel(registry, { name: 'ranker', trainingSet, environments, owner: 'growth', description: '', by: 'ada' })
}

test('a model holds what it reads where it was trained and where it reads, and nowhere else', async () => {
  await using own = freshRegistry()
  const { registry } = own
  for (const environment of ['dev', 'staging', 'prod']) await apply(registry, environment, ranking, other)
  const made = await register(registry, ['prod'])
  assert.deepEqual(made.environments, ['dev', 'prod'])
  const refused = { code: 'IN_USE', message: /the model ranker depends on it/ }
  for (const environment of ['dev', 'prod']) await assert.rejects(take(registry, environment, 'view:ranking@1'), refused, environment)
  const { items } = (await planChanges({ registry, environment: 'new', definitions: [ranking], checks, sample: 0 })).plan.difference
  const models = async (environment: string) => (await impactOf({ items, stored: [] }, registry, environment)).models.length
  assert.deepEqual([await models('prod'), await models('staging')], [1, 0])
  await take(registry, 'staging', 'view:ranking@1')
})

test('a model that was registered before this was asked holds everywhere', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, 'staging', ranking, other)
  const { id } = await trained(registry)
  const view = { name: 'ranking', version: 1 }
  await registry.models.register('ranker', { trainingSet: id, view, owner: '', description: '', by: 'ada' })
  await assert.rejects(take(registry, 'staging', 'view:ranking@1'), { code: 'IN_USE' })
})

test('a model of a view that was removed is refused, wherever it would read it, until the view is restored', async () => {
  await using own = freshRegistry()
  const { registry } = own
  for (const environment of ['dev', 'prod']) await apply(registry, environment, ranking, other)
  await take(registry, 'prod', 'view:ranking@1')
  await assert.rejects(register(registry, ['prod']), {
    code: 'NAME_RETIRED',
    message: 'ranking@1 was removed in prod',
    remedy: /lockstep restore view:ranking@1 --environment prod/,
  })
  await assert.rejects(register(registry, ['prd']), { code: 'UNKNOWN_NAME', message: /Nothing is applied in prd; did you mean prod\?/ })
  assert.deepEqual(await registry.models.list(), [])
  await register(registry, [])
  await restore(registry, 'prod', await restorable(registry, 'prod', 'view:ranking'), { by: 'ada' })
  assert.equal((await register(registry, ['prod'])).version, 2)
})

test('so is one of features that were removed; those that it does not read do not matter', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, 'dev', ranking, other)
  await apply(registry, 'prod', other)
  await take(registry, 'prod', 'activity@1.clicks')
  await assert.rejects(register(registry, ['prod']), {
    code: 'NAME_RETIRED',
    message: 'ranking@1 reads activity@1.clicks, which was removed in prod',
  })
  await register(registry, ['prod'], ['recent'])
})

test('of a registration and a removal that comes between one is refused, whichever ends first', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const { models, applies } = registry
  await apply(registry, 'dev', ranking, other)
  const [commit, append] = [models.register.bind(models), applies.append.bind(applies)]
  applies.append = async (given) => {
    applies.append = append
    await register(registry, [])
    return await append(given)
  }
  await assert.rejects(take(registry, 'dev', 'view:ranking@1'), { code: 'REGISTRY_CONFLICT' })
  await models.retire('ranker')
  models.register = async (...given) => {
    await take(registry, 'dev', 'view:ranking@1')
    return await commit(...given)
  }
  await assert.rejects(register(registry, []), { code: 'REGISTRY_CONFLICT' })
  assert.deepEqual(
    (await models.list()).map(({ versions }) => versions.map(({ live }) => live)),
    [[false]],
  )
})

test('a training set of what was removed is not recorded, and it is said why', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, 'dev', ranking, other)
  const warnings: unknown[] = []
  const log = new WorkLog({
    registry: () => registry,
    environment: 'dev',
    by: () => 'ada',
    now: () => registry.clock.now(),
    warn: (error) => warnings.push(error),
  })
  const about = { view: 'ranking', version: 1, hash: '', features: ['clicks'], labels: { hash: '', rows: 1 }, rows: 1, path: 'a' }
  assert.notEqual(await log.trainingSet(about), null)
  const [set] = await registry.trainingSets.list()
  await registry.trainingSets.retire(set?.id ?? '')
  await take(registry, 'dev', 'view:ranking@1')
  assert.equal(await log.trainingSet(about), null)
  assert.deepEqual(
    warnings.map((error) => (error as Error).message),
    ['ranking@1 was removed in dev'],
  )
  const read = { name: 'ranking', version: 1, features: ['clicks'] }
  await assert.rejects(refuseRemoved(registry, 'dev', read, catalogueOf([ranking])), { code: 'NAME_RETIRED' })
})
