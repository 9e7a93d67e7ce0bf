import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { temporaryFolder } from '../../../scripts/workspace.ts'
import { definitions as served } from '../../../test/support/served-store.ts'
import type { Definition } from '../../definition/index.ts'
import { LockstepError } from '../../errors.ts'
import { momentMicros } from '../../lib/moment.ts'
import { type DocumentStore, Registry } from '../../registry/index.ts'
import { openUnguarded } from '../../store/index.ts'
import { ServerAccess } from './server-access.ts'
import { TokenFile, tokensPath } from './tokens.ts'

const log = { warn: () => undefined } as never
const every = 10
const admin = { role: 'admin', environment: '*', on: '*' } as const
const reader = { role: 'reader', environment: 'dev', on: 'view:ranking' } as const

/** A store whose registry can be away. */
async function governed(definitions: readonly Definition[] = []) {
  const folder = temporaryFolder()
  const kept = await openUnguarded({ definitions: [], folder: folder.path })
  let away = false
  const { documents } = kept.registry
  const flaky = new Proxy(documents, {
    get(target, name: keyof DocumentStore) {
      const member = target[name]
      if (typeof member !== 'function') return member
      return (...given: never[]) =>
        away
          ? Promise.reject(new LockstepError('STORE_UNAVAILABLE', 'away'))
          : (member as (...all: never[]) => unknown).apply(target, given)
    },
  })
  const store = await openUnguarded({ definitions, folder: folder.path, registry: new Registry(flaky) })
  const { registry } = kept
  return {
    store,
    registry,
    setAway: (now: boolean) => {
      away = now
    },
    open: (options: { needed?: boolean; insecure?: boolean } = {}) =>
      ServerAccess.open(store, { needed: false, insecure: false, every, ...options }, log),
    token: async (principal: string) => (await registry.access.createToken({ principal, by: 'test' })).text,
    async [Symbol.asyncDispose]() {
      away = false
      await store.close()
      await rm(join(folder.path), { recursive: true, force: true })
    },
  }
}

test('a token is needed from the moment that there is an admin, but where it is insecure', async () => {
  await using one = await governed()
  const [access, insecure, needed] = [await one.open(), await one.open({ insecure: true }), await one.open({ needed: true })]
  const all = () => [access.isNeeded, insecure.isNeeded, needed.isNeeded]
  assert.deepEqual(all(), [false, false, true])
  await one.registry.access.grant('ann', admin, { by: 'test' })
  await setTimeout(every * 10)
  assert.deepEqual(all(), [true, false, true])
  await Promise.all([access.close(), insecure.close(), needed.close()])
})

test('roles and tokens that change count soon; while the registry is away those known last count', async () => {
  await using one = await governed()
  await one.registry.access.grant('ann', admin, { by: 'test' })
  await one.registry.access.grant('bob', reader, { by: 'test' })
  const text = await one.token('bob')
  const access = await one.open()
  const may = (view: string) => {
    const token = access.find(text)
    return token && access.allows(token, 'read', view)
  }
  assert.deepEqual([may('ranking'), may('other'), access.find('lockstep_')], [true, false, null])
  one.setAway(true)
  await one.registry.access.grant('bob', { ...reader, on: 'view:other' }, { by: 'test' })
  await setTimeout(every * 10)
  assert.deepEqual([may('ranking'), may('other')], [true, false])
  one.setAway(false)
  await setTimeout(every * 10)
  assert.deepEqual([may('ranking'), may('other')], [true, true])
  await one.registry.access.remove('bob', 'test')
  await setTimeout(every * 10)
  assert.equal(may('ranking'), null)
  await access.close()
})

test('where the registry cannot be read at the start nobody gets in without a token', async () => {
  await using one = await governed()
  one.setAway(true)
  const access = await one.open()
  assert.deepEqual([access.isNeeded, access.find(`lockstep_${'0'.repeat(16)}_${'0'.repeat(64)}`)], [true, null])
  one.setAway(false)
  await setTimeout(every * 10)
  assert.equal(access.isNeeded, false)
  await access.close()
})

