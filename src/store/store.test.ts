import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { tableFromIPC } from 'apache-arrow'
import {
  average,
  count,
  type Definition,
  entity,
  events,
  every,
  featureGroup,
  featureView,
  groupHash,
  last,
  ndjson,
  onDemand,
  onDemandHash,
  rows,
  selectionsOf,
  sum,
  table,
  viewHash,
} from '../definition/index.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { t } from '../schema/index.ts'
import { openStore } from './open-store.ts'
import type { StoreOptions } from './store-options.ts'

const root = mkdtempSync(join(tmpdir(), 'lockstep-store-'))
after(() => rmSync(root, { recursive: true }))
const freshFolder = () => mkdtempSync(join(root, 'folder-'))
const open = (options: Partial<StoreOptions> = {}) => openStore({ definitions: [], online: 'memory', folder: freshFolder(), ...options })

const user = entity('user', { user_id: t.string() })
const item = entity('item', { item_id: t.integer() })
const clicks = events('clicks', {
  columns: {
    click_id: t.string(),
    user_id: t.string(),
    item_id: t.integer(),
    price: t.decimal(9, 2),
    known: t.timestamp(),
    at: t.timestamp(),
  },
  time: 'at',
  id: 'click_id',
  known: 'known',
  history: rows([
    { click_id: 'a', user_id: 'ada', item_id: 1, price: '1.50', known: '2026-01-05T10:00:00Z', at: '2026-01-05T10:00:00Z' },
    { click_id: 'b', user_id: 'ada', item_id: 2, price: '2.25', known: '2026-01-05T11:00:00Z', at: '2026-01-05T10:10:00Z' },
    { click_id: 'c', user_id: 'bob', item_id: 1, price: '4.00', known: '2026-01-05T10:20:00Z', at: '2026-01-05T10:20:00Z' },
  ]),
})
const prices = table('prices', {
  columns: { item_id: t.integer(), price: t.decimal(9, 2), at: t.timestamp() },
  time: 'at',
  history: rows([
    { item_id: 1, price: '3.00', at: '2026-01-01T00:00:00Z' },
    { item_id: 1, price: '5.00', at: '2026-01-05T10:15:00Z' },
    { item_id: 2, price: '7.00', at: '2026-01-01T00:00:00Z' },
  ]),
})
const userClicks = featureGroup({
  name: 'user_clicks',
  entity: user,
  source: clicks,
  features: (click) => ({ clicks_30m: count().over('30m'), clicks: count(), spent: sum(click.price), last_item: last(click.item_id) }),
})
const itemPrices = featureGroup({ name: 'item_prices', entity: item, source: prices, features: (row) => ({ item_price: row.price }) })
const activity = featureView({ name: 'activity', features: [userClicks] })
const ranking = featureView({ name: 'ranking', features: [userClicks.pick('clicks_30m', 'spent'), itemPrices] })

async function all<Row>(rowsOf: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = []
  for await (const row of rowsOf) found.push(row)
  return found
}

/** The rows of a file as DuckDB reads it, every value as text. */
async function read(path: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const file = path.endsWith('.csv') ? `read_csv('${path}', all_varchar = true)` : `'${path}'`
  const reader = await connection.runAndReadAll(`SELECT COLUMNS(*)::VARCHAR FROM ${file}`)
  const found = reader.getRowObjects()
  connection.closeSync()
  instance.closeSync()
  return found
}

test('views and groups by their name, in the highest version or the one asked for', async () => {
  const second = featureView({ name: 'activity', version: 2, features: [userClicks.pick('spent')] })
  const definitions: readonly Definition[] = [activity, userClicks, second, ranking, itemPrices]
  await using store = await open({ definitions })
  assert.deepEqual(
    [store.views, store.groups],
    [
      [activity, second, ranking],
      [userClicks, itemPrices],
    ],
  )
  assert.equal(store.view('activity'), second)
  assert.equal(store.view('activity', 1), activity)
  assert.equal(store.group('user_clicks'), userClicks)
  const wrong: readonly (readonly [() => unknown, string])[] = [
    [() => store.view('activty'), 'There is no view activty; did you mean activity?'],
    [() => store.view('user_clicks'), 'There is no view user_clicks; there are activity, ranking'],
    [() => store.group('ranking'), 'There is no group ranking; there are user_clicks, item_prices'],
    [() => store.group('user_click'), 'There is no group user_click; did you mean user_clicks?'],
    [() => store.view('activity', 3), 'There is no version 3 of the view activity; there are 2, 1'],
  ]
  for (const [ask, message] of wrong) assert.throws(ask, { code: 'UNKNOWN_NAME', message })
})

