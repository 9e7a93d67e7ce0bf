import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { OnlineRow, OnlineStore } from '../online/index.ts'
import { commitCases } from './online-store-commits.ts'
import { processCases } from './online-store-processes.ts'
import { randomCase } from './online-store-random.ts'
import { bytes, type Case, type OnlineStoreUnderTest, readAll, row, texts, version } from './online-store-rows.ts'

/**
 * The tests that every online store passes, registered with `node:test`. `open` is called once for each test and gives an empty
 * store. What a store does not claim in its `capabilities` is not asked of it.
 */
export function onlineStoreSuite(name: string, open: () => Promise<OnlineStoreUnderTest>): void {
  void suite(`${name} as an online store`, () => {
    for (const [title, run] of Object.entries({ ...cases, ...commitCases, ...randomCase, ...processCases })) {
      void test(title, { timeout: 60_000 }, async (context) => {
        const under = await open()
        try {
          await run(under, context)
        } finally {
          await under.store.close()
          await under.cleanup()
        }
      })
    }
  })
}

const cases: Record<string, Case> = {
  'the newest event wins in whatever order rows are written': async ({ store }) => {
    const [now, hour, second] = [1_700_000_000_000_000, 3_600_000_000, 1_000_000]
    assert.deepEqual(await store.write('t', [row('123', now, 'hi')]), { written: 1, older: 0 })
    assert.deepEqual(await store.write('t', [row('123', now - hour, 'bye')]), { written: 0, older: 1 })
    assert.deepEqual(await readAll(store, 't', ['123']), ['hi'])
    await store.write('t', [row('123', now + second, 'latest')])
    assert.deepEqual(await store.write('t', [row('1', 0, ''), row('123', now - hour, 'old'), row('2', 0, '')]), { written: 2, older: 1 })
    assert.deepEqual(await readAll(store, 't', ['123']), ['latest'])
  },

  'the newest of one call wins in whatever order it stands': async ({ store }) => {
    const rows = [row('k', 1, '10'), row('k', 2, '20'), row('k', 3, '30')] as const
    for (const [at, [a, b, c]] of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ].entries()) {
      const order = [a, b, c].map((index) => rows[index as 0 | 1 | 2])
      const { written, older } = await store.write(`t${at}`, order)
      assert.deepEqual([await readAll(store, `t${at}`, ['k']), written + older], [['30'], 3])
    }
  },

  'an equal version is written again, the last of a call last': async ({ store }) => {
    assert.deepEqual(await store.write('t', [row('k', 5, 'a'), row('k', 5, 'b')]), { written: 2, older: 0 })
    assert.deepEqual(await readAll(store, 't', ['k']), ['b'])
    assert.deepEqual(await store.write('t', [row('k', 5, 'c')]), { written: 1, older: 0 })
    assert.deepEqual(await readAll(store, 't', ['k']), ['c'])
  },

  'versions compare as unsigned bytes, the shorter first': async ({ store }) => {
    const versions = [[], [0], [0, 0], [0, 255], [1], [127], [127, 255], [128], [255], [255, 0]].map((each) => Uint8Array.from(each))
    for (const [i, first] of versions.entries()) {
      for (const [j, second] of versions.entries()) {
        const key = Uint8Array.of(i, j)
        await store.write('t', [{ key, version: first, value: bytes('first') }])
        await store.write('t', [{ key, version: second, value: bytes('second') }])
        assert.deepEqual(await readAll(store, 't', [key]), [j >= i ? 'second' : 'first'], `${first} then ${second}`)
      }
    }
    const long = new Uint8Array(65_535).fill(7)
    await store.write('long', [{ key: bytes('k'), version: long, value: bytes('long') }])
    assert.deepEqual(await store.write('long', [row('k', 0, 'short')]), { written: 1, older: 0 })
    const refused = store.write('long', [row('other', 0, ''), { key: bytes('k'), version: new Uint8Array(65_536), value: bytes('') }])
    await assert.rejects(refused, { code: 'INVALID_ARGUMENT' })
    assert.deepEqual(await readAll(store, 'long', ['k', 'other']), ['short', null])
  },

  'keys are any bytes, each its own': async ({ store }) => {
    const { maxKeyBytes } = store.capabilities
    const parts = (...texts: string[]) => bytes(texts.map((text) => `${text.length}:${text}`).join(''))
    const longest = new Uint8Array(maxKeyBytes).fill(255)
    const single = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
    const pairs = [
      [0, 0],
      [0, 1],
      [1, 0],
      [255, 255],
      [255, 0],
      [0, 255],
    ].map((each) => Uint8Array.from(each))
    const keys = [parts('1', '11'), parts('11', '1'), new Uint8Array(), ...single, ...pairs, longest, longest.subarray(1)]
    await store.write(
      't',
      keys.map((key, at) => ({ key, version: version(at), value: bytes(`${at}`) })),
    )
    assert.deepEqual(
      await readAll(store, 't', keys),
      keys.map((_, at) => `${at}`),
    )
    for await (const { key, value } of store.scan('t')) assert.deepEqual(key, keys[Number(Buffer.from(value).toString())])
    assert.equal(await store.delete('t', [new Uint8Array()]), 1)
    assert.deepEqual(await readAll(store, 't', [new Uint8Array(), Uint8Array.of(0)]), [null, '3'])
  },

  'a key that is too long is refused with all rows of the call, and read as a key without a row': async ({ store }) => {
    const key = new Uint8Array(store.capabilities.maxKeyBytes + 1)
    const refused = store.write('t', [row('k', 1, 'v'), { key, version: version(1), value: bytes('v') }])
    await assert.rejects(refused, { code: 'INVALID_ARGUMENT' })
    assert.deepEqual(await readAll(store, 't', ['k', key]), [null, null])
    assert.equal(await store.delete('t', [key]), 0)
  },

  'values are any bytes of any length': async ({ store }) => {
    const values = [0, 1, 2, 2047, 4096, 65_535, 65_536, 3_000_000].map((length) => Uint8Array.from({ length }, (_, at) => (at * 31) % 256))
    await store.write(
      't',
      values.map((value, at) => ({ key: bytes(`${at}`), version: version(1), value })),
    )
    const [read] = await store.read([{ table: 't', keys: values.map((_, at) => bytes(`${at}`)) }])
    for (const [at, value] of values.entries())
      assert.ok(Buffer.compare(value, read?.[at] ?? new Uint8Array(1)) === 0, `of ${value.length} bytes`)
  },

  'a key without a row is null, whatever the reason': async ({ store }) => {
    assert.deepEqual(await readAll(store, 'never', ['k']), [null])
    await store.writeMeta('described', 'no rows yet')
    assert.deepEqual(await readAll(store, 'described', ['k']), [null])
    await store.write('t', [row('k', 1, 'v'), row('kept', 1, 'v')])
    assert.equal(await store.delete('t', [bytes('k'), bytes('other')]), 1)
    assert.deepEqual(await readAll(store, 't', ['k', 'kk', '', 'kept']), [null, null, null, 'v'])
    await store.drop('t')
    assert.deepEqual(await readAll(store, 't', ['kept']), [null])
  },

  'one read answers several tables, each key in its place': async ({ store }) => {
    await store.write('a', [row('x', 1, 'ax'), row('y', 1, 'ay')])
    await store.write('b', [row('x', 1, 'bx')])
    const reads = [['a', 'y', 'none', 'x', 'y'], ['none', 'x'], ['b', 'y', 'x'], ['a'], ['a', 'x']].map(([table = '', ...keys]) => ({
      table,
      keys: keys.map(bytes),
    }))
    const expected = [['ay', null, 'ax', 'ay'], [null], [null, 'bx'], [], ['ax']]
    assert.deepEqual((await store.read(reads)).map(texts), expected)
    if (store.readSync) assert.deepEqual(store.readSync(reads).map(texts), expected)
    assert.deepEqual(await store.read([]), [])
  },

  'rows are taken and given as copies': async ({ store }) => {
    const given = row('k', 1, 'value')
    await store.write('t', [given])
    for (const part of [given.key, given.version, given.value]) part.fill(0)
    const first = (await store.read([{ table: 't', keys: [bytes('k')] }]))[0]?.[0]
    first?.fill(1)
    await store.write(
      't',
      Array.from({ length: 100 }, (_, at) => row(`other ${at}`, 1, 'other')),
    )
    await store.read([{ table: 't', keys: Array.from({ length: 100 }, (_, at) => bytes(`other ${at}`)) }])
    assert.deepEqual(first, new Uint8Array(5).fill(1))
    for await (const each of store.scan('t')) for (const part of [each.key, each.version, each.value]) part.fill(2)
    assert.deepEqual(await readAll(store, 't', ['k']), ['value'])
    assert.deepEqual(await store.write('t', [row('k', 0, 'older')]), { written: 0, older: 1 })
  },

  'an empty call does nothing': async ({ store }) => {
    assert.deepEqual(await store.write('t', []), { written: 0, older: 0 })
    assert.equal(await store.delete('t', []), 0)
    await store.drop('t')
    assert.deepEqual([await store.tables(), await scanned(store, 't')], [[], []])
  },

  'a call takes thirty thousand rows, and a scan gives each once': async ({ store }) => {
    const value = 'x'.repeat(200)
    const rows = Array.from({ length: 30_000 }, (_, at) => row(`key ${(at * 7919) % 30_000}`, at, `${at} ${value}`))
    assert.deepEqual(await store.write('t', rows), { written: 30_000, older: 0 })
    assert.deepEqual(await store.write('t', rows.slice(0, 10_000).reverse()), { written: 10_000, older: 0 })
    const stored = new Set(rows.map(shown))
    for await (const each of store.scan('t')) assert.ok(stored.delete(shown(each)), `${shown(each)} once`)
    assert.equal(stored.size, 0)
  },

  'a scan gives every row that stays, while others come and go': async ({ store }) => {
    const stay = Array.from({ length: 3000 }, (_, at) => row(`stay ${at}`, 1, 'x'.repeat(2000)))
    await store.write('t', [...stay, ...Array.from({ length: 100 }, (_, at) => row(`go ${at}`, 1, ''))])
    let steps = 0
    const seen: string[] = []
    for await (const { key } of store.scan('t')) {
      seen.push(Buffer.from(key).toString())
      if (steps++ % 500 === 0) {
        await store.write('t', [row(`new ${steps}`, 1, ''), row(`stay ${steps % 3000}`, 2, 'again')])
        await store.delete('t', [bytes(`go ${steps % 100}`)])
      }
    }
    assert.equal(new Set(seen).size, seen.length)
    assert.equal(seen.filter((key) => key.startsWith('stay ')).length, 3000)
  },

  'a table is there while it holds a row or a text': async ({ store }) => {
    await store.write('rows@1', [row('k', 1, 'v')])
    await store.write('rows@2', [row('k', 1, 'v2'), row('l', 1, 'v2'), row('m', 1, 'v2')])
    await store.writeMeta('both', 'text')
    await store.write('both', [row('k', 1, 'v')])
    await store.writeMeta('text', '')
    assert.deepEqual(await store.tables(), ['both', 'rows@1', 'rows@2', 'text'])
    await store.delete('rows@1', [bytes('k')])
    assert.deepEqual(await store.tables(), ['both', 'rows@2', 'text'])
    for (const table of ['both', 'text', 'rows@1', 'never']) await store.drop(table)
    assert.deepEqual(await store.tables(), ['rows@2'])
    assert.deepEqual([await store.readMeta('both'), await store.readMeta('text'), await scanned(store, 'both')], [null, null, []])
    assert.deepEqual(await readAll(store, 'rows@2', ['k']), ['v2'])
    assert.deepEqual(await store.write('both', [row('k', 0, 'anew')]), { written: 1, older: 0 })
    assert.deepEqual([await store.tables(), await readAll(store, 'both', ['k'])], [['both', 'rows@2'], ['anew']])
  },

  'the text of a table is what was written last': async ({ store }) => {
    assert.equal(await store.readMeta('t'), null)
    for (const text of ['{"hash":"1"}', '', 'né 🙂 \u0000', 'x'.repeat(100_000), '{}']) {
      await store.writeMeta('t', text)
      assert.equal(await store.readMeta('t'), text)
    }
    assert.equal(await store.readMeta('other'), null)
  },

  'names of tables are checked': async ({ store }) => {
    const good = ['a', 'user_orders@12', 'A-b.c:d', 'x'.repeat(200)]
    for (const table of good) await store.write(table, [row('k', 1, table)])
    for (const table of good) assert.deepEqual(await readAll(store, table, ['k']), [table])
    for (const table of ['', ' ', 'a b', 'é', 'a/b', 'a\0', '{a}', 'x'.repeat(201)]) {
      const refusal = { code: 'INVALID_ARGUMENT' }
      await assert.rejects(store.write(table, []), refusal, table)
      await assert.rejects(store.read([{ table, keys: [] }]), refusal, table)
      await assert.rejects(store.delete(table, []), refusal, table)
      await assert.rejects(scanned(store, table), refusal, table)
      await assert.rejects(store.drop(table), refusal, table)
      await assert.rejects(store.readMeta(table), refusal, table)
      await assert.rejects(store.writeMeta(table, ''), refusal, table)
    }
  },

  'of writes under way at once the newest row of each key remains': async ({ store }) => {
    const keys = Array.from({ length: 200 }, (_, at) => `key ${at}`)
    const writes = Array.from({ length: 20 }, (_, writer) =>
      store.write(
        't',
        keys.map((key, at) => row(key, (writer * 7 + at) % 20, `${(writer * 7 + at) % 20}`)),
      ),
    )
    const results = await Promise.all(writes)
    assert.deepEqual(
      await readAll(store, 't', keys),
      keys.map(() => '19'),
    )
    assert.equal(
      results.reduce((sum, { written, older }) => sum + written + older, 0),
      4000,
    )
  },

  'reads during a load give the old row or the new one, whole': async ({ store }) => {
    const keys = Array.from({ length: 12_000 }, (_, at) => `key ${at}`)
    const load = (step: number) =>
      store.write(
        't',
        keys.map((key) => row(key, step, `${step}`.repeat(150))),
      )
    await load(1)
    let loading = true
    const done = load(2).finally(() => {
      loading = false
    })
    const seen = new Map<string, string>()
    for (let at = 0; loading; at++) {
      const some = Array.from({ length: 50 }, (_, offset) => keys[(at * 977 + offset * 401) % keys.length] as string)
      for (const [index, value] of (await readAll(store, 't', some)).entries()) {
        const key = some[index] as string
        assert.ok(value === '1'.repeat(150) || value === '2'.repeat(150), `${key} is ${value}`)
        assert.ok(value >= (seen.get(key) ?? ''), `${key} went back`)
        seen.set(key, value)
      }
      await setImmediate()
    }
    await done
    assert.deepEqual(new Set(await readAll(store, 't', keys)), new Set(['2'.repeat(150)]))
  },

  'rows outlive the store that wrote them': async ({ store, reopen }, context) => {
    if (!store.capabilities.durable) return context.skip('not durable')
    assert.ok(reopen, 'a durable store is tested with `reopen`')
    await store.write('t', [row('k', 5, 'v'), row('gone', 5, 'v')])
    await store.delete('t', [bytes('gone')])
    await store.write('dropped', [row('k', 5, 'v')])
    await store.drop('dropped')
    await store.writeMeta('t', 'text')
    const writing = store.write('late', [row('k', 1, 'written before the close')])
    await store.close()
    await writing
    const again = await reopen()
    try {
      assert.deepEqual([await again.tables(), await again.readMeta('t')], [['late', 't'], 'text'])
      assert.deepEqual(await readAll(again, 't', ['k', 'gone']), ['v', null])
      assert.deepEqual(await again.write('t', [row('k', 4, 'older')]), { written: 0, older: 1 })
    } finally {
      await again.close()
    }
  },

  'a closed store refuses what it is asked': async ({ store }) => {
    await store.write('t', [row('k', 1, 'v')])
    await Promise.all([store.close(), store.close()])
    const refusal = { code: 'INVALID_ARGUMENT' }
    await assert.rejects(store.read([{ table: 't', keys: [bytes('k')] }]), refusal)
    await assert.rejects(store.write('t', [row('k', 2, 'v')]), refusal)
    await assert.rejects(store.delete('t', [bytes('k')]), refusal)
    await assert.rejects(scanned(store, 't'), refusal)
    await assert.rejects(store.tables(), refusal)
    await assert.rejects(store.drop('t'), refusal)
    await assert.rejects(store.readMeta('t'), refusal)
    await assert.rejects(store.writeMeta('t', ''), refusal)
    if (store.readSync) assert.throws(() => store.readSync?.([{ table: 't', keys: [bytes('k')] }]), refusal)
  },
}

const shown = ({ key, version, value }: OnlineRow): string =>
  [key, version, value].map((part) => Buffer.from(part).toString('latin1')).join(' ')

async function scanned(store: OnlineStore, table: string): Promise<OnlineRow[]> {
  const rows: OnlineRow[] = []
  for await (const each of store.scan(table)) rows.push(each)
  return rows
}
