import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import type { OnlineStore } from '../online/index.ts'
import { bytes, type Case, type OnlineStoreUnderTest, readAll, row, version } from './online-store-rows.ts'

type Commit = NonNullable<OnlineStore['commit']>

/** Cases of `commit`, for stores that are capable of transactions. */
export const commitCases: Record<string, Case> = {
  'a store has commit iff it says so': ({ store }) => {
    assert.equal(store.commit !== undefined, store.capabilities.transactions)
    return Promise.resolve()
  },

  'tables of several families are committed, or refused where the store says so': async ({ store }, context) => {
    if (!store.commit) return context.skip('no transactions')
    const commit = store.commit(
      [{ table: 'a', expected: null, text: '1' }],
      ['a:b', 'b:a'].map((table) => ({ table, rows: [row('k', 1, 'v')] })),
    )
    const refused = store.capabilities.transactionsWithin === 'family'
    if (refused) await assert.rejects(commit, { code: 'INVALID_ARGUMENT' })
    else assert.equal(await commit, true)
    assert.deepEqual(await store.tables(), refused ? [] : ['a', 'a:b', 'b:a'])
  },

  'a commit replaces texts and stores rows, iff each text is the expected one': transactional(async ({ store }, commit) => {
    const change = (expected: string | null, text: string, value = text) =>
      commit([{ table: 'unit', expected, text }], [{ table: 'rows', rows: [row('k', 1, value)] }])
    const state = async () => [await store.readMeta('unit'), (await readAll(store, 'rows', ['k']))[0]]
    assert.equal(await change('', 'no'), false)
    assert.deepEqual(await state(), [null, null])
    assert.equal(await change(null, ''), true)
    assert.deepEqual(await state(), ['', ''])
    assert.equal(await change(null, 'no'), false)
    assert.equal(await change('', 'né 🙂 \u0000'), true)
    for (const wrong of [null, '', 'n', 'né 🙂', 'né 🙂 \u0000 ']) assert.equal(await change(wrong, 'no'), false, `${wrong}`)
    assert.deepEqual(await state(), ['né 🙂 \u0000', 'né 🙂 \u0000'])
    assert.equal(await change('né 🙂 \u0000', 'x'.repeat(100_000), 'long'), true)
    assert.equal(await change('x'.repeat(100_000), 'x'.repeat(100_000), 'the same text'), true)
    assert.deepEqual(await state(), ['x'.repeat(100_000), 'the same text'])
    assert.equal(await change(`${'x'.repeat(99_999)}y`, 'no'), false)
  }),

  'texts are what was written or dropped last, in whichever way': transactional(async ({ store }, commit) => {
    const change = (expected: string | null, text: string) => commit([{ table: 't', expected, text }], [])
    await store.writeMeta('t', 'written')
    assert.deepEqual([await change(null, 'no'), await change('written', 'committed')], [false, true])
    await store.writeMeta('t', 'written again')
    assert.deepEqual([await change('committed', 'no'), await store.readMeta('t')], [false, 'written again'])
    await store.drop('t')
    assert.deepEqual([await change('written again', 'no'), await change(null, 'new'), await store.readMeta('t')], [false, true, 'new'])
    assert.deepEqual(await store.tables(), ['t'])
  }),

  'of several texts each has to be the expected one': transactional(async ({ store }, commit) => {
    const names = ['a', 'b', 'c']
    await commit(
      ['a', 'b'].map((table) => ({ table, expected: null, text: '1' })),
      [],
    )
    const right = ['1', '1', null]
    for (const wrong of [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]]) {
      for (const order of [names, names.toReversed()]) {
        const texts = order.map((table) => {
          const at = names.indexOf(table)
          const expected = right[at] ?? null
          return { table, expected: wrong.includes(at) ? (expected === null ? '1' : at === 1 ? null : '2') : expected, text: 'no' }
        })
        assert.equal(await commit(texts, [{ table: 'a', rows: [row('k', 1, 'no')] }]), false, `${order}: ${wrong}`)
        assert.deepEqual(await Promise.all(names.map((table) => store.readMeta(table))), right)
        assert.deepEqual(await readAll(store, 'a', ['k']), [null])
      }
    }
    const texts = names.map((table, at) => ({ table, expected: right[at] ?? null, text: `${at}` }))
    const writes = names.map((table) => ({ table, rows: [row('k', 1, table)] }))
    assert.equal(await commit(texts, writes), true)
    assert.deepEqual(await Promise.all(names.map((table) => store.readMeta(table))), ['0', '1', '2'])
    for (const table of names) assert.deepEqual(await readAll(store, table, ['k']), [table])
  }),

  'a commit without texts always stores, one without anything changes nothing': transactional(async ({ store }, commit) => {
    assert.equal(await commit([], []), true)
    assert.equal(await commit([], [{ table: 't', rows: [] }]), true)
    assert.deepEqual(await store.tables(), [])
    assert.equal(await commit([], [{ table: 't', rows: [row('k', 1, 'v')] }]), true)
    assert.deepEqual(await readAll(store, 't', ['k']), ['v'])
  }),

  'a refused commit leaves no table': transactional(async ({ store }, commit) => {
    assert.equal(await commit([{ table: 'unit', expected: '1', text: '2' }], [{ table: 'rows', rows: [row('k', 1, 'v')] }]), false)
    assert.deepEqual(await store.tables(), [])
  }),

  'a commit stores whatever the versions, and keeps them': transactional(async ({ store }, commit) => {
    await store.write('t', [row('k', 9, 'newer')])
    await commit([], [{ table: 't', rows: [row('k', 3, 'first'), row('k', 5, 'older'), row('k', 4, 'last')] }])
    assert.deepEqual(await readAll(store, 't', ['k']), ['last'])
    assert.deepEqual(await store.write('t', [row('k', 3, 'no')]), { written: 0, older: 1 })
    assert.deepEqual(await store.write('t', [row('k', 5, 'yes')]), { written: 1, older: 0 })
    for await (const each of store.scan('t')) assert.deepEqual(each, row('k', 5, 'yes'))
  }),

  'a commit takes any bytes, and refuses before it stores': transactional(async ({ store }, commit) => {
    const { maxKeyBytes } = store.capabilities
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    const keys = [new Uint8Array(), Uint8Array.of(0), Uint8Array.of(0, 0), every, new Uint8Array(maxKeyBytes).fill(255)]
    const versions = [new Uint8Array(), every, new Uint8Array(65_535).fill(7)]
    for (const [at, each] of versions.entries()) {
      const rows = keys.map((key) => ({ key, version: each, value: at === 0 ? new Uint8Array() : every }))
      assert.equal(await commit([], [{ table: `t${at}`, rows }]), true)
      const [values = []] = await store.read([{ table: `t${at}`, keys }])
      for (const value of values) assert.deepEqual(new Uint8Array(value ?? []), at === 0 ? new Uint8Array() : every)
      const found = []
      for await (const row of store.scan(`t${at}`)) found.push(row)
      assert.equal(found.length, keys.length)
      for (const row of found) assert.deepEqual(row.version, each)
    }
    const good = { table: 'good', rows: [row('k', 1, 'v')] }
    const refused = (texts: Parameters<Commit>[0], writes: Parameters<Commit>[1]) =>
      assert.rejects(commit(texts, writes), { code: 'INVALID_ARGUMENT' })
    await refused([], [good, { table: 'bad', rows: [{ ...row('', 1, ''), key: new Uint8Array(maxKeyBytes + 1) }] }])
    await refused([], [good, { table: 'bad', rows: [{ ...row('', 1, ''), version: new Uint8Array(65_536) }] }])
    await refused([], [good, { table: 'a b', rows: [] }])
    await refused([{ table: 'a b', expected: null, text: '' }], [good])
    await refused(
      ['t', 't'].map((table) => ({ table, expected: null, text: '' })),
      [good],
    )
    assert.deepEqual(await store.tables(), ['t0', 't1', 't2'])
  }),

  'of commits at once that expect the same text one succeeds': transactional(async ({ store }, commit) => {
    let text: string | null = null
    for (let round = 0; round < 20; round++) {
      const expected: string | null = text
      const names = Array.from({ length: 8 }, (_, at) => `${round}-${at}`)
      const results: boolean[] = await Promise.all(
        names.map((name) =>
          commit([{ table: 't', expected, text: name }], [{ table: 't', rows: [row('k', 1, name), row(name, 1, name)] }]),
        ),
      )
      const won = names.filter((_, at) => results[at])
      assert.equal(won.length, 1)
      text = await store.readMeta('t')
      assert.deepEqual([[text], await readAll(store, 't', ['k'])], [won, won])
      assert.deepEqual(
        await readAll(store, 't', names),
        names.map((name) => (name === text ? name : null)),
      )
    }
  }),

  'commits, writes and drops at once follow each other': transactional(async ({ store }, commit) => {
    const done: Promise<unknown>[] = []
    for (let step = 0; step < 30; step++) {
      const table = `t${step % 3}`
      done.push(commit([{ table: `text${step}`, expected: null, text: 'x' }], [{ table, rows: [row(`c${step}`, 1, `${step}`)] }]))
      done.push(store.write(table, [row(`w${step}`, 1, `${step}`)]))
      if (step % 10 === 5) done.push(store.drop('other'), store.write('other', [row('k', 1, 'v')]))
    }
    await Promise.all(done)
    for (let step = 0; step < 30; step++) {
      assert.deepEqual(await readAll(store, `t${step % 3}`, [`c${step}`, `w${step}`]), [`${step}`, `${step}`])
      assert.equal(await store.readMeta(`text${step}`), 'x')
    }
  }),

  'a reader sees all of a commit or nothing, and goes on while it is made': transactional(async ({ store }, commit) => {
    const names = Array.from({ length: 6000 }, (_, at) => `key ${at}`)
    const rows = (step: number) => names.map((key) => row(key, step, `${step}`.padStart(150)))
    const some = { keys: ['key 0', 'key 3000', 'key 5999'].map(bytes) }
    let text: string | null = null
    for (let step = 1; step <= 5; step++) {
      let [committing, reads] = [true, 0]
      const done = commit(
        [{ table: 'a', expected: text, text: `${step}` }],
        ['a', 'b'].map((table) => ({ table, rows: rows(step) })),
      ).finally(() => {
        committing = false
      })
      for (; committing; reads++) {
        const seen = store.readSync?.(['a', 'b'].map((table) => ({ table, ...some }))) ?? []
        const steps = new Set(seen.flat().map((value) => Number(value === null ? 0 : Buffer.from(value).toString())))
        if (store.readSync) assert.equal(steps.size, 1, `${[...steps]}`)
        await setImmediate()
      }
      assert.equal(await done, true)
      assert.ok(reads > 0)
      text = `${step}`
      for (const table of ['a', 'b']) assert.deepEqual(new Set(await readAll(store, table, names)), new Set([text.padStart(150)]))
    }
  }),

  'what was committed outlives the store': transactional(async ({ store, reopen }, commit, context) => {
    if (!store.capabilities.durable) return context.skip('not durable')
    assert.ok(reopen, 'a durable store is tested with `reopen`')
    await commit([{ table: 'unit', expected: null, text: '1' }], [{ table: 'rows', rows: [row('k', 1, '1')] }])
    const under = commit([{ table: 'unit', expected: '1', text: '2' }], [{ table: 'new', rows: [row('k', 2, '2')] }])
    await store.close()
    assert.equal(await under, true)
    const again = await reopen()
    try {
      assert.deepEqual([await again.tables(), await again.readMeta('unit')], [['new', 'rows', 'unit'], '2'])
      assert.deepEqual([await readAll(again, 'rows', ['k']), await readAll(again, 'new', ['k'])], [['1'], ['2']])
      assert.equal(await again.commit?.([{ table: 'unit', expected: '1', text: 'no' }], []), false)
      assert.equal(await again.commit?.([{ table: 'unit', expected: '2', text: '3' }], []), true)
    } finally {
      await again.close()
    }
  }),

  'a closed store refuses to commit': transactional(async ({ store }, commit) => {
    await store.close()
    await assert.rejects(commit([], [{ table: 't', rows: [{ key: bytes('k'), version: version(1), value: bytes('v') }] }]), {
      code: 'INVALID_ARGUMENT',
    })
  }),
}

