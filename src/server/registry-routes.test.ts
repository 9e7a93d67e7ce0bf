import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type ServedStore, servedStore } from '../../test/support/served-store.ts'
import { registryCatalogue } from './registry-catalogue.ts'

let served: ServedStore
before(async () => {
  served = await servedStore({})
})
after(() => served[Symbol.asyncDispose]())

/** What the answers of these routes hold, as far as it is looked at. */
interface Body {
  readonly items: { readonly id: string; readonly action: string; readonly on: string; readonly current: boolean }[]
  readonly next: string | null
  readonly [member: string]: unknown
}
const get = async (path: string) => {
  const { status, body } = await served.send(path)
  return { status, body: body as unknown as Body }
}
const ids = ({ items }: Body) => items.map(({ id }) => id)

test('features, page by page and filtered', async () => {
  const all = await get('/registry/features')
  assert.equal(all.status, 200)
  assert.ok(ids(all.body).includes('user_clicks@1.user_click_count_1h'))
  const walked: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { body }: { body: Body } = await get(`/registry/features?limit=3${cursor ? `&cursor=${cursor}` : ''}`)
    assert.ok(body.items.length <= 3)
    walked.push(...ids(body))
    cursor = body.next
  }
  assert.deepEqual(walked, ids(all.body))
  assert.deepEqual(ids((await get('/registry/features?q=spend')).body), ['user_clicks@1.user_spend_lifetime'])
  assert.deepEqual(
    ids((await get('/registry/features?entity=item')).body).every((id) => id.startsWith('item_facts@1.')),
    true,
  )
  assert.deepEqual((await get('/registry/features?status=deprecated')).body, { items: [], next: null })
  for (const wrong of ['limit=0', 'cursor=!', 'status=gone', 'other=1'])
    assert.equal((await get(`/registry/features?${wrong}`)).status, 400, wrong)
})

test('the index of a catalogue is made once, however often it is searched', () => {
  const { search } = registryCatalogue(served.store)
  assert.equal(registryCatalogue(served.store).search, search)
  assert.ok(search.search('spend').some(({ id }) => id === 'user_clicks@1.user_spend_lifetime'))
})

test('a cursor of nothing, or of what is gone, is refused', async () => {
  const cursor = (id: string) => Buffer.from(id).toString('base64url')
  for (const [list, id] of [
    ['features', 'user_clicks@1.gone'],
    ['models', 'gone'],
    ['applies', 'first'],
  ] as const)
    assert.equal((await get(`/registry/${list}?cursor=${cursor(id)}`)).status, 400, list)
  assert.deepEqual((await get(`/registry/applies?cursor=${cursor('1')}`)).body, { items: [], next: null })
})

test('a feature is described with its columns, deprecated, and kept while a view has it', async () => {
  const path = '/registry/features/user_clicks/1/user_spend_lifetime'
  const { body } = await get(path)
  assert.deepEqual(
    [body.status, body.columns, body.entity],
    ['active', ['source:clicks.price', 'source:clicks.user_id', 'source:clicks.at'], 'user'],
  )
  assert.equal((await get('/registry/features/user_clicks/1/other')).status, 404)
  const post = (what: string, given: object) => served.send(`${path}/${what}`, given)
  const deprecated = await post('deprecate', { reason: 'too coarse', replacement: 'user_clicks@1.user_click_count_1h' })
  assert.equal(deprecated.status, 200, JSON.stringify(deprecated.body))
  assert.deepEqual((deprecated.body.consumers as { views: string[] }).views, body.views)
  assert.deepEqual(ids((await get('/registry/features?status=deprecated')).body), ['user_clicks@1.user_spend_lifetime'])
  const found = async (status: string) => (await get(`/registry/search?q=spend&kind=feature&status=${status}`)).body.items
  assert.deepEqual(
    (await found('deprecated')).map((one) => [one.id, (one as { status?: string }).status]),
    [['user_clicks@1.user_spend_lifetime', 'deprecated']],
  )
  assert.deepEqual(await found('active'), [])
  const refused = await post('remove', {})
  assert.deepEqual([refused.status, refused.body.error.code], [409, 'IN_USE'])
  assert.deepEqual(
    (await get('/registry/audit')).body.items.map((one) => `${one.action} ${one.on}`),
    ['deprecate user_clicks@1.user_spend_lifetime'],
  )
  const restored = await post('restore', { reason: 'it is read' })
  assert.deepEqual([restored.status, restored.body.status, (await get(path)).body.status], [200, 'active', 'active'])
  assert.equal((await post('restore', {})).status, 404)
})

