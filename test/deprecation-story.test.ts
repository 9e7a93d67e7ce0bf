import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { catalogueOf } from '../src/definition/index.ts'
import {
  applyPlan,
  consumersOf,
  deprecate,
  lifeCycleSubject,
  planChanges,
  remove,
  restorable,
  restore,
  switchVersion,
} from '../src/governance/index.ts'
import { count, type Definition, entity, events, featureGroup, featureView, openStore, rows, sum, t } from '../src/index.ts'
import { Server } from '../src/server/index.ts'
import { Adopted, Follower } from '../src/store/index.ts'

const day = 86_400_000
const environment = 'dev'
const user = entity('user', { user_id: t.string() })
const about = { owner: 'growth', description: 'Orders of a user' }

/** A group whose sum has these many days, and views of it; `features` of the second one. */
function project({ version = 1, days = 30, views = [1], features = ['user_order_count_30d'] as string[] } = {}): Definition[] {
  const orders = events('orders', {
    columns: { user_id: t.string(), total: t.integer(), at: t.timestamp() },
    time: 'at',
    history: rows([{ user_id: 'u1', total: 5, at: '2026-02-28T00:00:00Z' }]),
  })
  const group = featureGroup({
    name: 'user_orders',
    version,
    entity: user,
    source: orders,
    features: (order) => ({ user_order_count_30d: count().over('30d'), user_order_value_sum: sum(order.total).over(`${days}d`) }),
    ...about,
  })
  return views.map((number) =>
    featureView({
      name: 'ranking',
      version: number,
      features: [group.pick(...((number === 1 ? Object.keys(group.features) : features) as 'user_order_count_30d'[]))],
      ...about,
    }),
  )
}

