import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import {
  count,
  type Definition,
  entity,
  events,
  every,
  type FeatureGroup,
  featureGroup,
  featureView,
  last,
  parquet,
  rows,
  sum,
  table,
} from '../definition/index.ts'
import { momentMicros } from '../lib/moment.ts'
import { Duck } from '../offline/index.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import type { OnlineStore } from '../online/index.ts'
import { t } from '../schema/index.ts'
import { onlineMeta, onlineTable, ViewReader } from '../serving/index.ts'
import { type MaterializeOptions, materializeGroup } from './materialize.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-materialize-'))
after(() => rmSync(folder, { recursive: true }))

const user = entity('user', { user_id: t.string() })
const day = (text: string) => momentMicros(`2026-01-${text}`)

type Order = readonly [user: string, at: string, total: number]
const orders = (of: readonly Order[], more: { readonly lateness?: '1d' } = {}) =>
  events('orders', {
    columns: { user_id: t.string(), total: t.integer(), at: t.timestamp() },
    time: 'at',
    history: rows(of.map(([user_id, at, total]) => ({ user_id, at: `2026-01-${at}`, total }))),
    ...more,
  })
const spending = (source: ReturnType<typeof orders>) =>
  featureGroup({
    name: 'spending',
    entity: user,
    source,
    features: (row) => ({ spent: sum(row.total), spent_1d: sum(row.total).over('1d') }),
  })
const someOrders: readonly Order[] = [
  ['ada', '02T10:00:00Z', 1],
  ['ada', '05T10:00:00Z', 10],
  ['bob', '05T11:00:00Z', 100],
]

type User = readonly [user: string, at: string, city: string]
const users = (of: readonly User[]) =>
  table('users', {
    columns: { user_id: t.string(), city: t.string(), at: t.timestamp() },
    time: 'at',
    history: rows(of.map(([user_id, at, city]) => ({ user_id, at: `2026-01-${at}`, city }))),
  })
const profile = (of: readonly User[]) =>
  featureGroup({ name: 'profile', entity: user, source: users(of), ttl: '3d', features: (row) => ({ city: row.city }) })

const materialize = (group: FeatureGroup, online: OnlineStore, upto: string, options: Partial<MaterializeOptions> = {}) =>
  materializeGroup(group, online, { upto: day(upto), ...options })

/** The values of each key at a moment, by the name of the user. */
async function values(group: FeatureGroup, online: OnlineStore, at: string, ...names: string[]): Promise<Record<string, unknown>> {
  const reader = await ViewReader.open(featureView({ name: 'view', features: [group] }), online)
  const vectors = reader.readSync(
    names.map((user_id) => ({ user_id })),
    [{}],
    day(at),
  )
  return Object.fromEntries(names.map((name, index) => [name, Object.values(vectors[index]?.values ?? {})]))
}

async function stored(group: Definition & FeatureGroup, online: OnlineStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const { key, value } of online.scan(onlineTable(group)))
    found[Buffer.from(key).toString('latin1')] = Buffer.from(value).toString('hex')
  return found
}

