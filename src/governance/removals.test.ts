import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { catalogueOf, count, type Definition, entity, events, featureGroup, featureView, onDemand } from '../definition/index.ts'
import type { LockstepError } from '../errors.ts'
import type { Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { applyPlan } from './apply-plan.ts'
import { appliedCatalogue, usageSince } from './consumers.ts'
import { withEverApplied } from './ever-applied.ts'
import { deprecate, lifeCycleSubject, remove } from './life-cycle.ts'
import { hasChanges, planChanges } from './plan-changes.ts'
import { rollBack } from './roll-back.ts'
import { switchVersion } from './switch-version.ts'

const by = { by: 'ada', message: '' }
const checks = { 'name-window': 'off', 'name-entity': 'off' } as const
const code = (expected: string) => (error: LockstepError) => error.code === expected

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const about = { entity: user, source: clicks }
const groupOf = (version = 1, minutes = 30) =>
  featureGroup({
    name: 'activity',
    version,
    entity: user,
    source: clicks,
    features: () => ({ clicks: count().over(`${minutes}m`), recent: count().over('5m') }),
  })
const group = groupOf()
const context = onDemand({
  name: 'context',
  from: [group.pick('recent')],
  features: { twice: t.integer() },
  compute: ({ recent }) => ({ twice: (recent ?? 0) * 2 }),
})
/** A view that reads `clicks` directly, and another one that reads `recent` by code alone. */
const ranking = featureView({ name: 'ranking', features: [group.pick('clicks')] })
const coded = featureView({ name: 'coded', features: [context] })
const both = [ranking, coded]

const plan = (registry: Registry, definitions: readonly Definition[], environment = 'dev') =>
  planChanges({ registry, environment, definitions, checks, sample: 0 })
async function apply(registry: Registry, definitions: readonly Definition[], { environment = 'dev', force = false } = {}) {
  const { plan: made } = await plan(registry, definitions, environment)
  return await applyPlan(made, { registry, environment, definitions, checks, force, ...by })
}
/** As commands do: by what is applied, whatever the files say. */
async function take(registry: Registry, name: string, { environment = 'dev', force = false, files = [] as Definition[] } = {}) {
  const catalogue = (await appliedCatalogue(registry, environment)) ?? catalogueOf(files)
  const subject = lifeCycleSubject(catalogue, name, environment)
  // What a caller passes does not count once something is applied.
  return await remove(registry, catalogueOf(files), environment, subject, { by: 'ada', since: usageSince(registry.clock.now()), force })
}
const read = async (registry: Registry, view: string, version = 1, features = ['clicks']) => {
  const now = registry.clock.now()
  const count = { caller: 'shop', model: '', view, version, features, requests: 1, vectors: 1, first: now, last: now }
  await registry.usage.write('dev', Math.floor(now / 86_400_000_000), 'test', [count])
}
const statusOf = async (registry: Registry, id: string) => (await registry.lifeCycles.get('dev', id))?.status
const stonesOf = async (registry: Registry, environment = 'dev') => (await registry.lifeCycles.tombstones(environment)).map(({ id }) => id)
const audited = async (registry: Registry, action: string) => {
  const found = []
  for await (const entry of registry.audit.list({ action })) found.push(entry)
  return found
}

test('what a view pins is not removed, also where the code of the view is not there or the files know nothing of it', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, both)
  const pinned = { code: 'IN_USE', message: /the views coded@1, ranking@1 pin it/ }
  await assert.rejects(take(registry, 'group:activity@1'), pinned)
  await assert.rejects(take(registry, 'group:activity@1', { force: true }), pinned)
  await assert.rejects(take(registry, 'activity@1.recent'), { code: 'IN_USE', message: /the view coded@1 pins it/ })
  await assert.rejects(take(registry, 'onDemand:context@1'), { code: 'IN_USE', message: /the view coded@1 pins it/ })
  assert.equal((await registry.applies.head('dev'))?.apply, 1)
})

