import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { catalogueOf, count, type Definition, entity, events, featureGroup, featureView, rows, sum, topic } from '../definition/index.ts'
import type { LockstepError } from '../errors.ts'
import type { Duration } from '../lib/duration.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { policy } from '../plan/index.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { type AuditEntry, exportRegistry, importRegistry, Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { applyPlan } from './apply-plan.ts'
import { hasChanges, planChanges } from './plan-changes.ts'
import { rollBack } from './roll-back.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-plan-'))
const registries: Registry[] = []
after(async () => {
  await Promise.all(registries.map((one) => one.close()))
  rmSync(folder, { recursive: true })
})
function newRegistry(path = join(folder, `${registries.length}.sqlite`)): Registry {
  const made = new Registry(sqliteDocumentStore({ path }))
  registries.push(made)
  return made
}

const minute = (minutes: number) => new Date(Date.UTC(2026, 2, 1) + minutes * 60_000).toISOString()
/** User u has ten events, one every u minutes. */
const clicked = Array.from({ length: 40 }, (_, index) => index + 1).flatMap((id) =>
  Array.from({ length: 10 }, (_, each) => ({ user_id: id, weight: each, at: minute(id * each) })),
)
const user = entity('user', { user_id: t.integer() })

const clicksIn = (zone: string, name = 'clicks') =>
  events(name, {
    columns: { user_id: t.integer(), weight: t.integer(), at: t.timestamp() },
    time: 'at',
    timeZone: zone,
    history: rows(clicked),
  })

function project(window: Duration, version = 1, { owner = 'growth', zone = 'UTC', source = 'clicks' } = {}): Definition[] {
  const clicks = clicksIn(zone, source)
  const about = { description: 'Clicks', owner }
  const activity = featureGroup({
    name: 'user_activity',
    version,
    entity: user,
    source: clicks,
    features: (click) => ({ user_click_count: count().over(window), user_weight_sum_lifetime: sum(click.weight) }),
    ...about,
  })
  return [featureView({ name: 'ranking', version, features: [activity], ...about })]
}

const environment = 'dev'
const by = { by: 'ada', message: '' }
const scratch = memoryOnlineStore
const code = (expected: string) => (error: LockstepError) => error.code === expected
const checks = { 'name-window': 'off' } as const

async function apply(registry: Registry, definitions: readonly Definition[], more: object = {}) {
  const { plan } = await planChanges({ registry, environment, definitions, checks, sample: 0, ...more })
  return await applyPlan(plan, { registry, environment, definitions, checks, ...by, ...more })
}

test('one window from 30 to 60 minutes: values change, who is touched, what it costs, and how many real values differ', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const now = registry.clock.now()
  const read = {
    caller: 'shop',
    model: 'ranker',
    view: 'ranking',
    version: 1,
    features: ['user_click_count'],
    requests: 3,
    vectors: 3,
    first: now,
    last: now,
  }
  await registry.usage.write(environment, Math.floor(now / 86_400_000_000), 'server-1', [read])
  const { plan } = await planChanges({ registry, environment, definitions: project('60m'), checks, scratch })
  assert.ok(hasChanges(plan))
  const [group, view] = plan.difference.items
  assert.deepEqual([group?.id, group?.effect, group?.views], ['group:user_activity@1', 'values', ['view:ranking@1']])
  assert.deepEqual(group?.parts, [{ name: 'user_click_count', effect: 'values', before: 'count() over 30m', after: 'count() over 1h' }])
  assert.deepEqual([view?.id, view?.effect, view?.because], ['view:ranking@1', 'values', ['group:user_activity@1']])
  assert.deepEqual(plan.difference.stored, [{ group: 'user_activity@1', state: 'invalid' }])
  assert.deepEqual(plan.impact.views, ['ranking@1'])
  assert.deepEqual(plan.impact.callers, [{ caller: 'shop', model: 'ranker', view: 'ranking@1', last: now }])
  const [cost] = plan.cost
  assert.deepEqual([cost?.group, cost?.rows, cost?.from], ['user_activity@1', clicked.length, 'sample'])
  assert.ok(cost && cost.seconds !== null && cost.seconds > 0 && cost.bytes !== null && cost.bytes > 0)
  const differ = Object.fromEntries(
    plan.comparisons[0]?.comparison?.features.map((one) => [one.feature, one.different / one.compared]) ?? [],
  )
  assert.equal(differ.user_weight_sum_lifetime, 0)
  assert.ok((differ.user_click_count ?? 0) > 0.5)
  assert.deepEqual(
    plan.refusals.map((refusal) => [refusal.code, refusal.where]),
    [
      ['IMMUTABLE_VERSION', 'feature group user_activity'],
      ['IMMUTABLE_VERSION', 'feature view ranking'],
    ],
  )
  assert.match(plan.refusals[0]?.remedy ?? '', /version: 2 in feature group user_activity/)
  await assert.rejects(apply(registry, project('60m')), code('IMMUTABLE_VERSION'))
})

