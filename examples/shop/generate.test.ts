import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { LockstepError } from '../../src/errors.ts'
import { stores } from './data/places.ts'
import { type TableName, tableNames } from './data/tables.ts'
import { generateShop, type ShopSummary } from './generate.ts'

const events = 20_000
const eventTables = ['clicks', 'carts', 'searches', 'orders', 'ratings'] as const
const idOf = (table: TableName) => (table === 'orders' ? 'order_line_id' : 'event_id')

let folder: string
let connection: DuckDBConnection
let summary: ShopSummary

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shop-'))
  connection = await (await DuckDBInstance.create(':memory:')).connect()
  summary = await generateShop({ path: join(folder, 'shop'), events, seed: 7 })
  for (const table of tableNames) await connection.run(`CREATE VIEW ${table} AS FROM ${source('shop', table)}`)
})

after(() => rm(folder, { recursive: true }))

const source = (shop: string, table: TableName) =>
  `read_parquet('${join(folder, shop, table)}${table === 'clicks' ? '/*/*' : ''}.parquet', hive_partitioning = true)`

async function rows(sql: string) {
  return (await connection.runAndReadAll(sql)).getRowsJson()
}

async function count(from: string): Promise<number> {
  return Number((await rows(`SELECT count(*) FROM ${from}`))[0]?.[0])
}

/** Of the rows of each table, in the order of its files. */
async function contentHashes(shop: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const table of tableNames) {
    const content = JSON.stringify(await rows(`FROM ${source(shop, table)}`))
    hashes[table] = createHash('sha256').update(content).digest('hex').slice(0, 16)
  }
  return hashes
}

test('a seed gives the same rows in the same order, another seed gives others', async () => {
  const small = { events: 3_000, days: 10 }
  await generateShop({ path: join(folder, 'one'), seed: 1, ...small })
  await generateShop({ path: join(folder, 'again'), seed: 1, ...small })
  await generateShop({ path: join(folder, 'other'), seed: 2, ...small })
  const one = await contentHashes('one')
  assert.deepEqual(await contentHashes('again'), one)
  for (const [table, hash] of Object.entries(await contentHashes('other'))) {
    if (table !== 'stores') assert.notEqual(hash, one[table], table)
  }
  // Written down, so that another machine or version of Node.js that generates other rows is noticed.
  assert.deepEqual(one, {
    users: '19388d2f85dc6487',
    items: 'fe6e1e4d3e0c1e4d',
    stores: '7eff28ba7ae11ff0',
    clicks: '9ba9cb34923b8284',
    carts: 'aa3506bb18ea1beb',
    searches: 'c85d1b3c0e199888',
    orders: 'a7e8c5476bf17930',
    ratings: '7001dd9bff0ab5d7',
    labels: '8ae2c9cbeda352be',
  })
})

test('the summary counts what is in the files', async () => {
  for (const table of tableNames) assert.equal(await count(table), summary.rows[table], table)
  assert.deepEqual(JSON.parse(await readFile(join(folder, 'shop', 'shop.json'), 'utf8')), summary)
  assert.ok(Math.abs(summary.events / events - 1) < 0.1, `${summary.events} events`)
  assert.equal(summary.rows.labels, events / 20)
  assert.deepEqual(await rows('FROM stores'), stores.map(Object.values))
  assert.ok(summary.rows.orders > 0.02 * events && summary.rows.ratings > 0.005 * events)
  assert.equal(await count(`users WHERE "at" = signed_up`), events / 50)
  assert.ok(summary.rows.users > (events / 50) * 1.1, 'some profiles change')
  assert.ok(summary.rows.items > 2 * 100, 'prices change')
})

test('some events are late, some come twice, some order lines are corrected', async () => {
  let late = 0
  let duplicates = 0
  let corrections = 0
  for (const table of eventTables) {
    const id = idOf(table)
    const firsts = `(SELECT min(ingested_at - "at") AS delay FROM ${table} GROUP BY ${id})`
    late += await count(`${firsts} WHERE delay >= INTERVAL 1 minute`)
    assert.equal(await count(`${table} WHERE ingested_at < "at"`), 0, table)
    assert.equal(await count(`${firsts} WHERE delay > INTERVAL 6 hours`), 0, table)
    const changed = table === 'orders' ? await count(`(SELECT 1 FROM orders GROUP BY order_line_id HAVING count(DISTINCT total) > 1)`) : 0
    corrections += changed
    duplicates += (await count(table)) - (await count(`(SELECT DISTINCT ${id} FROM ${table})`)) - changed
    // Copies and corrections leave everything else as it was.
    const facts = `(SELECT DISTINCT COLUMNS(c -> c NOT IN ('ingested_at', 'total')) FROM ${table})`
    assert.equal(await count(facts), await count(`(SELECT DISTINCT ${id} FROM ${table})`), table)
  }
  assert.equal(late, summary.late)
  assert.equal(duplicates, summary.duplicates)
  assert.equal(corrections, summary.corrections)
  assert.ok(late > 0.015 * events && late < 0.03 * events, `${late} late`)
  assert.ok(duplicates > 0.003 * events && duplicates < 0.008 * events, `${duplicates} duplicates`)
  assert.ok(corrections > 0)
  const atOnce = 'SELECT 1 FROM orders GROUP BY order_line_id, ingested_at HAVING count(DISTINCT total) > 1'
  assert.equal(await count(`(${atOnce})`), 0, 'a correction is known later')
  const restamped = 'SELECT 1 FROM orders GROUP BY order_line_id, total HAVING count(DISTINCT ingested_at) > 1'
  assert.equal(await count(`(${restamped})`), 0, 'no copy of an order line could undo a correction')
})

