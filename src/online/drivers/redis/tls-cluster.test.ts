import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startRedis } from '../../../../scripts/redis.ts'
import { bytes, readAll, row } from '../../../testing/online-store-rows.ts'
import type { RedisOnlineStoreOptions } from '../../redis-options.ts'
import { redisOnlineStore } from '../redis.ts'

const password = 'secret-of-a-test'
const redis = await startRedis({ cluster: true, tls: true, password })
if ('skipped' in redis) void test('a cluster with TLS and a password', { skip: redis.skipped }, () => undefined)
else {
  after(() => redis.stop())
  const nodes = [redis.nodes[2] as string]
  const tls = { ca: redis.certificate ?? '' }
  const keys = Array.from({ length: 60 }, (_, at) => `key ${at}`)

  const ways: Record<string, RedisOnlineStoreOptions> = {
    'by one of its nodes': { nodes, tls, password },
    'by a URL': { url: redis.url.replace('//', `//default:${password}@`), cluster: true, tls },
    'with rows on all nodes': { nodes, tls, password, spread: true },
  }
  for (const [way, options] of Object.entries(ways)) {
    void test(`a cluster with TLS and a password, ${way}`, async () => {
      const store = redisOnlineStore({ ...options, prefix: crypto.randomUUID() })
      try {
        const tables = Array.from({ length: 12 }, (_, at) => `group${at}@1`)
        for (const table of tables) {
          const rows = keys.map((key) => row(key, 2, `${key} of ${table}`))
          assert.deepEqual(await store.write(table, rows), { written: keys.length, older: 0 })
          assert.deepEqual(await store.write(table, [row('key 1', 1, 'older'), row('more', 1, 'new')]), { written: 1, older: 1 })
          await store.commit?.([{ table, expected: null, text: 'told' }], [{ table, rows: [row('more', 3, 'committed')] }])
        }
        const found = await store.read(tables.map((table) => ({ table, keys: keys.map(bytes) })))
        for (const [at, table] of tables.entries())
          assert.deepEqual(
            found[at]?.map((value) => value && Buffer.from(value).toString()),
            keys.map((key) => `${key} of ${table}`),
          )
        const more = options.spread === true ? ['new', null] : ['committed', 'told']
        for (const table of tables) assert.deepEqual([...(await readAll(store, table, ['more'])), await store.readMeta(table)], more)
        assert.deepEqual((await store.tables()).toSorted(), tables.toSorted())
      } finally {
        await store.close()
      }
    })
  }

  const refused: Record<string, [options: RedisOnlineStoreOptions, why: RegExp]> = {
    'without encryption': [{ nodes, password }, /does not answer/],
    'without trust in who signed': [{ nodes, password, tls: {} }, /certificate/],
    'without a password': [{ nodes, tls }, /NOAUTH/],
    'with another password': [{ nodes, tls, password: 'other' }, /WRONGPASS/],
  }
  for (const [how, [options, why]] of Object.entries(refused)) {
    void test(`a cluster with TLS and a password is not there ${how}`, async () => {
      const store = redisOnlineStore({ ...options, connectTimeout: 500, commandTimeout: 1000 })
      try {
        await assert.rejects(store.readMeta('t'), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'STORE_UNAVAILABLE')
          assert.match(error.message, why)
          assert.ok(!error.message.includes(password))
          return true
        })
      } finally {
        await store.close()
      }
    })
  }
}
