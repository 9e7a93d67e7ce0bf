import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { LockstepError } from '../errors.ts'
import { Duck, transportSql } from '../offline/index.ts'
import { t } from '../schema/index.ts'
import { offlineProcessCases } from './offline-store-processes.ts'
import {
  batchOf,
  type Case,
  columns,
  day,
  dayInterval,
  monday,
  type OfflineStoreUnderTest,
  row,
  rowsFrom,
  rowsOf,
  target,
  values,
} from './offline-store-rows.ts'

/**
 * The tests that every offline store passes, registered with `node:test`. `open` is called once for each test and gives an empty
 * store. What a store does not claim in its `capabilities` is not asked of it.
 */
export function offlineStoreSuite(name: string, open: () => Promise<OfflineStoreUnderTest>): void {
  void suite(`${name} as an offline store`, () => {
    for (const [title, run] of Object.entries({ ...cases, ...offlineProcessCases })) {
      void test(title, async (context) => {
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

const refuses = (code: string, text: RegExp) => (error: LockstepError) => {
  assert.equal(error.code, code, error.stack)
  assert.match(error.message, text)
  return true
}

const cases: Record<string, Case> = {
  'values of every kind come back as they were written, in order of moments and columns': async ({ store }) => {
    const rows = [...rowsOf(monday, 20), ...rowsOf(monday + 1, 20, 100), ...rowsOf(monday + 2 * day - 1, 20, 200)]
    const shuffled = rows.toSorted((a, b) => Number(a[2]) - Number(b[2]))
    assert.deepEqual(await store.write(target, values(dayInterval(0, 2), shuffled, {}, 7)), { status: 'written', rows: 60 })
    assert.deepEqual(await rowsFrom(store.read(target)), rows)
  },

  'moments before 1970 lie in their own days': async ({ store }) => {
    const rows = [row('a', -day - 1, 1), row('a', -day, 2), row('a', -1, 3), row('a', 0, 4)]
    await store.write(target, values({ from: -3 * day, to: day }, rows))
    assert.deepEqual(await rowsFrom(store.read(target)), rows)
    assert.deepEqual(await rowsFrom(store.read(target, { from: -day, to: 0 })), rows.slice(1, 3))
  },

  'nothing is written of a group that was never written': async ({ store }) => {
    assert.deepEqual(await store.intervals(target), [])
    assert.deepEqual(await rowsFrom(store.read(target)), [])
    assert.deepEqual(await store.groups(), [])
    assert.deepEqual(await store.verify(target), [])
  },

  'an interval without rows is written all the same': async ({ store }) => {
    assert.deepEqual(await store.write(target, values(dayInterval(0), [])), { status: 'written', rows: 0 })
    assert.equal((await store.write(target, values(dayInterval(0), []))).status, 'unchanged')
    assert.equal((await store.intervals(target)).length, 1)
    assert.deepEqual(await rowsFrom(store.read(target)), [])
    await assert.rejects(store.write(target, values(dayInterval(0), rowsOf(monday, 1))), refuses('IMMUTABLE_VERSION', /0 rows/))
  },

  'what was written and from what is recorded': async ({ store }) => {
    const made = { files: [{ path: 'orders.parquet', size: 5 }], by: 'test' }
    await store.write(target, values(dayInterval(1), rowsOf(monday + day, 14), { made }))
    await store.write(target, values(dayInterval(0), rowsOf(monday, 3)))
    const [first, second] = await store.intervals(target)
    assert.ok(first && second)
    assert.deepEqual([first.from, first.to, second.from, second.to], [monday, monday + day, monday + day, monday + 2 * day])
    assert.deepEqual(
      [second.rows, second.nulls, second.made],
      [14, { ...Object.fromEntries(Object.keys(columns).map((name) => [name, 2])), user_id: 0, as_of: 0 }, made],
    )
    assert.deepEqual([second.definitionHash, second.columns, second.moment, first.made], ['definition 1', columns, 'as_of', {}])
    assert.ok(Math.abs(second.written / 1000 - Date.now()) < 60_000)
    assert.notEqual(first.contentHash, second.contentHash)
    assert.equal(
      second.files.reduce((sum, { rows }) => sum + rows, 0),
      second.files.length === 0 ? 0 : 14,
    )
  },

  'a range is read half-open, across intervals': async ({ store }) => {
    const rows = [0, 1, 2].flatMap((number) => rowsOf(monday + number * day, 2, number * 10))
    for (const number of [2, 0, 1]) await store.write(target, values(dayInterval(number), rows.slice(number * 2, number * 2 + 2)))
    const read = (from: number, to: number) => rowsFrom(store.read(target, { from, to }))
    assert.deepEqual(await read(monday, monday + 3 * day), rows)
    assert.deepEqual(await read(monday, monday + day), rows.slice(0, 2))
    assert.deepEqual(await read(monday + 1, monday + day + 1), rows.slice(2, 4))
    assert.deepEqual(await read(monday + 2 * day + 1, monday + 9 * day), [])
    assert.deepEqual(await read(monday - day, monday), [])
  },

  'writing the same again changes nothing, in whatever order and batches it comes': async ({ store }) => {
    const rows = rowsOf(monday, 500)
    await store.write(target, values(dayInterval(0), rows))
    const before = await store.intervals(target)
    for (const [order, batchRows] of [
      [rows, 3],
      [rows.toReversed(), 1000],
    ] as const) {
      assert.deepEqual(await store.write(target, values(dayInterval(0), order, { made: { other: true } }, batchRows)), {
        status: 'unchanged',
        rows: 500,
      })
    }
    assert.deepEqual(await store.intervals(target), before)
    assert.deepEqual(await rowsFrom(store.read(target)), rows)
  },

  'writing something else is refused, and what is written stays': async ({ store }) => {
    const rows = rowsOf(monday, 20)
    await store.write(target, values(dayInterval(0), rows))
    const others = Object.keys(columns)
      .slice(2)
      .map((_, index) => rows.map((cells, at) => (at === 3 ? cells.with(index + 2, null) : cells)))
    for (const other of [...others, rows.slice(1), [...rows, row('z', monday, 1)], rows.map((cells) => cells.with(1, monday + 1))]) {
      await assert.rejects(
        store.write(target, values(dayInterval(0), other)),
        refuses('IMMUTABLE_VERSION', /user_orders version 1, 2026-01-05T00:00:00Z/),
      )
    }
    assert.deepEqual(await rowsFrom(store.read(target)), rows)
    assert.deepEqual(await store.verify(target), [])
  },

  'another definition or other columns are refused in all of a version, and welcome in another': async ({ store }) => {
    const rows = rowsOf(monday, 2)
    await store.write(target, values(dayInterval(0), rows))
    const other = { definitionHash: 'definition 2' }
    const wider = { columns: { ...columns, orders: t.float().nullable().data } }
    for (const number of [0, 1]) {
      await assert.rejects(
        store.write(target, values(dayInterval(number), [], other)),
        refuses('IMMUTABLE_VERSION', /definition 1, not definition 2/),
      )
      await assert.rejects(store.write(target, values(dayInterval(number), [], wider)), refuses('IMMUTABLE_VERSION', /columns/))
    }
    assert.equal((await store.write({ ...target, version: 2 }, values(dayInterval(0), rows, { ...other, ...wider }))).status, 'written')
    assert.deepEqual(await rowsFrom(store.read(target)), rows)
  },

  'intervals may touch and not overlap': async ({ store }) => {
    await store.write(target, values(dayInterval(1, 2), rowsOf(monday + day, 1)))
    for (const [from, days] of [
      [0, 2],
      [2, 2],
      [1, 1],
      [0, 4],
      [1, 3],
    ] as const) {
      await assert.rejects(store.write(target, values(dayInterval(from, days), [])), refuses('INVALID_ARGUMENT', /is written already/))
    }
    for (const number of [0, 3]) assert.equal((await store.write(target, values(dayInterval(number), []))).status, 'written')
    assert.equal((await store.intervals(target)).length, 3)
  },

  'rows outside their interval are refused, all of them': async ({ store }) => {
    for (const moment of [monday - 1, monday + day]) {
      await assert.rejects(
        store.write(target, values(dayInterval(0), [...rowsOf(monday, 5), row('z', moment, 1)])),
        refuses('INVALID_ARGUMENT', /outside its interval/),
      )
    }
    assert.deepEqual(await store.intervals(target), [])
    assert.deepEqual(await rowsFrom(store.read(target)), [])
  },

  'rows that fail midway leave nothing, and the interval can be written': async ({ store }) => {
    function* failing() {
      yield batchOf(rowsOf(monday, 3000))
      throw new Error('the source is gone')
    }
    const broken = { ...values(dayInterval(0), []), rows: failing() }
    await assert.rejects(store.write(target, broken), /the source is gone/)
    assert.deepEqual(await store.intervals(target), [])
    assert.deepEqual(await rowsFrom(store.read(target)), [])
    assert.equal((await store.write(target, values(dayInterval(0), rowsOf(monday, 3)))).status, 'written')
  },

  'one writer at a time is at work on a group, and a reader sees nothing of what it has not finished': async ({ store }) => {
    await store.write(target, values(dayInterval(0), rowsOf(monday, 3)))
    async function* slowly() {
      for (let at = 0; at < 3; at++) {
        assert.equal((await store.intervals(target)).length, 1)
        assert.equal((await rowsFrom(store.read(target))).length, 3)
        yield batchOf(rowsOf(monday + day + at, 5))
      }
      await assert.rejects(store.write(target, values(dayInterval(2), [])), refuses('STORE_LOCKED', /user_orders version 1/))
      assert.equal((await store.write({ ...target, version: 2 }, values(dayInterval(2), []))).status, 'written')
      assert.equal((await store.write({ ...target, group: 'item_views' }, values(dayInterval(2), []))).status, 'written')
    }
    await store.write(target, { ...values(dayInterval(1), []), rows: slowly() })
    assert.equal((await rowsFrom(store.read(target))).length, 18)
    assert.equal((await store.write(target, values(dayInterval(2), []))).status, 'written')
  },

  'groups and versions are apart, and listed in order': async ({ store }) => {
    const targets = [
      { group: 'a', version: 2 },
      { group: 'a', version: 10 },
      { group: 'b_c', version: 1 },
    ]
    for (const [at, one] of targets.toReversed().entries()) await store.write(one, values(dayInterval(0), rowsOf(monday, at + 1)))
    assert.deepEqual(await store.groups(), targets)
    assert.deepEqual(await Promise.all(targets.map(async (one) => (await rowsFrom(store.read(one))).length)), [3, 2, 1])
  },

  'the batch engine reads the same rows': async ({ store }, context) => {
    if (!store.capabilities.sql || !store.scanSql) return context.skip('gives no SQL')
    await assert.rejects(store.scanSql(target), refuses('UNKNOWN_NAME', /user_orders/))
    const rows = rowsOf(monday, 30)
    await store.write(target, values(dayInterval(0), rows))
    await store.write(target, values(dayInterval(1), []))
    const duck = await Duck.open({ threads: 1 })
    try {
      const types = Object.values(columns)
      const selected = Object.entries(columns)
        .map(([name, type]) => transportSql(type, `"${name}"`))
        .join(', ')
      for (const [range, expected] of [
        [undefined, rows],
        [dayInterval(0), rows],
        [dayInterval(1), []],
        [{ from: monday + 1, to: monday + day }, []],
      ] as const) {
        const sql = await store.scanSql(target, range)
        assert.deepEqual(await rowsFrom(duck.stream(`SELECT ${selected} FROM (${sql}) ORDER BY user_id`, types)), expected)
      }
    } finally {
      await duck.close()
    }
  },

  'values are there after the store was closed': async ({ store, reopen }, context) => {
    if (!store.capabilities.durable) return context.skip('not durable')
    assert.ok(reopen, 'a durable store is tested with `reopen`')
    const rows = rowsOf(monday, 10)
    await store.write(target, values(dayInterval(0), rows))
    const recorded = await store.intervals(target)
    await store.close()
    const again = await reopen()
    try {
      assert.deepEqual(await again.intervals(target), recorded)
      assert.deepEqual(await rowsFrom(again.read(target)), rows)
      assert.equal((await again.write(target, values(dayInterval(0), rows))).status, 'unchanged')
    } finally {
      await again.close()
    }
  },

  'damage is found': async ({ store, damages }, context) => {
    if (!damages) return context.skip('cannot be damaged')
    await store.write(target, values(dayInterval(0), rowsOf(monday, 100)))
    await store.write(target, values(dayInterval(1), rowsOf(monday + day, 100)))
    assert.deepEqual(await store.verify(target), [])
    for (const damage of damages(target)) {
      await damage()
      assert.equal((await store.verify(target)).length, 1, damage.name)
    }
  },

  'many rows are written and read in batches': async ({ store }) => {
    const rows = rowsOf(monday, 20_000)
    await store.write(target, values(dayInterval(0), rows))
    let count = 0
    for await (const batch of store.read(target)) {
      assert.ok(batch.count < rows.length)
      count += batch.count
    }
    assert.equal(count, rows.length)
  },

  'names that are none, intervals that are none and a closed store are refused': async ({ store }) => {
    for (const one of [
      { group: '../x', version: 1 },
      { group: '', version: 1 },
      { group: 'a', version: 1.5 },
      { group: 'a', version: -1 },
    ]) {
      await assert.rejects(store.write(one, values(dayInterval(0), [])), refuses('INVALID_ARGUMENT', /./))
      await assert.rejects(store.intervals(one), refuses('INVALID_ARGUMENT', /./))
    }
    for (const more of [{ from: monday + day }, { to: Number.NaN }, { moment: 'user_id' }, { moment: 'nowhere' }]) {
      await assert.rejects(store.write(target, values(dayInterval(0), [], more)), refuses('INVALID_ARGUMENT', /./))
    }
    await store.close()
    await assert.rejects(store.intervals(target), refuses('INVALID_ARGUMENT', /closed/))
    await assert.rejects(store.write(target, values(dayInterval(0), [])), refuses('INVALID_ARGUMENT', /closed/))
  },
}
