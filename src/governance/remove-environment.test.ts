import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { catalogueOf, count, entity, events, featureGroup, featureView, snapshotOf } from '../definition/index.ts'
import { formatMoment } from '../lib/moment.ts'
import { type Commit, dayOf, exportRegistry, importRegistry, type ReadCount, type Registry } from '../registry/index.ts'
import { trimApplies } from '../registry/trim-applies.ts'
import { t } from '../schema/index.ts'
import { usageSince } from './consumers.ts'
import { deprecate, lifeCycleSubject, remove } from './life-cycle.ts'
import { removeEnvironment, reviewEnvironment } from './remove-environment.ts'

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
const viewOf = (name: string, description = '') => {
  const features = () => ({ [`${name}_clicks`]: count().over('1h'), [`${name}_recent`]: count().over('5m') })
  const group = featureGroup({ name: `${name}_activity`, description, entity: user, source: clicks, features })
  return featureView({ name, features: [group.pick(`${name}_clicks`)] })
}
const [ranking, tried] = [viewOf('ranking'), viewOf('tried')]

async function apply({ applies }: Registry, environment: string, ...views: ReturnType<typeof viewOf>[]) {
  const base = await applies.head(environment)
  return await applies.append({ kind: 'apply', by: 'ada', message: '', environment, base, snapshot: snapshotOf(views) })
}

const since = ({ clock }: Registry) => usageSince(clock.now())
const by = 'ada'

/** All that there can be of an environment: those of others have the same, and some of it alone. */
async function fill(registry: Registry, environment: string) {
  await apply(registry, environment, viewOf('gone'))
  await apply(registry, environment, ranking, viewOf('short'))
  const catalogue = catalogueOf([ranking, viewOf('short')])
  const named = (name: string) => lifeCycleSubject(catalogue, name, environment)
  await deprecate(registry, environment, named('ranking_recent'), by, { reason: 'slow' })
  await remove(registry, catalogue, environment, named('view:short@1'), { by, since: since(registry) })
  const now = registry.clock.now()
  const run = { environment, by, started: formatMoment(now), seconds: 1, rows: 1, bytes: 1, outcome: 'done', error: null } as const
  await registry.runs.record(now, { ...run, kind: 'materialize', subject: 'ranking_activity@1' })
  const set = { environment, view: 'ranking', version: 1, hash: 'h', features: [], labels: { hash: 'l', rows: 1 }, rows: 1, by }
  const record = (path: string) => registry.trainingSets.record(now, { ...set, path, created: formatMoment(now) })
  const statistics = { environment, group: 'ranking_activity@1', feature: 'ranking_clicks', count: 0, computed: formatMoment(now) }
  const key = `${environment}/ranking_activity@1/ranking_clicks/2026/backfill`
  await registry.documents.commit({ puts: [{ table: 'statistics', key, text: JSON.stringify(statistics) }] })
  await read(registry, environment, 40)
  return [await record('one.parquet'), await record('two.parquet')] as const
}

async function read({ usage, clock }: Registry, environment: string, daysAgo = 0) {
  const at = clock.now() - daysAgo * 86_400_000_000
  const counted: ReadCount = {
    caller: 'web',
    model: '',
    view: 'ranking',
    version: 1,
    features: [],
    requests: 1,
    vectors: 1,
    first: at,
    last: at,
  }
  await usage.write(environment, dayOf(at), 'server', [{ ...counted, features: ['ranking_clicks'] }])
}

async function lastTold({ audit }: Registry) {
  for await (const entry of audit.list({ descending: true })) return entry
  return assert.fail('Nothing was told')
}

const documentsIn = async ({ documents, clock }: Registry) => (await exportRegistry(documents, clock.now())).tables