test('no commit leaves what refers to something that is not there', async () => {
  await using own = freshRegistry()
  const { applies } = own.registry
  const base = await apply(own.registry, both)
  const items = await applies.items(base)
  const without = (...ids: string[]) => new Map([...items].filter(([id]) => !ids.includes(id)))
  for (const id of ['group:activity@1', 'source:clicks', 'onDemand:context@1'])
    await assert.rejects(applies.append({ environment: 'dev', base, snapshot: without(id), kind: 'apply', ...by }), code('IN_USE'))
  await assert.rejects(
    applies.append({ environment: 'new', base: null, snapshot: without('group:activity@1'), kind: 'promote', ...by }),
    code('IN_USE'),
  )
})

test('on-demand views, and features of theirs, are deprecated and removed like others', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, both)
  const catalogue = catalogueOf(both)
  for (const name of ['onDemand:context', 'context.twice'])
    assert.equal(
      (await deprecate(registry, 'dev', lifeCycleSubject(catalogue, name, 'dev'), 'ada', { reason: 'slow' })).status,
      'deprecated',
    )
  await take(registry, 'view:coded@1')
  await take(registry, 'context@1.twice')
  await take(registry, 'onDemand:context@1')
  const head = await registry.applies.head('dev')
  assert.deepEqual([...(head?.items.keys() ?? [])], ['entity:user', 'group:activity@1', 'source:clicks', 'view:ranking@1'])
  await assert.rejects(take(registry, 'activity@1.recent', { environment: 'prod' }), code('UNKNOWN_NAME'))
  await take(registry, 'activity@1.recent')
})

test('apply, promote and rollback remove nothing that somebody depends on, unless they are told to, which the audit log says', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const refused = { code: 'IN_USE', message: /shop read it by coded@1/ }
  await apply(registry, [ranking])
  await apply(registry, both)
  await read(registry, 'coded', 1, ['twice'])
  await assert.rejects(apply(registry, [ranking]), refused)
  await assert.rejects(rollBack({ registry, environment: 'dev', ...by }), refused)
  assert.equal((await registry.applies.head('dev'))?.apply, 2)
  const head = await rollBack({ registry, environment: 'dev', force: true, ...by })
  assert.equal(head.items.has('view:coded@1'), false)
  assert.deepEqual(
    (await audited(registry, 'rollback')).map(({ after }) => /shop read it/.test(JSON.stringify(after))),
    [true],
  )
  await assert.rejects(take(registry, 'view:coded@1'), code('UNKNOWN_NAME'))
})

test('what was promised to stay does until its day, whichever way it is to go', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, both)
  const subject = lifeCycleSubject(catalogueOf(both), 'view:coded@1', 'dev')
  await deprecate(registry, 'dev', subject, 'ada', { reason: 'slow', removeAfter: '2999-01-01T00:00:00Z' })
  await assert.rejects(apply(registry, [ranking]), { code: 'IN_USE', message: /promised to stay until 2999/ })
  await assert.rejects(take(registry, 'view:coded@1'), { code: 'IN_USE', message: /promised to stay until 2999/ })
  await take(registry, 'view:coded@1', { force: true })
  assert.match((await audited(registry, 'remove'))[0]?.why ?? '', /forced, though it was promised/)
})

test('a live model keeps its view, also once its training set is retired', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, both)
  const about = { version: 1, hash: '', labels: { hash: '', rows: 1 }, rows: 1, created: '', by: 'ada', environment: 'dev' }
  const set = await registry.trainingSets.record(own.clock.now, { ...about, view: 'ranking', features: ['clicks'], path: 'a' })
  const view = { name: 'ranking', version: 1 }
  await registry.models.register('ranker', { trainingSet: set, view, owner: '', description: '', by: 'ada' })
  await registry.trainingSets.retire(set)
  const refused = { code: 'IN_USE', message: /: the model ranker depends on it( \(view ranking@1\))?$/ }
  await assert.rejects(take(registry, 'view:ranking@1'), refused)
  await assert.rejects(apply(registry, [coded]), refused)
  await registry.models.retire('ranker')
  await take(registry, 'view:ranking@1')
})

