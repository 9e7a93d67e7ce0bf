import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Answered, type ServedStore, servedStore } from '../../test/support/served-store.ts'

interface Explained extends Answered {
  readonly read: { readonly id: string; readonly view: string; readonly caller: string; readonly moment: string } & Answered
  readonly same_definition: boolean
  readonly explanations: readonly {
    readonly row: number
    readonly served: { readonly value: unknown; readonly status: string; readonly store: string }
    readonly agrees: boolean
    readonly late: readonly unknown[]
    readonly explanation: { readonly feature: string; readonly value: unknown }
  }[]
  readonly left_off: number
}

const keys = { user_id: 'ada', item_id: 7 }

describe('explanations', () => {
  let served: ServedStore
  before(async () => {
    served = await servedStore({ explain: { share: 0, keep: '1h' } })
  })
  after(() => served[Symbol.asyncDispose]())

  test('of a read that asked for it, by its id', async () => {
    const asked = { rows: [keys, { ...keys, item_id: '8' }], request: { budget: 5 }, explain: true }
    const { body: read } = await served.read('ranking', asked, { 'lockstep-caller': 'web', 'lockstep-model': 'm7' })
    const { status, body } = await served.send(`/v1/explain/${read.read_id}`)
    const all = body as Explained
    assert.equal(status, 200)
    assert.deepEqual([all.read.id, all.read.view, all.read.caller, all.read.model], [read.read_id, 'ranking', 'web', 'm7'])
    assert.deepEqual([all.same_definition, all.left_off, all.explanations.length], [true, 0, 2 * read.features.length])
    const one = (await served.send(`/v1/explain/${read.read_id}?feature=item_price&row=1`)).body as Explained
    assert.deepEqual(
      one.explanations.map(({ row, served: told, explanation }) => [row, told, explanation.feature]),
      [[1, { value: null, status: 'STALE', store: 'memory' }, 'item_price']],
    )
  })

  test('agree with what was served', async () => {
    const { body: read } = await served.read('visitor', { keys: { user_id: 'ada' }, explain: true })
    const { explanations } = (await served.send(`/v1/explain/${read.read_id}`)).body as Explained
    assert.equal(explanations.length, 4)
    for (const { served: told, explanation, agrees, late } of explanations) {
      assert.deepEqual(told.value, explanation.value, explanation.feature)
      assert.deepEqual([agrees, late], [true, []], explanation.feature)
    }
  })

  test('agree with a default where history has no value either', async () => {
    const asked = { keys: { user_id: 'ada', item_id: '404' }, request: { budget: null, mood: null }, explain: true }
    const { body: read } = await served.read('careful', asked)
    const { explanations } = (await served.send(`/v1/explain/${read.read_id}`)).body as Explained
    assert.deepEqual(
      explanations.map(({ served: told, agrees }) => [told.status, told.value, agrees]),
      [
        ['PRESENT', '9007199254740993', true],
        ['DEFAULTED', '0.00', true],
        ['DEFAULTED', -1, true],
      ],
    )
  })

  test('of a feature or a row that the read does not have are 400', async () => {
    const { body: read } = await served.read('visitor', { keys: { user_id: 'ada' }, explain: true })
    const feature = await served.send(`/v1/explain/${read.read_id}?feature=nothing`)
    assert.deepEqual([feature.status, feature.body.error.code], [400, 'UNKNOWN_NAME'])
    const row = await served.send(`/v1/explain/${read.read_id}?row=1`)
    assert.deepEqual([row.status, row.body.error.where], [400, 'querystring.row'])
  })

  test('of all reads that asked for it, however many do at the same time', async () => {
    const asked = { keys: { user_id: 'ada' }, explain: true }
    const reads = await Promise.all(Array.from({ length: 150 }, () => served.read('visitor', asked)))
    const kept = new Set(readdirSync(join(served.folder, 'reads')))
    assert.deepEqual(
      reads.filter(({ body }) => !kept.has(`${body.read_id}.json`)),
      [],
    )
  })

  test('of a read that was not kept are 404', async () => {
    const { body: read } = await served.read('visitor', { keys: { user_id: 'ada' } })
    for (const id of [read.read_id, 'r', '..%2F..%2Faccess%2Ftokens']) {
      const { status, body } = await served.send(`/v1/explain/${id}`)
      assert.deepEqual([status, body.error.code], [404, 'UNKNOWN_READ'], id)
    }
  })

  test('by keys and moment', async () => {
    const body = { view: 'ranking', keys, request: { budget: 5 }, features: ['user_click_count_1h', 'budget_per_click'] }
    const answer = await served.send('/v1/explain', { ...body, as_of: '2026-03-01T12:00:00Z' })
    assert.deepEqual(
      (answer.body as Explained).explanations.map(({ explanation }) => [explanation.feature, explanation.value]),
      [
        ['user_click_count_1h', 1],
        ['budget_per_click', 5],
      ],
    )
    const unknown = await served.send('/v1/explain', { ...body, features: ['nothing'] })
    assert.deepEqual([unknown.status, unknown.body.error.code], [400, 'UNKNOWN_NAME'])
  })
})

