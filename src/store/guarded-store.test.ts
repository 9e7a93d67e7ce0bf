import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, entity, events, featureGroup, featureView, rows, snapshotOf } from '../definition/index.ts'
import { sqliteDocumentStore } from '../registry/drivers/sqlite.ts'
import { type Grant, operations, Registry, type Role, roles } from '../registry/index.ts'
import { t } from '../schema/index.ts'
import { Server } from '../server/index.ts'
import { Follower } from './follower.ts'
import { guardedStore } from './guarded-store.ts'
import { openStore } from './open-store.ts'
import { Store } from './store.ts'
import { StoreAccess } from './store-access.ts'
import { type StoreRole, storeRoles } from './store-roles.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-guarded-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const user = entity('user', { user_id: t.integer() })
const columns = { user_id: t.integer(), at: t.timestamp() }
const clicks = events('clicks', { columns, time: 'at', history: rows([{ user_id: 1, at: '2026-03-01T10:00:00Z' }]) })
const activityOf = { name: 'activity', entity: user, source: clicks }
const activity = featureGroup({ ...activityOf, features: () => ({ click_count_1h: count().over('1h') }) })
const ranking = featureView({ name: 'ranking', features: [activity] })

/** A registry in which roles count, and what makes tokens of who has a role in it. */
async function enforced() {
  const registry = new Registry(sqliteDocumentStore({ path: join(folder, `${files++}.sqlite`) }))
  const by = { by: 'root' }
  await registry.access.grant('root', { role: 'admin', environment: '*', on: '*' }, by)
  return {
    registry,
    tokenOf: async (principal: string, ...grants: Grant[]) => {
      for (const grant of grants) await registry.access.grant(principal, grant, by)
      return (await registry.access.createToken({ principal, by: 'root' })).text
    },
    [Symbol.asyncDispose]: () => registry.close(),
  }
}

const members = Reflect.ownKeys(storeRoles) as (keyof Store)[]
const roleOf = (name: keyof Store) => storeRoles[name] as unknown as StoreRole<readonly unknown[]> | null
/** These give their value at once. */
const properties: readonly (keyof Store)[] = ['registry', 'offline']

test('no member of a store is without an entry that says which role it takes', () => {
  const own = Reflect.ownKeys(Store.prototype).filter((name) => name !== 'constructor')
  assert.deepEqual(new Set(members), new Set(own))
})

test('every role is held against every method, and what is refused is in the audit log', async () => {
  await using own = await enforced()
  const { registry, tokenOf } = own
  const fake = Object.fromEntries(members.map((name) => [name, properties.includes(name) ? 'done' : () => Promise.resolve('done')]))
  const store = { ...fake, environment: 'dev', groups: [activity], views: [ranking], streamedSource: () => clicks } as unknown as Store
  const given: Partial<Record<keyof Store, readonly unknown[]>> = {
    ...{ push: ['clicks', []], compare: [ranking, ranking], statistics: [activity], backfill: [activity, {}] },
    ...{ materialize: [], stream: [], places: [[activity]], unmaterializedOf: [[activity]], replay: [[activity]], forget: ['user', {}] },
  }
  const holders: [name: string, role: Role | null, environment: string][] = [
    ...roles.map((role): [string, Role, string] => [role, role, 'dev']),
    ['elsewhere', 'admin', 'prod'],
    ['everywhere', 'admin', '*'],
    ['nobody', null, 'dev'],
  ]
  const expected: string[] = []
  const found: string[] = []
  for (const [name, role, environment] of holders) {
    const token = await tokenOf(name, { role: role ?? 'reader', environment: role === null ? 'other' : environment, on: '*' })
    const guarded = await guardedStore(store, new StoreAccess(() => registry, 'dev', token))
    for (const member of members) {
      const asked = roleOf(member)
      if (asked === null) continue
      const enough = role !== null && roles.indexOf(role) >= roles.indexOf(operations[asked.operation])
      const there = environment === '*' || (environment === 'dev' && asked.on !== 'registry')
      if (enough && there) expected.push(`${name} ${String(member)}`)
      const call = async () =>
        properties.includes(member)
          ? guarded[member]
          : await (guarded[member] as (...all: readonly unknown[]) => unknown)(...(given[member] ?? [ranking]))
      try {
        assert.equal(await call(), 'done')
        found.push(`${name} ${String(member)}`)
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'FORBIDDEN', `${name} ${String(member)} ${String(error)}`)
      }
    }
  }
  assert.deepEqual(found, expected)
  assert.ok(found.length > 50)
  const refused: string[] = []
  for await (const { by, action, why } of registry.audit.list({ allowed: false })) refused.push(`${by} ${action} ${why}`)
  assert.ok(refused.includes('reader write by a program') && refused.includes('nobody read by a program'))
  assert.ok(refused.includes('owner admin by a program'), 'of the registry itself, too')
})