test('definitions of a folder, with a history from elsewhere', async () => {
  const folder = freshFolder()
  const path = join(folder, 'clicks.ndjson')
  writeFileSync(
    path,
    '{"click_id":"z","user_id":"ada","item_id":9,"price":"1.00","known":"2026-01-05T09:00:00Z","at":"2026-01-05T09:00:00Z"}\n',
  )
  mkdirSync(join(folder, 'project'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const door = new URL('../definition/index.ts', import.meta.url).href
  const types = new URL('../schema/index.ts', import.meta.url).href
  writeFileSync(
    join(folder, 'project', 'definitions.ts'),
    `import { count, entity, events, featureGroup, featureView, ndjson } from '${door}'
import { t } from '${types}'
const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
export const group = featureGroup({ name: 'user_clicks', entity: user, source: clicks, features: () => ({ clicks: count() }) })
export const view = featureView({ name: 'activity', features: [group] })`,
  )
  const history = { clicks: ndjson(path) }
  await using store = await open({ definitions: join(folder, 'project'), history })
  await using set = await store.trainingSet(store.view('activity'), [{ user_id: 'ada', at: '2026-01-06' }])
  assert.deepEqual(await all(set), [{ user_id: 'ada', at: '2026-01-06', clicks: 1 }])
})

test('a vector decays as the clock goes on, with nothing running', async () => {
  let now = new Date('2026-01-05T10:20:00Z')
  await using store = await open({ definitions: [activity, userClicks], clock: () => now })
  await store.materialize()
  const counted = async (time: string) => {
    now = new Date(`2026-01-05T${time}Z`)
    const { values, asOf } = await store.vector(activity, { user_id: 'ada' })
    assert.equal(new Date(asOf).getTime(), now.getTime())
    return [values.clicks_30m, values.clicks]
  }
  assert.deepEqual(await counted('10:20:00'), [2, 2])
  assert.deepEqual(await counted('10:30:00'), [2, 2])
  assert.deepEqual(await counted('10:30:00.001'), [1, 2])
  assert.deepEqual(await counted('10:40:00'), [1, 2])
  assert.deepEqual(await counted('10:40:00.001'), [0, 2])
  const { values } = await store.vector(activity, { user_id: 'ada' }, { asOf: '2026-01-05T10:30:00.000001Z' })
  assert.equal(values.clicks_30m, 1)
  await assert.rejects(store.vector(activity, { user_id: 'ada' }, { asOf: '2026-01-05T10:19:59Z' }), { code: 'READ_BEFORE_STATE' })
})

test('what is stored does not depend on the order in which features are declared', async () => {
  const online = memoryOnlineStore()
  const declared = (names: readonly string[]) =>
    featureGroup({
      name: 'user_clicks',
      entity: user,
      source: clicks,
      features: (click) => {
        const features = { spent: sum(click.price), clicks: count(), items: average(click.item_id), recent: count().over('1h') }
        return Object.fromEntries(names.map((name) => [name, features[name as keyof typeof features]]))
      },
    })
  const clock = () => new Date('2026-03-01T00:00:00Z')
  const names = ['spent', 'clicks', 'items', 'recent']
  const values = async (order: readonly string[], write: boolean) => {
    const group = declared(order)
    const store = await open({ definitions: [group], online, clock })
    if (write) await store.materialize()
    return (await store.vector(featureView({ name: 'activity', features: [group] }), { user_id: 'ada' })).values
  }
  const before = await values(names, true)
  assert.deepEqual(before, { spent: '3.75', clicks: 2, items: 1.5, recent: 0 })
  assert.deepEqual(await values(names.toReversed(), false), before)
  assert.deepEqual(await values(['items', 'recent', 'spent', 'clicks'], false), before)
  await online.close()
})

test('every label comes back once, in its order, with its own values', async () => {
  await using store = await open()
  const at = new Date('2026-01-05T10:10:00.000Z')
  const weights = [1, 2]
  const labels = [
    { user_id: 'bob', item_id: 1, at: '2026-01-05T10:20:00.000001Z', bought: true, note: null },
    { user_id: 'ada', item_id: 1, at, bought: false, weights },
    { user_id: 'nobody', item_id: 3, at: '1900-01-01', bought: false, big: 2n ** 60n },
    { user_id: 'ada', item_id: 1, at, bought: false, weights },
    { user_id: 'ada', item_id: 2, at: '2026-01-05T12:00:00+01:00', bought: true },
  ]
  await using set = await store.trainingSet(ranking, labels)
  const values = [
    { clicks_30m: 1, spent: '4.00', item_price: '5.00' },
    { clicks_30m: 1, spent: '1.50', item_price: '3.00' },
    { clicks_30m: 0, spent: '0.00', item_price: null },
    { clicks_30m: 1, spent: '1.50', item_price: '3.00' },
    { clicks_30m: 0, spent: '3.75', item_price: '7.00' },
  ]
  assert.equal(set.rows, 5)
  const found = await all(set)
  assert.deepEqual(
    found,
    labels.map((label, index) => ({ ...label, ...values[index] })),
  )
  assert.equal(found[1]?.at, at)
  assert.deepEqual(await all(set), found)
  assert.equal('clicks_30m' in (labels[0] as object), false)
})

test('labels of files, under other names, come back as JavaScript values', async () => {
  const folder = freshFolder()
  const texts = [
    ['ada', '2026-01-05 10:20:00', 'true', '0.5', '12'],
    ['bob', '2026-01-05 10:20:00.000001', 'false', '', '34'],
  ] as const
  const names = ['customer', 'asked', 'bought', 'weight', 'number']
  writeFileSync(join(folder, 'labels.csv'), [names, ...texts].map((line) => line.join(',')).join('\n'))
  const lines = texts.map(([customer, asked, bought, weight, number]) =>
    JSON.stringify({ customer, asked, bought: bought === 'true', weight: weight === '' ? null : Number(weight), number: Number(number) }),
  )
  writeFileSync(join(folder, 'labels.ndjson'), lines.join('\n'))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`COPY (FROM read_csv('${join(folder, 'labels.csv')}')) TO '${join(folder, 'labels.parquet')}'`)
  connection.closeSync()
  instance.closeSync()

  await using store = await open()
  for (const ending of ['csv', 'ndjson', 'parquet']) {
    await using set = await store.trainingSet(activity, join(folder, `labels.${ending}`), {
      moment: 'asked',
      columns: { user_id: 'customer' },
    })
    assert.deepEqual(
      await all(set),
      [
        {
          customer: 'ada',
          asked: '2026-01-05T10:20:00Z',
          bought: true,
          weight: 0.5,
          number: 12,
          clicks_30m: 2,
          clicks: 2,
          spent: '3.75',
          last_item: 2,
        },
        {
          customer: 'bob',
          asked: '2026-01-05T10:20:00.000001Z',
          bought: false,
          weight: null,
          number: 34,
          clicks_30m: 1,
          clicks: 1,
          spent: '4.00',
          last_item: 1,
        },
      ],
      ending,
    )
  }
})

test('moments without a zone are of the zone that is named', async () => {
  await using store = await open()
  await using set = await store.trainingSet(activity, [{ user_id: 'ada', at: '2026-01-05 11:10:00.000001' }], { timeZone: 'Europe/Berlin' })
  assert.equal((await all(set))[0]?.clicks, 2)
})

test('a split by time', async () => {
  await using store = await open()
  const labels = ['2026-01-04T23:59:59.999999Z', '2026-01-05', '2026-01-05T23:59:59.999999Z', '2026-01-06'].map((at) => ({
    user_id: 'ada',
    at,
  }))
  await using set = await store.trainingSet(activity, labels, {
    split: { by: 'time', validate: '2026-01-05', test: new Date('2026-01-06') },
  })
  assert.deepEqual(
    (await all(set)).map((row) => (row as { split?: string }).split),
    ['train', 'validate', 'validate', 'test'],
  )
})

test('a split by key: one part for a key, shares as asked, another with another seed', async () => {
  await using store = await open()
  const labels = Array.from({ length: 4_000 }, (_, index) => ({ user_id: `user${index % 2_000}`, at: '2026-01-06' }))
  const parts = async (seed: number, given = labels) => {
    await using set = await store.trainingSet(activity, given, {
      split: { by: 'key', column: 'user_id', shares: { train: 8, validate: 1, test: 1 }, seed },
    })
    return (await all(set)).map((row) => [row.user_id, (row as { split?: string }).split] as const)
  }
  const first = await parts(1)
  const partOf = new Map(first)
  for (const [key, part] of first) assert.equal(part, partOf.get(key))
  const shares = Object.groupBy(partOf.values(), (part) => part ?? '')
  // Of 2,000 keys; five standard deviations.
  assert.ok(Math.abs((shares.train?.length ?? 0) - 1_600) < 5 * Math.sqrt(2_000 * 0.8 * 0.2))
  for (const part of ['validate', 'test']) assert.ok(Math.abs((shares[part]?.length ?? 0) - 200) < 5 * Math.sqrt(2_000 * 0.1 * 0.9), part)
  assert.deepEqual(await parts(1, labels.slice(100, 200).toReversed()), first.slice(100, 200).toReversed())
  assert.notDeepEqual(await parts(2), first)
})

test('splits that cannot be', async () => {
  await using store = await open()
  const labels = [{ user_id: 'ada', at: '2026-01-06' }]
  const refused = (split: object, code: string, message: RegExp) =>
    assert.rejects(store.trainingSet(activity, labels, { split: split as never }), { code, message })
  await refused({ by: 'key', column: 'user', shares: { train: 1 } }, 'INVALID_ARGUMENT', /^The labels have no column user to split by; /)
  await refused({ by: 'key', column: 'user_id', shares: {} }, 'INVALID_ARGUMENT', /^The shares of a split must be above 0$/)
  await refused({ by: 'key', column: 'user_id', shares: { train: 1, test: 0 } }, 'INVALID_ARGUMENT', /^The shares/)
  await refused({ by: 'time', test: 'soon' }, 'INVALID_MOMENT', /split\.test/)
})

const plain = (columns: readonly unknown[]) => columns.map((value) => (typeof value === 'bigint' ? Number(value) : value))

test('a training set as Parquet, CSV and Arrow, with a manifest beside it', async () => {
  const folder = freshFolder()
  await using store = await open()
  const labels = [
    { user_id: 'ada', item_id: 1, at: '2026-01-05T10:20:00Z', bought: true },
    { user_id: 'bob', item_id: 9, at: '2026-01-05T10:20:00Z', bought: false },
  ]
  await using set = await store.trainingSet(ranking, labels, { split: { by: 'time', test: '2026-02-01' } })
  const manifests = []
  for (const ending of ['parquet', 'csv', 'arrow']) manifests.push(await set.write(join(folder, 'deep', `set.${ending}`)))

  assert.deepEqual(
    readdirSync(join(folder, 'deep')).sort(),
    ['arrow', 'csv', 'parquet'].flatMap((ending) => [`set.${ending}`, `set.${ending}.manifest.json`]).sort(),
  )
  for (const ending of ['parquet', 'csv']) {
    const found = await read(join(folder, 'deep', `set.${ending}`))
    assert.deepEqual(Object.keys(found[0] ?? {}), ['user_id', 'item_id', 'at', 'bought', 'split', 'clicks_30m', 'spent', 'item_price'])
    assert.deepEqual(
      found.map(({ user_id, bought, split, clicks_30m, spent, item_price }) => [user_id, bought, split, clicks_30m, spent, item_price]),
      [
        ['ada', 'true', 'train', '2', '3.75', '5.00'],
        ['bob', 'false', 'train', '0', '0.00', null],
      ],
    )
  }
  const arrow = tableFromIPC(readFileSync(join(folder, 'deep', 'set.arrow')))
  assert.deepEqual(plain([...(arrow.getChild('clicks_30m') ?? [])]), [2, 0])
  assert.deepEqual(arrow.getChild('item_price')?.get(1), null)

  const [manifest] = manifests
  assert.ok(manifest)
  const { created, labels: given, ...rest } = manifest
  assert.deepEqual(rest, {
    view: { name: 'ranking', version: 1, hash: viewHash(ranking) },
    groups: [
      { name: 'user_clicks', version: 1, hash: groupHash(userClicks) },
      { name: 'item_prices', version: 1, hash: groupHash(itemPrices) },
    ],
    onDemand: [],
    asKnown: false,
    split: { by: 'time', test: '2026-02-01' },
    rows: 2,
    nulls: { clicks_30m: 0, spent: 0, item_price: 0.5 },
    sources: [],
  })
  assert.equal(given.rows, 2)
  assert.match(given.hash, /^[0-9a-f]{64}$/)
  assert.ok(Math.abs(Date.now() - Date.parse(created)) < 60_000)
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'deep', 'set.parquet.manifest.json'), 'utf8')), manifest)
  await using other = await store.trainingSet(ranking, [...labels].reverse())
  assert.notEqual((await other.write(join(folder, 'other.csv'))).labels.hash, given.hash)
})