describe('events over HTTP', () => {
  let served: ServedStore
  before(async () => {
    served = await servedStore()
  })
  after(() => served[Symbol.asyncDispose]())

  const push = (body: object) => served.send('/v1/sources/clicks/events', body)
  const click = (click_id: string, given: object = {}) => ({
    click_id,
    user_id: 'eve',
    item_id: '9007199254740993',
    price: '1.10',
    at: '2026-03-01T11:59:00Z',
    ...given,
  })
  const spent = async () => {
    const { body } = await served.read('visitor', { keys: { user_id: 'eve' } })
    return body.rows[0]?.values
  }

  test('are in the next read; a try is not; one that is wrong refuses all', async () => {
    const stream = await served.store.stream()
    await stream.ready
    const dry = await push({ event: click('x'), dry_run: true })
    assert.deepEqual(dry.body, { source: 'clicks', events: 1, dry_run: true, positions: [] })
    assert.deepEqual(await spent(), [0, '0.00', null, []])

    const wrong = await push({ events: [click('x'), click('y', { price: 'much' })] })
    assert.deepEqual([wrong.status, wrong.body.error.code], [400, 'INVALID_VALUE'])
    assert.match(wrong.body.error.message, /price/)
    assert.deepEqual(await spent(), [0, '0.00', null, []])

    const one = await push({ event: click('x') })
    assert.equal((one.body.positions as unknown[]).length, 1)
    assert.deepEqual(await spent(), [1, '1.10', '9007199254740993', ['9007199254740993']])
    const more = await push({ events: [click('y'), click('x'), click('z', { price: '0.90', item_id: 7 })] })
    assert.deepEqual([more.status, more.body.events, (more.body.positions as unknown[]).length], [200, 3, 3])
    assert.deepEqual((await spent())?.slice(0, 2), [3, '3.10'])

    // History has what was pushed a moment ago as well.
    const { body: read } = await served.read('visitor', { keys: { user_id: 'eve' }, explain: true })
    const { explanations } = (await served.send(`/v1/explain/${read.read_id}`)).body as Explained
    assert.deepEqual(
      explanations.map(({ agrees }) => agrees),
      [true, true, true, true],
    )
    await stream.close()
  })

  test('are given one by one or as a list', async () => {
    for (const body of [{}, { event: click('v'), events: [click('w')] }]) {
      const { status, body: answer } = await push(body)
      assert.deepEqual([status, answer.error.where], [400, 'body'])
    }
    const none = await push({ events: [] })
    assert.deepEqual([none.status, none.body.error.where], [400, 'body.events'])
  })
})

describe('views over HTTP', () => {
  test('tell their keys, request values and features', async () => {
    await using served = await servedStore()
    const { body } = await served.send('/v1/views')
    assert.deepEqual(
      (body.views as Answered[]).map(({ name, version }) => [name, version]),
      [
        ['ranking', 2],
        ['visitor', 1],
        ['careful', 1],
      ],
    )
    const { body: ranking } = await served.send('/v1/views/ranking?version=2')
    assert.deepEqual(Object.keys(ranking.keys as object), ['user_id', 'item_id'])
    assert.deepEqual(Object.keys(ranking.request as object), ['budget', 'mood'])
    assert.equal(ranking.features.length, 12)
    assert.equal((await served.send('/v1/views/ranking?version=1')).status, 404)
    assert.equal((await served.send('/v1/views/ranking?version=x')).status, 400)
  })

  test('a group is materialized', async () => {
    await using served = await servedStore()
    const { status, body } = await served.send('/v1/groups/item_facts/materialize', {})
    assert.deepEqual([status, body.group, body.version, body.keys], [200, 'item_facts', 1, 3])
    assert.equal((await served.send('/v1/groups/item_fact/materialize', {})).status, 404)
  })
})