test('a name and tags that a program brings along give no right to what is applied', async () => {
  await using own = await enforced()
  const { registry, tokenOf } = own
  const items = snapshotOf([ranking, activity])
  await registry.applies.append({ environment: 'dev', base: null, snapshot: items, kind: 'apply', by: 'root', message: '' })
  const store = { environment: 'dev', groups: [activity], vector: async () => 'read', push: async () => 'pushed' } as unknown as Store
  const guarded = async (principal: string, ...on: string[]) => {
    const grants = on.map((one): Grant => ({ role: 'writer', environment: 'dev', on: one }))
    return await guardedStore(store, new StoreAccess(() => registry, 'dev', await tokenOf(principal, ...grants)))
  }
  const read = async (from: Store, view: unknown) =>
    await (from.vector as (view: unknown, keys: object) => Promise<unknown>)(view, { user_id: 1 })
  const more = featureGroup({ ...activityOf, features: () => ({ click_count_1h: count().over('1h'), click_count_2h: count().over('2h') }) })
  const forged = featureView({ name: 'ranking', features: [activity], defaults: { click_count_1h: 1 } })
  const named = await guarded('named', 'view:ranking', 'tag:mine')
  assert.equal(await read(named, ranking), 'read')
  const others = [forged, featureView({ name: 'mine', tags: ['mine'], features: [activity] })]
  for (const view of others) await assert.rejects(read(named, view), { code: 'FORBIDDEN' }, view.name)
  // Who may read its groups may put them together, but not change them.
  const ofGroup = await guarded('ofGroup', 'group:activity')
  for (const view of others) assert.equal(await read(ofGroup, view), 'read')
  await assert.rejects(read(ofGroup, featureView({ name: 'other', features: [more] })), { code: 'FORBIDDEN' })
  const all = await guarded('all', '*')
  assert.equal(await read(all, featureView({ name: 'other', features: [more] })), 'read')
})

