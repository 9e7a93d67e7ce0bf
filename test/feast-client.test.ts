import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openStore, type Store } from 'lockstep'
import { generateShop } from '../examples/shop/generate.ts'
import { feast } from '../scripts/feast.ts'
import { run } from '../scripts/run.ts'
import { TokenFile, tokensPath } from '../src/server/access/tokens.ts'
import { Server } from '../src/server/server.ts'

const client = await feast()
const skip = 'skipped' in client && client.skipped

/** The real client of Feast, whose settings say where the server is and nothing else. */
describe("Feast's client", { skip }, () => {
  const end = '2026-06-01T00:00:00Z'
  const here = { latitude: 48.8738, longitude: 2.3295 }
  let folder: string
  let store: Store
  let server: Server
  let users: string[]
  let items: string[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-feast-'))
    const data = join(folder, 'shop')
    process.env.SHOP_DATA = data
    await generateShop({ path: data, seed: 5, events: 3_000, users: 20, items: 20, labels: 100 })
    const definitions = join(import.meta.dirname, '../examples/shop/definitions')
    store = await openStore({ definitions, folder: join(folder, 'store'), clock: () => new Date(end) })
    await store.materialize(undefined, { asOf: end })
    server = await Server.start(store)
    const pairs: { user_id: string; item_id: string }[] = []
    await using set = await store.trainingSet(store.view('ranking'), join(data, 'labels.parquet'))
    for await (const { user_id, item_id } of set) pairs.push({ user_id: String(user_id), item_id: String(item_id) })
    users = [...new Set(pairs.map(({ user_id }) => user_id)), 'nobody'].slice(-12)
    items = users.map((_, at) => pairs[at * 7]?.item_id ?? 'nothing')
  })
  after(async () => {
    await server?.close()
    await store?.close()
    await rm(folder, { recursive: true, force: true })
  })

  interface Told {
    readonly names: string[]
    readonly values: Record<string, unknown[]>
    readonly types: Record<string, string[]>
    readonly statuses: Record<string, string[]>
    readonly versions: [string, number][]
    readonly error?: string
  }

  /** A repository of Feast whose online store is a server of ours. */
  async function repository(name: string, url: string, auth: string): Promise<string> {
    const path = join(folder, name)
    await mkdir(join(path, 'data'), { recursive: true })
    const settings = ['project: shop', 'provider: local', 'registry: data/registry.db', 'entity_key_serialization_version: 3']
    const online = `online_store: { type: remote, path: "${url}" }`
    await writeFile(join(path, 'feature_store.yaml'), [...settings, online, auth].join('\n'))
    return path
  }

  async function ask(requests: readonly object[]): Promise<{ answers: Told[]; older: Record<string, unknown>[] }> {
    assert.ok(!('skipped' in client))
    const plain = await repository('plain', server.url, '')
    const asked = { repository: plain, users, requests: requests.map((request) => ({ repository: plain, ...request })) }
    await writeFile(join(folder, 'requests.json'), JSON.stringify(asked))
    const script = join(import.meta.dirname, 'support/read-by-feast.py')
    const { code, stdout, stderr } = await run(client.python, [script, join(folder, 'requests.json')], {
      cwd: plain,
      environment: { FEAST_USAGE: 'False' },
    })
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  }

  async function native(view: string, body: object): Promise<Pick<Told, 'names' | 'values' | 'statuses'>> {
    const response = await fetch(`${server.url}/v1/views/${view}/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...body, layout: 'columns' }),
    })
    const answer = (await response.json()) as { columns: { name: string; values: unknown[]; statuses: string[] }[] }
    assert.equal(response.status, 200, JSON.stringify(answer))
    return {
      names: answer.columns.map(({ name }) => name),
      values: Object.fromEntries(answer.columns.map(({ name, values }) => [name, values])),
      statuses: Object.fromEntries(answer.columns.map(({ name, statuses }) => [name, statuses])),
    }
  }

  /** What Feast calls what we call otherwise; it takes no empty list. */
  function asFeast(told: Pick<Told, 'values' | 'statuses'>): Pick<Told, 'values' | 'statuses'> {
    const isEmpty = (name: string, at: number) => {
      const value = told.values[name]?.[at]
      return Array.isArray(value) && value.length === 0
    }
    const map = <From, To>(columns: Record<string, From[]>, change: (value: From, name: string, at: number) => To) =>
      Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.map((each, at) => change(each, name, at))]))
    return {
      values: map(told.values, (value, name, at) => (isEmpty(name, at) ? null : value)),
      statuses: map(told.statuses, (status, name, at) => (status === 'NULL' || isEmpty(name, at) ? 'NULL_VALUE' : status)),
    }
  }

  test('reads a view of the shop: values and statuses are those of the native API', async () => {
    const keys = users.map((user_id, at) => ({ user_id, item_id: items[at] }))
    const entity_rows = keys.map((key) => ({ ...key, ...here }))
    const expected = await native('ranking', { rows: keys, request: here })
    assert.equal(expected.names.length, 17)
    const chosen = ['item_price', 'user_category_top3_lifetime', 'distance_to_nearest_store_km', 'user_order_value_avg_90d']
    const { text: token } = await TokenFile.open(tokensPath(store.folder)).create({ name: 'feast', scopes: ['read:loyalty'] })
    await using guarded = await Server.start(store, { tokens: true })
    const known = await repository('known', guarded.url, `auth: { type: oidc, token: "${token}" }`)
    const stranger = await repository('stranger', guarded.url, '')
    const { answers, older } = await ask([
      { service: 'ranking', entity_rows },
      { features: chosen.map((name) => `ranking:${name}`), entity_rows, full_feature_names: true },
      {
        features: ['ranking:item_price', 'loyalty:user_purchase_count_lifetime'],
        entity_rows,
        include_feature_view_version_metadata: true,
      },
      { service: 'rankng', entity_rows },
      { features: ['ranking:item_price'], entity_rows: users.map((user_id) => ({ user_id, ...here })) },
      // Names of groups: what feature views of Feast become.
      { features: ['item_catalogue:item_price', 'user_orders:user_purchase_count_lifetime'], entity_rows: keys },
      { repository: known, features: ['user_profile:user_account_age_days'], entity_rows: users.map((user_id) => ({ user_id })) },
      { repository: known, features: ['ranking:item_price'], entity_rows: keys },
      { repository: stranger, features: ['ranking:item_price'], entity_rows: keys },
    ])
    const [all, some, two, unknown, incomplete, groups, allowed, ...refused] = answers as [Told, Told, Told, Told, Told, Told, Told, Told]
    const same = asFeast(expected)
    const keyNames = ['user_id', 'item_id']
    assert.deepEqual(all.names.slice(0, 2).sort(), keyNames.toSorted())
    assert.deepEqual(all.names.slice(2), expected.names)
    for (const name of expected.names) {
      assert.deepEqual([all.values[name], all.statuses[name]], [same.values[name], same.statuses[name]], name)
    }
    assert.deepEqual([all.values.user_id, all.values.item_id], [users, items])
    assert.deepEqual(new Set(Object.values(all.statuses).flat()), new Set(['PRESENT', 'NULL_VALUE', 'NOT_FOUND']))
    const types = (name: string) => all.types[name]?.filter((type) => type !== 'NoneType')
    assert.deepEqual([types('item_rating_avg_lifetime'), types('user_return_rate_lifetime')], [['float'], ['float']])
    assert.deepEqual([types('user_purchase_count_lifetime'), types('item_price')], [['int'], ['str']])
    assert.deepEqual(
      some.names.slice(2),
      chosen.map((name) => `ranking__${name}`),
    )
    for (const name of chosen) assert.deepEqual(some.values[`ranking__${name}`], same.values[name])
    assert.deepEqual(two.versions, [
      ['ranking', 1],
      ['loyalty', 1],
    ])
    for (const told of [two, groups]) {
      assert.deepEqual(told.names.slice(2), ['item_price', 'user_purchase_count_lifetime'])
      for (const name of told.names.slice(2)) assert.deepEqual(told.values[name], same.values[name])
    }
    assert.deepEqual(allowed.values.user_account_age_days, same.values.user_account_age_days)
    const codes = refused.map(({ error = '' }) => /\d{3} .*"code":"(\w+)"/.exec(error)?.[1])
    assert.deepEqual(codes, ['FORBIDDEN', 'UNAUTHENTICATED'])
    assert.match(unknown.error ?? '', /400.*There is no view rankng.*ranking/)
    assert.match(incomplete.error ?? '', /400.*MISSING_KEY.*item_id/)

    const loyalty = await native('loyalty', { rows: users.map((user_id) => ({ user_id })) })
    // They take a value for one only where it is PRESENT: a count of an unknown customer is none to them, and 0 to us.
    const value = (name: string, at: number) => (loyalty.statuses[name]?.[at] === 'PRESENT' ? loyalty.values[name]?.[at] : null)
    const rows = users.map((_, at) => Object.fromEntries(loyalty.names.map((name) => [name, value(name, at)])))
    assert.deepEqual(older, rows)
  })
})
