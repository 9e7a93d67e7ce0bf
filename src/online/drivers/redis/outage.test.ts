import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import { createClient } from '@redis/client'
import { type Redis, type RedisOptions, startRedis } from '../../../../scripts/redis.ts'
import { LockstepError } from '../../../errors.ts'
import type { RedisOnlineStoreOptions } from '../../redis-options.ts'
import type { OnlineRow, OnlineStore } from '../../store.ts'
import { redisOnlineStore } from '../redis.ts'

const secret = 'do-not-tell-7'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const step = (value: Uint8Array | null | undefined): number => Number(Buffer.from(value ?? []).toString())
const row = (key: string, moment: number): OnlineRow => {
  const version = Buffer.alloc(8)
  version.writeBigUInt64BE(BigInt(moment))
  return { key: bytes(key), version, value: bytes(`${moment}`) }
}

async function server(options: RedisOptions): Promise<Redis | null> {
  const redis = await startRedis(options)
  if ('skipped' in redis) {
    void test('outages of redis', { skip: redis.skipped }, () => undefined)
    return null
  }
  after(() => redis.stop())
  return redis
}

/** A store of its own prefix, closed at the end. */
async function withStore(options: RedisOnlineStoreOptions, work: (store: OnlineStore) => Promise<void>): Promise<void> {
  const store = redisOnlineStore({ prefix: crypto.randomUUID(), ...options })
  try {
    await work(store)
  } finally {
    await store.close()
  }
}

function unavailable(error: unknown): true {
  assert.ok(error instanceof LockstepError, inspect(error))
  assert.equal(error.code, 'STORE_UNAVAILABLE')
  assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes(secret), 'no error tells the password')
  return true
}

const single = await server({ password: secret })
const cluster = await server({ cluster: true })

