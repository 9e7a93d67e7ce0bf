import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import {
  count,
  type Definition,
  type DefinitionStatus,
  definitionsOf,
  entity,
  events,
  featureGroup,
  featureView,
  onDemand,
  snapshotOf,
} from '../definition/index.ts'
import { differenceOf, showDifference } from '../plan/index.ts'
import type { Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { Adopted } from '../store/adopted.ts'
import { applyPlan } from './apply-plan.ts'
import { planChanges } from './plan-changes.ts'
import { switchVersion } from './switch-version.ts'

const environment = 'dev'
const by = { by: 'ada', message: '' }
const checks = { 'name-window': 'off' } as const
const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })

interface Declared {
  readonly version?: number
  readonly minutes?: number
  readonly group?: DefinitionStatus
  readonly view?: DefinitionStatus
  /** Whether the view reads the group by code. */
  readonly byCode?: boolean
}

function ranking({ version = 1, minutes = 30, group, view, byCode = false }: Declared = {}): Definition {
  const read = featureGroup({
    name: 'activity',
    version,
    ...(group ? { status: group } : {}),
    entity: user,
    source: clicks,
    features: () => ({ user_click_count: count().over(`${minutes}m`) }),
  })
  const code = onDemand({
    name: 'context',
    version,
    from: [read],
    features: { user_twice: t.integer() },
    compute: ({ user_click_count: clicked }) => ({ user_twice: clicked * 2 }),
  })
  return featureView({ name: 'ranking', version, ...(view ? { status: view } : {}), features: [byCode ? code : read] })
}

const plan = (registry: Registry, ...definitions: Definition[]) =>
  planChanges({ registry, environment, definitions, checks, sample: 0 }).then((made) => made.plan)
async function apply(registry: Registry, ...definitions: Definition[]) {
  return await applyPlan(await plan(registry, ...definitions), { registry, environment, definitions, checks, ...by })
}
const errors = async (registry: Registry, ...definitions: Definition[]) =>
  (await plan(registry, ...definitions)).findings.flatMap(({ rule, severity, message }) =>
    severity === 'error' ? [`${rule}: ${message}`] : [],
  )

test('what is active reads no draft, be it by code; a draft may', async () => {
  await using own = freshRegistry()
  const { registry } = own
  for (const byCode of [false, true]) {
    assert.deepEqual(await errors(registry, ranking({ group: 'draft', byCode })), [
      'draft: It is active, and reads activity@1, which is a draft',
    ])
    assert.deepEqual(await errors(registry, ranking({ group: 'draft', view: 'draft', byCode })), [])
    assert.deepEqual(await errors(registry, ranking({ group: 'active', view: 'draft', byCode })), [])
  }
  await assert.rejects(apply(registry, ranking({ group: 'draft' })), { code: 'POLICY_VIOLATED' })
  const definitions = [ranking({ group: 'draft' })]
  const loose = await planChanges({ registry, environment, definitions, sample: 0, checks: { ...checks, draft: 'warning' } })
  assert.deepEqual(
    loose.plan.findings.filter(({ rule }) => rule === 'draft').map(({ severity }) => severity),
    ['warning'],
  )
})

test('a draft becomes active without a new version and without building anything; its values change no more than others', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const draft = { group: 'draft', view: 'draft' } as const
  const head = await apply(registry, ranking(draft))
  const { difference, refusals } = await plan(registry, ranking())
  assert.deepEqual([difference.stored, refusals], [[], []])
  assert.deepEqual(
    difference.items.map(({ id, effect }) => [id, effect]),
    [
      ['group:activity@1', 'metadata'],
      ['view:ranking@1', 'metadata'],
    ],
  )
  assert.match(showDifference(difference), /· status: draft → active/)
  assert.deepEqual(
    (await plan(registry, ranking({ ...draft, minutes: 60 }))).refusals.map(({ code }) => code),
    ['IMMUTABLE_VERSION', 'IMMUTABLE_VERSION'],
  )
  const after = await apply(registry, ranking())
  assert.equal(after.items.get('group:activity@1')?.meaning, head.items.get('group:activity@1')?.meaning)
})

test('what says nothing is active, and has the text that it had before there were drafts', () => {
  const [silent, active, draft] = [{}, { group: 'active', view: 'active' }, { group: 'draft', view: 'draft' }].map((declared) =>
    snapshotOf([ranking(declared as Declared)]),
  )
  assert.deepEqual(silent, active)
  for (const item of silent?.values() ?? []) assert.doesNotMatch(item.text, /status/)
  assert.deepEqual(snapshotOf(definitionsOf(draft?.values() ?? [], () => undefined).definitions), draft)
  assert.deepEqual(
    differenceOf(silent ?? new Map(), draft ?? new Map()).items.map(({ effect }) => effect),
    ['metadata', 'metadata'],
  )
  assert.throws(() => ranking({ group: 'deprecated' as 'draft' }), { code: 'INVALID_DEFINITION', message: /draft or active/ })
})

test('a draft is not current beside a version that is active, unless it is made so by force', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const draft = ranking({ version: 2, minutes: 60, group: 'draft', view: 'draft' })
  const both = [ranking(), draft]
  assert.equal((await plan(registry, ...both)).current.ranking, 1)
  const head = await apply(registry, ...both)
  assert.equal(head.current.get('ranking'), 1)
  assert.equal(new Adopted(both).view('ranking').version, 1)
  assert.equal(new Adopted([draft]).view('ranking').version, 2)
  const to = (force: boolean) => switchVersion(registry, { name: 'ranking', version: 2 }, { environment, unmaterialized: [], force, ...by })
  await assert.rejects(to(false), { code: 'INVALID_ARGUMENT', message: /is a draft/ })
  const told: string[] = []
  const tellSetAside = (obstacles: readonly string[]) => told.push(...obstacles)
  const unmaterialized = [{ name: 'activity', version: 1 }]
  const unwritten = (force: boolean) =>
    switchVersion(registry, { name: 'ranking', version: 2 }, { environment, unmaterialized, force, ...by, tellSetAside })
  await assert.rejects(unwritten(false), { message: /is a draft.*; ranking@2 reads activity@1, of which not all is in the online store/ })
  assert.equal((await unwritten(true)).current.get('ranking'), 2)
  assert.deepEqual(
    told.map((text) => /draft|not all/.exec(text)?.[0]),
    ['draft', 'not all'],
  )
  await to(true)
  assert.deepEqual(
    (await registry.runs.list({ environment, kind: 'switch' })).map((run) => [run.subject, run.by, run.outcome]),
    [['view:ranking@2', 'ada', 'done']],
  )
})

test('nothing is said of a newer draft to who reads the version before, nor of a draft that no view reads', async () => {
  await using own = freshRegistry()
  const draft = ranking({ version: 2, minutes: 60, group: 'draft', view: 'draft' })
  const { findings } = await plan(own.registry, ranking(), featureOf(draft))
  assert.deepEqual(
    findings.filter(({ rule }) => rule === 'outdated-group' || rule === 'unused'),
    [],
  )
})

/** The group that a view of these reads. */
function featureOf(view: Definition): Definition {
  if (view.kind !== 'featureView') throw new TypeError('It is no view')
  const [item] = view.items
  if (item?.kind !== 'selection') throw new TypeError('It reads by code')
  return item.group as Definition
}