test('a feature is deprecated, its readers are warned and hold up its removal, then it goes, and its name stays retired', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-story-'))
  let now = Date.parse('2026-03-01T00:00:00Z')
  const first = project()
  const store = await openStore({ definitions: first, folder, clock: () => new Date(now) })
  const { registry } = store
  const plan = (definitions: readonly Definition[]) =>
    planChanges({ registry, environment, definitions, sample: 0, checks: { 'name-window': 'off' } })
  const apply = async (definitions: readonly Definition[]) =>
    await applyPlan((await plan(definitions)).plan, {
      registry,
      environment,
      definitions,
      checks: { 'name-window': 'off' },
      by: 'ada',
      message: '',
    })
  try {
    const head = await apply(first)
    await store.adopt(new Adopted(first, head))
    await store.materialize(catalogueOf(first).groups)
    await using follower = await Follower.start(store, { every: 50, files: project({ views: [1, 2] }) })
    await using server = await Server.start(store, { log: 'silent', follower })
    const read = async (version?: number) => {
      const answer = await fetch(`${server.url}/v1/views/ranking/vectors`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'lockstep-caller': 'shop' },
        body: JSON.stringify({ keys: { user_id: 'u1' }, names: 'per_row', ...(version === undefined ? {} : { version }) }),
      })
      return { headers: answer.headers, body: JSON.parse(await answer.text()) }
    }
    const before = await read()
    assert.deepEqual([before.headers.get('deprecation'), before.body.deprecated], [null, undefined])

    // Marked: who depends on it is named.
    const catalogue = catalogueOf(project({ views: [1] }))
    const sought = lifeCycleSubject(catalogue, 'user_order_value_sum', environment)
    assert.equal(sought.id, 'user_orders@1.user_order_value_sum')
    const set = await registry.trainingSets.record(now * 1000, {
      environment,
      view: 'ranking',
      version: 1,
      hash: '',
      features: ['user_order_value_sum'],
      labels: { hash: '', rows: 1 },
      rows: 1,
      path: 'set.parquet',
      created: new Date(now).toISOString(),
      by: 'ann',
    })
    await deprecate(registry, environment, sought, 'ada', {
      replacement: 'user_orders@1.user_order_count_30d',
      removeAfter: '2026-03-20T00:00:00Z',
      reason: 'too coarse',
      brownOuts: [{ from: '2026-03-10T10:00:00Z', to: '2026-03-10T10:10:00Z' }],
    })
    const consumers = await consumersOf(registry, catalogue, environment, sought, 0)
    assert.deepEqual([consumers.views, consumers.trainingSets], [['ranking@1'], [set]])

    // Readers are warned, in headers that any client knows, in the answer, and at plan.
    await setTimeout(1200)
    const warned = await read()
    assert.equal(warned.headers.get('deprecation'), `@${now / 1000}`)
    assert.equal(warned.headers.get('sunset'), 'Fri, 20 Mar 2026 00:00:00 GMT')
    assert.deepEqual(warned.body.deprecated, [
      {
        feature: 'user_order_value_sum',
        id: 'user_orders@1.user_order_value_sum',
        since: '2026-03-01T00:00:00Z',
        reason: 'too coarse',
        replacement: 'user_orders@1.user_order_count_30d',
        remove_after: '2026-03-20T00:00:00Z',
      },
    ])
    assert.deepEqual(warned.body.rows[0].statuses, { user_order_count_30d: 'PRESENT', user_order_value_sum: 'PRESENT' })
    assert.match(
      (await plan(first)).plan.deprecations.join(),
      /user_order_value_sum is deprecated \(too coarse\); read .* Read by ranking@1/,
    )

    // A brown-out answers as if it were gone, and says why.
    now = Date.parse('2026-03-10T10:05:00Z')
    const gone = await read()
    assert.deepEqual(gone.body.rows[0].statuses, { user_order_count_30d: 'PRESENT', user_order_value_sum: 'FAILED' })
    assert.equal(gone.body.rows[0].values.user_order_value_sum, null)
    assert.match(JSON.stringify(gone.body.errors), /FEATURE_BROWNED_OUT.*not answered for a while/)
    now = Date.parse('2026-03-10T10:10:00Z')
    assert.equal((await read()).body.rows[0].statuses.user_order_value_sum, 'PRESENT')

    // Refused: before its day, while a view pins it, a caller reads it, or a training set holds it.
    await server.close()
    const since = (days: number) => (now - days * day) * 1000
    const take = (name: string, of: readonly Definition[], days = 30) =>
      remove(registry, catalogueOf(of), environment, lifeCycleSubject(catalogueOf(of), name, environment), {
        by: 'ada',
        since: since(days),
      })
    await assert.rejects(take('user_order_value_sum', first), { code: 'IN_USE', message: /promised to stay until 2026-03-20/ })
    now = Date.parse('2026-03-21T00:00:00Z')
    await assert.rejects(take('user_order_value_sum', first), (error: Error) => {
      for (const part of ['the view ranking@1 pins it', 'shop read it by ranking@1, last on 2026-03-10', `training set ${set} holds it`])
        assert.ok(error.message.includes(part), error.message)
      return true
    })

    // Another version without it; the old one leaves when nobody reads it any more.
    const second = project({ views: [1, 2] })
    const after = await apply(second)
    assert.deepEqual(
      [...after.items.keys()].filter((id) => id.startsWith('view:')),
      ['view:ranking@1', 'view:ranking@2'],
    )
    const refused = { code: 'IN_USE', message: /current version of ranking.*ranking@2.*shop read it.*training set/ }
    await assert.rejects(take('view:ranking@1', second), refused)
    await switchVersion(registry, { name: 'ranking', version: 2 }, { environment, unmaterialized: [], by: 'ada', message: '' })
    now += 40 * day
    await assert.rejects(take('view:ranking@1', second), {
      code: 'IN_USE',
      message: new RegExp(`: the live training set ${set} holds it$`),
    })
    await assert.rejects(take('view:ranking@1', second, 90), { code: 'IN_USE', message: /shop read it/ })
    await registry.trainingSets.retire(set)
    assert.equal((await take('view:ranking@1', second)).status, 'removed')
    const left = await registry.applies.head(environment)
    assert.deepEqual([left?.items.has('view:ranking@1'), left?.current.get('ranking')], [false, 2])
    now += 1000
    const third = project({ views: [2] })
    assert.equal((await take('user_order_value_sum', third)).status, 'removed')
    await assert.rejects(take('user_order_value_sum', third), { code: 'NAME_RETIRED' })

    // Its name does not come back, with another meaning or in a view.
    const refusals = async (definitions: readonly Definition[]) =>
      (await plan(definitions)).plan.refusals.map(({ code, where }) => `${code} ${where}`)
    assert.deepEqual(await refusals(third), [])
    assert.deepEqual(await refusals(project({ version: 2, days: 7, views: [3] })), ['NAME_RETIRED group user_orders@2'])
    assert.deepEqual(
      await refusals(project({ views: [2, 3], features: ['user_order_value_sum'] })).then((all) =>
        all.includes('NAME_RETIRED view ranking@3'),
      ),
      true,
    )
    assert.deepEqual(
      (await registry.lifeCycles.tombstones(environment)).map(({ id, by }) => [id, by]),
      [
        ['feature:user_orders@1.user_order_value_sum', 'ada'],
        ['view:ranking@1', 'ada'],
      ],
    )
    // Until it is said that its removal was a mistake: then a view may read it again, and the name means what it meant.
    const mistaken = await restorable(registry, environment, 'user_order_value_sum')
    assert.equal((await restore(registry, environment, mistaken, { by: 'ann', reason: 'finance reads it' })).status, 'active')
    assert.deepEqual(await refusals(project({ views: [2, 3], features: ['user_order_value_sum'] })), [
      'IMMUTABLE_VERSION feature view ranking',
    ])
    const told: string[] = []
    for await (const { action, on } of registry.audit.list()) told.push(`${action} ${on}`)
    assert.deepEqual(
      told.filter((one) => /^(deprecate|remove|restore)/.test(one)),
      [
        'deprecate user_orders@1.user_order_value_sum',
        'remove view:ranking@1',
        'remove user_orders@1.user_order_value_sum',
        'restore user_orders@1.user_order_value_sum',
      ],
    )
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
})