test('all of an environment goes, nothing of others, and what is left is whole', async () => {
  await using own = freshRegistry()
  const { registry } = own
  for (const environment of ['prod', 'trial2']) await fill(registry, environment)
  const before = await documentsIn(registry)
  const [trained] = await fill(registry, 'trial')
  await apply(registry, 'trial', ranking, tried)
  await apply(registry, 'trial', viewOf('ranking', 'other'), tried)
  await trimApplies(registry.documents, 'trial', 2)
  const version = { trainingSet: trained, view: { name: 'ranking', version: 1 }, environments: ['prod'], owner: '', description: '', by }
  await registry.models.register('ranker', version)

  const review = await reviewEnvironment(registry, 'trial', since(registry))
  assert.deepEqual(review.heldUp, [])
  const { models } = await documentsIn(registry)
  assert.deepEqual(await removeEnvironment(registry, 'trial', { by, since: since(registry), reason: 'over' }), review)
  const after = await documentsIn(registry)
  const tables = ['applies', 'environments', 'features', 'former', 'items', 'runs', 'statistics', 'tombstones', 'trainingSets', 'usage']
  assert.deepEqual(Object.keys(review.documents).sort(), tables)
  for (const table of tables.filter((each) => each !== 'trainingSets')) assert.deepEqual(after[table], before[table], table)
  assert.deepEqual(after.models, models, 'who reads elsewhere stays, with the training set')
  assert.deepEqual(Object.keys(after.trainingSets ?? {}), [...Object.keys(before.trainingSets ?? {}), trained])
  const told = await lastTold(registry)
  assert.deepEqual([told.action, told.on, told.environment, told.why], ['environment.remove', 'environment:trial', 'trial', 'over'])
  assert.deepEqual(told.before, { apply: 5, documents: review.documents })
  await using copy = freshRegistry()
  await importRegistry(copy.registry.documents, await exportRegistry(registry.documents, 0), { imported: { at: '', by } })
  assert.equal((await apply(registry, 'trial', tried)).apply, 1, 'it may begin again')
})

test('who reads it, reads in it or works in it holds it up, unless that is set aside', async () => {
  await using own = freshRegistry()
  const { registry } = own
  const [trained] = await fill(registry, 'trial')
  await read(registry, 'trial')
  const version = { trainingSet: trained, view: { name: 'ranking', version: 1 }, environments: ['trial'], owner: '', description: '', by }
  await registry.models.register('ranker', version)
  const now = registry.clock.now()
  const run = { kind: 'backfill', environment: 'trial', subject: 'ranking_activity@1', by, started: formatMoment(now) } as const
  const running = await registry.runs.begin(now, run)
  const options = { by, since: since(registry) }
  await assert.rejects(removeEnvironment(registry, 'trial', options), {
    code: 'IN_USE',
    message:
      /^trial is in use: web read ranking@1, last on [\d-]+; the model ranker reads in it; backfill of ranking_activity@1 is running \(environment trial\)$/,
  })
  await registry.models.retire('ranker')
  await registry.runs.record(now, { ...run, seconds: 1, rows: 1, bytes: 1, outcome: 'done', error: null }, running)
  await assert.rejects(removeEnvironment(registry, 'trial', options), {
    code: 'IN_USE',
    message: /in use: web read ranking@1, last on [\d-]+ \(/,
  })
  assert.notEqual(await registry.applies.head('trial'), null)
  const { heldUp } = await removeEnvironment(registry, 'trial', { ...options, force: true })
  assert.equal(await registry.applies.head('trial'), null)
  assert.deepEqual((await lastTold(registry)).after, { forced: heldUp })
})

test('what is applied elsewhere at the same time keeps its items', async ({ mock }) => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, 'trial', tried)
  const { commit } = registry.documents
  const between = mock.method(registry.documents, 'commit', async (given: Commit) => {
    between.mock.restore()
    await apply(registry, 'prod', tried)
    return await commit.call(registry.documents, given)
  })
  const options = { by, since: since(registry) }
  await assert.rejects(removeEnvironment(registry, 'trial', options), { code: 'REGISTRY_CONFLICT' })
  assert.equal((await registry.applies.head('trial'))?.apply, 1)
  assert.equal((await removeEnvironment(registry, 'trial', options)).documents.items, undefined)
  const head = await registry.applies.head('prod')
  assert.equal(head && (await registry.applies.items(head)).size, 4)
})

test('one of which nothing is known is told, with those that there are', async () => {
  await using own = freshRegistry()
  const { registry } = own
  await apply(registry, 'trial', ranking)
  const options = { by, since: since(registry) }
  const unknown = { code: 'UNKNOWN_NAME', message: /nothing of the environment trail; there are trial; did you mean trial\?/ }
  await assert.rejects(removeEnvironment(registry, 'trail', options), unknown)
  await removeEnvironment(registry, 'trial', options)
  await assert.rejects(removeEnvironment(registry, 'trial', options), { code: 'UNKNOWN_NAME' })
})
