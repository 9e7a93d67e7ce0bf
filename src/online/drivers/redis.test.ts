import { after, test } from 'node:test'
import { type Redis, type RedisOptions, startRedis } from '../../../scripts/redis.ts'
import { onlineStoreSuite } from '../../testing/index.ts'
import type { RedisOnlineStoreOptions } from '../redis-options.ts'
import { redisOnlineStore } from './redis.ts'

let prefixes = 0

/** The published suite against servers of its own, each test with keys of its own. */
async function proven(name: string, given: RedisOptions, options: (redis: Redis) => RedisOnlineStoreOptions): Promise<void> {
  const redis = await startRedis(given)
  if ('skipped' in redis) return void test(`${name} as an online store`, { skip: redis.skipped }, () => undefined)
  after(() => redis.stop())
  onlineStoreSuite(name, () => {
    const own = { ...options(redis), prefix: `test${prefixes++}` }
    const reopen = () => Promise.resolve(redisOnlineStore(own))
    return Promise.resolve({
      store: redisOnlineStore(own),
      reopen,
      elsewhere: { module: import.meta.resolve('./redis.ts'), factory: 'redisOnlineStore', options: own },
      cleanup: async () => {
        const store = await reopen()
        for (const table of await store.tables()) await store.drop(table)
        await store.close()
      },
    })
  })
}

const password = 'secret-of-a-test'

await proven('redis with a password and TLS', { password, tls: true }, ({ url, certificate }) => ({
  url: url.replace('//', `//default:${password}@`),
  tls: { ca: certificate ?? '' },
}))
await proven('redis cluster', { cluster: true, password }, ({ nodes }) => ({ nodes, password }))
