import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { count, entity, events, featureGroup, featureView, onDemand, rows, sum, table, topic } from '../../definition/index.ts'
import { t } from '../../schema/index.ts'
import { openStore, type Store } from '../../store/index.ts'
import { TokenFile, tokensPath } from '../access/tokens.ts'
import { Server } from '../server.ts'

const now = '2026-03-01T12:00:00Z'
const user = entity('user', { user_id: t.integer() })
const clicks = events('clicks', {
  columns: { id: t.string(), user_id: t.integer(), weight: t.float(), at: t.timestamp() },
  time: 'at',
  id: 'id',
  lateness: '1h',
  history: rows([{ id: '1', user_id: 1, weight: 2, at: '2026-03-01T11:50:00Z' }]),
  stream: topic('clicks', { key: 'user_id', partitions: 1 }),
})
const people = table('people', {
  columns: {
    user_id: t.integer(),
    big: t.int64().nullable(),
    share: t.float().nullable(),
    price: t.decimal(8, 2).nullable(),
    tags: t.list(t.string()).nullable(),
    seen: t.timestamp().nullable(),
    at: t.timestamp(),
  },
  time: 'at',
  history: rows([
    {
      user_id: 1,
      big: 9007199254740993n,
      share: 3,
      price: '12.50',
      tags: ['a', 'b'],
      seen: '2026-01-01T00:00:00.5Z',
      at: '2026-02-01T00:00:00Z',
    },
    { user_id: 2, big: null, share: null, price: null, tags: [], seen: null, at: '2026-02-02T00:00:00Z' },
  ]),
})
const profile = featureGroup({
  name: 'profile',
  entity: user,
  source: people,
  features: ({ big, share, price, tags, seen }) => ({ big, share, price, tags, seen }),
})
const activity = featureGroup({
  name: 'activity',
  entity: user,
  source: clicks,
  features: (click) => ({ click_count: count(), weight_sum: sum(click.weight) }),
})
const context = onDemand({
  name: 'context',
  request: { factor: t.integer() },
  from: [profile.pick('share')],
  features: { scaled: t.float().nullable() },
  compute: ({ share }, { factor }) => ({ scaled: share === null ? null : share * factor }),
})
const view = featureView({ name: 'home', features: [profile, context] })
const other = featureView({ name: 'other', features: [activity] })

/** What an endpoint answers: Feast's columns, or an error. */
interface Told {
  readonly metadata: object
  readonly status: boolean
  readonly results: readonly {
    readonly values: readonly unknown[]
    readonly statuses: readonly string[]
    readonly event_timestamps: readonly string[]
  }[]
  readonly error: { readonly code: string; readonly message: string }
}

