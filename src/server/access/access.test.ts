import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { now, type ServedStore, servedStore } from '../../../test/support/served-store.ts'
import { type Grant, operations as operationRoles, roles } from '../../registry/index.ts'
import { TokenFile, tokensPath } from './tokens.ts'

interface Operation {
  readonly security?: readonly unknown[]
  readonly parameters: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: object
  readonly 'x-lockstep-permission'?: string
}

/** What stands for the parameters of paths: it is there, so that only the token can be a reason to refuse. */
const named: Readonly<Record<string, string>> = {
  view: 'ranking',
  source: 'clicks',
  group: 'item_facts',
  version: '1',
  feature: 'item_price',
  on_demand: 'context',
  entity: 'user',
  number: '1',
  read_id: 'r0000000000-0',
}
/** Parameters that a query has to have. */
const query: Readonly<Record<string, string>> = {
  searchRegistry: '?q=click',
  readLineage: '?of=user_clicks@1',
  listAudit: '?environment=dev',
  // What they do is asked about, as the other operations need what is there.
  ...Object.fromEntries(
    ['Group', 'View', 'OnDemand'].flatMap((one) => [`deprecate${one}`, `remove${one}`].map((id) => [id, '?dry_run=true'])),
  ),
}
/** What else than 200 tells that a request was let in: the read is not kept, a view has the feature. */
const answered: Readonly<Record<string, number>> = {
  explainRead: 404,
  describeApply: 404,
  removeFeature: 409,
  restoreGroup: 404,
  restoreView: 404,
  restoreOnDemand: 404,
}
/** Bodies that would be answered; of all operations that have one. */
const bodies: Readonly<Record<string, object>> = {
  readVectors: { keys: { user_id: 'ada', item_id: 7 } },
  pushEvents: { event: { click_id: 'p', user_id: 'ada', item_id: 7, price: '1.00', at: now }, dry_run: true },
  explain: { view: 'ranking', keys: { user_id: 'ada', item_id: 7 }, features: ['item_price'] },
  materializeGroup: {},
  feastGetOnlineFeatures: { entities: { user_id: ['ada'], item_id: [7] }, feature_service: 'ranking' },
  deprecateFeature: { reason: 'a test' },
  removeFeature: {},
  restoreFeature: {},
  ...Object.fromEntries(
    ['Group', 'View', 'OnDemand'].flatMap((one) => [
      [`deprecate${one}`, { reason: 'a test' }],
      [`remove${one}`, {}],
      [`restore${one}`, {}],
    ]),
  ),
  feastPush: { push_source_name: 'clicks', df: { click_id: ['q'], user_id: ['ada'], item_id: [7], price: ['1.00'], at: [now] } },
  tectonGetFeatures: { params: { feature_service_name: 'ranking', join_key_map: { user_id: 'ada', item_id: '7' } } },
}
/** Everything that a token can allow, for what is named above and for others. */
const scopes = [
  'read:ranking',
  'read:visitor',
  'push:clicks',
  'push:other',
  'write:item_facts',
  'write:user_clicks',
  'own:item_facts',
  'own:context',
  'own:ranking',
  'own:view:ranking',
  'admin',
]
const rightScopes: Readonly<Record<string, string>> = {
  read: 'read:ranking',
  push: 'push:clicks',
  write: 'write:item_facts',
  own: 'own:item_facts',
  admin: 'admin',
}
/** What is owned is not all of one kind. */
const rightScope = (path: string, permission: string): string | undefined => {
  if (permission === 'own' && path.startsWith('/registry/views/')) return 'own:view:ranking'
  if (permission === 'own' && path.startsWith('/registry/on-demand/')) return 'own:context'
  return rightScopes[permission]
}
/** What is not about one view, source or group is open to every scope of its operation. */
const isAboutAll = ({ id, path, operation }: { id: string; path: string; operation: Operation }): boolean =>
  ['listViews', 'explainRead'].includes(id) || (path.startsWith('/registry/') && operation['x-lockstep-permission'] === 'read')

