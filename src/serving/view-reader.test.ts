import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { average, count, entity, events, type FeatureGroup, featureGroup, featureView, onDemand, sum, table } from '../definition/index.ts'
import { ByteWriter } from '../lib/bytes.ts'
import { momentMicros } from '../lib/moment.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import type { OnlineRead, OnlineStore } from '../online/index.ts'
import { type EventGroupPlan, EventStateCodec, planGroup, type TableGroupPlan, type TableState, TableStateCodec } from '../plan/index.ts'
import { type Cell, encodeKey, t } from '../schema/index.ts'
import { onlineMeta, onlineTable } from './online-table.ts'
import { ViewReader } from './view-reader.ts'

const user = entity('user', { user_id: t.string() })
const users = table('users', {
  columns: { user_id: t.string(), city: t.string().nullable(), age: t.integer(), at: t.timestamp() },
  time: 'at',
})
const orders = events('orders', { columns: { user_id: t.string(), total: t.float(), at: t.timestamp() }, time: 'at' })
const profile = featureGroup({
  name: 'profile',
  entity: user,
  source: users,
  ttl: '2d',
  features: (row) => ({ city: row.city, age: row.age }),
})
const spending = featureGroup({
  name: 'spending',
  entity: user,
  source: orders,
  features: (row) => ({ orders_1d: count().over('1d'), orders: count(), average_1d: average(row.total).over('1d'), spent: sum(row.total) }),
})
const profileView = featureView({ name: 'profile', features: [profile] })
const spendingView = featureView({ name: 'spending', features: [spending] })

const day = (text: string) => momentMicros(`2026-01-${text}`)

/** Puts a row of a table by hand: cells by name. */
async function storeTable(
  online: OnlineStore,
  group: FeatureGroup,
  key: readonly Cell[],
  earlier: boolean,
  rows: readonly { readonly time: number; readonly [column: string]: Cell }[],
): Promise<void> {
  const plan = planGroup(group) as TableGroupPlan
  const state: TableState = { earlier, rows: rows.map((row) => ({ time: row.time, cells: plan.columns.map((name) => row[name] as Cell) })) }
  const writer = new ByteWriter()
  new TableStateCodec(plan).encode(state, writer)
  await put(online, group, key, writer)
}

interface StoredOrders {
  readonly horizon?: number
  /** How many events are no longer there, with the time and the total of all of them. */
  readonly folded?: { readonly count: number; readonly until: number; readonly totals: readonly number[] }
  readonly orders: readonly { readonly time: number; readonly total: number }[]
}

async function storeOrders(online: OnlineStore, key: readonly Cell[], { horizon = 0, folded, orders: kept }: StoredOrders): Promise<void> {
  const plan = planGroup(spending) as EventGroupPlan
  const baselines = plan.aggregates.map(({ aggregate, node }) =>
    (folded?.totals ?? []).reduce(
      (state, total) => aggregate.add(state, node.inputs.length === 0 ? 0 : total, 0, 0, null),
      aggregate.zero(),
    ),
  )
  const writer = new ByteWriter()
  new EventStateCodec(plan).encode(
    { upto: horizon, horizon, folded: folded?.count ?? 0, foldedUntil: folded?.until ?? 0, baselines },
    Float64Array.from(kept, ({ time }) => time),
    0,
    kept.length,
    () => (row) => kept[row]?.total as Cell,
    writer,
  )
  await put(online, spending, key, writer)
}

async function put(online: OnlineStore, group: FeatureGroup, key: readonly Cell[], writer: ByteWriter): Promise<void> {
  const row = { key: encodeKey(Object.values(group.entity.keys), key), version: new Uint8Array(), value: writer.finish() }
  await online.writeMeta(onlineTable(group), onlineMeta(group))
  await online.write(onlineTable(group), [row])
}

