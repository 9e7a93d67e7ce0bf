import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { type TrainingSetRecord, TrainingSets } from './training-sets.ts'

const set = (
  more: Partial<Omit<TrainingSetRecord, 'id' | 'live' | 'machine'>> = {},
): Omit<TrainingSetRecord, 'id' | 'live' | 'machine'> => ({
  environment: 'dev',
  view: 'ranking',
  version: 1,
  hash: 'abc',
  features: ['clicks'],
  labels: { hash: 'def', rows: 10 },
  rows: 10,
  path: '/sets/a.parquet',
  created: '2026-03-01T10:00:00Z',
  by: 'ada',
  ...more,
})

test('training sets are live until they are retired or written over', async () => {
  await using own = freshRegistry()
  const { trainingSets } = own.registry
  const first = await trainingSets.record(own.clock.now, set())
  const second = await trainingSets.record(own.clock.now + 1, set({ version: 2, path: '/sets/b.parquet' }))
  const third = await trainingSets.record(own.clock.now + 2, set({ rows: 11 }))
  assert.deepEqual(
    (await trainingSets.list()).map(({ id, live }) => [id, live]),
    [
      [third, true],
      [second, true],
      [first, false],
    ],
  )
  assert.deepEqual((await trainingSets.retire(second)).live, false)
  assert.deepEqual(
    (await trainingSets.list({ live: true, view: 'ranking' })).map(({ id }) => id),
    [third],
  )
  assert.equal((await trainingSets.list({ version: 2 })).length, 1)
  assert.equal((await trainingSets.get(second)).path, '/sets/b.parquet')
  await assert.rejects(trainingSets.retire('none'), { code: 'UNKNOWN_NAME' })
})

test('a training set that is written over stays live on another machine, and while a model was trained with it', async () => {
  await using own = freshRegistry()
  const { models, trainingSets, documents } = own.registry
  const elsewhere = await new TrainingSets(documents, models, 'elsewhere').record(own.clock.now, set())
  const first = await trainingSets.record(own.clock.now + 1, set())
  const view = { name: 'ranking', version: 1 }
  await models.register('ranker', { trainingSet: first, view, owner: 'growth', description: '', by: 'ada' })
  const second = await trainingSets.record(own.clock.now + 2, set())
  const live = async () => (await trainingSets.list({ live: true })).map(({ id }) => id)
  assert.deepEqual(await live(), [second, first, elsewhere])
  await models.retire('ranker')
  const third = await trainingSets.record(own.clock.now + 3, set())
  assert.deepEqual(await live(), [third, elsewhere])
})

test('models have versions, each with the training set that it was trained with', async () => {
  await using own = freshRegistry()
  const { models } = own.registry
  const version = { trainingSet: 't1', view: { name: 'ranking', version: 1 }, owner: 'growth', description: '', by: 'ada' }
  assert.equal((await models.register('ranker', version)).version, 1)
  assert.equal((await models.register('ranker', { ...version, trainingSet: 't2' })).version, 2)
  await models.register('other', version)
  assert.deepEqual(await models.trainedWith('t1'), [
    { name: 'other', version: 1 },
    { name: 'ranker', version: 1 },
  ])
  await models.retire('ranker', 1)
  assert.deepEqual(
    (await models.list()).map(({ name, versions }) => [name, versions.map(({ live }) => live)]),
    [
      ['other', [true]],
      ['ranker', [false, true]],
    ],
  )
  await models.retire('ranker')
  assert.deepEqual(await models.trainedWith('t2'), [])
  await assert.rejects(models.retire('rankr'), { code: 'UNKNOWN_NAME' })
  await assert.rejects(models.retire('ranker', 3), { code: 'UNKNOWN_NAME' })
  await assert.rejects(models.register('9', version), { code: 'INVALID_ARGUMENT' })
})

test('of those that register one model at the same time none is lost unseen', async () => {
  await using own = freshRegistry()
  const { models } = own.registry
  const version = { trainingSet: 't1', view: { name: 'ranking', version: 1 }, owner: '', description: '', by: 'ada' }
  const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => models.register('ranker', version)))
  const done = outcomes.filter(({ status }) => status === 'fulfilled').length
  assert.equal((await models.list())[0]?.versions.length, done)
  for (const outcome of outcomes) if (outcome.status === 'rejected') assert.equal(outcome.reason.code, 'REGISTRY_CONFLICT')
})
