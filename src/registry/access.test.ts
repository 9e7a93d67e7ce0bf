import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { actingIn } from './acting.ts'
import type { AuditEntry } from './audit.ts'
import { sqliteDocumentStore } from './drivers/sqlite.ts'
import type { Grant, Role } from './grants.ts'
import { Registry } from './registry.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-access-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
let now = 1_767_607_200_000_000
const clock = { now: () => now++, sleep: () => Promise.resolve() }
const registry = () => new Registry(sqliteDocumentStore({ path: join(folder, `${files++}.sqlite`) }), clock)
const role = (name: Role, on = '*', environment = 'dev'): Grant => ({ role: name, on, environment })
const admin = role('admin', '*', '*')
const dev = { environment: 'dev' }

async function entries(audit: Registry['audit'], filter = {}): Promise<AuditEntry[]> {
  const found: AuditEntry[] = []
  for await (const entry of audit.list(filter)) found.push(entry)
  return found
}

test('until there is an admin everything is allowed; then only what roles say, and refused attempts are told', async () => {
  await using one = registry()
  const orders = { ...dev, on: 'group:orders' }
  await one.access.check('anybody', 'admin', dev)
  await one.access.grant('bob', role('owner', 'group:orders'), { by: 'root' })
  await one.access.check('anybody', 'define', orders)
  await one.access.grant('ann', admin, { by: 'root' })
  await one.access.check('bob', 'define', orders)
  await one.access.check('bob', 'define', [orders, orders])
  await assert.rejects(one.access.check('anybody', 'read', orders, 'just so'), { code: 'FORBIDDEN' })
  await assert.rejects(one.access.check('bob', 'define', [orders, { ...dev, on: 'group:visits' }]), {
    code: 'FORBIDDEN',
    message: 'bob may not define group:visits in dev: it takes the role owner',
    remedy: /lockstep access grant bob owner --on group:visits --environment dev/,
  })
  await assert.rejects(one.access.check('bob', 'admin', dev), { code: 'FORBIDDEN' })
  await one.access.check('ann', 'forget', { environment: 'prod' })
  const refused = await entries(one.audit, { allowed: false })
  assert.deepEqual(
    refused.map(({ by, action, on, environment, why }) => [by, action, on, environment, why]),
    [
      ['anybody', 'read', 'group:orders', 'dev', 'just so'],
      ['bob', 'define', 'group:visits', 'dev', ''],
      ['bob', 'admin', '*', 'dev', ''],
    ],
  )
})

test('every change of access is in the audit log with before and after, in the commit that made it', async () => {
  await using one = registry()
  await one.access.grant('ann', admin, { by: 'root' })
  await one.access.grant('collector', role('writer', 'source:orders'), { by: 'ann', kind: 'service' })
  const { token } = await one.access.createToken({ principal: 'collector', by: 'ann' })
  await one.access.grant('collector', role('reader'), { by: 'ann' })
  await one.access.revoke('collector', role('reader'), 'ann')
  await one.access.revokeToken(token.id, 'ann')
  await one.access.remove('collector', 'ann')
  assert.equal(await one.documents.revision(), 7)
  const all = await entries(one.audit)
  assert.deepEqual(
    all.map(({ action, on, by, allowed }) => [action, on, by, allowed]),
    [
      ['access.grant', 'ann', 'root', true],
      ['access.grant', 'collector', 'ann', true],
      ['token.create', 'collector', 'ann', true],
      ['access.grant', 'collector', 'ann', true],
      ['access.revoke', 'collector', 'ann', true],
      ['token.revoke', 'collector', 'ann', true],
      ['access.remove', 'collector', 'ann', true],
    ],
  )
  const grantsOf = (value: unknown) => (value as { grants?: Grant[] } | null)?.grants?.map((grant) => grant.role)
  assert.deepEqual([grantsOf(all[1]?.before), grantsOf(all[1]?.after)], [undefined, ['writer']])
  assert.deepEqual([grantsOf(all[4]?.before), grantsOf(all[4]?.after)], [['writer', 'reader'], ['writer']])
  assert.deepEqual([grantsOf(all[6]?.before), all[6]?.after], [['writer'], null])
  assert.ok(!JSON.stringify(all).includes('hash'), 'no hash of a secret')
})

test('the audit log is read by time, by whom and by page, in both directions', async () => {
  await using one = registry()
  const from = now
  for (let step = 0; step < 1100; step += 100)
    await one.audit.record(
      ...Array.from({ length: 100 }, (_, at) => ({ by: `p${(step + at) % 3}`, action: 'a', on: `${step + at}`, environment: 'dev' })),
    )
  const all = await entries(one.audit)
  assert.deepEqual([all.length, new Set(all.map(({ on }) => on)).size], [1100, 1100])
  assert.deepEqual(
    all.map(({ id }) => id).toSorted(),
    all.map(({ id }) => id),
  )
  assert.deepEqual(await entries(one.audit, { descending: true }), all.toReversed())
  assert.deepEqual(
    await entries(one.audit, { by: 'p1' }),
    all.filter(({ by }) => by === 'p1'),
  )
  assert.deepEqual(await entries(one.audit, { since: from + 500, until: from + 510 }), all.slice(500, 510))
  assert.deepEqual(await entries(one.audit, { since: from + 500, until: from + 510, descending: true }), all.slice(500, 510).toReversed())
  assert.deepEqual(await entries(one.audit, { after: all[1090]?.id }), all.slice(1091))
})

