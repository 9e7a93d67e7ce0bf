import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { tableFromIPC, type Vector } from 'apache-arrow'
import { now, type ServedStore, servedStore } from '../../test/support/served-store.ts'
import { LockstepError } from '../errors.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import type { OnlineRead, OnlineStore } from '../online/index.ts'

/** Beyond 2^53: no number of JSON. */
const large = '9007199254740993'
const request = { budget: 10 }
const features = [
  'user_click_count_1h',
  'user_spend_lifetime',
  'user_last_item',
  'user_top_items',
  'item_price',
  'item_weight',
  'item_embedding',
  'item_labels',
  'item_note',
  'item_day',
  'item_at',
  'budget_per_click',
]
const embedding = [...Float32Array.of(0.1, 0.2, -0.3)]

describe('the vectors of a view over HTTP', () => {
  let served: ServedStore
  before(async () => {
    served = await servedStore({ limits: { onDemand: 5000 } })
  })
  after(() => served[Symbol.asyncDispose]())

  const ranking = (body: object, headers?: Record<string, string>) => served.read('ranking', { request, ...body }, headers)

  test('one row: values, statuses, and what was read', async () => {
    const { status, body, headers } = await ranking({ keys: { user_id: 'ada', item_id: large } })
    assert.equal(status, 200)
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.match(body.read_id, /^r[0-9a-f]{10}-/)
    assert.deepEqual([body.view, body.version, body.as_of, body.source], ['ranking', 2, now, 'online'])
    assert.deepEqual(body.features, features)
    assert.deepEqual(body.rows, [
      {
        values: [
          1,
          '3.75',
          large,
          [large, '7'].sort(),
          '5.00',
          'NaN',
          embedding,
          ['new', 'öl "x"'],
          null,
          '2026-02-28',
          '2026-03-01T11:00:00Z',
          10,
        ],
        statuses: features.map((name) => (name === 'item_note' ? 'NULL' : 'PRESENT')),
      },
    ])
    assert.deepEqual(Object.keys(body).sort(), ['as_of', 'features', 'read_id', 'rows', 'source', 'version', 'view'])
  })

  test('what is not known, too old, or computed from nothing has a status each', async () => {
    const { body } = await ranking({
      rows: [
        { user_id: 'nobody', item_id: '1' },
        { user_id: 'bob', item_id: 8 },
      ],
    })
    const [nobody, bob] = body.rows.map(({ values, statuses }) =>
      Object.fromEntries(features.map((name, at) => [name, [values[at], statuses[at]]])),
    )
    assert.deepEqual(nobody?.user_click_count_1h, [0, 'NOT_FOUND'])
    assert.deepEqual(nobody?.item_price, [null, 'NOT_FOUND'])
    assert.deepEqual(nobody?.budget_per_click, [null, 'NULL'])
    assert.deepEqual(bob?.user_click_count_1h, [1, 'PRESENT'])
    assert.deepEqual(bob?.item_price, [null, 'STALE'])
    assert.deepEqual(bob?.item_note, [null, 'STALE'])
  })

  test('some features only, in the order asked for', async () => {
    const { body } = await ranking({ keys: { user_id: 'ada', item_id: 7 }, features: ['item_price', 'user_last_item'] })
    assert.deepEqual(body.features, ['item_price', 'user_last_item'])
    assert.deepEqual(body.rows[0]?.values, ['9.99', large])
    const ofUser = await served.read('ranking', { keys: { user_id: 'ada' }, features: ['user_spend_lifetime'] })
    assert.deepEqual(ofUser.body.rows[0]?.values, ['3.75'], 'with the keys that these need')
  })

  test('names beside each value, or values by feature', async () => {
    const asked = { keys: { user_id: 'ada', item_id: 7 }, features: ['item_price', 'item_day'] }
    const perRow = await ranking({ ...asked, names: 'per_row' })
    assert.deepEqual(perRow.body.rows, [
      { values: { item_price: '9.99', item_day: '2026-02-28' }, statuses: { item_price: 'PRESENT', item_day: 'PRESENT' } },
    ])
    const columns = await ranking({ ...asked, layout: 'columns', rows: [{ item_id: 7 }, { item_id: 1 }], keys: { user_id: 'ada' } })
    assert.deepEqual(columns.body.columns, [
      { name: 'item_price', values: ['9.99', null], statuses: ['PRESENT', 'NOT_FOUND'] },
      { name: 'item_day', values: ['2026-02-28', null], statuses: ['PRESENT', 'NOT_FOUND'] },
    ])
    assert.equal(columns.body.rows, undefined)
  })

  test('what stands beside the values is chosen', async () => {
    const asked = { keys: { user_id: 'ada', item_id: 7 }, features: ['user_last_item', 'item_price', 'budget_per_click'] }
    const nothing = await ranking({ ...asked, include: [] })
    assert.deepEqual(Object.keys(nothing.body.rows[0] ?? {}), ['values'])
    const all = await ranking({ ...asked, include: ['statuses', 'event_times', 'types', 'timings'] })
    assert.deepEqual(all.body.types, ['int64', 'decimal(8, 2)', 'float'])
    assert.deepEqual(all.body.rows[0]?.event_times, ['2026-03-01T11:30:00Z', '2026-03-01T11:00:00Z', null])
    assert.ok(all.body.timings.total_ms > 0)
    const columns = await ranking({ ...asked, include: ['event_times'], layout: 'columns' })
    assert.deepEqual(columns.body.columns[0], { name: 'user_last_item', values: [large], event_times: ['2026-03-01T11:30:00Z'] })
  })

  test('integers of 64 bits as texts or as numbers', async () => {
    const url = `${served.server.url}/v1/views/ranking/vectors`
    const texts = await Promise.all(
      ['string', 'number'].map(async (int64) => {
        const body = JSON.stringify({
          keys: { user_id: 'ada', item_id: 7 },
          request,
          features: ['user_last_item', 'user_top_items'],
          int64,
        })
        return await (await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).text()
      }),
    )
    assert.match(texts[0] as string, /"values":\["9007199254740993",\["7","9007199254740993"\]\]/)
    assert.match(texts[1] as string, /"values":\[9007199254740993,\[7,9007199254740993\]\]/)
  })

  test('as of a later moment; not as of one before what is stored', async () => {
    const later = await ranking({ keys: { user_id: 'ada', item_id: 7 }, as_of: '2026-03-01T13:00:00+00:00' })
    assert.equal(later.body.as_of, '2026-03-01T13:00:00Z')
    assert.deepEqual(later.body.rows[0]?.values.slice(0, 2), [0, '3.75'])
    const before = await ranking({ keys: { user_id: 'ada', item_id: 7 }, as_of: '2020-01-01T00:00:00Z' })
    assert.deepEqual([before.status, before.body.error.code], [400, 'READ_BEFORE_STATE'])
  })

  test('as of a moment and as known then, from history', async () => {
    const { body } = await ranking({
      rows: [{ item_id: 7 }, { item_id: 8 }],
      keys: { user_id: 'ada' },
      as_known: true,
      as_of: '2026-03-01T11:15:00Z',
    })
    assert.equal(body.source, 'history')
    const known = body.rows.map(({ values, statuses }) => [values[0], values[1], values[4], statuses[4]])
    assert.deepEqual(known, [
      [0, '1.50', '9.99', 'PRESENT'],
      [0, '1.50', null, 'STALE'],
    ])
  })

  test('history knows of each value what the online store knows', async () => {
    const rows = [
      { user_id: 'ada', item_id: 7 },
      { user_id: 'nobody', item_id: 1 },
      { user_id: 'bob', item_id: 8 },
    ]
    const include = ['statuses', 'event_times', 'types']
    for (const [view, body] of [
      ['ranking', { requests: [{ budget: 1 }, {}, { mood: 'throw' }] }],
      ['ranking', { request, features: ['item_price', 'budget_per_click'], layout: 'columns' }],
      ['careful', { requests: [{}, { mood: 'throw' }, { mood: 'calm' }] }],
      ['ranking', { rows: [{ user_id: 'bob' }, { user_id: 'nobody' }], features: ['user_spend_lifetime'] }],
    ] as const) {
      const [online, known] = await Promise.all([false, true].map((as_known) => served.read(view, { rows, include, ...body, as_known })))
      assert.equal(known?.body.source, 'history')
      for (const part of ['features', 'rows', 'columns', 'types', 'errors'] as const)
        assert.deepEqual(known?.body[part], online?.body[part], `${part} of ${JSON.stringify(body)}`)
    }
    const failed = await served.read('ranking', { rows, request: { mood: 'throw' }, as_known: true, on_demand_errors: 'fail' })
    assert.deepEqual([failed.status, failed.body.error.code], [500, 'ON_DEMAND_FAILED'])
    const onDemandOnly = await served.read('ranking', { rows, request, features: ['budget_per_click'], as_known: true })
    assert.deepEqual(
      onDemandOnly.body.rows.map(({ values, statuses }) => [...values, ...statuses]),
      [
        [10, 'PRESENT'],
        [null, 'NULL'],
        [10, 'PRESENT'],
      ],
    )
  })

  test('what was stored too long before is stale', async () => {
    const asked = { keys: { user_id: 'ada', item_id: 7 }, features: ['user_spend_lifetime', 'item_price'] }
    const fresh = await ranking({ ...asked, max_staleness: '2h' })
    assert.deepEqual(fresh.body.rows[0]?.statuses, ['PRESENT', 'PRESENT'])
    const stale = await ranking({ ...asked, max_staleness: '30m' })
    assert.deepEqual(
      [stale.body.rows[0]?.values, stale.body.rows[0]?.statuses],
      [
        ['3.75', null],
        ['PRESENT', 'STALE'],
      ],
    )
    const wrong = await ranking({ ...asked, max_staleness: 'soon' })
    assert.deepEqual([wrong.status, wrong.body.error.code], [400, 'INVALID_DURATION'])
  })

  test('on-demand code that throws marks its features, or fails the request', async () => {
    const asked = { keys: { user_id: 'ada', item_id: 7 }, request: { mood: 'throw' }, features: ['item_price', 'budget_per_click'] }
    const marked = await served.read('ranking', asked)
    assert.deepEqual(marked.body.rows[0], { values: ['9.99', null], statuses: ['PRESENT', 'FAILED'] })
    assert.deepEqual(
      marked.body.errors.map(({ code, where }) => [code, where]),
      [['ON_DEMAND_FAILED', 'on-demand view context']],
    )
    const failed = await served.read('ranking', { ...asked, on_demand_errors: 'fail' })
    assert.deepEqual([failed.status, failed.body.error.code], [500, 'ON_DEMAND_FAILED'])
  })

  test('what a view declares stands for what is not there', async () => {
    const { body } = await served.read('careful', { rows: [{ user_id: 'nobody', item_id: 1 }], requests: [{ mood: 'throw' }] })
    assert.deepEqual(body.rows, [{ values: [null, '0.00', -1], statuses: ['NOT_FOUND', 'DEFAULTED', 'DEFAULTED'] }])
  })

  test('a thousand rows with a request each; one more is refused', async () => {
    const rows = Array.from({ length: 1000 }, (_, at) => ({ user_id: at % 2 ? 'ada' : `u${at}`, item_id: 7 }))
    const requests = rows.map((_, at) => ({ budget: at }))
    const { body } = await served.read('ranking', { rows, requests, features: ['item_price', 'budget_per_click'] })
    assert.equal(body.rows.length, 1000)
    assert.deepEqual(
      [body.rows[999]?.values, body.rows[998]?.values],
      [
        ['9.99', 999],
        ['9.99', null],
      ],
    )
    const refused = await served.read('ranking', { rows: [...rows, { user_id: 'ada', item_id: 7 }], request })
    assert.deepEqual([refused.status, refused.body.error.where], [400, 'body.rows'])
  })

  test('as Arrow: the same values', async () => {
    const body = { rows: [{ item_id: large }, { item_id: '1' }, { item_id: '7' }], keys: { user_id: 'ada' }, request }
    const json = await served.read('ranking', { ...body, layout: 'columns' })
    const response = await fetch(`${served.server.url}/v1/views/ranking/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/vnd.apache.arrow.stream' },
      body: JSON.stringify(body),
    })
    assert.equal(response.headers.get('content-type'), 'application/vnd.apache.arrow.stream')
    assert.match(response.headers.get('lockstep-read-id') ?? '', /^r/)
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()))
    assert.deepEqual(table.schema.names, ['user_id', 'item_id', ...features.flatMap((name) => [name, `${name}__status`])])
    for (const { name, values, statuses } of json.body.columns) {
      const column = table.getChild(name) as Vector
      assert.deepEqual([...(table.getChild(`${name}__status`) as Vector)], statuses, name)
      const ofArrow = fromArrow[name] ?? asText
      assert.deepEqual(
        [...column].map((value) => (value === null ? null : ofArrow(value))),
        values.map((value) => (value === null ? null : asText(value))),
        name,
      )
    }
    assert.equal(String((table.getChild('item_embedding') as Vector).type.children[0]?.type), 'Float32')
  })
})

/** A value as text; lists of texts. */
const asText = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Symbol.iterator in value ? [...(value as Iterable<unknown>)].map(asText) : String(value)

/** What Arrow's reader gives as numbers of its own. */
const fromArrow: Readonly<Record<string, (value: unknown) => unknown>> = {
  user_spend_lifetime: (value) => (Number(value) / 100).toFixed(2),
  item_price: (value) => (Number(value) / 100).toFixed(2),
  item_day: (value) => new Date(Number(value)).toISOString().slice(0, 10),
  item_at: (value) => new Date(Number(value)).toISOString().replace('.000', ''),
}

/** A store in memory whose reads are counted, and can be made slow or fail. */
function watchedStore() {
  const inner = memoryOnlineStore()
  const watched = { asked: [] as number[], wait: 0, down: false }
  const store: OnlineStore = {
    ...inner,
    name: 'watched',
    async read(reads: readonly OnlineRead[]) {
      watched.asked = reads.map(({ keys }) => keys.length)
      if (watched.wait > 0) await new Promise((resolve) => setTimeout(resolve, watched.wait))
      if (watched.down) throw new LockstepError('STORE_UNAVAILABLE', 'The store is down')
      return await inner.read(reads)
    },
    async readMeta(name: string) {
      if (watched.down) throw new LockstepError('STORE_UNAVAILABLE', 'The store is down')
      return await inner.readMeta(name)
    },
  }
  // Nothing can be read without waiting.
  return { watched, store: Object.fromEntries(Object.entries(store).filter(([name]) => name !== 'readSync')) as unknown as OnlineStore }
}

describe('a store somewhere else', () => {
  let served: ServedStore
  const { watched, store } = watchedStore()
  before(async () => {
    served = await servedStore({}, { online: store })
  })
  after(() => served[Symbol.asyncDispose]())

  test('is asked once for what all rows share', async () => {
    const items = Array.from({ length: 100 }, (_, at) => ({ item_id: at }))
    const { body } = await served.read('ranking', { keys: { user_id: 'ada' }, rows: items, request })
    assert.equal(body.rows.length, 100)
    // The group of users, that of items, and the recent events of users.
    assert.deepEqual(watched.asked, [1, 100, 1])
    const spelledOut = await served.read('ranking', { rows: items.map((row) => ({ ...row, user_id: 'ada' })), request })
    assert.deepEqual(watched.asked, [100, 100, 100])
    assert.deepEqual(body.rows, spelledOut.body.rows)
  })

  test('has so long, and what is not there then is TIME_OUT', async () => {
    watched.wait = 300
    const started = performance.now()
    const late = await served.read('careful', { keys: { user_id: 'ada', item_id: 7 }, budget_ms: 20 })
    assert.ok(performance.now() - started < 250)
    assert.deepEqual(late.body.rows, [{ values: [null, '0.00', -1], statuses: ['TIME_OUT', 'DEFAULTED', 'DEFAULTED'] }])
    const inTime = await served.read('careful', { keys: { user_id: 'ada', item_id: 7 }, budget_ms: 5000 })
    assert.deepEqual(inTime.body.rows[0]?.statuses.slice(0, 2), ['PRESENT', 'PRESENT'])
    watched.wait = 0
  })

  test('is down: 503 with Retry-After, or FAILED by choice; and back', async () => {
    watched.down = true
    const asked = { keys: { user_id: 'ada', item_id: 7 } }
    const failed = await served.read('careful', asked)
    assert.deepEqual([failed.status, failed.body.error.code, failed.headers.get('retry-after')], [503, 'STORE_UNAVAILABLE', '1'])
    const marked = await served.read('careful', { ...asked, store_errors: 'mark' })
    assert.deepEqual(marked.body.rows, [{ values: [null, '0.00', -1], statuses: ['FAILED', 'DEFAULTED', 'DEFAULTED'] }])
    assert.deepEqual(
      marked.body.errors.map(({ code }) => code),
      ['STORE_UNAVAILABLE'],
    )
    assert.equal((await served.send('/ready')).status, 503)
    assert.equal((await served.send('/health')).status, 200)
    watched.down = false
    assert.equal((await served.read('careful', asked)).status, 200)
    assert.equal((await served.send('/ready')).status, 200)
  })
})

test('on-demand code that never ends is stopped, and the server goes on', async () => {
  await using served = await servedStore({ limits: { onDemand: 60 } })
  const rows = [{ item_id: 7 }, { item_id: 9 }, { item_id: 7 }]
  const asked = { keys: { user_id: 'ada' }, rows, features: ['item_price', 'budget_per_click'] }
  const started = performance.now()
  const { body } = await served.read('ranking', { ...asked, requests: [{ budget: 4 }, { mood: 'loop' }, { budget: 4 }] })
  assert.ok(performance.now() - started < 2000)
  assert.deepEqual(
    body.rows.map(({ statuses }) => statuses),
    [
      ['PRESENT', 'PRESENT'],
      ['NOT_FOUND', 'TIME_OUT'],
      ['PRESENT', 'TIME_OUT'],
    ],
  )
  const next = await served.read('ranking', { ...asked, request: { budget: 4 } })
  assert.deepEqual(next.body.rows[0]?.values, ['9.99', 4])
})