function transactional(run: (under: OnlineStoreUnderTest, commit: Commit, context: Parameters<Case>[1]) => Promise<void>): Case {
  return async (under, context) => {
    if (!under.store.commit) return context.skip('no transactions')
    const { store, reopen } = under
    if (store.capabilities.transactionsWithin !== 'family') return await run(under, under.store.commit.bind(store), context)
    const related = { ...under, store: inFamily(store), ...(reopen ? { reopen: async () => inFamily(await reopen()) } : {}) }
    await run(related, related.store.commit as Commit, context)
  }
}

/** The store by tables of one family: `family:NAME` in place of NAME. */
function inFamily(store: OnlineStore): OnlineStore {
  const named = <T extends { readonly table: string }>(all: readonly T[]): T[] => all.map((one) => ({ ...one, table: name(one.table) }))
  const name = (table: string) => `family:${table}`
  return {
    name: store.name,
    capabilities: store.capabilities,
    read: (reads) => store.read(named(reads)),
    write: (table, rows) => store.write(name(table), rows),
    delete: (table, keys) => store.delete(name(table), keys),
    scan: (table) => store.scan(name(table)),
    tables: async () => (await store.tables()).map((table) => table.slice(name('').length)),
    drop: (table) => store.drop(name(table)),
    readMeta: (table) => store.readMeta(name(table)),
    writeMeta: (table, text) => store.writeMeta(name(table), text),
    commit: (texts, writes) => (store.commit as Commit)(named(texts), named(writes)),
    close: () => store.close(),
  }
}