test('the audit log is told of refused attempts, of the same one once, also where the registry was away', async () => {
  await using one = await governed()
  await one.registry.access.grant('ann', admin, { by: 'test' })
  await one.registry.access.grant('bob', reader, { by: 'test' })
  const text = await one.token('bob')
  const access = await one.open()
  const token = access.find(text)
  assert.ok(token)
  one.setAway(true)
  for (let time = 0; time < 100; time++) access.refused(token, 'push', 'clicks')
  access.refused(token, 'read', 'other')
  const refusedBefore = one.registry.clock.now() + 100_000
  await setTimeout(1200)
  one.setAway(false)
  await access.close()
  const told: string[] = []
  for await (const { by, action, on, environment, why, at } of one.registry.audit.list({ allowed: false })) {
    told.push([by, action, on, environment, why].join(' '))
    assert.ok(momentMicros(at) < refusedBefore, 'when it happened, and not when it could be told')
  }
  const how = `over HTTP, token ${token.id}`
  assert.deepEqual(told.toSorted(), [`bob push source:clicks dev ${how}`, `bob read view:other dev ${how}`])
})

test('a role in one environment is worth nothing in another, and one on a view shows no statistics of its groups', async () => {
  await using one = await governed()
  await one.registry.access.grant('ann', admin, { by: 'test' })
  await one.registry.access.grant('bob', reader, { by: 'test' })
  await one.registry.access.grant('bob', { role: 'reader', environment: 'prod', on: 'group:orders' }, { by: 'test' })
  const text = await one.token('bob')
  const access = await one.open()
  const token = access.find(text)
  assert.ok(token)
  const inEach = (may: (environment?: string) => boolean) => [undefined, 'dev', 'prod', 'staging'].map((environment) => may(environment))
  assert.deepEqual(
    inEach((environment) => access.allows(token, 'read', 'ranking', environment)),
    [true, true, false, false],
  )
  assert.deepEqual(
    inEach((environment) => access.allows(token, 'read', undefined, environment)),
    [true, true, true, false],
  )
  assert.deepEqual(
    inEach((environment) => access.mayReadFeature(token, 'orders@1', 'order_count_1d', environment)),
    [false, false, true, false],
  )
  await access.close()
})

test('an admin of an environment administers that one', async () => {
  await using one = await governed()
  await one.registry.access.grant('ann', admin, { by: 'test' })
  await one.registry.access.grant('eve', { ...admin, environment: 'dev' }, { by: 'test' })
  const texts = await Promise.all(['ann', 'eve'].map(one.token))
  const access = await one.open()
  const may = texts.map((text) => {
    const token = access.find(text)
    assert.ok(token)
    return [undefined, 'dev', 'prod', '*'].map((environment) => access.allows(token, 'admin', environment))
  })
  assert.deepEqual(may, [
    [true, true, true, true],
    [true, true, false, false],
  ])
  await access.close()
})

test('a token of the file for a view tells of the features that the view has, and of no others of their groups', async () => {
  await using one = await governed(served)
  const file = TokenFile.open(tokensPath(one.store.folder))
  const access = await one.open({ needed: true })
  const mayRead = async (scope: string) => {
    const { token } = await file.create({ name: 'web', scopes: [scope] })
    const features = ['user_last_item', 'user_spend_lifetime', 'user_click_count_1h']
    return ['user_clicks@1', 'user_clicks@2'].map((group) => features.filter((feature) => access.mayReadFeature(token, group, feature)))
  }
  // Of `user_click_count_1h` the view has only what on-demand code makes of it.
  assert.deepEqual(await mayRead('read:careful'), [['user_last_item'], []])
  assert.deepEqual(await mayRead('read:visitor'), [['user_last_item', 'user_spend_lifetime', 'user_click_count_1h'], []])
  assert.deepEqual(await mayRead('push:clicks'), [[], []])
  await access.close()
})
