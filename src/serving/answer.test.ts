import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { count, entity, events, FeatureGroup, featureGroup, featureView, groupHash, last, onDemand, table } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { momentMicros } from '../lib/moment.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import type { OnlineRead, OnlineStore } from '../online/index.ts'
import { planGroup, type TableGroupPlan, TableStateCodec } from '../plan/index.ts'
import { type Cell, encodeKey, t } from '../schema/index.ts'
import type { Answer } from './answer.ts'
import { onlineMeta, onlineTable } from './online-table.ts'
import { ViewReader } from './view-reader.ts'

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.string() })
const users = table('users', { columns: { user_id: t.string(), city: t.string().nullable(), at: t.timestamp() }, time: 'at' })
const items = table('items', { columns: { item_id: t.string(), price: t.decimal(8, 2), at: t.timestamp() }, time: 'at' })
const clicks = events('clicks', { columns: { user_id: t.string(), page: t.string(), at: t.timestamp() }, time: 'at' })
const profile = featureGroup({ name: 'profile', entity: user, source: users, features: (row) => ({ city: row.city }) })
const prices = featureGroup({ name: 'prices', entity: item, source: items, features: (row) => ({ price: row.price }) })
const activity = featureGroup({
  name: 'activity',
  entity: user,
  source: clicks,
  features: (click) => ({ click_count: count(), last_page: last(click.page) }),
})

const at = momentMicros('2026-01-06T00:00:00Z')
const written = momentMicros('2026-01-05T00:00:00Z')

/** A store with the user ada, who lives in Bern, and two items; counts what is asked of it. */
async function filledStore() {
  const memory = memoryOnlineStore()
  const put = async (group: typeof profile | typeof prices, key: string, cells: Cell[]) => {
    const writer = new ByteWriter()
    new TableStateCodec(planGroup(group) as TableGroupPlan).encode({ earlier: false, rows: [{ time: written, cells }] }, writer)
    await memory.writeMeta(onlineTable(group), onlineMeta(group))
    const row = { key: encodeKey(Object.values(group.entity.keys), [key]), version: new Uint8Array(), value: writer.finish() }
    await memory.write(onlineTable(group), [row])
  }
  await put(profile, 'ada', ['Bern'])
  await put(prices, 'hat', [1250])
  await put(prices, 'sock', [300])
  const asked: OnlineRead[] = []
  const { readSync: _, ...rest } = memory
  const store: OnlineStore = {
    ...rest,
    read: async (reads) => {
      asked.push(...reads)
      return await memory.read(reads)
    },
  }
  return { store, asked, memory }
}

const shown = (answer: Answer) =>
  Array.from({ length: answer.rows }, (_, row) =>
    answer.plan.output.map(({ name }, feature) => `${name} ${answer.cell(row, feature)} ${answer.status(row, feature)}`),
  )