test('what is compared and measured has limits, and a plan says what it left out', async () => {
  const registry = newRegistry()
  const clicks = clicksIn('UTC')
  const several = (window: Duration, version: number): Definition[] =>
    ['one', 'two', 'three'].map((name) =>
      featureGroup({ name, version, entity: user, source: clicks, features: () => ({ user_click_count: count().over(window) }) }),
    )
  await apply(registry, several('30m', 1))
  const plan = async (limits: object) =>
    (await planChanges({ registry, environment, definitions: several('60m', 2), checks, scratch, ...limits })).plan
  const limited = await plan({ compared: 1, measured: 1 })
  assert.deepEqual([limited.comparisons.map(({ group }) => group), limited.uncompared], [['one@2'], ['three@2', 'two@2']])
  assert.deepEqual(
    limited.cost.map(({ group, from, seconds, bytes }) => [group, from, seconds?.toFixed(9), bytes]),
    ['one@2', 'three@2', 'two@2'].map((group, place) => [
      group,
      place === 0 ? 'sample' : 'others',
      limited.cost[0]?.seconds?.toFixed(9),
      limited.cost[0]?.bytes,
    ]),
  )
  const whole = await plan({})
  assert.deepEqual([whole.comparisons.length, whole.uncompared, whole.cost.map(({ from }) => from)], [3, [], Array(3).fill('sample')])
})

test('with a new version both are there, the old one is current; what runs told is the estimate', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const run = { kind: 'materialize', environment, by: 'ada', started: minute(0), outcome: 'done', error: null } as const
  await registry.runs.record(registry.clock.now(), { ...run, subject: 'user_activity@1', seconds: 20, rows: 10, bytes: 1000 })
  const definitions = project('60m', 2)
  const { plan } = await planChanges({ registry, environment, definitions, checks, scratch })
  assert.deepEqual(plan.refusals, [])
  assert.deepEqual(plan.kept, ['group:user_activity@1', 'view:ranking@1'])
  const [cost] = plan.cost
  assert.deepEqual([cost?.from, cost?.seconds, cost?.bytes], ['runs', 2 * (cost?.keys ?? 0), 100 * (cost?.keys ?? 0)])
  assert.deepEqual(
    plan.comparisons.map(({ before, group }) => [before, group]),
    [['user_activity@1', 'user_activity@2']],
  )
  const head = await applyPlan(plan, { registry, environment, definitions, checks, ...by })
  assert.deepEqual([head.apply, head.current.get('ranking'), head.items.has('group:user_activity@1')], [2, 1, true])
  assert.equal((await rollBack({ registry, environment, ...by })).items.has('group:user_activity@2'), false)
  assert.deepEqual(
    (await registry.applies.history(environment)).map(({ kind, message }) => [kind, message]),
    [
      ['rollback', 'back to apply 1'],
      ['apply', ''],
      ['apply', ''],
    ],
  )
  assert.deepEqual(
    (await registry.runs.list({ environment, limit: 2 })).map(({ kind }) => kind),
    ['rollback', 'apply'],
  )
})

test('a feature that is there already is named where another like it is added', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const [view] = project('30m')
  const again = featureGroup({
    name: 'user_again',
    entity: user,
    source: catalogueOf(project('30m')).sources[0] as never,
    features: () => ({ user_clicks_35m: count().over('35m'), user_clicks_7d: count().over('7d') }),
  })
  const { plan } = await planChanges({ registry, environment, definitions: [view as Definition, again], checks, sample: 0 })
  assert.deepEqual(
    plan.similar.map(({ feature, like }) => [feature, like.map(({ id }) => id)]),
    [['user_again@1.user_clicks_35m', ['user_activity@1.user_click_count']]],
  )
})

