import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startRedis } from '../../scripts/redis.ts'
import { lockstep, smallProject } from '../../test/support/command-line.ts'
import { storeAnswers } from '../../test/support/store-answers.ts'

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