test('everything else that a catalogue shows', async () => {
  for (const name of [
    'environments',
    'groups',
    'views',
    'sources',
    'entities',
    'statistics',
    'runs',
    'applies',
    'usage',
    'training-sets',
    'models',
    'audit',
  ]) {
    const { status, body } = await get(`/registry/${name}?limit=1`)
    assert.equal(status, 200, `${name}: ${JSON.stringify(body)}`)
    assert.ok(Array.isArray(body.items) && body.items.length <= 1 && 'next' in body, name)
  }
  assert.equal((await get('/registry/search?q=click&kind=group')).body.items[0]?.id, 'user_clicks@1')
  const { body } = await get('/registry/lineage?of=user_clicks@1.user_spend_lifetime&direction=up')
  assert.deepEqual([body.start, body.down], [['user_clicks@1.user_spend_lifetime'], undefined])
  assert.equal((await get('/registry/lineage?of=nothing')).status, 404)
  assert.equal((await get('/registry/views')).body.items[0]?.current, true)
})

test('statistics of a feature, the newest of them or several', async () => {
  const { store } = served
  const nothing = { nulls: 0, zeros: null, notNumbers: null, distinct: 0, minimum: null, maximum: null, mean: null, deviation: null }
  const about = {
    environment: store.environment,
    group: 'user_clicks@1',
    feature: 'user_spend_lifetime',
    sampledKeys: null,
    trainingSet: null,
  }
  const more = { ...nothing, quantiles: null, histogram: null, top: null, origin: 'backfill', computed: '2026-03-09T00:00:00Z' } as const
  const at = (day: number) => `2026-03-0${day}T00:00:00Z`
  await store.registry.statistics.keep(
    [1, 2, 3].map((day) => ({ ...about, ...more, count: day, from: at(day), to: at(day), toMicros: Date.parse(at(day)) * 1000 })),
  )
  const counts = async (query: string) =>
    ((await get(`/registry/statistics?feature=user_spend_lifetime${query}`)).body.items as unknown as { count: number }[]).map(
      ({ count }) => count,
    )
  assert.deepEqual([await counts(''), await counts('&periods=2'), await counts('&periods=100&limit=1')], [[3], [3, 2], [3]])
  assert.equal((await get('/registry/statistics?periods=0')).status, 400)
})

test('the registry is read in the environment that is asked about', async () => {
  await using governed = await servedStore({})
  const { registry } = governed.store
  await registry.access.grant('ann', { role: 'admin', environment: '*', on: '*' }, { by: 'test' })
  await registry.access.grant('bob', { role: 'reader', environment: 'dev', on: 'group:item_facts' }, { by: 'test' })
  const tokens = await Promise.all(['ann', 'bob'].map((principal) => registry.access.createToken({ principal, by: 'test' })))
  await setTimeout(1500)
  const statuses = (path: string) =>
    Promise.all(
      tokens.map(async ({ text }) => {
        const { status } = await fetch(governed.server.url + path, { headers: { authorization: `Bearer ${text}` } })
        return status
      }),
    )
  for (const list of ['runs', 'applies', 'usage', 'training-sets', 'statistics']) {
    assert.deepEqual(await statuses(`/registry/${list}`), [200, 200], list)
    assert.deepEqual(await statuses(`/registry/${list}?environment=dev`), [200, 200], list)
    assert.deepEqual(await statuses(`/registry/${list}?environment=prod`), [200, 403], list)
  }
  assert.deepEqual(await statuses('/registry/audit?environment=dev'), [200, 403])
  const version = { trainingSet: 'a', view: { name: 'ranking', version: 2 }, owner: '', description: '', by: 'test' }
  for (const [name, environments] of [
    ['both', ['dev', 'prod']],
    ['secret', ['prod']],
  ] as const)
    await registry.models.register(name, { ...version, environments })
  const models = tokens.map(({ text }) => governed.send('/registry/models', undefined, { authorization: `Bearer ${text}` }))
  assert.deepEqual(
    (await Promise.all(models)).map(({ body }) => (body.items as { name: string }[]).map(({ name }) => name)),
    [['both', 'secret'], ['both']],
  )
  const [, bob] = tokens.map(({ text }) => ({ authorization: `Bearer ${text}` }))
  assert.deepEqual((await governed.send('/registry/models?name=secret', undefined, bob)).body.items, [])
})