test('what is there is not written over unless asked', async () => {
  const folder = freshFolder()
  const path = join(folder, 'set.csv')
  writeFileSync(path, 'mine')
  await using store = await open()
  await using set = await store.trainingSet(activity, [{ user_id: 'ada', at: '2026-01-06' }])
  await assert.rejects(set.write(path), { code: 'OUTPUT_EXISTS', message: `${path} is already there` })
  assert.deepEqual([readFileSync(path, 'utf8'), readdirSync(folder)], ['mine', ['set.csv']])
  await set.write(path, { overwrite: true })
  assert.equal((await read(path))[0]?.clicks, '2')
  await assert.rejects(set.write(join(folder, 'set.xlsx')), {
    code: 'INVALID_ARGUMENT',
    message: /^The format of .*set\.xlsx is not clear$/,
  })
  await set.write(join(folder, 'set.data'), { format: 'csv' })
  assert.match(readFileSync(join(folder, 'set.data'), 'utf8'), /^user_id,at,clicks_30m,clicks,spent,last_item\n/)
})

test('a column of the labels that is also one of the training set', async () => {
  await using store = await open()
  const refused = (label: object, options: object, name: string) =>
    assert.rejects(store.trainingSet(activity, [{ user_id: 'ada', at: '2026-01-06', ...label }], options), {
      code: 'DUPLICATE_NAME',
      message: `The labels have a column ${name}, which is also a column of the training set`,
      remedy: 'Rename the column of the labels.',
    })
  await refused({ clicks: 3 }, {}, 'clicks')
  await refused({ split: 'a' }, { split: { by: 'time', test: '2026-01-06' } }, 'split')
  await using set = await store.trainingSet(activity, [{ user_id: 'ada', at: '2026-01-06', split: 'a' }])
  assert.equal((await all(set))[0]?.split, 'a')
})

