import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { definitions, type ServedStore, servedStore } from '../../test/support/served-store.ts'
import { snapshotOf } from '../definition/index.ts'
import type { AuditEntry } from '../registry/index.ts'

let served: ServedStore
const by = { by: 'test' }
before(async () => {
  served = await servedStore({})
  const snapshot = snapshotOf(definitions)
  await served.store.registry.applies.append({ environment: 'dev', base: null, snapshot, kind: 'apply', by: 'ann', message: 'the first' })
})
after(() => served[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly body: {
    readonly items: readonly Readonly<Record<string, unknown>>[]
    readonly consumers: { readonly views: readonly string[]; readonly models: readonly string[] }
    readonly held_up_by: readonly string[]
    readonly error: { readonly code: string }
    readonly [member: string]: unknown
  }
}
const send = async (path: string, body?: object, headers?: Readonly<Record<string, string>>) =>
  (await served.send(`/registry/${path}`, body, headers)) as unknown as Answer
const applied = async () => [...((await served.store.registry.applies.head('dev'))?.items.keys() ?? [])]
const listed = async (query = '') => (await send(`life-cycles${query}`)).body.items.map(({ id, status }) => `${id} ${status}`)

test('a view is tried, deprecated, removed and restored; each is listed, with who it was, and told the audit log', async () => {
  const { store } = served
  const path = 'views/visitor/1'
  const tried = await send(`${path}/deprecate?dry_run=true`, { reason: 'nobody needs it' })
  assert.deepEqual([tried.status, tried.body.id, tried.body.dry_run, tried.body.held_up_by], [200, 'view:visitor@1', true, []])
  assert.deepEqual(await listed(), [])
  const said = await send(`${path}/deprecate`, { reason: 'nobody needs it', replacement: 'view:ranking@2' }, { 'lockstep-caller': 'bob' })
  assert.deepEqual([said.status, said.body.status, said.body.replacement], [200, 'deprecated', 'view:ranking@2'], JSON.stringify(said.body))
  const [one] = (await send('life-cycles')).body.items
  assert.deepEqual(
    [one?.id, one?.kind, one?.name, one?.version, one?.status, one?.by, one?.reason, one?.replacement],
    ['view:visitor@1', 'view', 'visitor', 1, 'deprecated', 'bob', 'nobody needs it', 'view:ranking@2'],
  )
  const removed = await send(`${path}/remove`, { reason: 'it is time' }, { 'lockstep-caller': 'bob' })
  assert.deepEqual([removed.status, removed.body.status, (await applied()).includes('view:visitor@1')], [200, 'removed', false])
  const { body } = await send('life-cycles?kind=view&name=visitor&status=removed&by=bob')
  assert.equal(typeof body.items[0]?.meaning, 'string', 'its name keeps what it meant')
  assert.deepEqual([await listed('?status=deprecated'), await listed('?by=ann')], [[], []])
  assert.deepEqual((await send(`${path}/remove`, {})).status, 404)
  const would = await send(`${path}/restore?dry_run=true`, {})
  assert.deepEqual([would.status, would.body.dry_run, (await applied()).includes('view:visitor@1')], [200, true, false])
  const restored = await send(`${path}/restore`, { reason: 'after all' })
  assert.deepEqual([restored.status, restored.body.status, (await applied()).includes('view:visitor@1')], [200, 'active', true])
  assert.deepEqual([await listed(), await listed('?status=active')], [[], ['view:visitor@1 active']])
  const told: AuditEntry[] = []
  for await (const entry of store.registry.audit.list({})) told.push(entry)
  assert.deepEqual(
    // The clock of this store stands still.
    told.flatMap(({ on, by: who, action }) => (on === 'view:visitor@1' ? `${who} ${action}` : [])).sort(),
    ['bob deprecate', 'bob remove', 'http restore'],
  )
})

test('a group and an on-demand view that views pin stay; who pins them is said before and after', async () => {
  for (const [path, views] of [
    ['groups/user_clicks/1', ['careful@1', 'ranking@2', 'visitor@1']],
    ['on-demand/context/1', ['careful@1', 'ranking@2']],
  ] as const) {
    const tried = await send(`${path}/remove?dry_run=true`, {})
    assert.deepEqual([tried.status, tried.body.consumers.views], [200, views], path)
    assert.match(tried.body.held_up_by.join(), /the views .* pin it/)
    const refused = await send(`${path}/remove`, {})
    assert.deepEqual([refused.status, refused.body.error.code], [409, 'IN_USE'])
    assert.equal((await send(`${path}/deprecate`, { reason: 'a test' })).status, 200)
    assert.equal((await send(`${path}/restore`, {})).body.status, 'active')
  }
  for (const path of ['groups/other/1', 'groups/user_clicks/2', 'views/user_clicks/1', 'on-demand/user_clicks/1'])
    assert.equal((await send(`${path}/deprecate`, { reason: 'a test' })).status, 404, path)
})

test('an apply is described by what it changed', async () => {
  const { items } = (await send('applies?limit=3')).body
  assert.deepEqual(
    items.map(({ number, kind }) => `${number} ${kind}`),
    ['3 restore', '2 remove', '1 apply'],
  )
  const described = async (number: number) => {
    const { body } = await send(`applies/${number}`)
    return { by: body.by, items: (body.difference as { id: string; effect: string }[]).map(({ id, effect }) => `${id} ${effect}`) }
  }
  const first = await described(1)
  assert.deepEqual([first.by, first.items.length, first.items.includes('view:visitor@1 added')], ['ann', (await applied()).length, true])
  assert.deepEqual(await described(2), { by: 'bob', items: ['view:visitor@1 removed'] })
  assert.deepEqual((await described(3)).items, ['view:visitor@1 added'])
  for (const wrong of ['applies/4', 'applies/0', 'applies/first', 'applies/1?environment=prod'])
    assert.equal((await send(wrong)).status, 404, wrong)
})

test('who asks is told who they are, and what they may do where', async () => {
  const alone = (await send('me')).body
  assert.deepEqual([alone.single_user, alone.name, alone.roles], [true, null, []])
  const everything = { read: 'all', push: 'all', write: 'all', own: 'all', admin: 'all' }
  assert.deepEqual(alone.environments, [{ name: 'dev', served: true, may: everything }])
  const { access } = served.store.registry
  await access.grant('ann', { role: 'admin', environment: '*', on: '*' }, by)
  await access.grant('bob', { role: 'owner', environment: 'dev', on: 'view:visitor' }, by)
  await access.grant('bob', { role: 'reader', environment: 'prod', on: '*' }, by)
  await access.grant('eve', { role: 'owner', environment: 'staging', on: 'tag:pii' }, by)
  const made = await Promise.all(['ann', 'bob', 'eve'].map((principal) => access.createToken({ principal, by: 'test' })))
  await setTimeout(700)
  const [ann, bob, eve] = made.map(({ text }) => ({ authorization: `Bearer ${text}` }))
  const of = async (headers: typeof bob) => (await send('me', undefined, headers)).body
  const { token, ...about } = await of(bob)
  assert.equal((token as { id: string }).id, made[1]?.token.id)
  assert.deepEqual(about, {
    ...{ single_user: false, name: 'bob', principal: 'bob', scopes: [], environment: 'dev' },
    roles: [
      { role: 'owner', environment: 'dev', on: 'view:visitor' },
      { role: 'reader', environment: 'prod', on: '*' },
    ],
    environments: [
      { name: 'dev', served: true, may: { read: 'some', push: 'some', write: 'some', own: 'some', admin: 'none' } },
      { name: 'prod', served: false, may: { read: 'all', push: 'none', write: 'none', own: 'none', admin: 'none' } },
    ],
  })
  assert.deepEqual((await of(ann)).environments, [{ name: 'dev', served: true, may: everything }])
  assert.deepEqual(
    ((await of(eve)).environments as { name: string }[]).map(({ name }) => name),
    ['staging'],
  )
  assert.equal((await send('me')).status, 401)
  // What is owned by whom: a view by bob, and nothing else; what is gone too.
  const deprecate = async (path: string, headers: typeof bob) => (await send(`${path}/deprecate`, { reason: 'a test' }, headers)).status
  assert.deepEqual(
    [await deprecate('views/visitor/1', bob), await deprecate('views/ranking/2', bob), await deprecate('groups/user_clicks/1', bob)],
    [200, 403, 403],
  )
  assert.deepEqual(
    [await deprecate('views/visitor/1', eve), await deprecate('views/other/1', eve), await deprecate('views/other/1', ann)],
    [403, 403, 404],
  )
  assert.equal((await send('views/visitor/1/remove', {}, bob)).status, 200)
  assert.deepEqual(
    [(await send('views/visitor/1/restore', {}, eve)).status, (await send('views/visitor/1/restore', {}, bob)).status],
    [403, 200],
  )
})