if (single) {
  const url = single.url.replace('//', `//:${secret}@`)

  void test('a server killed amid reads and writes: errors only while it is down, no wrong value, and all goes on', async (context) => {
    await withStore({ url, commandTimeout: 2000 }, async (store) => {
      const keys = Array.from({ length: 50 }, (_, at) => `key ${at}`)
      const reads = [{ table: 't', keys: keys.map(bytes) }]
      let [stored, writing, running, down] = [0, 0, true, false]
      let readAgain = Number.POSITIVE_INFINITY
      const failures: string[] = []
      const failed = (begun: number) => (error: unknown) => {
        unavailable(error)
        if (!down && begun > readAgain) failures.push(`${error}`)
      }
      const reader = async () => {
        for (const seen = new Array<number>(keys.length).fill(0); running; await setTimeout(1)) {
          const [least, begun] = [stored, performance.now()]
          try {
            const [values = []] = await store.read(reads)
            if (!down) readAgain = Math.min(readAgain, performance.now())
            for (const [at, value] of values.entries()) {
              const now = step(value)
              assert.ok(
                now >= Math.max(least, seen[at] as number) && now <= writing,
                `${now} after ${least}, ${seen[at]}, up to ${writing}`,
              )
              seen[at] = now
            }
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error
            failed(begun)(error)
          }
        }
      }
      const writer = async () => {
        for (; running; await setTimeout(1)) {
          writing++
          await store
            .write(
              't',
              keys.map((key) => row(key, writing)),
            )
            .then(() => (stored = writing), failed(performance.now()))
        }
      }
      await store.write(
        't',
        keys.map((key) => row(key, 0)),
      )
      const working = Promise.all([reader(), reader(), writer()])
      for (let outage = 0; outage < 2; outage++) {
        await setTimeout(300)
        down = true
        await single.kill()
        await setTimeout(300)
        const from = performance.now()
        await assert.rejects(store.read(reads), unavailable)
        assert.ok(performance.now() - from < 1000, 'a read is told at once that the server is down')
        readAgain = Number.POSITIVE_INFINITY
        await single.start()
        const up = performance.now()
        down = false
        const before = stored
        while (readAgain > up + 5000 || stored === before) {
          assert.ok(performance.now() < up + 5000, 'reads and writes go on')
          await setTimeout(5)
        }
        context.diagnostic(`reads answer ${Math.round(readAgain - up)} ms after the server is back`)
      }
      running = false
      await working
      assert.deepEqual(failures, [])
      assert.deepEqual(new Set((await store.read(reads))[0]?.map(step)), new Set([stored]))
    })
  })

  void test('a server that is halted: calls end within their limit, and go on with it', async () => {
    await withStore({ url, commandTimeout: 1000, connectTimeout: 1000 }, async (store) => {
      await store.write('t', [row('k', 1)])
      single.signal('SIGSTOP')
      try {
        const from = performance.now()
        const calls = [
          () => store.read([{ table: 't', keys: [bytes('k')] }]),
          () => store.write('t', [row('k', 2)]),
          () => store.readMeta('t'),
        ]
        await Promise.all([...calls, ...calls].map((call) => assert.rejects(call(), unavailable)))
        assert.ok(performance.now() - from < 3000, `${performance.now() - from} ms`)
        const later = performance.now()
        await assert.rejects(store.readMeta('t'), unavailable)
        assert.ok(performance.now() - later < 500, 'what is known to be gone is not waited for')
      } finally {
        single.signal('SIGCONT')
      }
      for (const until = Date.now() + 5000; ; await setTimeout(20)) {
        const values = await store.read([{ table: 't', keys: [bytes('k')] }]).catch(() => null)
        if (values !== null && [1, 2].includes(step(values[0]?.[0]))) break
        assert.ok(Date.now() < until, 'it answers again')
      }
      assert.deepEqual(await store.write('t', [row('k', 3)]), { written: 1, older: 0 })
    })
  })

  void test('no error tells the password', async () => {
    const options: RedisOnlineStoreOptions[] = [
      { url: single.url.replace('//', `//:${secret}-wrong@`) },
      { url: single.url.replace('//', `//${secret}:${secret}@`) },
      { url: single.url, username: 'nobody', password: secret },
      { url: `redis://:${secret}@127.0.0.1:1` },
      { url: `rediss://:${secret}@${single.nodes[0]}` },
      { url: `redis://:${secret}@${single.nodes[0]}`, cluster: true },
    ]
    for (const each of options) {
      await withStore({ ...each, commandTimeout: 1000 }, async (store) => {
        const from = performance.now()
        await assert.rejects(store.read([{ table: 't', keys: [bytes('k')] }]), unavailable)
        await assert.rejects(store.writeMeta('t', ''), unavailable)
        assert.ok(performance.now() - from < 3500)
      })
    }
    for (const wrong of [
      { url: `redis://:${secret}@` },
      { url: `http://:${secret}@host` },
      { url: `redis://:${secret}%@host` },
      { url: `redis://:${secret}@host/x` },
      { nodes: [`:${secret}@host:1`] },
      {},
      { url: 'redis://a', nodes: ['b'] },
      { url: 'redis://a', spread: true },
      { url: 'redis://a', prefix: 'a:{b}' },
      { url: 'redis://a', commandTimeout: 0 },
      { nodes: ['a', 'b'], cluster: false },
    ]) {
      assert.throws(
        () => redisOnlineStore(wrong),
        (error) => {
          assert.equal((error as LockstepError).code, 'INVALID_ARGUMENT')
          return !inspect(error, { depth: 10 }).includes(secret)
        },
      )
    }
  })

  void test('rows expire by themselves unless they are written again; texts stay', async () => {
    await withStore({ url, expireAfter: '700ms' }, async (store) => {
      await store.write('t', [row('k', 1), row('again', 1)])
      await store.commit?.([{ table: 't:0', expected: null, text: 'text' }], [{ table: 't', rows: [row('committed', 1)] }])
      await setTimeout(400)
      await store.write('t', [row('again', 1)])
      await setTimeout(400)
      const [values] = await store.read([{ table: 't', keys: ['k', 'committed', 'again'].map(bytes) }])
      assert.deepEqual(
        values?.map((value) => value && step(value)),
        [null, null, 1],
      )
      assert.deepEqual([await store.readMeta('t:0'), await store.tables()], ['text', ['t', 't:0']])
    })
  })

  void test('serving and writing need no more rights than the page says', async () => {
    const admin = createClient({ url })
    await admin.connect()
    try {
      const [serve, write] = ['+get +mget', '+get +mget +setnx +set +del +getrange +scan +eval +evalsha +asking'].map((text) =>
        text.split(' '),
      )
      for (const [user, rights = []] of Object.entries({ serving: serve, writing: write })) {
        await admin.sendCommand(['ACL', 'SETUSER', user, 'on', `>${secret}`, '~rights*', '-@all', ...rights])
      }
      const options = { url: single.url, prefix: 'rights', password: secret }
      await withStore({ ...options, username: 'writing' }, async (store) => {
        assert.deepEqual(await store.write('t', [row('k', 1), row('l', 1)]), { written: 2, older: 0 })
        await store.writeMeta('t', 'text')
        assert.equal(await store.commit?.([{ table: 't', expected: 'text', text: 'next' }], [{ table: 't', rows: [row('k', 2)] }]), true)
        assert.deepEqual([await store.delete('t', [bytes('l')]), await store.tables()], [1, ['t']])
        await store.drop('other')
      })
      await withStore({ ...options, username: 'serving' }, async (store) => {
        const [values] = await store.read([{ table: 't', keys: [bytes('k'), bytes('l')] }])
        assert.deepEqual([values?.map((value) => value && step(value)), await store.readMeta('t')], [[2, null], 'next'])
        await assert.rejects(store.write('t', [row('k', 3)]), unavailable)
      })
    } finally {
      admin.destroy()
    }
  })

  void test('what nobody wrote, and another layout, are told', async () => {
    const client = createClient({ url })
    await client.connect()
    try {
      await withStore({ url, prefix: 'strange' }, async (store) => {
        await client.set('strange:{t}/short', 'x')
        await client.lPush('strange:{t}/list', 'x')
        await assert.rejects(store.read([{ table: 't', keys: [bytes('short')] }]), { code: 'STORE_CORRUPT' })
        await assert.rejects(store.write('t', [row('list', 1)]), { code: 'STORE_CORRUPT' })
      })
      await client.set('later!', 'lockstep-99')
      await withStore({ url, prefix: 'later' }, async (store) => {
        await assert.rejects(store.read([]), { code: 'STORE_CORRUPT' })
        await assert.rejects(store.write('t', []), { code: 'STORE_CORRUPT' })
      })
    } finally {
      client.destroy()
    }
  })
}