test('what a rollback or an apply brings back is active again, and can be removed again; another meaning is refused', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, both)
  await take(registry, 'view:coded@1')
  assert.deepEqual([await statusOf(registry, 'view:coded@1'), await stonesOf(registry)], ['removed', ['view:coded@1']])
  await rollBack({ registry, environment: 'dev', ...by })
  assert.deepEqual([await statusOf(registry, 'view:coded@1'), await stonesOf(registry)], ['active', []])
  await apply(registry, [ranking])
  assert.equal(await statusOf(registry, 'view:coded@1'), 'removed')
  assert.deepEqual(await stonesOf(registry), ['onDemand:context@1', 'view:coded@1'])
  await apply(registry, both)
  assert.deepEqual([await statusOf(registry, 'view:coded@1'), await stonesOf(registry)], ['active', []])
  await take(registry, 'view:coded@1')
  const other = featureView({ name: 'coded', features: [group.pick('clicks')] })
  await assert.rejects(apply(registry, [ranking, other]), code('NAME_RETIRED'))
  assert.deepEqual(
    (await registry.applies.history('dev')).map(({ kind }) => kind),
    ['remove', 'apply', 'apply', 'rollback', 'remove', 'apply'],
  )
})

test('of an apply that reads a feature and its removal at the same time one is refused', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, [ranking, featureGroup({ ...about, name: 'other', features: () => ({ spare: count().over('1h') }) })])
  const spare = featureGroup({ ...about, name: 'other', features: () => ({ spare: count().over('1h') }) })
  const reader = featureView({ name: 'reader', features: [spare] })
  for (const order of [0, 1]) {
    const { plan: made, ...planned } = await plan(registry, [ranking, reader])
    const definitions = [ranking, reader]
    const work = [
      () => applyPlan(made, { registry, environment: 'dev', definitions, checks, planned: { plan: made, ...planned }, ...by }),
      () => take(registry, 'other@1.spare'),
    ]
    const outcomes = await Promise.allSettled(order === 0 ? work.map((each) => each()) : work.toReversed().map((each) => each()))
    const isRead = (await registry.applies.head('dev'))?.items.has('view:reader@1') ?? false
    const isRemoved = (await statusOf(registry, 'other@1.spare')) === 'removed'
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.notEqual(isRead, isRemoved)
    if (isRemoved) break
    await take(registry, 'view:reader@1')
  }
})

test('a plan that was made before a feature was removed is not applied after', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const spare = featureGroup({ ...about, name: 'other', features: () => ({ spare: count().over('1h') }) })
  await apply(registry, [ranking, spare])
  const definitions = [ranking, featureView({ name: 'reader', features: [spare] })]
  const planned = await plan(registry, definitions)
  await take(registry, 'other@1.spare')
  await assert.rejects(
    applyPlan(planned.plan, { registry, environment: 'dev', definitions, checks, planned, ...by }),
    code('REGISTRY_CONFLICT'),
  )
})

test('a promotion takes the versions that are current there, of views that are new; those that are current here stay', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const second = featureView({ name: 'ranking', version: 2, features: [groupOf(2, 60).pick('clicks')] })
  await apply(registry, [ranking])
  const dev = await apply(registry, [ranking, second])
  const promote = async (environment: string, definitions: readonly Definition[]) => {
    const options = { registry, environment, definitions, checks, sample: 0, current: dev.current }
    const planned = await planChanges(options)
    return { plan: planned.plan, head: await applyPlan(planned.plan, { ...options, ...by, kind: 'promote', planned }) }
  }
  const first = await promote('prod', [ranking, second])
  assert.deepEqual([first.plan.current, first.head.current.get('ranking')], [{ ranking: 1 }, 1])
  await apply(registry, [second], { environment: 'staging' })
  const later = await promote('staging', [ranking, second])
  assert.deepEqual([later.plan.current, later.head.current.get('ranking')], [{}, 2])
  assert.equal(hasChanges((await plan(registry, [ranking, second], 'prod')).plan), false)
})

test('one rollback after another goes back step by step, and says which version is current again', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const second = featureView({ name: 'ranking', version: 2, features: [groupOf(2, 60).pick('clicks')] })
  await apply(registry, [ranking])
  await apply(registry, [ranking, second])
  await switchVersion(registry, second, { environment: 'dev', unmaterialized: [], ...by })
  const back: unknown[] = []
  const step = () =>
    rollBack({
      registry,
      environment: 'dev',
      ...by,
      review: async ({ to, difference, current }) => {
        back.push([to, difference.items.length, current])
      },
    })
  await step()
  const head = await step()
  assert.deepEqual(back, [
    [2, 0, [{ view: 'ranking', before: 2, after: 1 }]],
    [1, 2, []],
  ])
  assert.equal(head.items.has('view:ranking@2'), false)
  await assert.rejects(step(), code('INVALID_ARGUMENT'))
})