describe("Feast's endpoints", () => {
  let folder: string
  let store: Store
  let server: Server
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-feast-'))
    const definitions = [view, other, profile, activity, context]
    store = await openStore({ definitions, folder, online: 'memory', clock: () => new Date(now) })
    await store.materialize([profile])
    server = await Server.start(store)
  })
  after(async () => {
    await server.close()
    await store.close()
    await rm(folder, { recursive: true })
  })

  async function post(url: string, body: object, headers = {}): Promise<{ status: number; text: string; json: Told }> {
    const response = await server.app.inject({ method: 'POST', url, payload: body, headers })
    return { status: response.statusCode, text: response.body, json: response.json() }
  }

  test('columns come as Feast writes them: keys first, floats with a point, integers in all digits', async () => {
    const { status, text, json } = await post('/get-online-features', {
      feature_service: 'home',
      entities: { user_id: [1, 2, 3], factor: [2, 2, 2], unknown: [0, 0, 0] },
      a_later_option: true,
    })
    assert.equal(status, 200, text)
    assert.deepEqual(json.metadata, { feature_names: ['user_id', 'big', 'share', 'price', 'tags', 'seen', 'scaled'] })
    assert.equal(json.status, true)
    assert.match(text, /\{"values":\[9007199254740993,null,null\],"statuses":\["PRESENT","NULL_VALUE","NOT_FOUND"\]/)
    assert.match(text, /\{"values":\[3\.0,null,null\]/)
    assert.match(text, /\{"values":\[6\.0,null,null\]/)
    const values = json.results.map(({ values }) => values)
    assert.deepEqual(values[3], ['12.50', null, null])
    assert.deepEqual(values[4], [['a', 'b'], null, null])
    assert.deepEqual(values[5], ['2026-01-01T00:00:00.500Z', null, null])
    assert.deepEqual(json.results[0]?.statuses, ['PRESENT', 'PRESENT', 'PRESENT'])
    assert.deepEqual(json.results[1]?.event_timestamps, ['2026-02-01T00:00:00Z', '2026-02-02T00:00:00Z', '1970-01-01T00:00:00Z'])
  })

  test('features of several views, named in full and with versions', async () => {
    await store.materialize([activity])
    const { json, text } = await post('/get-online-features', {
      features: ['home@v1:share', 'other:weight_sum', 'home@v1:big', 'other:click_count'],
      entities: { user_id: [1], factor: [1] },
      full_feature_names: true,
      include_feature_view_version_metadata: true,
    })
    assert.deepEqual(
      json.metadata,
      {
        feature_names: ['user_id', 'home__share', 'other__weight_sum', 'home__big', 'other__click_count'],
        feature_view_metadata: [
          { name: 'home', version: 1 },
          { name: 'other', version: 1 },
        ],
      },
      text,
    )
    assert.deepEqual(
      json.results.map(({ values }) => values[0]),
      [1, 3, 2, 9007199254740992, 1],
    )
  })

  test('a group stands for its features, as a feature view of Feast does', async () => {
    const { json, text } = await post('/get-online-features', {
      features: ['activity:click_count', 'profile:price', 'profile@1:share', 'other:weight_sum'],
      entities: { user_id: [1, 2] },
      full_feature_names: true,
    })
    const names = ['user_id', 'activity__click_count', 'profile__price', 'profile__share', 'other__weight_sum']
    assert.deepEqual(json.metadata, { feature_names: names }, text)
    assert.deepEqual(
      json.results.map(({ values }) => values),
      [
        [1, 2],
        [1, 0],
        ['12.50', null],
        [3, null],
        [2, 0],
      ],
    )
    const renamed = await post('/get-online-features', { features: ['context:scaled'], entities: { user_id: [1] } })
    assert.deepEqual([renamed.status, renamed.json.error.code], [400, 'UNKNOWN_NAME'])
  })

  test('what is wrong is named', async () => {
    const ask = async (body: object) => {
      const { status, json } = await post('/get-online-features', body)
      return json.error ? `${status} ${json.error.code} ${json.error.message}` : JSON.stringify(json)
    }
    const entities = { user_id: [1] }
    assert.match(await ask({ entities }), /^400 INVALID_REQUEST Give a feature_service/)
    assert.match(await ask({ entities, features: ['share'] }), /^400 INVALID_REQUEST "share" is not a feature of a view/)
    assert.match(await ask({ entities, features: ['hom:share'] }), /^400 UNKNOWN_NAME .*home/)
    assert.match(await ask({ entities, features: ['home:shar'] }), /^400 UNKNOWN_NAME .*share/)
    assert.match(await ask({ entities, features: ['home@v7:share'] }), /^400 UNKNOWN_NAME .*version 7/)
    assert.match(
      await ask({ entities: { user_id: [1, 2], factor: [1] }, feature_service: 'home' }),
      /^400 INVALID_REQUEST user_id has 2 values/,
    )
    assert.match(await ask({ entities, feature_service: 'home' }), /^400 .*factor/)
    assert.match(await ask({ entities: { factor: [1] }, feature_service: 'home' }), /^400 MISSING_KEY/)
    assert.match(await ask({ entities: { user_id: 1 }, feature_service: 'home' }), /^400 INVALID_REQUEST/)
    assert.match(await ask({ feature_service: 'home' }), /^400 INVALID_REQUEST/)
  })

  test('columns that are pushed are events of a source, in one step', async () => {
    await using live = await store.stream([activity])
    await live.ready
    const df = { id: ['2', '3'], user_id: [1, 5], weight: [1.5, 4], at: ['2026-03-01T11:59:00Z', '2026-03-01 11:59:30'] }
    const pushed = await post('/push', { push_source_name: 'clicks', df, to: 'online_and_offline', allow_registry_cache: true })
    assert.deepEqual([pushed.status, pushed.text], [200, 'null'])
    await live.caughtUp()
    const { json, text } = await post('/get-online-features', { feature_service: 'other', entities: { user_id: [1, 5] } })
    assert.deepEqual(
      json.results.slice(1).map(({ values }) => values),
      [
        [2, 1],
        [3.5, 4],
      ],
      text,
    )
    const wrong = await post('/push', { push_source_name: 'clicks', df: { ...df, weight: [1, 'many'] } })
    assert.deepEqual([wrong.status, wrong.json.error.code], [400, 'INVALID_VALUE'])
    assert.equal((await post('/push', { push_source_name: 'clics', df })).json.error.code, 'UNKNOWN_NAME')
    assert.equal((await post('/push', { push_source_name: 'clicks', df: { ...df, id: ['2'] } })).status, 400)
  })

  test('a token allows what it says, of each view that is asked for', async () => {
    const { text: secret } = await TokenFile.open(tokensPath(store.folder)).create({ name: 'reader', scopes: ['read:home'] })
    const guarded = await Server.start(store, { tokens: true })
    try {
      const ask = async (features: string[], authorization = `Bearer ${secret}`) => {
        const payload = { features, entities: { user_id: [1], factor: [1] } }
        return (await guarded.app.inject({ method: 'POST', url: '/get-online-features', payload, headers: { authorization } })).statusCode
      }
      assert.equal(await ask(['home:share']), 200)
      assert.equal(await ask(['home:share'], 'Bearer wrong'), 401)
      assert.equal(await ask(['other:click_count']), 403)
      assert.deepEqual([await ask(['home:share', 'other:click_count']), await ask(['activity:click_count'])], [403, 403])
      assert.equal(await ask(['profile:share']), 200)
      const push = { push_source_name: 'clicks', df: {} }
      const refused = await guarded.app.inject({
        method: 'POST',
        url: '/push',
        payload: push,
        headers: { authorization: `Bearer ${secret}` },
      })
      assert.equal(refused.statusCode, 403)
    } finally {
      await guarded.close()
    }
  })
})