if (cluster) {
  void suite('a cluster', () => {
    const tables = Array.from({ length: 12 }, (_, at) => `group${at}@1`)

    void test('a node that is killed: what it holds is told to be gone, the rest answers, and it comes back', async () => {
      await withStore({ nodes: cluster.nodes, commandTimeout: 2000 }, async (store) => {
        for (const table of tables) await store.write(table, [row('k', 1)])
        await cluster.kill(2)
        const outcomes = await Promise.allSettled(tables.map((table) => store.read([{ table, keys: [bytes('k')] }])))
        for (const outcome of outcomes) {
          if (outcome.status === 'rejected') unavailable(outcome.reason)
          else assert.equal(step(outcome.value[0]?.[0]), 1)
        }
        assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set(['fulfilled', 'rejected']))
        await cluster.start(2)
        const reads = tables.map((table) => ({ table, keys: [bytes('k')] }))
        for (const until = Date.now() + 10_000; ; await setTimeout(20)) {
          const values = await store.read(reads).catch((error) => unavailable(error) && null)
          if (values?.every(([value]) => step(value) === 1)) break
          assert.ok(Date.now() < until, 'all of it is read again')
        }
        for (const table of tables) assert.deepEqual(await store.write(table, [row('k', 2)]), { written: 1, older: 0 })
      })
    })

    void test('slots that move are followed', async () => {
      await withStore({ nodes: [cluster.nodes[0] as string] }, async (store) => {
        const keys = Array.from({ length: 40 }, (_, at) => `${at}`)
        await store.write(
          'moving',
          keys.map((key) => row(key, 1)),
        )
        await moveSlot(cluster, 'moving', async () => {
          const [values] = await store.read([{ table: 'moving', keys: keys.map(bytes) }])
          assert.deepEqual(new Set(values?.map(step)), new Set([1]))
          await store.write(
            'moving',
            keys.map((key) => row(key, 2)),
          )
        })
        const [values] = await store.read([{ table: 'moving', keys: keys.map(bytes) }])
        assert.deepEqual(new Set(values?.map(step)), new Set([2]))
      })
    })

    void test('rows spread over all nodes', async () => {
      const options = { url: cluster.url, cluster: true, spread: true, prefix: 'spread' }
      await withStore(options, async (store) => {
        assert.deepEqual([store.commit, store.capabilities.transactions], [undefined, false])
        const keys = Array.from({ length: 300 }, (_, at) => `{${at % 7}} ${at} é`)
        assert.deepEqual(
          await store.write(
            't',
            keys.map((key) => row(key, 2)),
          ),
          { written: 300, older: 0 },
        )
        assert.deepEqual(
          await store.write(
            't',
            keys.map((key, at) => row(key, 1 + (at % 2) * 2)),
          ),
          { written: 150, older: 150 },
        )
        const [values] = await store.read([{ table: 't', keys: keys.map(bytes) }])
        assert.deepEqual(
          values?.map(step),
          keys.map((_, at) => 2 + (at % 2)),
        )
        const found: string[] = []
        for await (const { key } of store.scan('t')) found.push(Buffer.from(key).toString())
        assert.deepEqual(found.sort(), keys.toSorted())
        await store.writeMeta('u', 'text')
        assert.deepEqual([await store.tables(), await store.delete('t', keys.slice(0, 10).map(bytes))], [['t', 'u'], 10])
        await store.drop('t')
        assert.deepEqual(await store.tables(), ['u'])
      })
      await withStore({ ...options, spread: false }, async (store) => {
        await assert.rejects(store.readMeta('u'), { code: 'STORE_CORRUPT' })
      })
    })
  })
}