test('what is removed in one environment is there in another; and each meaning that a name had may come back', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const described = (description: string) => [featureView({ name: 'ranking', description, features: [groupOf().pick('recent')] })]
  for (const environment of ['dev', 'prod']) await apply(registry, described(''), { environment })
  await apply(registry, [groupOf(1), user])
  await take(registry, 'activity@1.recent')
  assert.deepEqual([await stonesOf(registry, 'prod'), (await stonesOf(registry)).length], [[], 2])
  await apply(registry, described('In other words'), { environment: 'prod' })
  await assert.rejects(apply(registry, described('In other words')), code('NAME_RETIRED'))

  const two = [groupOf(1, 30), groupOf(2, 60)]
  await apply(registry, two, { environment: 'test' })
  for (const version of [1, 2]) await take(registry, `activity@${version}.clicks`, { environment: 'test' })
  const refusals = async (minutes: number) =>
    (await plan(registry, [...two, groupOf(3, minutes)], 'test')).plan.refusals.map((one) => one.code)
  assert.deepEqual([await refusals(30), await refusals(60), await refusals(90)], [[], [], ['NAME_RETIRED']])
})

test('groups that were applied once are known when a subject is forgotten', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const old = featureGroup({
    ...about,
    name: 'old',
    source: { ...clicks, name: 'taps' } as typeof clicks,
    features: () => ({ taps: count().over('1h') }),
  })
  await apply(registry, [ranking, old])
  await apply(registry, [ranking])
  await apply(registry, both)
  const { groups, sources } = await withEverApplied(catalogueOf(both), registry, 'dev')
  assert.deepEqual(
    [groups.map(({ name }) => name), sources.map(({ name }) => name)],
    [
      ['activity', 'old'],
      ['clicks', 'taps'],
    ],
  )
  assert.equal((await withEverApplied(catalogueOf(both), registry, 'prod')).groups.length, 1)
})

test('the time for which callers count is only made longer', () => {
  const day = 86_400_000_000
  assert.deepEqual([usageSince(100 * day), usageSince(100 * day, '40d')], [70 * day, 60 * day])
  assert.throws(() => usageSince(100 * day, '29d'), code('INVALID_ARGUMENT'))
})

test('the current version of a view goes only after a switch to another, or where that is forced', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const second = featureView({ name: 'ranking', version: 2, status: 'draft', features: [group.pick('recent')] })
  await apply(registry, [ranking])
  await apply(registry, [second])
  const currentOf = async () => (await registry.applies.head('dev'))?.current.get('ranking')
  assert.equal(await currentOf(), 1, 'an apply that defines it no more keeps it')
  const isHint = ({ code: coded, message, remedy }: LockstepError) =>
    coded === 'IN_USE' && /current version of ranking, and ranking@2 would/.test(message) && /lockstep switch ranking 2\./.test(remedy)
  await assert.rejects(take(registry, 'view:ranking@1'), isHint)
  assert.equal(await currentOf(), 1)
  await take(registry, 'view:ranking@1', { force: true })
  assert.equal(await currentOf(), 2)
  assert.match((await audited(registry, 'remove'))[0]?.why ?? '', /forced, though it is the current version of ranking/)
  await take(registry, 'view:ranking@2')
})

test('a forced removal that is refused names only what no force sets aside', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, both)
  await read(registry, 'coded', 1, ['twice'])
  const refusal = async (force: boolean) => {
    const error = await take(registry, 'activity@1.recent', { force }).catch((thrown: LockstepError) => thrown)
    return 'remedy' in error ? `${error.message} ${error.remedy}` : ''
  }
  assert.match(await refusal(false), /coded@1 pins it; shop read it .*Wait, or move readers/)
  const forced = await refusal(true)
  assert.match(forced, /coded@1 pins it.*lockstep remove view:coded@1/)
  assert.doesNotMatch(forced, /shop|Wait|--force/)
})