describe('what is materialized', () => {
  test('is the same when it is materialized again', async () => {
    for (const group of [
      spending(orders(someOrders)),
      profile([
        ['ada', '01', 'Bern'],
        ['bob', '02', 'Rome'],
      ]),
    ]) {
      const online = memoryOnlineStore()
      const { seconds: _, ...first } = await materialize(group, online, '06')
      const before = await stored(group, online)
      const { seconds: __, ...second } = await materialize(group, online, '06')
      assert.deepEqual({ ...first, bytes: 0 }, { group: group.name, version: 1, keys: 2, written: 2, older: 0, bytes: 0, report: null })
      assert.deepEqual(second, first)
      assert.deepEqual(await stored(group, online), before)
    }
  })

  test('is what came before the moment asked for, and of events not that moment itself', async () => {
    const group = spending(orders(someOrders))
    const online = memoryOnlineStore()
    assert.equal((await materialize(group, online, '05T10:00:00Z')).keys, 1)
    assert.deepEqual(await values(group, online, '05T10:00:00Z', 'ada', 'bob'), { ada: [1, 0], bob: [0, 0] })
    await materialize(group, online, '05T10:00:00.000001Z')
    assert.equal((await materialize(group, memoryOnlineStore(), '05T11:00:00Z')).keys, 1)
    assert.deepEqual(await values(group, online, '05T10:00:00.000001Z', 'ada', 'bob'), { ada: [11, 10], bob: [0, 0] })
  })

  test('is not replaced by what is older: events up to an earlier moment, a table without its newest row', async () => {
    const online = memoryOnlineStore()
    const group = spending(orders(someOrders))
    await materialize(group, online, '06')
    const { written, older } = await materialize(group, online, '05T10:30:00Z')
    assert.deepEqual({ written, older }, { written: 0, older: 1 })
    assert.deepEqual(await values(group, online, '06', 'ada', 'bob'), { ada: [11, 10], bob: [100, 100] })

    const newest = profile([
      ['ada', '04', 'Bern'],
      ['bob', '04', 'Rome'],
    ])
    await materialize(newest, online, '06')
    const late = await materialize(
      profile([
        ['ada', '03', 'Oslo'],
        ['bob', '05', 'Paris'],
      ]),
      online,
      '07',
    )
    assert.deepEqual({ written: late.written, older: late.older }, { written: 1, older: 1 })
    assert.deepEqual(await values(newest, online, '06', 'ada', 'bob'), { ada: ['Bern'], bob: ['Paris'] })
  })

  test('is refused beside what another definition computed, unless that is dropped', async () => {
    const online = memoryOnlineStore()
    await materialize(spending(orders(someOrders)), online, '06')
    const other = featureGroup({
      name: 'spending',
      entity: user,
      source: orders(someOrders.slice(0, 2)),
      features: () => ({ orders: count() }),
    })
    await assert.rejects(materialize(other, online, '06'), { code: 'DEFINITION_MISMATCH' })
    assert.deepEqual(await values(spending(orders(someOrders)), online, '06', 'bob'), { bob: [100, 100] })
    await materialize(other, online, '06', { rebuild: true })
    assert.equal(await online.readMeta(onlineTable(other)), onlineMeta(other))
    assert.deepEqual(await values(other, online, '06', 'ada', 'bob'), { ada: [2], bob: [0] })
    assert.deepEqual(Object.keys(await stored(other, online)).length, 1, 'bob is gone')
    // What fits is kept, and an older run stays one.
    await materialize(other, online, '06', { rebuild: true })
    assert.equal((await materialize(other, online, '05', { rebuild: true })).older, 1)
  })

  test('of a scheduled group answers as of ticks, the one before the run included', async () => {
    const group = featureGroup({
      name: 'daily',
      entity: user,
      source: orders(someOrders),
      refresh: every('1d', { delay: '2h' }),
      features: (row) => ({ spent: sum(row.total), spent_4d: sum(row.total).over('4d') }),
    })
    const online = memoryOnlineStore()
    await materialize(group, online, '06T01:00:00Z')
    for (const at of ['06T01:00:00Z', '06T01:59:59.999999Z']) assert.deepEqual(await values(group, online, at, 'ada'), { ada: [1, 1] })
    assert.deepEqual(await values(group, online, '06T02:00:00Z', 'ada', 'bob'), { ada: [11, 11], bob: [100, 100] })
    assert.deepEqual(await values(group, online, '07T02:00:00Z', 'ada'), { ada: [11, 10] })
    await assert.rejects(values(group, online, '05T01:59:59Z', 'ada'), { code: 'READ_BEFORE_STATE' })
  })

  test('answers from the moment of the run on, and as far back as events may be late', async () => {
    const exact = spending(orders(someOrders))
    const online = memoryOnlineStore()
    await materialize(exact, online, '05T12:00:00Z')
    assert.deepEqual(await values(exact, online, '05T12:00:00Z', 'ada'), { ada: [11, 10] })
    await assert.rejects(values(exact, online, '05T11:59:59Z', 'ada'), { code: 'READ_BEFORE_STATE' })

    const late = spending(orders(someOrders, { lateness: '1d' }))
    const other = memoryOnlineStore()
    await materialize(late, other, '05T12:00:00Z')
    assert.deepEqual(await values(late, other, '04T12:00:00Z', 'ada'), { ada: [1, 0] })
    assert.deepEqual(await values(late, other, '05T12:00:00Z', 'ada'), { ada: [11, 10] })
    await assert.rejects(values(late, other, '04T11:59:59Z', 'ada'), { code: 'READ_BEFORE_STATE' })
  })

  test('knows a key whose events are all older than its windows', async () => {
    const recent = featureGroup({
      name: 'recent',
      entity: user,
      source: orders(someOrders),
      features: () => ({ orders: count().over('1d') }),
    })
    const online = memoryOnlineStore()
    assert.equal((await materialize(recent, online, '20')).keys, 2)
    const reader = await ViewReader.open(featureView({ name: 'view', features: [recent] }), online)
    const [ada] = reader.readSync([{ user_id: 'ada' }], [{}], day('20'))
    assert.deepEqual(ada?.features.orders, { status: 'PRESENT', eventTime: '2026-01-05T10:00:00Z' })
  })

  test('of a table are the row valid at the moment and those that become valid later, the greatest of each time', async () => {
    const group = profile([
      ['ada', '01', 'Oslo'],
      ['ada', '03', 'Bern'],
      ['ada', '03', 'Aarau'],
      ['ada', '08', 'Rome'],
      ['bob', '02', 'Paris'],
      ['eve', '09', 'Turin'],
    ])
    const online = memoryOnlineStore()
    assert.equal((await materialize(group, online, '05')).keys, 3)
    const at = async (moment: string) => Object.values(await values(group, online, moment, 'ada', 'bob', 'eve')).flat()
    assert.deepEqual(await at('05'), ['Bern', 'Paris', null])
    // The ttl of three days has passed by.
    assert.deepEqual(await at('07'), [null, null, null])
    assert.deepEqual(await at('09'), ['Rome', null, 'Turin'])
    await assert.rejects(values(group, online, '02', 'ada'), { code: 'READ_BEFORE_STATE' })
    assert.deepEqual(await values(group, online, '01', 'eve'), { eve: [null] })
  })

  test('belongs to keys that are known whole', async () => {
    const pairs = entity('pair', { user_id: t.string(), item_id: t.integer() })
    const columns = { user_id: t.string().nullable(), item_id: t.integer().nullable(), at: t.timestamp() }
    const history = rows([
      { user_id: 'ada', item_id: 1, at: '2026-01-01' },
      { user_id: 'ada', item_id: null, at: '2026-01-01' },
      { user_id: null, item_id: 1, at: '2026-01-01' },
    ])
    const keys = { user_id: 'user_id', item_id: 'item_id' } as const
    const groups = [
      featureGroup({
        name: 'seen',
        entity: pairs,
        source: events('views', { columns, time: 'at', history }),
        keys,
        features: () => ({ views: count() }),
      }),
      featureGroup({
        name: 'known',
        entity: pairs,
        source: table('pairs', { columns, time: 'at', history }),
        keys,
        features: (row) => ({ since: row.at }),
      }),
    ]
    for (const group of groups) assert.equal((await materialize(group, memoryOnlineStore(), '05')).keys, 1, group.name)
  })

  test('is the same whatever the number of events: many keys, one key, several blocks of both', async () => {
    const path = join(folder, 'many.parquet')
    {
      await using duck = await Duck.open()
      // The first hundred thousand are of one key; the others of 7,000, ten each. Ids tell the order of one moment.
      await duck.run(
        `COPY (SELECT CASE WHEN i < 100_000 THEN 'most' ELSE 'user ' || (i % 7000) END AS user_id, i AS id, TIMESTAMP '2026-01-01' + to_seconds((i * 7919) % 1000) AS "at" FROM range(170_000) rows(i)) TO '${path}' (FORMAT parquet)`,
      )
    }
    const source = events('many', {
      columns: { user_id: t.string(), id: t.integer(), at: t.timestamp() },
      time: 'at',
      id: 'id',
      history: parquet(path),
    })
    const group = featureGroup({ name: 'many', entity: user, source, features: (row) => ({ events: count(), last_id: last(row.id) }) })
    const online = memoryOnlineStore()
    assert.equal((await materialize(group, online, '02')).keys, 7001)
    const reader = await ViewReader.open(featureView({ name: 'view', features: [group] }), online)
    const names = ['most', ...Array.from({ length: 7000 }, (_, index) => `user ${index}`)]
    const lastOf = (ids: readonly number[]) =>
      ids.reduce((a, b) => ((a * 7919) % 1000 > (b * 7919) % 1000 || ((a * 7919) % 1000 === (b * 7919) % 1000 && a > b) ? a : b))
    const idsOf = new Map<string, number[]>(names.map((name) => [name, []]))
    for (let id = 0; id < 170_000; id++) idsOf.get(id < 100_000 ? 'most' : `user ${id % 7000}`)?.push(id)
    const vectors = reader.readSync(
      names.map((user_id) => ({ user_id })),
      [{}],
      day('02'),
    )
    for (const [index, { values: found }] of vectors.entries()) {
      const ids = idsOf.get(names[index] as string) as number[]
      assert.deepEqual(found, { events: ids.length, last_id: lastOf(ids) }, names[index])
    }
  })
})