test('labels without a key, a moment or a value that can be read', async () => {
  await using store = await open()
  const refused = (labels: readonly object[], expected: object) => assert.rejects(store.trainingSet(ranking, labels), expected)
  await refused([{ user_id: 'ada', at: '2026-01-06' }], {
    code: 'MISSING_KEY',
    message: /^The labels have no column item_id for the key item_id; /,
  })
  await refused([{ user_id: 'ada', item_id: 1, time: '2026-01-06' }], {
    code: 'MISSING_KEY',
    message: /^The labels have no column at for the moment; /,
  })
  const whole = { user_id: 'ada', item_id: 1, at: '2026-01-06' }
  await refused([whole, { ...whole, at: 'soon' }], { code: 'INVALID_VALUE', where: 'labels, row 2, column at' })
  await refused([whole, whole, { ...whole, at: null }], { code: 'INVALID_VALUE', where: 'labels, row 3, column at' })
})

test('as known at the moment of the label', async () => {
  await using store = await open()
  const labels = ['10:10:00.000001', '10:59:59.999999', '11:00:00'].map((time) => ({ user_id: 'ada', at: `2026-01-05T${time}Z` }))
  const counts = async (asKnown: boolean) => {
    await using set = await store.trainingSet(activity, labels, { asKnown })
    return (await all(set)).map(({ clicks: found }) => found)
  }
  assert.deepEqual(
    [await counts(false), await counts(true)],
    [
      [2, 2, 2],
      [1, 1, 2],
    ],
  )
})