test('files are roughly in the order of arrival, and moments collide', async () => {
  const behind = (moment: string, by: string) =>
    count(`(SELECT max(${moment}) OVER (ORDER BY file_row_number) - ${moment} AS behind
            FROM read_parquet('${join(folder, 'shop', 'carts.parquet')}', file_row_number = true)) WHERE behind > INTERVAL ${by}`)
  assert.ok((await behind('ingested_at', '0 seconds')) > 0)
  assert.ok((await behind('ingested_at', '2 seconds')) < 0.006 * summary.rows.carts, 'only copies arrive long after they were known')
  assert.ok((await behind('"at"', '1 minute')) > 0.005 * summary.rows.carts, 'late events')
  const ties = 'SELECT 1 FROM (SELECT DISTINCT event_id, user_id, "at" FROM clicks) GROUP BY user_id, "at" HAVING count(*) > 1'
  assert.ok((await count(`(${ties})`)) > 0)
})

test('every name that a row refers to exists, but for the users of some labels', async () => {
  const noUser = 'NOT EXISTS (FROM users u WHERE u.user_id = e.user_id AND u.signed_up <= e."at")'
  const noItem = 'NOT EXISTS (FROM items i WHERE i.item_id = e.item_id AND i.listed_at <= e."at")'
  for (const table of eventTables) {
    assert.equal(await count(`${table} e WHERE ${noUser}`), 0, table)
    if (table !== 'searches') assert.equal(await count(`${table} e WHERE ${noItem}`), 0, table)
  }
  for (const table of ['clicks', 'orders']) {
    assert.equal(await count(`${table} e JOIN items i USING (item_id) WHERE e.category <> i.category`), 0, table)
  }
  assert.equal(await count(`labels e WHERE ${noItem}`), 0)
  const unknown = await count(`(SELECT DISTINCT * FROM labels ANTI JOIN users USING (user_id))`)
  assert.equal(unknown, summary.labels.unknown)
  assert.ok(unknown > 0.003 * summary.rows.labels && unknown < 0.03 * summary.rows.labels, `${unknown} unknown`)
  const repeated = summary.rows.labels - (await count('(SELECT DISTINCT * FROM labels)'))
  assert.ok(repeated >= summary.labels.repeated && summary.labels.repeated > 0)
})

test('moments are within the span', async () => {
  assert.equal(summary.to, '2026-06-01T00:00:00.000Z')
  assert.equal(summary.from, '2026-02-01T00:00:00.000Z')
  const outside = `"at" < '2026-02-01' OR "at" >= '2026-06-01'`
  for (const table of [...eventTables, 'labels']) assert.equal(await count(`${table} WHERE ${outside}`), 0, table)
  for (const table of ['users', 'items']) assert.equal(await count(`${table} WHERE "at" >= '2026-06-01'`), 0, table)
  assert.equal(await count(`clicks WHERE date <> "at"::DATE`), 0)
  assert.equal((await readdir(join(folder, 'shop', 'clicks'))).length, 120)
})

test('returns undo earlier purchases, carts hold what was put into them, labels tell what was bought', async () => {
  const lines = `orders p WHERE p.kind = 'purchased' AND p.user_id = e.user_id AND p.item_id = e.item_id`
  assert.ok((await count(`orders WHERE kind = 'returned'`)) > 0)
  const undone = `EXISTS (FROM ${lines} AND p.order_id = e.order_id AND p."at" < e."at")`
  assert.equal(await count(`orders e WHERE kind = 'returned' AND NOT ${undone}`), 0)
  const change = `CASE kind WHEN 'added' THEN 1 ELSE -1 END`
  const cart = `(SELECT sum(${change}) OVER (PARTITION BY user_id, item_id ORDER BY "at", kind) AS held
                 FROM (SELECT DISTINCT event_id, user_id, item_id, kind, "at" FROM carts))`
  assert.equal(await count(`${cart} WHERE held NOT IN (0, 1)`), 0)
  const bought = `EXISTS (FROM ${lines} AND p."at" >= e."at" AND p."at" < e."at" + INTERVAL 1 day)`
  assert.equal(await count(`labels e WHERE purchased_within_1d <> ${bought}`), 0)
  assert.ok((await count('labels WHERE purchased_within_1d')) > 0.02 * summary.rows.labels)
})

test('what is there is not replaced unless it is said, and a stopped run leaves nothing', async () => {
  const path = join(folder, 'shop')
  const fails = (code: string) => (error: unknown) => error instanceof LockstepError && error.code === code
  await assert.rejects(generateShop({ path, events: 100 }), fails('OUTPUT_EXISTS'))
  await writeFile(join(folder, 'file'), 'precious')
  await assert.rejects(generateShop({ path: join(folder, 'file'), events: 100, overwrite: true }), fails('OUTPUT_EXISTS'))
  await assert.rejects(generateShop({ path: join(folder, 'none'), events: 0 }), fails('INVALID_ARGUMENT'))
  await generateShop({ path: join(folder, 'one'), events: 200, overwrite: true })
  for (const stage of ['events', 'files']) {
    const stop = new AbortController()
    const progress = (step: string) => step === stage && stop.abort()
    const stopped = generateShop({ path: join(folder, 'stopped'), events: 1_000, progress, signal: stop.signal })
    await assert.rejects(stopped, fails('INTERRUPTED'))
  }
  const left = await readdir(folder)
  assert.ok(!left.some((name) => name.startsWith('.') || name === 'stopped' || name === 'none'), left.join())
})