describe('a row of a table', async () => {
  const online = memoryOnlineStore()
  await storeTable(online, profile, ['ada'], true, [
    { time: day('05T10:00:00Z'), city: 'Bern', age: 36 },
    { time: day('06T10:00:00Z'), city: null, age: 37 },
  ])
  await storeTable(online, profile, ['bob'], false, [{ time: day('05T10:00:00Z'), city: 'Rome', age: 20 }])
  const reader = await ViewReader.open(profileView, online)
  const read = (user_id: string, moment: number) => reader.readSync([{ user_id }], [{}], moment)[0]

  test('is PRESENT from its time on, its nulls are NULL, both with its time', () => {
    assert.deepEqual(read('ada', day('05T10:00:00Z')), {
      values: { city: 'Bern', age: 36 },
      features: {
        city: { status: 'PRESENT', eventTime: '2026-01-05T10:00:00Z' },
        age: { status: 'PRESENT', eventTime: '2026-01-05T10:00:00Z' },
      },
      asOf: '2026-01-05T10:00:00Z',
    })
    assert.equal(read('ada', day('06T10:00:00Z') - 1)?.values.age, 36)
    assert.deepEqual(read('ada', day('06T10:00:00Z')), {
      values: { city: null, age: 37 },
      features: {
        city: { status: 'NULL', eventTime: '2026-01-06T10:00:00Z' },
        age: { status: 'PRESENT', eventTime: '2026-01-06T10:00:00Z' },
      },
      asOf: '2026-01-06T10:00:00Z',
    })
  })

  test('is STALE once it is older than the ttl, as if there were none', () => {
    assert.equal(read('bob', day('07T10:00:00Z'))?.features.age?.status, 'PRESENT')
    assert.deepEqual(read('bob', day('07T10:00:00Z') + 1), {
      values: { city: null, age: null },
      features: {
        city: { status: 'STALE', eventTime: '2026-01-05T10:00:00Z' },
        age: { status: 'STALE', eventTime: '2026-01-05T10:00:00Z' },
      },
      asOf: '2026-01-07T10:00:00.000001Z',
    })
  })

  test('is NOT_FOUND where the key has none, at all or yet', () => {
    const nothing = { status: 'NOT_FOUND', eventTime: null }
    for (const vector of [read('eve', day('06')), read('bob', day('05T10:00:00Z') - 1)]) {
      assert.deepEqual(vector?.values, { city: null, age: null })
      assert.deepEqual(vector?.features, { city: nothing, age: nothing })
    }
  })

  test('cannot be known before those that were kept', () => {
    assert.throws(() => read('ada', day('05T10:00:00Z') - 1), { code: 'READ_BEFORE_STATE', message: /from 2026-01-05T10:00:00Z on/ })
  })

  test('of one key does not show in the next', () => {
    const vectors = reader.readSync([{ user_id: 'ada' }, { user_id: 'eve' }, { user_id: 'bob' }], [{}], day('05T12:00:00Z'))
    assert.deepEqual(
      vectors.map(({ values }) => values.city),
      ['Bern', null, 'Rome'],
    )
  })

  // Rows of columns as they stand go straight into the answer, others do not.
  test('gives the same values whichever features are read, and in whatever order', async () => {
    const facts = featureGroup({
      name: 'facts',
      entity: user,
      source: users,
      features: (row) => ({ city: row.city, age: row.age, town: row.city, next_age: row.age.plus(1) }),
    })
    await storeTable(online, facts, ['ada'], false, [{ time: 0, city: 'Bern', age: 36 }])
    await storeTable(online, facts, ['bob'], false, [{ time: 0, city: null, age: 20 }])
    const expected: Record<string, Cell>[] = [
      { city: 'Bern', age: 36, town: 'Bern', next_age: 37 },
      { city: null, age: 20, town: null, next_age: 21 },
      { city: null, age: null, town: null, next_age: null },
    ]
    const view = featureView({ name: 'facts', features: [facts] })
    const orders = (left: readonly string[]): string[][] =>
      left.flatMap((name) => [[name], ...orders(left.filter((other) => other !== name)).map((rest) => [name, ...rest])])
    for (const features of orders(['city', 'age', 'town', 'next_age'])) {
      const some = await ViewReader.open(view, online, { features })
      const vectors = some.readSync([{ user_id: 'ada' }, { user_id: 'bob' }, { user_id: 'eve' }], [{}], 1)
      for (const [row, { values }] of vectors.entries()) {
        assert.deepEqual(
          Object.entries(values),
          features.map((name) => [name, expected[row]?.[name]]),
        )
      }
    }
  })
})