test('one group under two keys', async () => {
  const trip = featureView({
    name: 'trip',
    features: [
      itemPrices.as({ keys: { item_id: 'origin' }, prefix: 'origin_' }),
      itemPrices.as({ keys: { item_id: 'destination' }, prefix: 'destination_' }),
    ],
  })
  await using store = await open({ definitions: [itemPrices], clock: () => new Date('2026-01-06') })
  await using set = await store.trainingSet(trip, [
    { origin: 1, destination: 2, at: '2026-01-05T10:15:00Z' },
    { origin: 2, destination: 3, at: '2026-01-05T10:15:00Z' },
    { origin: 1, destination: 1, at: '2026-01-05T10:14:59.999999Z' },
  ])
  const found = (await all(set)).map(({ origin_item_price: origin, destination_item_price: destination }) => [origin, destination])
  assert.deepEqual(found, [
    ['5.00', '7.00'],
    ['7.00', null],
    ['3.00', '3.00'],
  ])
  await store.materialize()
  const { values } = await store.vector(trip, { origin: 1, destination: 2 })
  assert.deepEqual(values, { origin_item_price: '5.00', destination_item_price: '7.00' })
})

test('on-demand features, by the same code from labels and from requests', async () => {
  const context = onDemand({
    name: 'context',
    request: { budget: t.decimal(9, 2), coupon: t.string().nullable() },
    from: [userClicks.pick('spent'), itemPrices],
    features: { share: t.float().nullable(), with_coupon: t.boolean() },
    compute: ({ spent, item_price }, { budget, coupon }) => ({
      share: item_price === null ? null : (Number(spent) + Number(item_price)) / Number(budget),
      with_coupon: coupon !== null,
    }),
  })
  const view = featureView({ name: 'offer', features: [context] })
  await using store = await open({ definitions: [userClicks, itemPrices], clock: () => new Date('2026-01-06') })
  const label = { user_id: 'ada', item_id: 2, at: '2026-01-06', wallet: '21.50', coupon: 'x' }
  await using set = await store.trainingSet(view, [label, { ...label, item_id: 3, coupon: null }], { columns: { budget: 'wallet' } })
  assert.deepEqual(
    (await all(set)).map(({ share, with_coupon }) => [share, with_coupon]),
    [
      [0.5, true],
      [null, false],
    ],
  )
  const path = join(freshFolder(), 'set.csv')
  assert.deepEqual((await set.write(path)).onDemand, [{ name: 'context', version: 1, hash: onDemandHash(context) }])
  await store.materialize()
  const { values } = await store.vector(view, { user_id: 'ada', item_id: 2 }, { request: { budget: '21.50' } })
  assert.deepEqual(values, { share: 0.5, with_coupon: false })
  const { wallet: _, ...without } = label
  await assert.rejects(store.trainingSet(view, [without]), {
    code: 'MISSING_KEY',
    message: /no column budget for the request value budget/,
  })
  await assert.rejects(store.trainingSet(view, [{ ...without, budget: null }]), {
    code: 'INVALID_VALUE',
    where: 'labels, row 1, column budget',
  })
  await assert.rejects(store.trainingSet(view, [{ ...without, budget: 'much' }]), {
    code: 'INVALID_VALUE',
    where: 'labels, row 1, column budget',
  })
})

