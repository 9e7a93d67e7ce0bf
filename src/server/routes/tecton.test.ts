import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { entity, featureGroup, featureView, onDemand, rows, table } from '../../definition/index.ts'
import { t } from '../../schema/index.ts'
import { openStore, type Store } from '../../store/index.ts'
import { TokenFile, tokensPath } from '../access/tokens.ts'
import { Server } from '../server.ts'

const user = entity('user', { user_id: t.integer() })
const people = table('people', {
  columns: {
    user_id: t.integer(),
    visits: t.integer(),
    share: t.float().nullable(),
    tags: t.list(t.string()),
    vip: t.boolean(),
    at: t.timestamp(),
  },
  time: 'at',
  history: rows([{ user_id: 1, visits: 7, share: 0.5, tags: ['a', 'b'], vip: true, at: '2026-02-01T00:00:00Z' }]),
})
const profile = featureGroup({
  name: 'profile',
  entity: user,
  source: people,
  features: ({ visits, share, tags, vip }) => ({ visits, share, tags, vip }),
})
const context = onDemand({
  name: 'context',
  request: { amount: t.integer() },
  from: [profile.pick('visits')],
  features: { share_of_visits: t.float().nullable() },
  compute: ({ visits }, { amount }) => ({ share_of_visits: visits === null ? null : amount / visits }),
})
const view = featureView({ name: 'home', features: [profile, context] })

describe("Tecton's endpoint", () => {
  let folder: string
  let store: Store
  let server: Server
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-tecton-'))
    store = await openStore({
      definitions: [view, profile, context],
      folder,
      online: 'memory',
      clock: () => new Date('2026-03-01T12:00:00Z'),
    })
    await store.materialize([profile])
    server = await Server.start(store)
  })
  after(async () => {
    await server.close()
    await store.close()
    await rm(folder, { recursive: true })
  })

  async function ask(params: object): Promise<{ status: number; json: Record<string, unknown> }> {
    const response = await server.app.inject({ method: 'POST', url: '/api/v1/feature-service/get-features', payload: { params } })
    return { status: response.statusCode, json: response.json() }
  }

  test('values come in order, integers as texts; names in either case', async () => {
    const features = ['7', 0.5, ['a', 'b'], true, 2]
    const snake = {
      feature_service_name: 'home',
      workspace_name: 'prod',
      join_key_map: { user_id: '1' },
      request_context_map: { amount: '14' },
    }
    assert.deepEqual(await ask(snake), { status: 200, json: { result: { features } } })
    const camel = {
      featureServiceName: 'home:v1',
      workspaceName: 'prod',
      joinKeyMap: { user_id: 1 },
      requestContextMap: { amount: 14 },
      allowPartialResults: true,
    }
    assert.deepEqual(await ask(camel), { status: 200, json: { result: { features } } })
  })

  test('metadata come where they are asked for', async () => {
    const options = { include_names: true, include_effective_times: true, include_data_types: true, include_serving_status: true }
    const { json } = await ask({
      feature_service_name: 'home',
      join_key_map: { user_id: '1' },
      request_context_map: { amount: '7' },
      metadata_options: options,
    })
    const effectiveTime = '2026-02-01T00:00:00Z'
    const status = 'PRESENT'
    assert.deepEqual(json.metadata, {
      features: [
        { name: 'home.visits', effectiveTime, dataType: { type: 'int64' }, status },
        { name: 'home.share', effectiveTime, dataType: { type: 'float64' }, status },
        { name: 'home.tags', effectiveTime, dataType: { type: 'array', elementType: { type: 'string' } }, status },
        { name: 'home.vip', effectiveTime, dataType: { type: 'boolean' }, status },
        { name: 'home.share_of_visits', dataType: { type: 'float64' }, status },
      ],
    })
    const absent = await ask({
      featureServiceName: 'home',
      joinKeyMap: { user_id: '2' },
      requestContextMap: { amount: 1 },
      metadataOptions: { includeServingStatus: true, includeSloInfo: true },
    })
    assert.deepEqual(absent.json.result, { features: [null, null, null, null, null] })
    const late = await ask({
      featureServiceName: 'home',
      joinKeyMap: { user_id: 1 },
      requestContextMap: { amount: 1 },
      metadataOptions: { includeServingStatus: true },
      requestOptions: { latencyBudgetMs: 0, readFromCache: false },
    })
    assert.deepEqual(late.json.metadata, { features: Array.from({ length: 5 }, () => ({ status: 'TIME_OUT' })) })
    const metadata = absent.json.metadata as { features: unknown[]; sloInfo: { serverTimeSeconds: number } }
    assert.deepEqual(
      metadata.features,
      Array.from({ length: 5 }, () => ({ status: 'MISSING_DATA' })),
    )
    assert.ok(metadata.sloInfo.serverTimeSeconds > 0)
  })

  test('what is wrong is named', async () => {
    const wrong = async (params: object) => {
      const { status, json } = await ask(params)
      return [status, (json.error as { code: string }).code]
    }
    assert.deepEqual(await wrong({}), [400, 'INVALID_REQUEST'])
    assert.deepEqual(await wrong({ feature_service_name: 'hom' }), [400, 'UNKNOWN_NAME'])
    assert.deepEqual(await wrong({ feature_service_name: 'home:v2' }), [400, 'UNKNOWN_NAME'])
    assert.deepEqual(await wrong({ feature_service_name: 'home', request_context_map: { amount: 1 } }), [400, 'MISSING_KEY'])
    assert.deepEqual(await wrong({ feature_service_name: 'home', join_key_map: { user_id: 'x' }, request_context_map: { amount: 1 } }), [
      400,
      'INVALID_VALUE',
    ])
  })

  test('its clients say the token their own way', async () => {
    const { text: secret } = await TokenFile.open(tokensPath(store.folder)).create({ name: 'reader', scopes: ['read:home'] })
    const guarded = await Server.start(store, { tokens: true })
    try {
      const status = async (authorization: string, feature_service_name = 'home') => {
        const payload = { params: { feature_service_name, join_key_map: { user_id: 1 }, request_context_map: { amount: 1 } } }
        const url = '/api/v1/feature-service/get-features'
        return (await guarded.app.inject({ method: 'POST', url, payload, headers: { authorization } })).statusCode
      }
      assert.deepEqual(
        [await status(`Tecton-key ${secret}`), await status(`Bearer ${secret}`), await status('Tecton-key wrong')],
        [200, 200, 401],
      )
      assert.equal(await status(`Tecton-key ${secret}`, 'other'), 403)
    } finally {
      await guarded.close()
    }
  })
})