test('an owner is applied without a new version, and nothing is built again', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const definitions = project('30m', 1, { owner: 'ranking' })
  const { plan } = await planChanges({ registry, environment, definitions, checks })
  assert.deepEqual([plan.difference.stored, plan.cost, plan.comparisons, plan.refusals], [[], [], [], []])
  assert.equal((await apply(registry, definitions)).apply, 2)
})

test('a plan that was reviewed is applied as it was, or not at all', async () => {
  const registry = newRegistry()
  const definitions = project('30m')
  const options = { registry, environment, definitions, checks, ...by }
  const { plan } = await planChanges({ ...options, sample: 0 })
  const read = JSON.parse(JSON.stringify(plan)) as typeof plan
  await assert.rejects(applyPlan(read, { ...options, definitions: project('60m') }), code('PLAN_OUTDATED'))
  await assert.rejects(applyPlan(read, { ...options, environment: 'prod' }), code('INVALID_ARGUMENT'))
  await applyPlan(read, options)
  await assert.rejects(applyPlan(read, options), code('PLAN_OUTDATED'))
  const forged = { ...(await planChanges({ ...options, definitions: project('60m'), sample: 0 })).plan, refusals: [] }
  await assert.rejects(applyPlan(forged, { ...options, definitions: project('60m') }), code('IMMUTABLE_VERSION'))
})

test('a plan is outdated by an import that leaves as many applies, unless it leaves the same', async () => {
  const [registry, other] = [newRegistry(), newRegistry()]
  await apply(registry, project('30m'))
  await apply(other, project('30m', 1, { owner: 'search' }))
  const options = { registry, environment, definitions: project('60m', 2), checks, ...by }
  const { plan } = await planChanges({ ...options, sample: 0 })
  const importFrom = async ({ documents, clock }: Registry) => {
    const exported = await exportRegistry(documents, clock.now())
    await importRegistry(registry.documents, exported, { replace: true, imported: { by: 'ada', at: minute(0) } })
  }
  const own = newRegistry()
  await importRegistry(own.documents, await exportRegistry(registry.documents, 0), { imported: { by: 'ada', at: minute(0) } })
  await importFrom(other)
  assert.equal((await registry.applies.head(environment))?.apply, plan.base)
  await assert.rejects(applyPlan(plan, options), { code: 'PLAN_OUTDATED', message: /another apply 1 of dev/ })
  await importFrom(own)
  assert.equal((await applyPlan(plan, options)).apply, 2)
})

test('a changed source is refused where versions stay that read it', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const { plan } = await planChanges({
    registry,
    environment,
    definitions: project('30m', 2, { zone: 'Europe/Berlin' }),
    checks,
    sample: 0,
  })
  assert.deepEqual(
    plan.refusals.map(({ message }) => message),
    ['user_activity@1, as clicks', 'ranking@1, as user_activity@1'].map((what) => {
      const [version, cause] = what.split(', ')
      return `The values of ${version} would change, ${cause} changed, and those of a version never do`
    }),
  )
  for (const { remedy } of plan.refusals) assert.match(remedy, /^Declare the changed clicks under another name, or remove version 1 first/)
})

test('what a changed source takes is said at once, and what it says goes through', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const changed = await planChanges({ registry, environment, definitions: project('30m', 1, { zone: 'Europe/Berlin' }), checks, sample: 0 })
  assert.deepEqual(
    changed.plan.refusals.map(({ remedy }) => remedy),
    ['feature group user_activity', 'feature view ranking'].map(
      (what) =>
        `Declare the changed clicks under another name and write version: 2 in ${what}, which reads it; version 1 stays with clicks as it was.`,
    ),
  )
  const head = await apply(registry, project('30m', 2, { zone: 'Europe/Berlin', source: 'clicks_berlin' }))
  assert.deepEqual(
    ['source:clicks', 'source:clicks_berlin', 'group:user_activity@1', 'group:user_activity@2'].filter((id) => !head.items.has(id)),
    [],
  )
})