test('a scheduled group has its value of the last tick, in training as in serving', async () => {
  const scheduled = featureGroup({
    name: 'user_hourly',
    entity: user,
    source: clicks,
    refresh: every('10m', { delay: '1m' }),
    features: () => ({ clicks: count() }),
  })
  const view = featureView({ name: 'hourly', features: [scheduled] })
  let now = new Date('2026-01-05T10:00:00Z')
  await using store = await open({ definitions: [scheduled], clock: () => now })
  const times = ['10:10:59.999', '10:11:00', '10:20:59.999', '10:21:00']
  const labels = times.map((time) => ({ user_id: 'ada', at: `2026-01-05T${time}Z` }))
  await using set = await store.trainingSet(view, labels)
  const trained = (await all(set)).map((row) => row.clicks)
  assert.deepEqual(trained, [0, 1, 1, 2])
  await store.materialize(undefined, { asOf: '2026-01-05T10:00:00Z' })
  const served = []
  for (const { at } of labels) {
    now = new Date(at)
    await store.materialize()
    served.push((await store.vector(view, { user_id: 'ada' })).values.clicks)
  }
  assert.deepEqual(served, trained)
})

test('stopped work says so and leaves nothing behind', async () => {
  const [folder, temporaryFolder] = [freshFolder(), freshFolder()]
  await using store = await open()
  const labels = Array.from({ length: 20_000 }, (_, index) => ({ user_id: `user${index}`, at: '2026-01-06', index }))
  const interrupted = { name: 'LockstepError', code: 'INTERRUPTED' }
  await assert.rejects(store.trainingSet(activity, labels, { signal: AbortSignal.abort(), temporaryFolder }), interrupted)
  const stages = new Set<string>()
  await using whole = await store.trainingSet(activity, labels, { temporaryFolder, progress: ({ stage }) => void stages.add(stage) })
  assert.ok(stages.size > 1)
  for (const stage of stages) {
    const controller = new AbortController()
    const progress = (now: { readonly stage: string }) => now.stage === stage && controller.abort()
    await assert.rejects(store.trainingSet(activity, labels, { signal: controller.signal, progress, temporaryFolder }), interrupted, stage)
  }
  await assert.rejects(whole.write(join(folder, 'set.parquet'), { signal: AbortSignal.abort() }), interrupted)
  const controller = new AbortController()
  setImmediate(() => controller.abort())
  const path = join(folder, 'set.csv')
  await assert.rejects(whole.write(path, { signal: controller.signal }), interrupted)
  assert.deepEqual(readdirSync(folder), [])
  await whole.close()
  assert.deepEqual(readdirSync(temporaryFolder), [])
})