describe('an answer', async () => {
  const { store, asked, memory } = await filledStore()

  test('reads once what all rows share', async () => {
    const reader = await ViewReader.open(featureView({ name: 'offer', features: [profile, prices] }), store)
    asked.length = 0
    const rows = [{ item_id: 'hat' }, { item_id: 'sock' }, { item_id: 'shoe' }]
    const answer = await reader.answer(rows, [{}], at, { shared: { user_id: 'ada' } })
    assert.deepEqual(
      asked.map(({ table: name, keys }) => [name, keys.length]),
      [
        ['profile@1', 1],
        ['prices@1', 3],
      ],
    )
    assert.deepEqual(shown(answer), [
      ['city Bern PRESENT', 'price 1250 PRESENT'],
      ['city Bern PRESENT', 'price 300 PRESENT'],
      ['city Bern PRESENT', 'price null NOT_FOUND'],
    ])
    assert.deepEqual([answer.eventTime(2, 0), answer.eventTime(2, 1)], [written, null])
    // A row may say otherwise than the others.
    const other = await reader.answer([{ item_id: 'hat' }, { item_id: 'hat', user_id: 'bob' }], [{}], at, { shared: { user_id: 'ada' } })
    assert.deepEqual(
      shown(other).map(([city]) => city),
      ['city Bern PRESENT', 'city null NOT_FOUND'],
    )
  })

  test('of some features reads only the groups that they need', async () => {
    const view = featureView({ name: 'offer', features: [profile, prices] })
    const reader = await ViewReader.open(view, store, { features: ['price'] })
    asked.length = 0
    assert.deepEqual(shown(await reader.answer([{ item_id: 'hat' }], [{}], at)), [['price 1250 PRESENT']])
    assert.deepEqual(
      asked.map(({ table: name }) => name),
      ['prices@1'],
    )
    await assert.rejects(ViewReader.open(view, store, { features: ['prise'] }), { code: 'UNKNOWN_NAME', message: /did you mean price/ })
    await assert.rejects(ViewReader.open(view, store, { features: ['price', 'price'] }), { code: 'DUPLICATE_NAME' })
  })

  test('has the defaults of its view in place of nulls, and of nothing else', async () => {
    const view = featureView({
      name: 'all',
      features: [profile, activity],
      defaults: { city: 'nowhere', click_count: 7, last_page: 'none' },
    })
    const reader = await ViewReader.open(view, store)
    assert.deepEqual(shown(await reader.answer([{ user_id: 'ada' }, { user_id: 'eve' }], [{}], at)), [
      ['city Bern PRESENT', 'click_count 0 NOT_FOUND', 'last_page none DEFAULTED'],
      ['city nowhere DEFAULTED', 'click_count 0 NOT_FOUND', 'last_page none DEFAULTED'],
    ])
  })

  test('does not give what was stored too long ago', async () => {
    const reader = await ViewReader.open(featureView({ name: 'one', features: [profile] }), store)
    const within = async (maxStaleness: number) => shown(await reader.answer([{ user_id: 'ada' }], [{}], at, { maxStaleness }))
    assert.deepEqual(await within(at - written), [['city Bern PRESENT']])
    assert.deepEqual(await within(at - written - 1), [['city null STALE']])
  })

  test('keeps the freshness objectives of groups, where they count', async () => {
    const fresh = new FeatureGroup({ ...profile, freshness: at - written - 1 })
    const view = featureView({ name: 'fresh', features: [fresh] })
    const read = async (objectives: boolean) =>
      shown(await (await ViewReader.open(view, store, { objectives })).answer([{ user_id: 'ada' }], [{}], at))
    assert.deepEqual(await read(true), [['city null STALE']])
    assert.deepEqual(await read(false), [['city Bern PRESENT']])
    assert.equal(groupHash(fresh), groupHash(profile))
  })

  test('marks what a store that is slow or down did not give', async () => {
    const never: OnlineStore = { ...store, read: () => new Promise(() => {}) }
    const slow = await ViewReader.open(featureView({ name: 'one', features: [profile], defaults: { city: 'nowhere' } }), never)
    const answer = await slow.answer([{ user_id: 'ada' }], [{}], at, { deadline: performance.now() + 20 })
    assert.deepEqual(shown(answer), [['city nowhere DEFAULTED']])
    const view = featureView({ name: 'two', features: [profile] })
    const late = await (await ViewReader.open(view, never)).answer([{ user_id: 'ada' }], [{}], at, { deadline: performance.now() })
    assert.deepEqual(shown(late), [['city null TIME_OUT']])
    const { LockstepError } = await import('../errors.ts')
    const down: OnlineStore = { ...store, read: () => Promise.reject(new LockstepError('STORE_UNAVAILABLE', 'down')) }
    const reader = await ViewReader.open(view, down)
    await assert.rejects(reader.answer([{ user_id: 'ada' }], [{}], at), { code: 'STORE_UNAVAILABLE' })
    const marked = await reader.answer([{ user_id: 'ada' }], [{}], at, { storeErrors: 'mark' })
    assert.deepEqual([shown(marked), marked.failures.map(({ code }) => code)], [[['city null FAILED']], ['STORE_UNAVAILABLE']])
  })

  test('goes on without on-demand code that throws, and stops code that does not end', async () => {
    const half = onDemand({
      name: 'half',
      request: { by: t.integer() },
      from: [prices],
      features: { half: t.float() },
      compute: ({ price }, { by }) => {
        if (by === 0) throw new RangeError('nothing to halve by')
        while (by < 0);
        return { half: Number(price) / by }
      },
    })
    const above = onDemand({
      name: 'above',
      from: [half],
      features: { above: t.boolean() },
      compute: (known) => ({ above: known.half > 1 }),
    })
    const reader = await ViewReader.open(featureView({ name: 'halves', features: [prices, half, above] }), memory)
    const rows = [{ item_id: 'hat' }, { item_id: 'hat' }]
    await assert.rejects(reader.answer(rows, [{ by: 2 }, { by: 0 }], at), { code: 'ON_DEMAND_FAILED' })
    const marked = await reader.answer(rows, [{ by: 2 }, { by: 0 }], at, { onDemandErrors: 'mark' })
    assert.deepEqual(shown(marked), [
      ['price 1250 PRESENT', 'half 6.25 PRESENT', 'above true PRESENT'],
      ['price 1250 PRESENT', 'half null FAILED', 'above null FAILED'],
    ])
    assert.deepEqual(
      marked.failures.map(({ where }) => where),
      ['on-demand view half'],
    )
    const stopped = await reader.answer(rows, [{ by: 2 }, { by: -1 }], at, { onDemandLimit: 50 })
    assert.deepEqual(shown(stopped), [
      ['price 1250 PRESENT', 'half 6.25 PRESENT', 'above true PRESENT'],
      ['price 1250 PRESENT', 'half null TIME_OUT', 'above null TIME_OUT'],
    ])
  })

  test('does not compute from what is too old', async () => {
    const known = onDemand({
      name: 'known',
      from: [profile],
      features: { is_known: t.boolean() },
      compute: ({ city }) => ({ is_known: city !== null }),
    })
    const reader = await ViewReader.open(featureView({ name: 'stale', features: [profile, known] }), memory)
    const read = async (maxStaleness: number) => shown(await reader.answer([{ user_id: 'ada' }], [{}], at, { maxStaleness }))
    assert.deepEqual(await read(at - written), [['city Bern PRESENT', 'is_known true PRESENT']])
    assert.deepEqual(await read(1), [['city null STALE', 'is_known null STALE']])
  })

  test('tells apart what a cache is asked for, also numbers that JSON does not have', async () => {
    const shownAs = onDemand({
      name: 'shown',
      request: { value: t.float().allowNaN().nullable() },
      features: { text: t.string() },
      cache: 10,
      compute: (_known, { value }) => ({ text: String(value) }),
    })
    const reader = await ViewReader.open(featureView({ name: 'texts', features: [shownAs] }), memory)
    for (const value of [null, Number.NaN, Number.POSITIVE_INFINITY, 0, null, Number.NaN])
      assert.equal((await reader.answer([{}], [{ value }], at)).cell(0, 0), String(value))
  })

  test('finds results of on-demand code again by their inputs', async () => {
    let runs = 0
    const counted = onDemand({
      name: 'counted',
      request: { by: t.integer() },
      features: { twice: t.integer() },
      cache: 2,
      compute: (_known, { by }) => {
        runs++
        return { twice: 2 * by }
      },
    })
    const reader = await ViewReader.open(featureView({ name: 'cached', features: [counted] }), memory)
    for (const by of [1, 2, 1, 3, 1, 2]) {
      const answer = await reader.answer([{}], [{ by }], at)
      assert.equal(answer.cell(0, 0), 2 * by)
    }
    // The second 2: it was asked for longest ago when 3 came.
    assert.equal(runs, 4)
  })
})