describe('events of a key', async () => {
  const online = memoryOnlineStore()
  const until = day('03T00:00:00Z')
  await storeOrders(online, ['ada'], {
    horizon: day('05T00:00:00Z'),
    folded: { count: 2, until, totals: [10, 20] },
    orders: [
      { time: day('04T12:00:00Z'), total: 1 },
      { time: day('05T12:00:00Z'), total: 4 },
    ],
  })
  await storeOrders(online, ['bob'], { orders: [], folded: { count: 1, until, totals: [7] } })
  const reader = await ViewReader.open(spendingView, online)
  const read = (user_id: string, moment: number) => reader.readSync([{ user_id }], [{}], moment)[0]

  test('count from after their moment on, with those of before they were kept; the newest seen gives the time', () => {
    const at = read('ada', day('05T12:00:00Z'))
    assert.deepEqual(at?.values, { orders_1d: 1, orders: 3, average_1d: 1, spent: 31 })
    assert.deepEqual(at?.features.spent, { status: 'PRESENT', eventTime: '2026-01-04T12:00:00Z' })
    const after = read('ada', day('05T12:00:00Z') + 1)
    assert.deepEqual(after?.values, { orders_1d: 1, orders: 4, average_1d: 4, spent: 35 })
    assert.deepEqual(after?.features.spent, { status: 'PRESENT', eventTime: '2026-01-05T12:00:00Z' })
  })

  test('make a key known although none of them is left', () => {
    const vector = read('bob', day('09T00:00:00Z'))
    assert.deepEqual(vector?.values, { orders_1d: 0, orders: 1, average_1d: null, spent: 7 })
    assert.deepEqual(vector?.features.orders, { status: 'PRESENT', eventTime: '2026-01-03T00:00:00Z' })
    assert.deepEqual(vector?.features.average_1d, { status: 'NULL', eventTime: '2026-01-03T00:00:00Z' })
  })

  test('of an unknown key are none: NOT_FOUND, with the values of an empty history', () => {
    const vector = read('eve', day('05T12:00:00Z'))
    assert.deepEqual(vector?.values, { orders_1d: 0, orders: 0, average_1d: null, spent: 0 })
    assert.ok(Object.values(vector?.features ?? {}).every(({ status, eventTime }) => status === 'NOT_FOUND' && eventTime === null))
  })

  test('cannot be known before the horizon', () => {
    assert.equal(read('ada', day('05T00:00:00Z'))?.values.orders, 3)
    assert.throws(() => read('ada', day('05T00:00:00Z') - 1), {
      code: 'READ_BEFORE_STATE',
      message: /spending from 2026-01-05T00:00:00Z on/,
    })
  })
})

