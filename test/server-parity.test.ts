import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { generateShop } from '../examples/shop/generate.ts'
import { startRedis } from '../scripts/redis.ts'
import { connect } from '../src/client/index.ts'
import { type AnyView, rows as history } from '../src/definition/index.ts'
import { seededRandom } from '../src/lib/seeded-random.ts'
import { AnswerCodec, differences } from '../src/parity/answers.ts'
import { planView } from '../src/plan/index.ts'
import { toCell } from '../src/schema/index.ts'
import { Server } from '../src/server/index.ts'
import { openStore, type Store, type StoreOptions } from '../src/store/index.ts'
import { click, clickEnd, clickView, openClicks, streamedGroups, users } from './support/streamed-clicks.ts'

type Values = Readonly<Record<string, unknown>>

/** What a view is asked for. */
interface Asked {
  readonly keys: Values
  readonly request: Values
  readonly at: string
}

const redis = await startRedis()
const running = 'skipped' in redis ? null : redis
if ('skipped' in redis) test('over HTTP, from Redis', { skip: redis.skipped }, () => {})
after(() => running?.stop())

/** The online stores by which views are served; each is another `describe`. */
const stores: Readonly<Record<string, NonNullable<StoreOptions['online']>>> = {
  LMDB: 'lmdb',
  ...(running ? { Redis: { redis: running.url } } : {}),
}

const examples = join(import.meta.dirname, '../examples')
let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-served-'))
  // The definitions read their environment when they are loaded.
  process.env.SHOP_DATA = join(folder, 'shop')
  process.env.RETAIL_DATA = join(folder, 'retail.parquet')
  await generateShop({ path: process.env.SHOP_DATA, seed: 7, events: 4_000, users: 40, items: 40, labels: 0 })
  await generateRetail(process.env.RETAIL_DATA)
})
after(() => rm(folder, { recursive: true, force: true }))

const random = seededRandom(11)
const oneOf = <T>(all: readonly T[]): T => all[random(all.length)] as T

for (const [name, online] of Object.entries(stores)) {
  describe(`over HTTP, from ${name}, every value has the bytes of the store's and of the training set's`, () => {
    test('examples/shop', async () => {
      const end = Date.UTC(2026, 5, 1)
      await using store = await opened('shop/definitions', name, online, end)
      const { users: people, items } = await shopKeys()
      const place = () => ({ latitude: random(180) - 90 + 0.5, longitude: random(360) - 179.5 })
      const asked = Array.from({ length: 240 }, (_, row) => ({
        keys: { user_id: row % 20 ? oneOf(people) : 'nobody', item_id: row % 23 ? oneOf(items) : 'nothing' },
        request: place(),
        at: later(end, row),
      }))
      assert.equal(await compared(store, store.view('ranking'), asked), 240 * 17)
      const ofUsers = asked.map(({ keys: { user_id }, at }) => ({ keys: { user_id }, request: {}, at }))
      const loyalty = store.view('loyalty')
      assert.equal(await compared(store, loyalty, ofUsers), 240 * loyalty.featureNames.length)
    })

    test('examples/retail', async () => {
      const end = Date.UTC(2011, 11, 10)
      await using store = await opened('retail/definitions.ts', name, online, end)
      const asked = Array.from({ length: 240 }, (_, row) => ({
        keys: { customer_id: 12_000 + random(25), stock_code: `S${random(35)}` },
        request: {},
        at: later(end, row),
      }))
      const view = store.view('reorder')
      assert.equal(await compared(store, view, asked), 240 * view.featureNames.length)
    })
  })
}

test('events that were pushed over HTTP give the bytes that their history gives', async () => {
  const clicks = Array.from({ length: 600 }, (_, number) => click(number))
  await using store = await openClicks({ folder: join(folder, 'stream'), kafka: null })
  await using live = await store.stream()
  await live.ready
  await using server = await Server.start(store, { log: 'silent' })
  const client = connect({ url: server.url })
  for (let first = 0; first < clicks.length; first += 150) await client.push('clicks', clicks.slice(first, first + 150))
  await using batch = await openStore({
    definitions: [clickView, ...streamedGroups],
    folder: join(folder, 'batch'),
    history: { clicks: history(clicks) },
  })
  const at = new Date(clickEnd).toISOString()
  const asked = Array.from({ length: users }, (_, user) => ({ keys: { user_id: `u${user}`, item_id: `i${user % 14}` }, request: {}, at }))
  const served = await readOverHttp(server, clickView, asked)
  assert.equal(compareBytes(clickView, await trainingRows(batch, clickView, asked), served, 'training set'), users * 8)
})

/** Moments from the end of what is stored on, and some far behind. */
const later = (end: number, row: number): string => new Date(end + ([0, 1, 3_600_000, 40 * 86_400_000][row % 4] as number)).toISOString()

