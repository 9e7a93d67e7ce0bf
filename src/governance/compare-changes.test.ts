import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, type Definition, entity, events, featureGroup, featureView, last, onDemand, rows } from '../definition/index.ts'
import type { Duration } from '../lib/duration.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { applyPlan } from './apply-plan.ts'
import { type PlanOptions, planChanges } from './plan-changes.ts'

const folder = temporaryFolder()
const registries: Registry[] = []
after(async () => {
  for (const registry of registries) await registry.close()
  folder[Symbol.dispose]()
})

const user = entity('user', { user_id: t.integer() })
const at = (minutes: number) => new Date(Date.UTC(2026, 2, 1, 12, minutes)).toISOString()
const clicked = [1, 2, 3].flatMap((id) => [0, 50].map((minute) => ({ user_id: id, email: `u${id}@${minute}.example`, at: at(minute) })))
const clicksTagged = (columnTags: object) =>
  events('clicks', {
    columns: { user_id: t.integer(), email: t.string(), at: t.timestamp() },
    time: 'at',
    history: rows(clicked),
    columnTags,
  })
const activity = (version: number, over: Duration, columnTags: object = {}) =>
  featureGroup({
    name: 'activity',
    version,
    entity: user,
    source: clicksTagged(columnTags),
    features: (click) => ({ user_clicks: count().over(over), user_email: last(click.email).over(over) }),
  })
const group = activity(1, '2h')
const twice = (version: number) => {
  const about = { name: 'twice', version, from: [group], features: { user_clicks_again: t.float() } } as const
  return version === 1
    ? onDemand({ ...about, compute: ({ user_clicks }) => ({ user_clicks_again: 2 * Number(user_clicks) }) })
    : onDemand({ ...about, compute: ({ user_clicks }) => ({ user_clicks_again: 3 * Number(user_clicks) }) })
}
const asked = (version: number) => {
  const about = { name: 'asked', version, from: [group], request: { price: t.float() }, features: { price_share: t.float() } } as const
  return version === 1
    ? onDemand({ ...about, compute: (_, { price }) => ({ price_share: 2 * Number(price) }) })
    : onDemand({ ...about, compute: (_, { price }) => ({ price_share: 3 * Number(price) }) })
}
const viewOf = (version: number, item: object): Definition =>
  featureView({ name: 'offer', version, features: [item] as never }) as Definition

const environment = 'dev'
const severities = ['name-window', 'owner', 'description', 'tag-flow'].map((rule) => [rule, 'off'] as const)
const checks = Object.fromEntries(severities)

/** What is compared where first one thing is applied and then another is planned. */
async function compared(first: readonly Definition[], then: readonly Definition[], more: Partial<PlanOptions> = {}) {
  const registry = new Registry(sqliteDocumentStore({ path: `${folder.path}/${registries.length}.sqlite` }))
  registries.push(registry)
  const options = { registry, environment, checks, by: 'ada', message: '' }
  const { plan } = await planChanges({ ...options, definitions: first, sample: 0 })
  await applyPlan(plan, { ...options, definitions: first })
  const planned = await planChanges({ ...options, definitions: then, ...more })
  return { ...planned.plan, text: JSON.stringify(planned.plan) }
}

test('a new version of an on-demand view is compared on real keys', async () => {
  const both = [viewOf(1, twice(1)), twice(1)]
  const { comparisons } = await compared(both, [...both, viewOf(2, twice(2))])
  const [one, ...others] = comparisons
  assert.deepEqual([one?.kind, one?.before, one?.group, one?.note, others], ['onDemand', 'twice@1', 'twice@2', '', []])
  const [feature] = one?.comparison?.features ?? []
  assert.deepEqual([feature?.feature, feature?.compared, feature?.different], ['user_clicks_again', 3, 3])
  assert.equal(Number(feature?.examples[0]?.after) / Number(feature?.examples[0]?.before), 1.5)
})

test('one that takes values of a request, or whose function is gone, says that it is not compared', async () => {
  const both = [viewOf(1, asked(1)), asked(1)]
  const { comparisons } = await compared(both, [...both, viewOf(2, asked(2))])
  assert.deepEqual(
    comparisons.map((one) => [one.group, one.comparison]),
    [['asked@2', null]],
  )
  assert.match(comparisons[0]?.note ?? '', /need those of a request; lockstep compare/)
  const gone = await compared([viewOf(1, twice(1))], [viewOf(2, twice(2))])
  assert.deepEqual(
    gone.comparisons.map(({ comparison, note }) => [comparison, note]),
    [[null, 'the function of twice@1 is in no file']],
  )
})

test('no plan gives values of what derives from a column tagged pii, before or after', async () => {
  const [old, fresh] = [{}, { email: ['pii'] }]
  for (const [before, now] of [
    [old, fresh],
    [fresh, old],
  ]) {
    const { comparisons, text } = await compared([activity(1, '2h', before)], [activity(2, '1s', now)])
    const [clicks, email] = comparisons[0]?.comparison?.features ?? []
    assert.deepEqual([clicks?.different, clicks?.examples.length, clicks?.withheld], [3, 3, undefined])
    assert.deepEqual([email?.different, email?.examples, email?.withheld], [3, [], { examples: 3, why: 'pii' }])
    assert.doesNotMatch(text, /\.example/)
  }
})

test('a key that is tagged so is in no example, nor is what code makes of such values', async () => {
  const keyed = await compared([activity(1, '2h', { user_id: ['pii'] })], [activity(2, '1s', { user_id: ['pii'] })])
  assert.deepEqual(
    keyed.comparisons[0]?.comparison?.features.map(({ examples, withheld }) => [examples.length, withheld?.why]),
    [
      [0, 'pii'],
      [0, 'pii'],
    ],
  )
  const tagged = activity(1, '2h', { email: ['pii'] })
  const domain = (version: number) => {
    const about = { name: 'domain', version, from: [tagged], features: { user_domain: t.string() } } as const
    return version === 1
      ? onDemand({ ...about, compute: ({ user_email }) => ({ user_domain: `${user_email}` }) })
      : onDemand({ ...about, compute: ({ user_email }) => ({ user_domain: `of ${user_email}` }) })
  }
  const both = [viewOf(1, domain(1)), domain(1)]
  const { comparisons, text } = await compared(both, [...both, viewOf(2, domain(2))])
  assert.deepEqual(comparisons[0]?.comparison?.features[0]?.withheld, { examples: 3, why: 'pii' })
  assert.doesNotMatch(text, /\.example/)
})

test('who wants no examples gets none at all', async () => {
  const { comparisons, text } = await compared([activity(1, '2h')], [activity(2, '1s')], { examples: false })
  assert.deepEqual(
    comparisons[0]?.comparison?.features.map(({ different, examples, withheld }) => [different, examples, withheld]),
    [
      [3, [], undefined],
      [3, [], undefined],
    ],
  )
  assert.doesNotMatch(text, /\.example/)
})