/** Hands the slot of a table over to another node; `amid`, half of its keys are there. */
async function moveSlot({ nodes }: Redis, table: string, amid: () => Promise<void>): Promise<void> {
  const clients = nodes.map((node) => createClient({ url: `redis://${node}`, RESP: 2 }))
  try {
    await Promise.all(clients.map((client) => client.connect()))
    const identities = await Promise.all(clients.map(async (client) => String(await client.sendCommand(['CLUSTER', 'MYID']))))
    const slot = String(await clients[0]?.sendCommand(['CLUSTER', 'KEYSLOT', table]))
    const counts = await Promise.all(clients.map(async (client) => Number(await client.sendCommand(['CLUSTER', 'COUNTKEYSINSLOT', slot]))))
    const from = counts.findIndex((count) => count > 0)
    const to = (from + 1) % clients.length
    const [source, target] = [clients[from], clients[to]]
    await target?.sendCommand(['CLUSTER', 'SETSLOT', slot, 'IMPORTING', identities[from] as string])
    await source?.sendCommand(['CLUSTER', 'SETSLOT', slot, 'MIGRATING', identities[to] as string])
    const keys = (await source?.sendCommand(['CLUSTER', 'GETKEYSINSLOT', slot, '1000'])) as unknown as string[]
    const [host, port] = (nodes[to] as string).split(':') as [string, string]
    const migrate = (some: string[]) => source?.sendCommand(['MIGRATE', host, port, '', '0', '5000', 'KEYS', ...some])
    await migrate(keys.slice(0, keys.length / 2))
    // While keys of one command lie on two nodes, both refuse it; the rest follows soon.
    const moving = setTimeout(100).then(async () => {
      await migrate(keys.slice(keys.length / 2))
      await setTimeout(100)
      for (const client of [target, source]) await client?.sendCommand(['CLUSTER', 'SETSLOT', slot, 'NODE', identities[to] as string])
    })
    await amid()
    await moving
  } finally {
    for (const client of clients) client.destroy()
  }
}
