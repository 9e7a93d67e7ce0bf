import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, type Definition, entity, events, featureGroup, featureView, onDemand, snapshotOf } from '../definition/index.ts'
import { differenceOf } from '../plan/index.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { type Grant, Registry } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { checkMayApply } from './planning.ts'
import type { Session } from './session.ts'

const folder = temporaryFolder()
const registry = new Registry(sqliteDocumentStore({ path: `${folder.path}/registry.sqlite` }))
after(async () => {
  await registry.close()
  folder[Symbol.dispose]()
})

const user = entity('user', { user_id: t.string() })
const sourceOf = (name: string) => events(name, { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const [orders, salaries] = [sourceOf('orders'), sourceOf('salaries')]
const groupOf = (name: string, source = orders, tags: readonly string[] = []) =>
  featureGroup({ name, entity: user, source, tags, features: () => ({ [`${name}_count_1h`]: count().over('1h') }) })
const [own, other, pay] = [groupOf('own'), groupOf('other'), groupOf('pay', salaries)]
const viewOf = (...features: (typeof own | typeof asked)[]) => featureView({ name: 'mine', features })
const asked = onDemand({ name: 'asked', from: [pay], features: { double: t.float() }, compute: () => ({ double: 0 }) })

/** Whether somebody with these roles may change what is applied to something else. */
async function mayApply(
  grants: readonly (readonly [role: Grant['role'], on: string])[],
  before: readonly Definition[],
  now: readonly Definition[],
) {
  const actor = `ann${Math.random().toString(36).slice(2)}`
  await registry.access.grant('root', { role: 'admin', environment: '*', on: '*' }, { by: 'test' })
  for (const [role, on] of grants) await registry.access.grant(actor, { role, environment: 'dev', on }, { by: 'test' })
  const session = { actor, project: { environment: 'dev', registry: async () => registry } } as unknown as Session
  const [old, fresh] = [snapshotOf(before), snapshotOf(now)]
  try {
    await checkMayApply(session, differenceOf(old, fresh), old, fresh)
    return true
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'FORBIDDEN')
    return false
  }
}

const before = [own, other, pay, viewOf(own)]

test('who changes a view has to be allowed to read what comes to it', async () => {
  const now = [own, other, pay, viewOf(own, other)]
  assert.equal(await mayApply([['owner', 'view:mine']], before, now), false)
  assert.equal(
    await mayApply(
      [
        ['owner', 'view:mine'],
        ['reader', 'group:other'],
      ],
      before,
      now,
    ),
    true,
  )
  assert.equal(await mayApply([['owner', '*']], before, now), true)
  // What it read before is not asked for again, nor what leaves it.
  assert.equal(await mayApply([['owner', 'view:mine']], now, before), true)
})

test('also where it comes by on-demand code, and in what is new altogether', async () => {
  assert.equal(
    await mayApply(
      [
        ['owner', 'view:mine'],
        ['owner', 'onDemand:asked'],
      ],
      before,
      [own, other, pay, viewOf(own, asked)],
    ),
    false,
  )
  const tagged = featureView({ name: 'fresh', tags: ['growth'], features: [pay] })
  assert.equal(await mayApply([['owner', 'tag:growth']], before, [...before, tagged]), false)
  assert.equal(
    await mayApply(
      [
        ['owner', 'tag:growth'],
        ['reader', 'group:pay'],
      ],
      before,
      [...before, tagged],
    ),
    true,
  )
})

test('who changes a group, what its source holds: by the source, or by all groups that read it', async () => {
  const fresh = groupOf('fresh', salaries, ['growth'])
  const now = [...before, fresh]
  assert.equal(await mayApply([['owner', 'tag:growth']], before, now), false)
  for (const on of ['source:salaries', 'group:pay'])
    assert.equal(
      await mayApply(
        [
          ['owner', 'tag:growth'],
          ['reader', on],
        ],
        before,
        now,
      ),
      true,
      on,
    )
  assert.equal(
    await mayApply(
      [
        ['owner', 'tag:growth'],
        ['reader', 'group:own'],
      ],
      before,
      [...before, groupOf('fresh', orders, ['growth'])],
    ),
    false,
  )
})