const opened = async (definitions: string, name: string, online: NonNullable<StoreOptions['online']>, end: number): Promise<Store> => {
  const store = await openStore({
    definitions: join(examples, definitions),
    folder: join(folder, `${definitions.split('/')[0]}-${name}`),
    online,
    clock: () => new Date(end),
  })
  await store.materialize(undefined, { asOf: new Date(end) })
  return store
}

/** Compares all values of a view by each way; how many there are. */
async function compared(store: Store, view: AnyView, asked: readonly Asked[]): Promise<number> {
  await using server = await Server.start(store, { log: 'silent', limits: { onDemand: 10_000 } })
  const served = await readOverHttp(server, view, asked)
  const read = await Promise.all(
    asked.map(async ({ keys, request, at }) => (await store.vector(view, keys, { request, asOf: at })).values as Values),
  )
  compareBytes(view, read, served, 'store')
  return compareBytes(view, await trainingRows(store, view, asked), served, 'training set')
}

/** One request for each moment, with the keys and request values of each row. */
async function readOverHttp(server: Server, view: AnyView, asked: readonly Asked[]): Promise<Values[]> {
  const reader = connect({ url: server.url, timeout: 60_000 }).view(view)
  const found: Values[] = []
  for (const at of new Set(asked.map((row) => row.at))) {
    const places = asked.flatMap((row, place) => (row.at === at ? [place] : []))
    const rows = places.map((place) => asked[place] as Asked)
    const vectors = await reader.vectors(
      rows.map(({ keys }) => keys),
      { asOf: at, requests: rows.map(({ request }) => request), onDemandErrors: 'fail' },
    )
    for (const [index, place] of places.entries()) found[place] = vectors[index]?.values as Values
  }
  return found
}

async function trainingRows(store: Store, view: AnyView, asked: readonly Asked[]): Promise<Values[]> {
  const labels = asked.map(({ keys, request, at }) => ({ ...keys, ...request, asked_at: at }))
  await using set = await store.trainingSet(view, labels, { moment: 'asked_at' })
  const found: Values[] = []
  for await (const row of set) found.push(row as Values)
  return found
}

/** How many values were compared; fails where any has other bytes. */
function compareBytes(view: AnyView, expected: readonly Values[], found: readonly Values[], what: string): number {
  const { output } = planView(view)
  const codec = new AnswerCodec(output.map(({ type }) => type))
  const pack = (values: Values) =>
    codec.pack({
      value: (place) => {
        const { name, type } = output[place] as (typeof output)[number]
        return values[name] === null ? null : toCell({ ...type, nullable: true }, values[name], name)
      },
      status: 'PRESENT',
      eventTime: null,
    })
  assert.equal(found.length, expected.length)
  for (const [row, values] of expected.entries()) {
    const one = found[row] as Values
    const different = differences(pack(values), pack(one)).map((place) => output[place]?.name ?? '')
    assert.deepEqual(
      different.map((name) => [row, name, one[name]]),
      different.map((name) => [row, name, values[name]]),
      `not as in the ${what}`,
    )
    assert.deepEqual(different, [], `row ${row} has other bytes than in the ${what}`)
  }
  return expected.length * output.length
}

async function shopKeys(): Promise<{ users: string[]; items: string[] }> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const column = async (table: string, name: string) => {
    const result = await connection.runAndReadAll(
      `SELECT DISTINCT ${name} FROM read_parquet('${join(folder, 'shop', `${table}.parquet`)}') ORDER BY 1`,
    )
    return result.getRows().map(([value]) => String(value))
  }
  const keys = { users: await column('users', 'user_id'), items: await column('items', 'item_id') }
  connection.closeSync()
  instance.closeSync()
  return keys
}

/** Order lines in the form of the file that the example reads. */
async function generateRetail(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`
    COPY (
      SELECT
        n::BIGINT AS row_no,
        (CASE WHEN hash(n // 3, 'returned') % 9 = 0 THEN 'C' ELSE '' END) || (536365 + n // 3) AS InvoiceNo,
        'S' || (hash(n, 'item') % 30) AS StockCode,
        (CASE WHEN hash(n // 3, 'returned') % 9 = 0 THEN -1 ELSE 1 END) * (1 + hash(n, 'quantity') % 24)::BIGINT AS Quantity,
        TIMESTAMP '2010-12-01 08:00:00' + INTERVAL 1 MINUTE * (n // 3 * 480 + (hash(n // 3, 'minute') % 400)::BIGINT) AS InvoiceDate,
        ((hash(n, 'price') % 2000)::DOUBLE / 100)::DECIMAL(12, 3) AS UnitPrice,
        CASE WHEN hash(n // 3, 'guest') % 12 > 0 THEN 12000 + (hash(n // 3, 'customer') % 20)::BIGINT END AS CustomerID,
        'United Kingdom' AS Country
      FROM range(3000) AS lines(n)
    ) TO '${path}' (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
}