test('a program reads, writes and governs by its token; without one as the user of the machine; until roles count everybody does', async (context) => {
  const { LOCKSTEP_TOKEN: before } = process.env
  delete process.env.LOCKSTEP_TOKEN
  context.after(() => {
    if (before !== undefined) process.env.LOCKSTEP_TOKEN = before
  })
  const registry = { sqlite: join(folder, 'program.sqlite') }
  const open = (token?: string) =>
    openStore({
      definitions: [ranking, activity],
      folder: join(folder, `program-${files++}`),
      online: 'memory',
      registry,
      clock: () => new Date('2026-03-01T10:30:00Z'),
      ...(token === undefined ? {} : { token }),
    })
  const keys = { user_id: 1 }
  await using first = await open()
  await first.materialize()
  const { access } = first.registry
  const by = { by: 'ada' }
  await access.grant('reader', { role: 'reader', environment: 'dev', on: 'view:ranking' }, by)
  await access.grant('writer', { role: 'writer', environment: 'dev', on: '*' }, by)
  await access.grant('ada', { role: 'admin', environment: '*', on: '*' }, by)
  const tokenOf = async (principal: string) => (await access.createToken({ principal, by: 'ada' })).text

  await using mine = await open()
  await assert.rejects(mine.vector(ranking, keys), { code: 'FORBIDDEN', message: new RegExp(`${userInfo().username} may not read`) })
  assert.throws(() => mine.registry, { code: 'FORBIDDEN' })
  await using reader = await open(await tokenOf('reader'))
  await assert.rejects(reader.materialize(), { code: 'FORBIDDEN', message: /reader may not write group:activity/ })
  await reader.vector(ranking, keys)
  await using nobody = await open('lockstep_none')
  await assert.rejects(nobody.vector(ranking, keys), { code: 'UNAUTHENTICATED' })
  await using writer = await open(await tokenOf('writer'))
  await writer.materialize()
  assert.equal((await writer.vector(ranking, keys)).values.click_count_1h, 1)
  assert.throws(() => writer.registry, { code: 'FORBIDDEN' })
  await assert.rejects(writer.forget('user', keys), { code: 'FORBIDDEN' })

  // A server judges each request by itself, and a follower reads the registry: who may not do all of it starts none.
  await assert.rejects(Server.start(reader), { code: 'FORBIDDEN', message: /may not write in dev/ })
  await using server = await Server.start(writer, { log: 'silent' })
  assert.ok(server.url)
  await using follower = await Follower.start(reader)
  assert.equal(follower.following.apply, null)

  // What was opened before roles counted asks from then on, too.
  await new Promise((resolve) => setTimeout(resolve, 600))
  await first.vector(ranking, keys).catch(() => undefined)
  await new Promise((resolve) => setTimeout(resolve, 50))
  await assert.rejects(first.vector(ranking, keys), { code: 'FORBIDDEN' })
})

test('what a program does is told of whose token it has, once roles count, whoever it says to be; also that it forgot somebody', async () => {
  const registry = { sqlite: join(folder, 'told.sqlite') }
  const open = (token?: string) =>
    openStore({
      definitions: [ranking, activity],
      folder: join(folder, `told-${files++}`),
      online: 'memory',
      registry,
      by: 'eve',
      clock: () => new Date('2026-03-01T10:30:00Z'),
      ...(token === undefined ? {} : { token }),
    })
  await using first = await open()
  const { access, audit, runs } = first.registry
  await first.materialize()
  await first.forget('user', { user_id: 7 })
  await access.grant('ada', { role: 'admin', environment: '*', on: '*' }, { by: 'eve' })
  await using ada = await open((await access.createToken({ principal: 'ada', by: 'eve' })).text)
  await ada.materialize()
  await ada.forget('user', { user_id: 1 }, { dryRun: true })
  await ada.forget('user', { user_id: 1 })
  const told: string[] = []
  for await (const { by, action, on, environment, after } of audit.list()) {
    assert.ok(!JSON.stringify(after).includes('user_id'), 'not whom')
    if (action.startsWith('forget')) told.push(`${by} ${action} ${on} ${environment}`)
  }
  const expected = ['ada', 'eve'].flatMap((by) => ['forget', 'forget.begin'].map((action) => `${by} ${action} entity:user dev`))
  // All of it at one moment of the clock.
  assert.deepEqual(told.toSorted(), expected)
  const done = await runs.list({ environment: 'dev', kind: 'materialize' })
  assert.deepEqual(done.map(({ by }) => by).toSorted(), ['ada', 'eve'])
})

test('a registry that is away stops who has a token, and nobody else', async () => {
  const away = () => Promise.reject(new Error('away'))
  const documents = Object.assign(Object.create(sqliteDocumentStore({ path: join(folder, 'away.sqlite') })), {
    revision: away,
    list: away,
    close: () => Promise.resolve(),
  })
  const open = (token?: string) =>
    openStore({
      definitions: [ranking],
      folder: join(folder, `away-${files++}`),
      online: 'memory',
      registry: documents,
      ...(token ? { token } : {}),
    })
  await using single = await open()
  await single.vector(ranking, { user_id: 1 })
  await using named = await open('lockstep_some')
  await assert.rejects(named.vector(ranking, { user_id: 1 }), /away/)
})