test('the first admin is one of all environments, and the last one stays while others have roles', async () => {
  await using one = registry()
  await assert.rejects(one.access.grant('ann', role('admin'), { by: 'root' }), { code: 'INVALID_ARGUMENT', remedy: /--all/ })
  await one.access.grant('ann', admin, { by: 'root' })
  await one.access.grant('bob', role('admin'), { by: 'ann' })
  for (const take of [() => one.access.revoke('ann', admin, 'ann'), () => one.access.remove('ann', 'ann')])
    await assert.rejects(take(), { code: 'IN_USE', message: /last admin/ })
  await one.access.remove('bob', 'ann')
  await one.access.remove('ann', 'ann')
  assert.equal((await one.access.state()).isEnforced, false)
  await assert.rejects(one.access.remove('ann', 'ann'), { code: 'UNKNOWN_NAME' })
  await assert.rejects(one.access.grant('a b', admin, { by: 'root' }), { code: 'INVALID_ARGUMENT' })
})

test('of two who take the admins from each other at the same time one wins', async () => {
  await using one = registry()
  await one.access.grant('ann', admin, { by: 'root' })
  await one.access.grant('bob', admin, { by: 'root' })
  await one.access.grant('eve', role('reader'), { by: 'root' })
  const tried = await Promise.allSettled([one.access.remove('ann', 'bob'), one.access.remove('bob', 'ann')])
  assert.deepEqual(tried.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  assert.equal((await one.access.state()).isEnforced, true)
})

test('a token is its secret, until it expires, is revoked, or its principal is no more', async () => {
  await using one = registry()
  await one.access.grant('web', role('reader', 'view:ranking'), { by: 'root', kind: 'service' })
  const expires = now + 1_000_000
  const made = await one.access.createToken({ principal: 'web', by: 'root', expires, rate: 5 })
  const found = async (text: string, at = now) => (await one.access.state()).find(text, at)?.principal ?? null
  assert.equal(await found(made.text), 'web')
  const last = made.text.at(-1) === '0' ? '1' : '0'
  const [, id = ''] = made.text.split('_')
  for (const text of ['', 'lockstep', made.text.slice(0, -1) + last, made.text.replace(id, '0'.repeat(16)), `${made.text}0`])
    assert.equal(await found(text), null, text)
  assert.deepEqual([await found(made.text, expires - 1), await found(made.text, expires)], ['web', null])
  for (const { text } of await one.documents.list('tokens')) assert.ok(!text.includes(made.text.slice(-64)), 'the secret is nowhere')
  const other = await one.access.createToken({ principal: 'web', by: 'root' })
  await one.access.revokeToken(other.token.id, 'root')
  assert.equal(await found(other.text), null)
  await one.access.remove('web', 'root')
  await one.access.grant('web', role('admin', '*', '*'), { by: 'root' })
  assert.equal(await found(made.text), null, 'not even where the name is given again')
  await assert.rejects(one.access.createToken({ principal: 'nobody', by: 'root' }), { code: 'UNKNOWN_NAME', remedy: /access grant nobody/ })
  await assert.rejects(one.access.createToken({ principal: 'web', by: 'root', expires: now - 1 }), { code: 'INVALID_ARGUMENT' })
  await assert.rejects(one.access.createToken({ principal: 'web', by: 'root', rate: 0 }), { code: 'INVALID_ARGUMENT' })
})

test('tokens of a principal are made by who is an admin wherever it has roles, and by itself', async () => {
  await using one = registry()
  await one.access.check('anybody', 'admin', dev)
  await one.access.checkMayActAs('anybody', 'ann')
  await one.access.grant('ann', admin, { by: 'root' })
  await one.access.grant('dev-admin', role('admin'), { by: 'ann' })
  await one.access.grant('bob', role('reader'), { by: 'ann' })
  await one.access.grant('eve', role('reader'), { by: 'ann' })
  await one.access.grant('eve', role('owner', 'group:orders', 'prod'), { by: 'ann' })
  const may = async (who: string) => {
    const tried = ['ann', 'dev-admin', 'bob', 'eve', 'nobody'].map((principal) => one.access.checkMayActAs(who, principal))
    return (await Promise.allSettled(tried)).map(({ status }) => (status === 'fulfilled' ? 'yes' : '-')).join(' ')
  }
  assert.equal(await may('ann'), 'yes yes yes yes yes')
  assert.equal(await may('dev-admin'), '- yes yes - -')
  assert.equal(await may('bob'), '- - yes - -')
  assert.equal(await may('nobody'), '- - - - -')
  const refused = await entries(one.audit, { allowed: false, by: 'bob' })
  assert.deepEqual(
    refused.map(({ why }) => why).toSorted(),
    ['ann', 'dev-admin', 'eve', 'nobody'].map((name) => `tokens of ${name}`),
  )
})

test('tokens that ended long ago are dropped when others are made', async () => {
  let at = 1_767_607_200_000_000
  await using one = new Registry(sqliteDocumentStore({ path: join(folder, `${files++}.sqlite`) }), { ...clock, now: () => at++ })
  const day = 86_400_000_000
  await one.access.grant('web', role('reader'), { by: 'root' })
  const make = async (expires?: number) =>
    (await one.access.createToken({ principal: 'web', by: 'root', ...(expires === undefined ? {} : { expires }) })).token.id
  const [expired, revoked, lasting] = [await make(at + day), await make(), await make()]
  await one.access.revokeToken(revoked, 'root')
  at += 400 * day
  await make()
  const ids = async () => [expired, revoked, lasting].filter((id) => known.has(id))
  let known = (await one.access.state()).tokens
  assert.deepEqual(await ids(), [expired, lasting])
  at += 2 * day
  await make()
  known = (await one.access.state()).tokens
  assert.deepEqual(await ids(), [lasting])
})

test('who may do something is told with the grant that allows it', async () => {
  await using one = registry()
  await one.access.grant('ann', admin, { by: 'root' })
  await one.access.grant('bob', role('owner', 'tag:money'), { by: 'ann' })
  await one.access.grant('eve', role('reader'), { by: 'ann' })
  const who = (await one.access.state()).whoMay('define', { ...dev, on: 'group:orders', tags: ['money'] })
  assert.deepEqual(
    who.map(({ principal, grant }) => [principal.name, grant.on]),
    [
      ['ann', '*'],
      ['bob', 'tag:money'],
    ],
  )
})

test('a token of somebody else counts where its maker was an admin, also once its principal has roles elsewhere', async () => {
  await using own = registry()
  const { access } = own
  const grant = (name: string, role: 'reader' | 'owner' | 'admin', environment: string) =>
    access.grant(name, { role, environment, on: '*' }, { by: 'ann' })
  await grant('ann', 'admin', '*')
  await grant('eve', 'admin', 'dev')
  await grant('bob', 'reader', 'dev')
  const [ofEve, ofAnn] = [
    await access.createToken({ principal: 'bob', by: 'eve' }),
    await access.createToken({ principal: 'bob', by: 'ann' }),
  ]
  await grant('bob', 'owner', 'prod')
  await grant('bob', 'owner', 'dev')
  await grant('bob', 'admin', '*')
  const state = await access.state()
  const mayDefine = (text: string) => {
    const token = state.find(text, own.clock.now())
    const where = (environment: string) => state.allows('bob', 'define', { environment }, token?.environments)
    return [where('dev'), where('prod'), where('*')]
  }
  assert.deepEqual(
    [mayDefine(ofEve.text), mayDefine(ofAnn.text)],
    [
      [true, false, false],
      [true, true, true],
    ],
  )

  // Nor does one get more by making another token with it.
  const process = new Registry(own.documents, own.clock)
  process.access.limit({ ...ofEve.token, name: 'bob' })
  const again = await process.access.createToken({ principal: 'bob', by: 'bob' })
  const other = await process.access.createToken({ principal: 'eve', by: 'bob' })
  assert.deepEqual([again.token.environments, other.token.environments], [['dev'], ['dev']])
  await process.access.check('bob', 'define', { environment: 'dev' })
  await assert.rejects(process.access.check('bob', 'define', { environment: 'prod' }), { code: 'FORBIDDEN' })
  await assert.rejects(process.access.checkMayActAs('bob', 'ann'), { code: 'FORBIDDEN' })
  await access.check('bob', 'define', { environment: 'prod' })
})

test('a token that is made with one of its own principal lasts no longer and may send no more', async () => {
  await using own = registry()
  const { access } = own
  await access.grant('ann', { role: 'admin', environment: '*', on: '*' }, { by: 'root' })
  const expires = own.clock.now() + 60_000_000
  const made = await access.createToken({ principal: 'ann', by: 'root', expires, rate: 10 })
  const process = new Registry(own.documents, own.clock)
  process.access.limit(actingIn(process, await access.state(), made.text))
  const limitsOf = async (principal: string, asked: { readonly expires?: number; readonly rate?: number }) => {
    const { token } = await process.access.createToken({ principal, by: 'ann', ...asked })
    return [token.expires, token.rate]
  }
  assert.deepEqual(await limitsOf('ann', {}), [expires, 10])
  assert.deepEqual(await limitsOf('ann', { expires: expires + 1, rate: 11 }), [expires, 10])
  assert.deepEqual(await limitsOf('ann', { expires: expires - 1, rate: 9 }), [expires - 1, 9])
  // An admin gives others what they may have.
  await access.grant('api', { role: 'reader', environment: 'dev', on: '*' }, { by: 'ann' })
  assert.deepEqual(await limitsOf('api', {}), [null, null])
})