describe('every operation of the OpenAPI document', () => {
  let served: ServedStore
  let tokens: TokenFile
  let operations: { readonly id: string; readonly method: string; readonly path: string; readonly operation: Operation }[]
  before(async () => {
    served = await servedStore({ tokens: true })
    tokens = TokenFile.open(tokensPath(served.folder))
    const { body } = await served.send('/openapi.json')
    operations = Object.entries(body.paths as Record<string, Record<string, Operation & { operationId: string }>>).flatMap(
      ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ id: operation.operationId, method, path, operation })),
    )
  })
  after(() => served[Symbol.asyncDispose]())

  /** Sends a request that would be answered, but for its token. Answers the status. */
  async function ask(
    { id, method, path, operation }: (typeof operations)[number],
    authorization?: string,
    { server }: Pick<ServedStore, 'server'> = served,
  ): Promise<number> {
    const body = operation.requestBody ? bodies[id] : undefined
    assert.equal(body === undefined, operation.requestBody === undefined, `${id} needs a body in this test`)
    const url = path.replaceAll(
      /\{(\w+)\}/g,
      (_, name: string) =>
        (name === 'version' && path.includes('{view}') ? '2' : named[name]) ?? assert.fail(`${name} needs a value in this test`),
    )
    const response = await fetch(server.url + url + (query[id] ?? ''), {
      method,
      headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...(authorization ? { authorization } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    if (response.status === 401 || response.status === 403) {
      const { error } = JSON.parse(text) as { error: { code: string } }
      assert.equal(error.code, response.status === 401 ? 'UNAUTHENTICATED' : 'FORBIDDEN')
      assert.equal(response.headers.get('www-authenticate'), response.status === 401 ? 'Bearer' : null)
    }
    return response.status
  }
  const create = async (name: string, ...allowed: string[]) => (await tokens.create({ name, scopes: allowed })).text
  const isOpen = ({ operation }: (typeof operations)[number]) => operation.security?.length === 0

  test('is open only where it has to be', () => {
    assert.ok(operations.length >= 14)
    assert.deepEqual(
      operations.filter(isOpen).map(({ path }) => path),
      ['/health', '/ready', '/openapi.json'],
    )
  })

  test('asks for a token in the document where the server does', async () => {
    await using open = await servedStore()
    const securityOf = async ({ send }: ServedStore) => (await send('/openapi.json')).body.security
    assert.deepEqual([await securityOf(served), await securityOf(open)], [[{ token: [] }], [{ token: [] }, {}]])
  })

  test('is described as it is there: no route is left out', () => {
    const routes = served.server.app.printRoutes({ commonPrefix: false })
    const count = [...routes.matchAll(/\((GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)(, \w+)*\)/g)].length
    assert.equal(count, new Set(operations.map(({ path }) => path)).size, routes)
  })

  test('refuses who has no token, a wrong one, an expired or a revoked one', async () => {
    const every = scopes.map((scope) => scope.replace(/:.*/, ':*'))
    const right = await create('right', ...every)
    const revoked = await tokens.create({ name: 'revoked', scopes: every })
    await tokens.revoke(revoked.token.id)
    const soon = await tokens.create({ name: 'expired', scopes: every, expires: Date.now() * 1000 + 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 600))
    const none = {
      'no token': undefined,
      'another scheme': `Basic ${Buffer.from(`a:${right}`).toString('base64')}`,
      'no text': 'Bearer ',
      'a wrong secret': `Bearer ${right.slice(0, -1)}${right.endsWith('0') ? '1' : '0'}`,
      'an unknown token': `Bearer lockstep_${'0'.repeat(16)}_${'0'.repeat(64)}`,
      'an expired token': `Bearer ${soon.text}`,
      'a revoked token': `Bearer ${revoked.text}`,
    }
    for (const one of operations.filter((each) => !isOpen(each))) {
      for (const [what, authorization] of Object.entries(none)) assert.equal(await ask(one, authorization), 401, `${one.id}: ${what}`)
    }
    for (const one of operations.filter(isOpen)) assert.equal(await ask(one), 200, one.id)
  })

  test('refuses each wrong scope, and no right one', async () => {
    const texts = new Map(await Promise.all(scopes.map(async (scope) => [scope, await create(scope, scope)] as const)))
    await new Promise((resolve) => setTimeout(resolve, 600))
    for (const one of operations.filter((each) => !isOpen(each))) {
      const permission = one.operation['x-lockstep-permission'] as string
      const right = rightScope(one.path, permission) ?? (permission === 'any' ? '' : assert.fail(`${one.id} needs a permission`))
      for (const [scope, text] of texts) {
        const status = await ask(one, `Bearer ${text}`)
        const allowed = permission === 'any' || scope === right || (isAboutAll(one) && scope.startsWith(`${permission}:`))
        if (allowed) assert.equal(status, answered[one.id] ?? 200, `${one.id} with ${scope}`)
        else assert.equal(status, 403, `${one.id} with ${scope}`)
      }
    }
  })

  test('refuses each role that does not reach so far, and no other; the audit log tells of it', async () => {
    await using governed = await servedStore()
    const { registry } = governed.store
    // Nobody is an admin: no token is asked for.
    const target = { server: governed.server }
    for (const one of operations) assert.ok([200, 404, 409].includes(await ask(one, undefined, target)), one.id)
    const on = (what: string) => ({ environment: 'dev', on: what })
    const grants: Readonly<Record<string, Grant[]>> = {
      nobody: [],
      elsewhere: [{ role: 'owner', environment: 'prod', on: '*' }],
      reader: [{ role: 'reader', ...on('*') }],
      writer: [{ role: 'writer', ...on('*') }],
      owner: [{ role: 'owner', ...on('*') }],
      admin: [{ role: 'admin', environment: '*', on: '*' }],
      'reader of the view': [{ role: 'reader', ...on('view:ranking') }],
      'reader of its groups': ['group:user_clicks', 'group:item_facts'].map((group) => ({ role: 'reader', ...on(group) })),
      'reader of one group': [{ role: 'reader', ...on('group:item_facts') }],
      'writer of the source': [{ role: 'writer', ...on('source:clicks') }],
      'writer of its groups': [{ role: 'writer', ...on('group:user_clicks') }],
      'writer of a group': [{ role: 'writer', ...on('group:item_facts') }],
    }
    const may: Readonly<Record<string, readonly string[]>> = {
      read: ['reader', 'writer', 'owner', 'admin', 'reader of the view', 'reader of its groups'],
      push: ['writer', 'owner', 'admin', 'writer of the source', 'writer of its groups'],
      write: ['writer', 'owner', 'admin', 'writer of a group'],
      own: ['owner', 'admin'],
      admin: ['admin'],
    }
    const texts = new Map<string, string>()
    for (const [name, given] of Object.entries(grants)) {
      const principal = name.replaceAll(' ', '-')
      await registry.access.grant(principal, given[0] ?? { role: 'reader', environment: 'nowhere', on: '*' }, { by: 'test' })
      for (const grant of given.slice(1)) await registry.access.grant(principal, grant, { by: 'test' })
      texts.set(name, (await registry.access.createToken({ principal, by: 'test' })).text)
    }
    await new Promise((resolve) => setTimeout(resolve, 700))
    for (const one of operations.filter((each) => !isOpen(each))) {
      const permission = one.operation['x-lockstep-permission'] as string
      assert.equal(await ask(one, undefined, target), 401, `${one.id} without a token, once there is an admin`)
      for (const [name, text] of texts) {
        // What is about all is open to every role that reaches so far on anything.
        const least = roles.indexOf(operationRoles[permission === 'own' ? 'deprecate' : (permission as 'read')])
        const any = (grants[name] ?? []).some(({ role, environment }) => environment !== 'prod' && roles.indexOf(role) >= least)
        const allowed = permission === 'any' || (isAboutAll(one) ? any : may[permission]?.includes(name))
        const status = await ask(one, `Bearer ${text}`, target)
        if (allowed) assert.ok([200, 404, 409].includes(status), `${one.id} as ${name}: ${status}`)
        else assert.equal(status, 403, `${one.id} as ${name}`)
      }
    }
    await registry.access.remove('owner', 'test')
    await new Promise((resolve) => setTimeout(resolve, 1700))
    const [one] = operations.filter(({ id }) => id === 'readVectors')
    assert.equal(
      await ask(one as (typeof operations)[number], `Bearer ${texts.get('owner')}`, target),
      401,
      'who is removed is known within a second',
    )
    const told = new Set<string>()
    for await (const { by, action, on: what } of registry.audit.list({ allowed: false })) told.add(`${by} ${action} ${what}`)
    for (const attempt of ['nobody read view:ranking', 'reader push source:clicks', 'writer-of-a-group read view:ranking', 'owner admin *'])
      assert.ok(told.has(attempt), attempt)
  })

  test('a list tells of what may be read, and reads of others are not explained', async () => {
    const [ranking, visitor] = [await create('r', 'read:ranking'), await create('v', 'read:visitor')]
    await new Promise((resolve) => setTimeout(resolve, 600))
    const headers = (text: string) => ({ authorization: `Bearer ${text}` })
    const { body: list } = await served.send('/v1/views', undefined, headers(visitor))
    assert.deepEqual(
      (list.views as { name: string }[]).map(({ name }) => name),
      ['visitor'],
    )
    const asked = { keys: { user_id: 'ada', item_id: 7 }, features: ['item_price'], explain: true }
    const { body: read } = await served.read('ranking', asked, headers(ranking))
    assert.equal((await served.send(`/v1/explain/${read.read_id}`, undefined, headers(ranking))).status, 200)
    assert.equal((await served.send(`/v1/explain/${read.read_id}`, undefined, headers(visitor))).status, 403)
    // Of several views each is asked for.
    const two = { entities: { user_id: ['ada'], item_id: [7] }, features: ['visitor:user_click_count_1h', 'ranking:item_price'] }
    assert.equal((await served.send('/get-online-features', two, headers(visitor))).status, 403)
  })

  test('who administers the environment that is served by a scope reads no audit log of others', async () => {
    const text = await create('operator', 'admin')
    await new Promise((resolve) => setTimeout(resolve, 600))
    const read = async (query: string) => await served.send(`/registry/audit${query}`, undefined, { authorization: `Bearer ${text}` })
    for (const [query, where] of [
      ['', ' of all environments'],
      ['?environment=*', ' of all environments'],
      ['?environment=prod', ' in prod'],
    ] as const) {
      const { status, body } = await read(query)
      assert.deepEqual([status, body.error?.message], [403, `The token does not allow admin${where}`])
    }
    assert.equal((await read('?environment=dev')).status, 200)
  })

  test('more than the rate of a token is 429, with when to ask again', async () => {
    const { text } = await tokens.create({ name: 'slow', scopes: ['read:visitor'], rate: 0.5 })
    await new Promise((resolve) => setTimeout(resolve, 600))
    const ask = () => served.read('visitor', { keys: { user_id: 'ada' } }, { authorization: `Bearer ${text}` })
    assert.equal((await ask()).status, 200)
    const { status, body, headers } = await ask()
    assert.deepEqual([status, body.error.code, headers.get('retry-after')], [429, 'OVERLOADED', '2'])
  })
})
