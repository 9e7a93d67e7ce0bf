import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, type Definition, entity, events, featureGroup, featureView, onDemand } from '../definition/index.ts'
import { policy } from '../plan/index.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { type AuditEntry, Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { applyPlan } from './apply-plan.ts'
import { planChanges } from './plan-changes.ts'
import { type RollBackOptions, type RollBackReview, rollBack } from './roll-back.ts'
import { switchVersion } from './switch-version.ts'

const folder = temporaryFolder()
const registries: Registry[] = []
after(async () => {
  for (const registry of registries) await registry.close()
  folder[Symbol.dispose]()
})

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const environment = 'dev'
const by = { by: 'ada', message: '' }

function offer(version: number): Definition {
  const features = () => ({ [`user_clicks_${version}h`]: count().over(`${version as 1}h`) })
  const group = featureGroup({ name: 'activity', version, entity: user, source: clicks, features })
  return featureView({ name: 'offer', version, features: [group] }) as Definition
}

/** Apply 1 has version 1, apply 2 both, and apply 3 makes version 2 the current one. */
async function switched(first = offer(1)): Promise<Registry> {
  const registry = new Registry(sqliteDocumentStore({ path: `${folder.path}/${registries.length}.sqlite` }))
  registries.push(registry)
  for (const definitions of [[first], [first, offer(2)]]) {
    const options = { registry, environment, definitions, ...by }
    await applyPlan((await planChanges({ ...options, sample: 0 })).plan, options)
  }
  await switchVersion(registry, { name: 'offer', version: 2 }, { environment, unmaterialized: [], ...by })
  return registry
}

/** A rollback and what was reviewed of it. */
async function back(registry: Registry, to: number, more: Partial<RollBackOptions> = {}) {
  const reviews: RollBackReview[] = []
  const review = async (one: RollBackReview) => void reviews.push(one)
  const head = await rollBack({ registry, environment, to, ...by, review, ...more })
  return { head, ...(reviews[0] as RollBackReview) }
}

test('what policies have against the state that comes back is reviewed, and holds nothing up', async () => {
  const message = 'Version 1 was wrong'
  const onlyNew = policy({
    name: 'only-new',
    severity: 'error',
    check: ({ catalogue, environment: where }) =>
      catalogue.views.some(({ version }) => version === 2) ? [] : [{ where: `${where} offer`, message }],
  })
  const registry = await switched()
  const { head, findings } = await back(registry, 1, { policies: [onlyNew] })
  const errors = findings.filter(({ severity }) => severity === 'error')
  assert.deepEqual(
    errors.map(({ rule, where }) => [rule, where]),
    [['only-new', 'dev offer']],
  )
  assert.deepEqual([head.apply, head.current.get('offer')], [4, 1])
  const throwing = policy({
    name: 'broken',
    severity: 'warning',
    check: () => {
      throw new Error('It has a slip')
    },
  })
  const again = await back(registry, 3, { policies: [throwing] })
  assert.deepEqual(
    again.findings.map(({ rule, severity }) => [rule, severity]),
    [['INVALID_DEFINITION', 'error']],
  )
  assert.equal(again.head.current.get('offer'), 2)
})

test('a version does not become current that is not in the online store, unless it is forced', async () => {
  const registry = await switched()
  const unwritten: RollBackOptions['unwritten'] = async (groups) => groups.filter(({ version }) => version === 1)
  await assert.rejects(back(registry, 2, { unwritten }), { code: 'NOT_MATERIALIZED', where: 'feature view offer@1' })
  assert.equal((await registry.applies.head(environment))?.apply, 3)
  const { head, unwritten: told } = await back(registry, 2, { unwritten, force: true })
  assert.deepEqual([head.current.get('offer'), told], [1, ['activity@1']])
  const entries: AuditEntry[] = []
  for await (const entry of registry.audit.list()) entries.push(entry)
  const last = entries.find(({ action }) => action === 'rollback')
  assert.match(JSON.stringify(last?.after), /forced.*of activity@1 not all/)
  // What is there holds nothing up, and what comes back is named where it is not.
  assert.deepEqual((await back(registry, 1, { unwritten: async () => [] })).unwritten, [])
  assert.deepEqual((await back(registry, 2, { unwritten: async (groups) => groups })).unwritten, ['activity@2'])
})

test('on-demand code that no file has any more is not applied again, unless it is forced', async () => {
  const activity = featureGroup({ name: 'clicked', entity: user, source: clicks, features: () => ({ user_clicks_1h: count().over('1h') }) })
  const twice = onDemand({
    name: 'twice',
    from: [activity],
    features: { user_twice: t.float() },
    compute: ({ user_clicks_1h }) => ({ user_twice: 2 * Number(user_clicks_1h) }),
  })
  const registry = await switched(featureView({ name: 'asked', features: [twice] }) as Definition)
  const left = { registry, environment, definitions: [offer(2)], ...by }
  const { apply } = await applyPlan((await planChanges({ ...left, sample: 0 })).plan, left)
  await assert.rejects(back(registry, 2, { files: [offer(2)] }), { code: 'DEFINITION_MISMATCH', where: 'on-demand view twice@1' })
  assert.equal((await registry.applies.head(environment))?.apply, apply)
  assert.equal((await back(registry, 2, { files: [offer(2)], force: true })).head.items.has('onDemand:twice@1'), true)
  // It is there already, and not brought back: nothing holds this up.
  assert.equal((await back(registry, 1, { files: [offer(2)] })).head.items.has('onDemand:twice@1'), true)
  assert.equal((await back(registry, apply)).head.items.has('onDemand:twice@1'), false)
  assert.equal((await back(registry, 2, { files: [twice] })).head.items.has('onDemand:twice@1'), true)
})
