import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, entity, events, every, featureGroup, featureView, onDemand, openStore, rows, sum, t } from '../src/index.ts'

const user = entity('user', { user_id: t.string() })
const orders = events('orders', {
  columns: { user_id: t.string(), total: t.decimal(12, 2), at: t.timestamp() },
  time: 'at',
  history: rows([]),
})
const recent = featureGroup({
  name: 'recent',
  entity: user,
  source: orders,
  features: (order) => ({ user_spend_sum_1h: sum(order.total).over('1h') }),
})
const daily = featureGroup({
  name: 'daily',
  entity: user,
  source: orders,
  refresh: every('1d'),
  features: () => ({ user_order_count_lifetime: count() }),
})
const context = onDemand({
  name: 'context',
  request: { bonus: t.integer() },
  from: [daily],
  features: { rank: t.integer() },
  compute: ({ user_order_count_lifetime }, { bonus }) => ({ rank: user_order_count_lifetime + bonus }),
})
const view = featureView({ name: 'view', features: [recent, daily, context] })

const history = {
  orders: rows(
    ['2026-01-01T09:30:00Z', '2026-01-01T23:15:00Z', '2026-01-02T00:00:00Z', '2026-01-02T00:14:00Z', '2026-01-02T00:15:00Z'].map(
      (at, index) => ({
        user_id: 'ada',
        total: `${index + 1}.50`,
        at,
      }),
    ),
  ),
}
const request = { bonus: 10 }

test('an explanation has the value and the status of the vector, and the value of the training set', async () => {
  await using store = await openStore({ definitions: [view, recent, daily], online: 'memory', history })
  for (const asOf of ['2026-01-02T00:00:00Z', '2026-01-02T00:14:00.000001Z', '2026-01-02T00:15:00.000001Z', '2026-01-03T00:00:00Z']) {
    await store.materialize(undefined, { asOf })
    for (const user_id of ['ada', 'bob']) {
      const { values, features } = await store.vector(view, { user_id }, { asOf, request })
      await using set = await store.trainingSet(view, [{ user_id, at: asOf, ...request }])
      for await (const row of set) {
        for (const name of Object.keys(features) as (keyof typeof values)[]) {
          const explanation = await store.explain(view, name, { user_id }, { asOf, request, threads: 1 })
          assert.deepEqual([explanation.value, explanation.status], [values[name], features[name].status])
          assert.equal(explanation.value, row[name])
          if (explanation.kind !== 'onDemand') assert.equal(explanation.eventTime, features[name].eventTime)
        }
      }
    }
  }
})

test('an explanation is as of now where no moment is given', async () => {
  const clock = () => new Date('2026-01-02T00:14:30Z')
  await using store = await openStore({ definitions: [view], online: 'memory', history, clock })
  const explanation = await store.explain(view, 'user_order_count_lifetime', { user_id: 'ada' })
  assert.equal(explanation.asOf, '2026-01-02T00:14:30Z')
  assert.ok(explanation.kind === 'events')
  assert.deepEqual([explanation.value, explanation.effective.moment], [2, '2026-01-02T00:00:00Z'])
})

test('a name that there is not', async () => {
  await using store = await openStore({ definitions: [view], online: 'memory', history })
  await assert.rejects(store.explain(store.view('view'), 'user_spend_sum_1d', { user_id: 'ada' }), {
    code: 'UNKNOWN_NAME',
    message: /did you mean user_spend_sum_1h\?/,
  })
})