test('a run that is stopped in the midst leaves whole rows, and the next one completes them', async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `user${index}`)
  const history: readonly Order[] = names.map((name) => [name, '01', 1])
  for (const group of [spending(orders(history)), profile(names.map((name) => [name, '01', 'Bern']))]) {
    const temporaryFolder = mkdtempSync(join(folder, 'temporary-'))
    const memory = memoryOnlineStore()
    const controller = new AbortController()
    const online: OnlineStore = {
      ...memory,
      write: async (name, written) => {
        controller.abort()
        return memory.write(name, written)
      },
    }
    const options = { signal: controller.signal, temporaryFolder }
    await assert.rejects(materialize(group, online, '03', options), { name: 'LockstepError', code: 'INTERRUPTED' })
    const left = await stored(group, memory)
    assert.ok(Object.keys(left).length > 0 && Object.keys(left).length < names.length, `${Object.keys(left).length} rows`)
    assert.equal((await materialize(group, memory, '03', { temporaryFolder })).written, names.length)
    const whole = await stored(group, memory)
    for (const [key, value] of Object.entries(left)) assert.equal(whole[key], value)
    assert.equal(Object.keys(whole).length, names.length)
    assert.deepEqual(readdirSync(temporaryFolder), [])
    await assert.rejects(materialize(group, memory, '03', { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  }
})

test('a store that fails ends the run with what it says', async () => {
  const online: OnlineStore = { ...memoryOnlineStore(), write: () => Promise.reject(new Error('the disk is full')) }
  await assert.rejects(materialize(spending(orders(someOrders)), online, '06'), /the disk is full/)
})
