import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { startRedis } from '../../scripts/redis.ts'
import { temporaryFolder } from '../../scripts/workspace.ts'
import { lockstep, smallProject } from '../../test/support/command-line.ts'
import { storeAnswers } from '../../test/support/store-answers.ts'
import { count, entity, events, featureGroup, featureView, rows, sum, topic } from '../definition/index.ts'
import { t } from '../schema/index.ts'
import { openStore } from './open-store.ts'

const [redis, cluster] = [await startRedis(), await startRedis({ cluster: true })]
after(() => Promise.all([redis, cluster].map((each) => ('skipped' in each ? undefined : each.stop()))))
const skip = 'skipped' in redis && redis.skipped

test('what is materialized and streamed into Redis reads as from LMDB', { skip }, async () => {
  assert.ok(!('skipped' in redis) && !('skipped' in cluster))
  const expected = await storeAnswers('lmdb')
  assert.equal(new Set(expected.map((each) => JSON.stringify(each))).size, 3)
  assert.deepEqual(await storeAnswers({ redis: redis.url }), expected)
  assert.deepEqual(await storeAnswers({ redis: { url: redis.url, prefix: 'other', expireAfter: '30d' } }), expected)
  assert.deepEqual(await storeAnswers({ redis: { nodes: cluster.nodes } }), expected)
})

test('the command line materializes, streams and reads where the settings of a project name Redis', { skip }, async () => {
  assert.ok(!('skipped' in redis))
  using project = smallProject({
    'lockstep.config.ts': `export default { online: { redis: { url: '${redis.url}', prefix: 'project' } } }\n`,
    'new.ndjson': '{"click_id":"x","user_id":1,"page":"socks","price":"1.25","at":"2026-03-01T11:20:00Z"}\n',
  })
  const definitions = join(project.path, 'definitions.ts')
  const history = "history: csv('data/clicks.csv')"
  const text = readFileSync(definitions, 'utf8').replace('topK }', 'topK, topic }')
  writeFileSync(definitions, text.replace(`${history},`, `${history}, stream: topic('clicks', { key: 'user_id', partitions: 2 }),`))
  const did = async (...given: string[]) => {
    const { code, stdout, stderr } = await lockstep(project.path, ...given, '--json')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  await did('materialize', 'user_profile', 'user_daily')
  await did('push', 'clicks', 'new.ndjson')
  await did('stream', '--until-caught-up')
  const { source, values, features, unmaterialized } = await did('get', 'visit', 'user_id=1')
  assert.deepEqual([source, unmaterialized], ['online', []])
  assert.deepEqual([values.user_click_count_1h, values.user_price_sum_lifetime], [0, '18.00'])
  assert.equal(features.user_click_count_1h.eventTime, '2026-03-02T09:00:00Z')
  assert.equal(existsSync(join(project.path, '.lockstep/online')), false)
})

test('a stream goes on through the death of its Redis, and every event counts once', { skip }, async () => {
  assert.ok(!('skipped' in redis))
  const clicks = events('clicks', {
    columns: { id: t.string(), user_id: t.string(), amount: t.integer(), at: t.timestamp() },
    time: 'at',
    id: 'id',
    history: rows([]),
    stream: topic('clicks', { key: 'user_id', partitions: 2 }),
  })
  const group = featureGroup({
    name: 'user_clicks',
    entity: entity('user', { user_id: t.string() }),
    source: clicks,
    features: (click) => ({ n: count().over('30d'), amounts: sum(click.amount) }),
  })
  const view = featureView({ name: 'clicking', features: [group] })
  using folder = temporaryFolder()
  const options = { definitions: [view, group], folder: folder.path, online: { redis: { url: redis.url, prefix: 'outage' } } }
  const at = new Date(Date.now() - 1000).toISOString()
  const [sent, warnings]: [number[], unknown[]] = [[], []]
  let pushing = true
  const push = async (store: Awaited<ReturnType<typeof openStore>>) => {
    for (; pushing; await setTimeout(2)) {
      const numbers = Array.from({ length: 20 }, (_, index) => sent.length + index + 1)
      sent.push(...numbers)
      await store.push(
        'clicks',
        numbers.map((amount) => ({ id: `${amount}`, user_id: `user ${amount % 199}`, amount, at })),
      )
    }
  }
  {
    await using store = await openStore(options)
    await using stream = await store.stream(undefined, { warn: (error) => warnings.push(error) })
    await stream.ready
    const pushed = push(store)
    for (let outage = 0; outage < 2; outage++) {
      await setTimeout(300)
      await redis.kill()
      await setTimeout(300)
      await redis.start()
    }
    await setTimeout(300)
    pushing = false
    await pushed
    await stream.flush()
  }
  await using store = await openStore(options)
  const users = Array.from({ length: 199 }, (_, user) => ({ user_id: `user ${user}` }))
  const vectors = await store.vectors(view, users)
  const total = (name: 'n' | 'amounts') => vectors.reduce((all, { values }) => all + Number(values[name]), 0)
  assert.deepEqual([total('n'), total('amounts')], [sent.length, sent.reduce((all, each) => all + each, 0)])
  for (const warning of warnings) assert.equal((warning as { code?: string }).code, 'STORE_UNAVAILABLE')
})