test('what a view declares in place of null is in training and in serving', async () => {
  const view = featureView({
    name: 'with_defaults',
    features: [
      featureGroup({
        name: 'of_user',
        entity: user,
        source: clicks,
        features: (click) => ({
          clicks_1h: count().over('1h'),
          last_price: last(click.price),
          last_at: last(click.at),
          last_item: last(click.item_id),
        }),
      }),
    ],
    defaults: { last_price: '0.10', last_at: '2000-01-01T00:00:00.000001Z', last_item: 7 },
  })
  await using store = await open({ definitions: [view] })
  await store.materialize(
    selectionsOf(view).map(({ group }) => group),
    { asOf: '2026-02-01T00:00:00Z' },
  )
  const labels = ['ada', 'eve'].map((user_id) => ({ user_id, at: '2026-02-01T00:00:00Z' }))
  await using set = await store.trainingSet(view, labels)
  const trained: unknown[] = []
  for await (const { user_id: _user, at: _at, ...values } of set) trained.push(values)
  const vectors = await store.vectors(
    view,
    labels.map(({ user_id }) => ({ user_id })),
    { asOf: '2026-02-01T00:00:00Z' },
  )
  assert.deepEqual(
    trained,
    vectors.map(({ values }) => values),
  )
  assert.deepEqual(trained[1], { clicks_1h: 0, last_price: '0.10', last_at: '2000-01-01T00:00:00.000001Z', last_item: 7 })
  assert.equal(vectors[1]?.features.last_price.status, 'DEFAULTED')
  // Never null, so the compiler lets it be used as it is.
  assert.equal(vectors[0]?.values.last_price.length, 4)
})