test('runs of a group tell what it costs, before those of its last version; runs of others do not', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const run = { kind: 'materialize', environment, by: 'ada', started: minute(0), outcome: 'done', error: null } as const
  // Those of long ago may be trimmed at any time.
  const now = registry.clock.now()
  await registry.runs.record(now, { ...run, subject: 'orders@1', seconds: 1000, rows: 1, bytes: 1_000_000 })
  const costOf = async () => {
    const { plan } = await planChanges({ registry, environment, definitions: project('60m', 2), checks, scratch })
    const [cost] = plan.cost
    return { from: cost?.from, bytesPerKey: (cost?.bytes ?? 0) / (cost?.keys ?? 1) }
  }
  const sampled = await costOf()
  assert.equal(sampled.from, 'sample')
  assert.ok(sampled.bytesPerKey < 1000)
  await registry.runs.record(now + 1, { ...run, subject: 'user_activity@1', seconds: 20, rows: 10, bytes: 1000 })
  assert.deepEqual(await costOf(), { from: 'runs', bytesPerKey: 100 })
  await registry.runs.record(now + 2, { ...run, subject: 'user_activity@2', seconds: 20, rows: 10, bytes: 2000 })
  assert.deepEqual(await costOf(), { from: 'runs', bytesPerKey: 200 })
})

test('policies are those of the environment, and those that are errors keep from applying', async () => {
  const registry = newRegistry()
  const noWeights = policy({
    name: 'no-weights',
    severity: 'off',
    check: ({ catalogue, environment: where }) =>
      catalogue.views
        .filter((view) => view.featureNames.includes('user_weight_sum_lifetime'))
        .map(({ name }) => ({ where: `${where} ${name}`, message: 'No.' })),
  })
  const policies = { policies: [noWeights], checks: { ...checks, 'no-weights': 'error' as const } }
  await assert.rejects(apply(registry, project('30m'), policies), { code: 'POLICY_VIOLATED', where: 'dev ranking' })
  assert.equal((await apply(registry, project('30m'), { policies: [noWeights] })).apply, 1)
})

test('what a caller still reads is not removed', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const now = registry.clock.now()
  const read = {
    caller: 'shop',
    model: '',
    view: 'ranking',
    version: 1,
    features: ['user_click_count'],
    requests: 1,
    vectors: 1,
    first: now,
    last: now,
  }
  await registry.usage.write(environment, Math.floor(now / 86_400_000_000), 'server-1', [read])
  await assert.rejects(apply(registry, [user]), code('IN_USE'))
})

test('the audit log tells of each apply in its commit', async () => {
  const registry = newRegistry()
  await apply(registry, project('30m'))
  const entries: AuditEntry[] = []
  for await (const entry of registry.audit.list()) entries.push(entry)
  assert.deepEqual(
    entries.map(({ by: who, action, on, allowed }) => [who, action, on, allowed]),
    [['ada', 'apply', 'environment:dev', true]],
  )
})

test('a source keeps its topic and the key of that; all else of a stream may change', async () => {
  const registry = newRegistry()
  const streamed = (stream?: ReturnType<typeof topic<'user_id' | 'weight'>>): Definition[] => {
    const columns = { user_id: t.integer(), weight: t.integer(), at: t.timestamp() }
    const source = events('clicks', { columns, time: 'at', ...(stream ? { stream } : {}) })
    const activity = featureGroup({ name: 'user_activity', entity: user, source, features: () => ({ user_click_count: count() }) })
    return [featureView({ name: 'ranking', features: [activity] })]
  }
  await apply(registry, streamed())
  await apply(registry, streamed(topic('one', { key: ['user_id', 'weight'] })))
  await apply(registry, streamed(topic('one', { key: ['weight', 'user_id'], partitions: 3 })))
  for (const other of [topic('two', { key: ['user_id', 'weight'] }), topic('one', { key: 'user_id' })])
    await assert.rejects(apply(registry, streamed(other)), { code: 'TOPIC_CHANGED', where: 'source clicks', message: /topic one by/ })
  await apply(registry, streamed(topic('one', { key: ['user_id', 'weight'] })))
})