test('the lineage, and a feature, tell of no model of an environment that may not be read', async () => {
  await using governed = await servedStore({})
  const { registry } = governed.store
  await registry.access.grant('ann', { role: 'admin', environment: '*', on: '*' }, { by: 'test' })
  await registry.access.grant('bob', { role: 'reader', environment: 'dev', on: '*' }, { by: 'test' })
  const made = await Promise.all(['ann', 'bob'].map((principal) => registry.access.createToken({ principal, by: 'test' })))
  await setTimeout(700)
  const id = await registry.trainingSets.record(1, {
    ...{ environment: 'dev', view: 'visitor', version: 1, features: ['user_spend_lifetime'], hash: '', labels: { hash: '', rows: 0 } },
    ...{ rows: 0, path: 'made.parquet', created: '2026-03-01T00:00:00Z', by: 'test' },
  })
  const version = { trainingSet: id, view: { name: 'visitor', version: 1 }, owner: '', description: '', by: 'test' }
  await registry.models.register('both', { ...version, environments: ['dev', 'prod'] })
  await registry.models.register('secret', { ...version, environments: ['prod'] })
  const found = async (path: string, text: string) =>
    (await governed.send(`/registry/${path}`, undefined, { authorization: `Bearer ${text}` })).body as unknown as {
      readonly models: readonly string[]
      readonly down: { readonly nodes: readonly { readonly id: string; readonly kind: string }[] }
    }
  const inLineage = async (text: string) =>
    (await found('lineage?of=user_clicks@1.user_spend_lifetime', text)).down.nodes.flatMap((node) => (node.kind === 'model' ? node.id : []))
  const ofFeature = async (text: string) => (await found('features/user_clicks/1/user_spend_lifetime', text)).models
  for (const [place, all] of [['both', 'secret'], ['both']].entries()) {
    const { text } = made[place] as { text: string }
    assert.deepEqual([await inLineage(text), await ofFeature(text)], [all.map((name) => `model:${name}`), all])
  }
})

test('the OpenAPI document asks for tokens from when there is an admin on', async () => {
  await using governed = await servedStore({})
  const security = async () => (await governed.send('/openapi.json')).body.security
  assert.deepEqual(await security(), [{ token: [] }, {}])
  await governed.store.registry.access.grant('ann', { role: 'admin', environment: '*', on: '*' }, { by: 'test' })
  await setTimeout(700)
  assert.deepEqual(await security(), [{ token: [] }])
})

test('what is changed over HTTP takes a role on what it belongs to, a group or on-demand view, and is told with whose token it was', async () => {
  await using governed = await servedStore({})
  const { registry } = governed.store
  const by = { by: 'test' }
  await registry.access.grant('ann', { role: 'admin', environment: '*', on: '*' }, by)
  await registry.access.grant('zoe', { role: 'owner', environment: 'dev', on: 'onDemand:context' }, by)
  await registry.access.grant('eve', { role: 'owner', environment: 'dev', on: 'group:context' }, by)
  await registry.access.grant('bob', { role: 'writer', environment: 'dev', on: 'group:item_facts' }, by)
  const made = await Promise.all(['zoe', 'eve', 'bob'].map((principal) => registry.access.createToken({ principal, by: 'test' })))
  const [zoe, eve, bob] = made.map(({ text }) => ({ authorization: `Bearer ${text}` }))
  await setTimeout(700)
  const deprecate = (of: string, headers: typeof zoe) =>
    governed.send(`/registry/features/${of}/deprecate`, { reason: 'a test' }, headers).then(({ status }) => status)
  const onDemand = 'context/1/budget_per_click'
  assert.deepEqual([await deprecate(onDemand, eve), await deprecate(onDemand, zoe)], [403, 200])
  assert.equal(await deprecate('item_facts/1/item_price', zoe), 403)
  assert.equal((await governed.send('/v1/groups/item_facts/materialize', {}, bob)).status, 200)
  // The clock of this store stands still: the runs of its start are as new.
  const runs = await registry.runs.list({ environment: 'dev', kind: 'materialize' })
  assert.deepEqual(
    runs.flatMap(({ by: who, subject }) => (who === 'bob' ? [subject] : [])),
    ['item_facts@1'],
  )
})
