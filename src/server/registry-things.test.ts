import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type ServedStore, servedStore } from '../../test/support/served-store.ts'

let served: ServedStore
before(async () => {
  served = await servedStore({})
})
after(() => served[Symbol.asyncDispose]())

type Page = Readonly<Record<string, unknown>>
const get = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
  const { status, body } = await served.send(`/registry/${path}`, undefined, headers)
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`)
  return body as Page
}
const namesOf = (list: unknown) => (list as { readonly name: string }[]).map(({ name }) => name)
const idsOf = (list: unknown) => (list as { readonly id: string }[]).map(({ id }) => id)

test('a group with its features, what they come from, its runs and how fresh it is', async () => {
  const group = await get('groups/user_clicks/1')
  assert.deepEqual(namesOf(group.features), ['user_click_count_1h', 'user_last_item', 'user_spend_lifetime', 'user_top_items'])
  const [first] = group.features as Page[]
  assert.deepEqual([first?.computed, first?.status, first?.views], ['count() over 1h', 'active', ['careful@1', 'ranking@2', 'visitor@1']])
  assert.match(String(first?.hash), /^\w+$/)
  assert.deepEqual([group.entity, group.source, group.status, group.life_cycle], ['user', 'clicks', 'active', null])
  assert.deepEqual([group.versions, group.views], [[{ version: 1, status: 'active' }], ['careful@1', 'ranking@2', 'visitor@1']])
  assert.deepEqual(
    (group.columns as string[]).toSorted(),
    ['at', 'item_id', 'price', 'user_id'].map((name) => `source:clicks.${name}`),
  )
  assert.deepEqual(group.to_features, ['context@1.budget_per_click'])
  assert.deepEqual(
    (group.runs as Page[]).map(({ kind, subject }) => [kind, subject]),
    [['materialize', 'user_clicks@1']],
  )
  // A stream keeps the one, and has read nothing yet.
  assert.deepEqual([group.seconds_behind, (await get('groups/item_facts/1')).seconds_behind], [null, 0])
  assert.deepEqual(group.may, { read: true, write: true, own: true })
})

test('the page of a group asks how fresh that one is, and no other', async ({ mock }) => {
  const freshness = mock.method(served.store, 'freshness')
  await get('groups/item_facts/1')
  assert.deepEqual(
    freshness.mock.calls.map((call) => call.arguments[0]?.map(({ name }) => name)),
    [['item_facts']],
  )
  assert.deepEqual(Object.keys(await served.store.freshness([served.store.group('item_facts')])), ['item_facts@1'])
})

test('a view, an on-demand view, a source and an entity', async () => {
  const view = await get('views/ranking/2')
  const features = view.features as Page[]
  assert.deepEqual(
    features.find(({ name }) => name === 'item_price'),
    { name: 'item_price', type: 'decimal(8, 2) or null', feature: 'item_facts@1.item_price', computed: 'price' },
  )
  assert.equal(features.find(({ name }) => name === 'budget_per_click')?.feature, 'context@1.budget_per_click')
  assert.deepEqual([view.owner, view.current, view.may], ['growth', true, { read: true, own: true }])
  const onDemand = await get('on-demand/context/1')
  assert.deepEqual(onDemand.reads, [{ name: 'user_click_count_1h', feature: 'user_clicks@1.user_click_count_1h' }])
  assert.deepEqual([namesOf(onDemand.request), namesOf(onDemand.features)], [['budget', 'mood'], ['budget_per_click']])
  assert.deepEqual([onDemand.from_features, onDemand.views], [['user_clicks@1.user_click_count_1h'], ['careful@1', 'ranking@2']])
  const source = await get('sources/clicks')
  assert.deepEqual(namesOf(source.columns), ['click_id', 'user_id', 'item_id', 'price', 'at'])
  assert.deepEqual([source.event_id, source.lateness_seconds, source.partitions], [['click_id'], 3600, 2])
  assert.deepEqual([source.groups, source.views], [['user_clicks@1'], ['careful@1', 'ranking@2', 'visitor@1']])
  const entity = await get('entities/item')
  assert.deepEqual([namesOf(entity.keys), entity.groups, entity.views], [['item_id'], ['item_facts@1'], ['careful@1', 'ranking@2']])
  for (const path of ['groups/user_clicks/2', 'views/ranking/1', 'on-demand/user_clicks/1', 'sources/other', 'entities/other'])
    assert.equal((await served.send(`/registry/${path}`)).status, 404, path)
})

test('who read something in the last thirty days is named with when, and no one who read something else', async () => {
  const { registry } = served.store
  const [now, day] = [registry.clock.now(), 86_400_000_000]
  const read = { view: 'visitor', version: 1, requests: 1, vectors: 1, features: ['user_spend_lifetime'] }
  await registry.usage.write('dev', Math.floor(now / day), 'one', [{ ...read, caller: 'web', model: 'm', first: now - day, last: now }])
  await registry.usage.write('dev', Math.floor(now / day) - 40, 'one', [
    { ...read, caller: 'old', model: '', first: now - 40 * day, last: now - 40 * day },
  ])
  const readers = async (path: string) => ((await get(path)).readers as Page[]).map(({ caller, view }) => `${caller} ${view}`)
  for (const path of ['views/visitor/1', 'groups/user_clicks/1', 'sources/clicks', 'features/user_clicks/1/user_spend_lifetime'])
    assert.deepEqual(await readers(path), ['web visitor@1'], path)
  for (const path of ['views/ranking/2', 'entities/item', 'features/user_clicks/1/user_last_item'])
    assert.deepEqual(await readers(path), [], path)
})

test('lists are filtered by name, owner, tag and status', async () => {
  const ids = async (path: string) => idsOf((await get(path)).items)
  assert.deepEqual(await ids('views?owner=growth'), ['view:ranking@2'])
  assert.deepEqual(await ids('views?name=visitor'), ['view:visitor@1'])
  assert.deepEqual(await ids('features?name=item_price'), ['item_facts@1.item_price'])
  assert.deepEqual([await ids('on-demand'), await ids('on-demand?name=other')], [['onDemand:context@1'], []])
  assert.deepEqual([await ids('sources?name=facts'), await ids('entities?name=user')], [['source:facts'], ['entity:user']])
  for (const list of ['features', 'groups', 'views', 'on-demand']) {
    for (const none of ['tag=none', 'owner=nobody', 'status=draft', 'name=none'])
      assert.deepEqual(await ids(`${list}?${none}`), [], `${list} ${none}`)
  }
})

test('a page says what the caller may do to it', async () => {
  await using governed = await servedStore({})
  const { access } = governed.store.registry
  await access.grant('ann', { role: 'admin', environment: '*', on: '*' }, { by: 'test' })
  await access.grant('bob', { role: 'writer', environment: 'dev', on: 'group:item_facts' }, { by: 'test' })
  await access.grant('bob', { role: 'owner', environment: 'dev', on: 'onDemand:context' }, { by: 'test' })
  const { text } = await access.createToken({ principal: 'bob', by: 'test' })
  await setTimeout(700)
  const may = async (path: string) => (await governed.send(`/registry/${path}`, undefined, { authorization: `Bearer ${text}` })).body.may
  assert.deepEqual(await may('groups/item_facts/1'), { read: true, write: true, own: false })
  assert.deepEqual(await may('groups/user_clicks/1'), { read: false, write: false, own: false })
  assert.deepEqual(await may('views/ranking/2'), { read: false, own: false })
  assert.deepEqual(await may('on-demand/context/1'), { own: true })
  assert.deepEqual(await may('sources/facts'), { push: true })
  assert.deepEqual(await may('features/item_facts/1/item_price'), { read: true, write: true, own: false })
})
