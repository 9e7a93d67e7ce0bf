import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { count, entity, events, featureGroup, featureView, last, onDemand, rows, sum } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { t } from '../schema/index.ts'
import { openStore } from './open-store.ts'
import type { StoreOptions } from './store-options.ts'

const user = entity('user', { user_id: t.integer() })
const orders = events('orders', {
  columns: { user_id: t.integer(), kind: t.string(), total: t.integer(), at: t.timestamp() },
  time: 'at',
  history: rows(
    Array.from({ length: 60 }, (_, index) => ({
      user_id: index % 30,
      kind: index % 30 < 20 ? 'bought' : 'returned',
      total: index % 30,
      at: `2026-01-01T00:${String(index).padStart(2, '0')}:00Z`,
    })),
  ),
})
const userOrders = featureGroup({
  name: 'user_orders',
  entity: user,
  source: orders,
  features: (order) => ({ orders: count(), spent: sum(order.total), last_kind: last(order.kind) }),
})
const doubled = onDemand({
  name: 'doubled',
  from: [userOrders.pick('spent')],
  features: { spent_twice: t.integer() },
  compute: ({ spent }) => ({ spent_twice: spent * 2 }),
})
const view = featureView({ name: 'ranking', features: [userOrders.as({ prefix: 'own_' }), doubled] })
const now = new Date('2026-01-02T00:00:00Z')
const open = (folder: string, more: Partial<StoreOptions> = {}) =>
  openStore({ definitions: [view, userOrders], folder, online: 'memory', by: 'ada', statistics: true, clock: () => now, ...more })
const labels = Array.from({ length: 30 }, (_, user_id) => ({ user_id, at: '2026-01-02T00:00:00Z' }))

test('materialize is a run with rows and bytes, and says what values are like as of then', async () => {
  using folder = temporaryFolder()
  await using store = await open(folder.path)
  await store.materialize()
  const [run] = await store.registry.runs.list()
  assert.ok(run && run.seconds > 0 && run.bytes > 0)
  assert.deepEqual(
    [run.kind, run.subject, run.by, run.environment, run.rows, run.outcome, run.started],
    ['materialize', 'user_orders@1', 'ada', 'dev', 30, 'done', '2026-01-02T00:00:00Z'],
  )
  const found = await store.registry.statistics.list('dev', 'user_orders@1')
  assert.deepEqual(
    found.map(({ feature, count, minimum, maximum, mean, origin, to, sampledKeys }) => [
      feature,
      count,
      minimum,
      maximum,
      mean,
      origin,
      to,
      sampledKeys,
    ]),
    [
      ['spent', 30, 0, 58, 29, 'materialize', '2026-01-02T00:00:00Z', null],
      ['orders', 30, 2, 2, 2, 'materialize', '2026-01-02T00:00:00Z', null],
      ['last_kind', 30, 'bought', 'returned', null, 'materialize', '2026-01-02T00:00:00Z', null],
    ],
  )
  assert.deepEqual(found[2]?.top, [
    { value: 'bought', count: 20 },
    { value: 'returned', count: 10 },
  ])
  assert.equal((await store.registry.runs.rates('materialize'))()?.runs, 1)
})

test('a training set that is written is recorded with its view, and described by the names of the groups', async () => {
  using folder = temporaryFolder()
  await using store = await open(folder.path, { environment: 'prod' })
  const path = join(folder.path, 'set.parquet')
  {
    await using set = await store.trainingSet(view, labels)
    await set.write(path)
  }
  const [set] = await store.registry.trainingSets.list()
  assert.deepEqual(
    [set?.view, set?.version, set?.features, set?.rows, set?.path, set?.by, set?.environment, set?.live],
    ['ranking', 1, ['own_orders', 'own_spent', 'own_last_kind', 'spent_twice'], 30, path, 'ada', 'prod', true],
  )
  assert.deepEqual(set?.reads, ['doubled@1.spent_twice', 'user_orders@1.last_kind', 'user_orders@1.orders', 'user_orders@1.spent'])
  const [spent] = await store.registry.statistics.list('prod', 'user_orders@1', { feature: 'spent' })
  assert.deepEqual([spent?.origin, spent?.trainingSet, spent?.maximum], ['train', set?.id, 58])
  assert.equal((await store.registry.statistics.list('prod', 'doubled@1'))[0]?.maximum, 116)
  const runs = await store.registry.runs.list()
  assert.deepEqual(
    runs.map(({ kind, subject, rows, bytes }) => [kind, subject, rows, bytes > 0]),
    [['train', 'view:ranking@1', 30, true]],
  )
  await store.trainingSet(view, labels).then((unwritten) => unwritten.close())
  assert.equal((await store.registry.trainingSets.list()).length, 1)
})

test('a backfill is described interval by interval', async () => {
  using folder = temporaryFolder()
  await using store = await open(folder.path)
  await store.backfill(userOrders, { from: '2026-01-01T00:30:00Z', to: '2026-01-01T02:00:00Z', every: '30m' })
  const [spent] = await store.registry.statistics.list('dev', 'user_orders@1', { feature: 'spent' })
  assert.deepEqual([spent?.origin, spent?.from, spent?.to, spent?.count], ['backfill', '2026-01-01T00:30:00Z', '2026-01-01T02:00:00Z', 90])
  assert.deepEqual(
    (await store.registry.runs.list()).map(({ kind, rows }) => [kind, rows]),
    [['backfill', 90]],
  )
})

test('statistics on request are of a sample of the keys as of a moment', async () => {
  using folder = temporaryFolder()
  await using store = await open(folder.path, { statistics: false })
  await store.materialize()
  assert.deepEqual(await store.registry.statistics.list('dev', 'user_orders@1'), [])
  const found = await store.statistics(userOrders, { asOf: '2026-01-01T00:20:00Z' })
  assert.deepEqual(
    found.map(({ feature, maximum }) => [feature, maximum]),
    [
      ['orders', 1],
      ['spent', 19],
      ['last_kind', 'bought'],
    ],
  )
  assert.deepEqual((await store.registry.statistics.list('dev', 'user_orders@1', { feature: 'spent' }))[0]?.count, 20)
})

test('work that fails or is stopped is a run that says so', async () => {
  using folder = temporaryFolder()
  await using store = await open(folder.path)
  await assert.rejects(store.trainingSet(view, [{ at: '2026-01-02T00:00:00Z' }]), { code: 'MISSING_KEY' })
  await assert.rejects(store.materialize([userOrders], { signal: AbortSignal.abort() }))
  const runs = await store.registry.runs.list()
  assert.deepEqual(runs.map(({ kind, outcome, error }) => [kind, outcome, error?.code]).sort(), [
    ['materialize', 'stopped', 'INTERRUPTED'],
    ['train', 'failed', 'MISSING_KEY'],
  ])
})

test('a registry that is away fails no work', async () => {
  using folder = temporaryFolder()
  const warnings: unknown[] = []
  writeFileSync(join(folder.path, 'file'), '')
  await using store = await open(folder.path, {
    registry: { sqlite: join(folder.path, 'file', 'registry.sqlite') },
    warn: (error) => warnings.push(error),
  })
  const [result] = await store.materialize()
  assert.equal(result?.written, 30)
  assert.ok(warnings.length > 0 && warnings.every((error) => error instanceof LockstepError && error.code === 'STORE_UNAVAILABLE'))
})