describe('a reader', () => {
  test('refuses what another definition, or another layout, has stored; an empty table fits any', async () => {
    const online = memoryOnlineStore()
    await ViewReader.open(profileView, online)
    const other = featureGroup({
      name: 'profile',
      entity: user,
      source: users,
      ttl: '3d',
      features: (row) => ({ city: row.city, age: row.age }),
    })
    const otherLayout = JSON.stringify({ ...JSON.parse(onlineMeta(profile)), layout: 0 })
    for (const text of [onlineMeta(other), otherLayout]) {
      await online.writeMeta(onlineTable(profile), text)
      await assert.rejects(ViewReader.open(profileView, online), { code: 'DEFINITION_MISMATCH', message: /profile version 1/ })
    }
    await online.writeMeta(onlineTable(profile), onlineMeta(profile))
    await ViewReader.open(profileView, online)
  })

  test('needs every key of the view, by its name and of its type', async () => {
    const reader = await ViewReader.open(profileView, memoryOnlineStore())
    const read = (row: Record<string, unknown>) => () => reader.readSync([row], [{}], 0)
    assert.throws(read({}), { code: 'MISSING_KEY', message: /user_id of the view profile/ })
    assert.throws(read({ user_id: null }), { code: 'MISSING_KEY' })
    assert.throws(read({ user_id: 7 }), { code: 'INVALID_VALUE', where: 'key user_id' })
    assert.throws(read({ user_id: 'ada', usr_id: 'bob' }), { code: 'UNKNOWN_NAME', message: /no key usr_id.*user_id/ })
    await assert.rejects(reader.read([{}], [{}], 0), { code: 'MISSING_KEY' })
  })

  test('reads one group under several keys, each of them once, in one step', async () => {
    const memory = memoryOnlineStore()
    for (const [name, city] of [
      ['ada', 'Bern'],
      ['bob', 'Rome'],
    ] as const)
      await storeTable(memory, profile, [name], false, [{ time: 0, city, age: 1 }])
    const steps: (readonly OnlineRead[])[] = []
    const online: OnlineStore = {
      ...memory,
      readSync: (reads) => {
        steps.push(reads)
        return memory.readSync?.(reads) ?? []
      },
    }
    const view = featureView({
      name: 'chat',
      features: [
        profile.as({ keys: { user_id: 'sender' }, prefix: 'sender_' }).pick('sender_city'),
        profile.as({ keys: { user_id: 'receiver' }, prefix: 'receiver_' }),
        profile.as({ keys: { user_id: 'sender' }, prefix: 'own_' }).pick('own_age'),
        spending.as({ keys: { user_id: 'sender' } }).pick('orders'),
      ],
    })
    const reader = await ViewReader.open(view, online)
    const [one, two] = await reader.read(
      [
        { sender: 'ada', receiver: 'bob' },
        { sender: 'bob', receiver: 'ada' },
      ],
      [{}],
      1,
    )
    assert.deepEqual(one?.values, { sender_city: 'Bern', receiver_city: 'Rome', receiver_age: 1, own_age: 1, orders: 0 })
    assert.deepEqual(two?.values, { sender_city: 'Rome', receiver_city: 'Bern', receiver_age: 1, own_age: 1, orders: 0 })
    assert.deepEqual(Object.keys(one?.values ?? {}), [...view.featureNames])
    assert.deepEqual(
      steps.map((reads) => reads.map(({ table: name, keys }) => `${name} ${keys.length}`)),
      [['profile@1 2', 'profile@1 2', 'spending@1 2']],
    )
  })

  test('computes on-demand features behind what they read, whatever the order in which they are named', async () => {
    const online = memoryOnlineStore()
    await storeTable(online, profile, ['ada'], false, [{ time: 0, city: 'Bern', age: 36 }])
    const doubled = onDemand({
      name: 'doubled',
      from: [profile.pick('age')],
      features: { twice: t.integer().nullable() },
      compute: ({ age }) => ({ twice: age === null ? null : Number(age) * 2 }),
    })
    const scaled = onDemand({
      name: 'scaled',
      request: { factor: t.integer() },
      from: [doubled],
      features: { product: t.integer().nullable() },
      compute: ({ twice }, { factor }) => ({ product: twice === null ? null : Number(twice) * Number(factor) }),
    })
    const view = featureView({ name: 'steps', features: [scaled, doubled, profile.pick('city')] })
    const reader = await ViewReader.open(view, online)
    const keys = [{ user_id: 'ada' }, { user_id: 'eve' }, { user_id: 'ada' }]
    const values = (requests: Record<string, unknown>[]) => reader.readSync(keys, requests, 1).map((vector) => vector.values)
    assert.deepEqual(values([{ factor: 10 }]), [
      { product: 720, twice: 72, city: 'Bern' },
      { product: null, twice: null, city: null },
      { product: 720, twice: 72, city: 'Bern' },
    ])
    assert.deepEqual(
      values([{ factor: 1 }, { factor: 2 }, { factor: 3 }]).map(({ product }) => product),
      [72, null, 216],
    )
    const [known, unknown] = reader.readSync(keys, [{ factor: 1 }], 1)
    assert.deepEqual(known?.features.product, { status: 'PRESENT', eventTime: null })
    assert.deepEqual(unknown?.features.product, { status: 'NULL', eventTime: null })
    assert.throws(() => values([{ factor: 'x' }]), { code: 'INVALID_VALUE', where: 'request value factor' })
    assert.throws(() => values([{}]), { code: 'INVALID_VALUE', where: 'request value factor' })
  })

  test('says which on-demand code failed, and refuses values that are none', async () => {
    const broken = (compute: () => { score: number }) =>
      ViewReader.open(
        featureView({ name: 'broken', features: [onDemand({ name: 'breaks', features: { score: t.float() }, compute })] }),
        memoryOnlineStore(),
      )
    const failed = { code: 'ON_DEMAND_FAILED', where: 'on-demand view breaks' }
    const throwing = await broken(() => {
      throw new RangeError('out of luck')
    })
    assert.throws(() => throwing.readSync([{}], [{}], 0), { ...failed, message: /out of luck/ })
    const missing = await broken(() => ({}) as { score: number })
    assert.throws(() => missing.readSync([{}], [{}], 0), { ...failed, message: /score/ })
  })

  test('waits for a store that is elsewhere, and cannot do without', async () => {
    const { readSync: _, ...memory } = memoryOnlineStore()
    const online: OnlineStore = memory
    await storeTable(online, profile, ['ada'], false, [{ time: 0, city: 'Bern', age: 36 }])
    const reader = await ViewReader.open(profileView, online)
    assert.throws(() => reader.readSync([{ user_id: 'ada' }], [{}], 1), { code: 'INVALID_ARGUMENT' })
    const [vector] = await reader.read([{ user_id: 'ada' }], [{}], 1)
    assert.equal(vector?.values.city, 'Bern')
  })
})
