import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { catalogueOf, count, entity, events, featureGroup, featureView, onDemand } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { consumersOf, featuresBehind } from './consumers.ts'

const group = featureGroup({
  name: 'activity',
  entity: entity('user', { user_id: t.string() }),
  source: events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' }),
  features: () => ({ clicks: count().over('30m'), recent: count().over('5m'), spare: count() }),
})
const context = onDemand({
  name: 'context',
  from: [group.pick('recent')],
  features: { twice: t.integer() },
  compute: ({ recent }) => ({ twice: (recent ?? 0) * 2 }),
})
const applied = catalogueOf([featureView({ name: 'ranking', features: [group.pick('spare')] }), group, context])
/** Only in files, or applied no more. */
const other = featureView({ name: 'other', features: [group.pick('clicks'), context] })

test('the features behind those of a view are those of groups and of code, and what that reads', () => {
  assert.deepEqual(featuresBehind(other, ['clicks', 'twice']), ['activity@1.clicks', 'activity@1.recent', 'context@1.twice'])
  assert.deepEqual(featuresBehind(other, ['clicks', 'user_id']), ['activity@1.clicks'])
})

test('a training set of a view that is not applied depends on what that reads, and so does a model that was trained with it', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const about = { view: 'other', version: 1, hash: '', labels: { hash: '', rows: 1 }, rows: 1, created: '', by: 'ada', environment: 'dev' }
  const features = ['twice']
  const id = await registry.trainingSets.record(own.clock.now, { ...about, features, reads: featuresBehind(other, features), path: 'a' })
  await registry.trainingSets.record(own.clock.now, { ...about, features, path: 'made before it was kept what it reads' })
  const dependents = async (subject: string, kind = 'feature') => {
    const { trainingSets, models } = await consumersOf(registry, applied, 'dev', { id: subject, kind }, own.clock.now)
    return [...trainingSets, ...models]
  }
  for (const [subject, kind] of [
    ['activity@1.recent', 'feature'],
    ['context@1.twice', 'feature'],
    ['onDemand:context@1', 'onDemand'],
    ['group:activity@1', 'group'],
  ] as const)
    assert.deepEqual(await dependents(subject, kind), [id], subject)
  assert.deepEqual(await dependents('activity@1.clicks'), [])
  assert.deepEqual(await dependents('view:ranking@1', 'view'), [])
  const view = { name: 'other', version: 1 }
  await registry.models.register('ranker', { trainingSet: id, view, owner: '', description: '', by: 'ada' })
  await registry.trainingSets.retire(id)
  assert.deepEqual(await dependents('activity@1.recent'), ['ranker'])
})
