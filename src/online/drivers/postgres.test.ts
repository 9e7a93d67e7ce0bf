import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import { type Postgres, startPostgres } from '../../../scripts/postgres.ts'
import { onlineStoreSuite } from '../../testing/index.ts'
import type { OnlineRow, OnlineStore } from '../store.ts'
import { postgresOnlineStore } from './postgres.ts'

const bytes = (text: string) => Buffer.from(text)
/** A version that sorts as the number does. */
const row = (key: string, step: number): OnlineRow => ({
  key: bytes(key),
  version: bytes(String(step).padStart(8, '0')),
  value: bytes(`${step} ${key}`),
})
const keys = Array.from({ length: 50 }, (_, at) => `key ${at}`)
const unavailable = { code: 'STORE_UNAVAILABLE' }

async function steps(store: OnlineStore): Promise<number[]> {
  const [values = []] = await store.read([{ table: 't', keys: keys.map(bytes) }])
  return values.map((value, at) => {
    const [, step = '', key] = /^(\d+) (.*)$/.exec(Buffer.from(value ?? []).toString()) ?? []
    assert.equal(key, keys[at])
    return Number(step)
  })
}

const postgres = await startPostgres()

if ('skipped' in postgres) test('postgres as an online store', { skip: postgres.skipped }, () => undefined)
else {
  after(() => postgres.stop())
  runSuite(postgres)

  test('of two stores that write at once the newest rows remain', async () => {
    const [first, second] = [open(postgres, 'writers'), open(postgres, 'writers')]
    const writes = Array.from({ length: 60 }, (_, at) => {
      const step = (at * 37) % 60
      const rows = keys.map((key) => row(key, step))
      return (at % 2 === 0 ? first : second).write('t', at % 3 === 0 ? rows.toReversed() : rows)
    })
    const told = await Promise.all(writes)
    assert.deepEqual(new Set(await steps(first)), new Set([59]))
    assert.ok(told.every(({ written, older }) => written + older === keys.length))
    await Promise.all([first.close(), second.close()])
  })

  test('rows of one call with equal keys are counted one by one', async () => {
    await using store = disposable(open(postgres, 'twins'))
    const call = (...steps: number[]) => store.write('t', [...steps.map((step) => row('k', step)), row('other', 9)])
    assert.deepEqual(await call(5, 5, 5), { written: 4, older: 0 })
    assert.deepEqual(await call(4, 4), { written: 1, older: 2 })
    assert.deepEqual(await call(6, 6, 3), { written: 3, older: 1 })
  })

  test('killed under load and back: no wrong value, nothing that was acknowledged is lost, errors only while it is away', async (context) => {
    const store = open(postgres, 'outage')
    await store.write(
      't',
      keys.map((key) => row(key, 0)),
    )
    // More connections than the load needs: some are idle when the server dies.
    await Promise.all(Array.from({ length: 8 }, () => steps(store)))
    let [acknowledged, down, stop] = [0, false, false]
    const [wrong, recovered, read]: [unknown[], number[], number[]] = [[], [], []]
    const tried = async (work: () => Promise<void>) => {
      const before = down
      try {
        await work()
        if (!down) recovered.push(performance.now())
      } catch (error) {
        if (!(before || down) || (error as { code?: string }).code !== 'STORE_UNAVAILABLE') wrong.push(error)
        await setTimeout(5)
      }
    }
    const writer = async () => {
      for (let step = 1; !stop; step++) {
        await tried(async () => {
          await store.write(
            't',
            keys.map((key) => row(key, step)),
          )
          acknowledged = step
        })
      }
    }
    const reader = async () => {
      while (!stop) {
        await tried(async () => {
          const least = acknowledged
          const seen = await steps(store)
          assert.ok(Math.min(...seen) >= least, `${Math.min(...seen)} after ${least} was acknowledged`)
          read.push(least)
        })
      }
    }
    const load = Promise.all([writer(), reader(), reader(), reader()])
    try {
      for (let kill = 0; kill < 2; kill++) {
        await setTimeout(200)
        down = true
        await postgres.restart(() => setTimeout(300))
        down = false
        const back = performance.now()
        recovered.length = 0
        while (recovered.length === 0 && performance.now() - back < 5_000) await setTimeout(1)
        const [first = Number.POSITIVE_INFINITY] = recovered
        context.diagnostic(`answers again after ${(first - back).toFixed(1)} ms`)
        assert.ok(first - back < 5_000)
      }
    } finally {
      stop = true
      await load
    }
    assert.deepEqual(wrong, [])
    assert.ok(acknowledged > 10 && read.length > 10)
    await store.close()
  })

  test('a connection that the server ends amid a transaction stores nothing of it', async () => {
    await using store = disposable(open(postgres, 'cut'))
    await using other = disposable(postgresOnlineStore({ url: postgres.url, schema: 'cut', timeout: 200 }))
    await store.writeMeta('t', 'first')
    const { Client } = await import('pg')
    const holder = new Client({ connectionString: postgres.url })
    await holder.connect()
    await holder.query('BEGIN; SELECT * FROM cut.online_texts FOR UPDATE')
    const commit = () => other.commit?.([{ table: 't', expected: 'first', text: 'second' }], [{ table: 't', rows: [row('k', 1)] }])
    await assert.rejects(async () => commit(), unavailable)
    await holder.query('ROLLBACK')
    await holder.end()
    assert.deepEqual([await store.readMeta('t'), await store.read([{ table: 't', keys: [bytes('k')] }])], ['first', [[null]]])
    assert.equal(await commit(), true)
  })

  test('of many stores that make one schema at once none fails', async () => {
    const stores = Array.from({ length: 12 }, () => open(postgres, 'race'))
    await Promise.all(stores.map((store, at) => store.writeMeta(`t${at}`, 'text')))
    assert.equal((await stores[0]?.tables())?.length, 12)
    await Promise.all(stores.map((store) => store.close()))
  })

  test('tables of another shape are no online store; those that are gone are made again', async () => {
    await using store = disposable(open(postgres, 'spoilt'))
    const { Client } = await import('pg')
    const client = new Client({ connectionString: postgres.url })
    await client.connect()
    await store.write('t', [row('k', 1)])
    await client.query('DROP SCHEMA spoilt CASCADE')
    assert.deepEqual(await store.write('t', [row('k', 0)]), { written: 1, older: 0 })
    await client.query('ALTER TABLE spoilt.online_rows RENAME COLUMN value TO other')
    await assert.rejects(store.read([{ table: 't', keys: [bytes('k')] }]), { code: 'STORE_CORRUPT' })
    await client.end()
  })

  test('no password is in an error', async () => {
    const right = new URL(postgres.url)
    const wrong = [
      ['port', '1'],
      ['password', 'not-the-password'],
      ['pathname', '/no_such_database'],
    ] as const
    for (const [part, value] of wrong) {
      const url = new URL(right)
      url[part] = value
      const store = postgresOnlineStore({ url: url.href, connectTimeout: 2_000 })
      const error: unknown = await store.read([{ table: 't', keys: [bytes('k')] }]).catch((error: unknown) => error)
      assert.equal((error as { code?: string }).code, 'STORE_UNAVAILABLE', part)
      const shown = inspect(error, { depth: 10, showHidden: true })
      assert.ok(!shown.includes(url.password) && !shown.includes(right.password), shown)
      await store.close()
    }
    const refused = (options: Parameters<typeof postgresOnlineStore>[0]) => {
      assert.throws(
        () => postgresOnlineStore(options),
        (error: Error) => !inspect(error).includes('word1') && 'code' in error && error.code === 'INVALID_ARGUMENT',
      )
    }
    for (const url of ['postgres://user:word1@host:port/database', 'http://user:word1@host/', '']) refused({ url })
    refused({ url: postgres.url, schema: 'a"b' })
    refused({ url: postgres.url, connections: 0 })
    refused({ url: postgres.url, timeout: 0 })
  })
}

function open({ url }: Postgres, schema: string): OnlineStore {
  return postgresOnlineStore({ url, schema })
}

const disposable = <T extends OnlineStore>(store: T): T & AsyncDisposable =>
  Object.assign(store, { [Symbol.asyncDispose]: () => store.close() })

function runSuite({ url }: Postgres): void {
  let schemas = 0
  onlineStoreSuite('postgres', () => {
    const options = { url, schema: `suite_${schemas++}` }
    return Promise.resolve({
      store: postgresOnlineStore(options),
      reopen: () => Promise.resolve(postgresOnlineStore(options)),
      elsewhere: { module: import.meta.resolve('./postgres.ts'), factory: 'postgresOnlineStore', options },
      cleanup: () => Promise.resolve(),
    })
  })
}
