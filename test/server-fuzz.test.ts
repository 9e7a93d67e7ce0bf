import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { describe, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { seededRandom } from '../src/lib/seeded-random.ts'
import type { JsonSchema } from '../src/server/json-schema.ts'
import { type Dictionary, type FuzzedRequest, FuzzRequests, type Operation } from './support/fuzz-requests.ts'
import { now, type ServedStore, servedStore } from './support/served-store.ts'

/** `FUZZ_SEED` repeats a run; `LOCKSTEP_FUZZ` asks for more requests. */
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const count = Number(process.env.LOCKSTEP_FUZZ ?? 3000)
/** Milliseconds after which a request hangs. */
const mostTime = 30_000
const atOnce = 4

/** What the served store knows, so that requests come past the first check. */
const known: Dictionary = {
  view: ['ranking', 'visitor', 'careful'],
  feature_service_name: ['ranking', 'visitor', 'careful:v1'],
  featureServiceName: ['ranking', 'careful'],
  feature_service: ['ranking', 'visitor', 'careful@v1'],
  'readVectors.view': ['ranking', 'ranking', 'ranking', 'careful', 'visitor'],
  source: ['clicks'],
  push_source_name: ['clicks', 'facts'],
  group: ['user_clicks', 'item_facts'],
  read_id: ['r0000000000-0'],
  version: [2, 2, 2, 2, 2, 1],
  user_id: ['ada', 'bob', 'nobody'],
  item_id: [7, '7', 8, '9007199254740993'],
  click_id: ['f1', 'f2'],
  price: ['1.00', '0.10'],
  at: [now],
  budget: [1, 0.5],
  mood: ['calm', 'throw'],
  keys: [{ user_id: 'ada', item_id: 7 }, { user_id: 'bob', item_id: '9007199254740993' }, { user_id: '', item_id: -1 }, { user_id: 'ada' }],
  rows: [
    [
      { user_id: 'ada', item_id: 7 },
      { user_id: 'x', item_id: 8 },
    ],
    [{ item_id: 7 }, { item_id: 8 }],
  ],
  request: [{ budget: 3 }, { budget: 1, mood: 'throw' }, {}],
  features: [['item_price'], ['user_last_item', 'item_price'], ['item_price', 'budget_per_click']],
  'feastGetOnlineFeatures.features': [['ranking:item_price', 'visitor:user_spend_lifetime'], ['careful@v1:item_price']],
  'explain.features': [['item_price'], ['user_last_item']],
  feature: ['item_price', 'user_spend_lifetime'],
  ...Object.fromEntries(
    ['describeFeature', 'deprecateFeature', 'removeFeature', 'restoreFeature'].flatMap((operation) => [
      [`${operation}.group`, ['user_clicks']],
      [`${operation}.version`, [1]],
      [`${operation}.feature`, ['user_spend_lifetime', 'user_last_item']],
    ]),
  ),
  ...Object.fromEntries(
    ['describeGroup', 'deprecateGroup', 'removeGroup', 'restoreGroup', 'describeOnDemand', 'deprecateOnDemand', 'removeOnDemand'].map(
      (operation) => [`${operation}.version`, [1]],
    ),
  ),
  on_demand: ['context'],
  entity: ['user'],
  number: ['1'],
  // What is read has to stay.
  'removeView.view': ['nothing'],
  of: ['user_clicks@1.user_last_item', 'source:clicks', 'view:ranking@2'],
  q: ['click', 'item price'],
  environment: ['dev'],
  since: ['30d'],
  within: ['30d'],
  'listAudit.since': ['2026-01-01'],
  until: [now],
  from: [now],
  to: [now],
  remove_after: [now],
  replacement: ['user_clicks@1.user_click_count_1h'],
  as_of: [now, '2026-03-01T13:00:00Z'],
  max_staleness: ['1h', '30d'],
  entities: [{ user_id: ['ada', 'bob'], item_id: [7, '8'] }, { user_id: [] }],
  join_key_map: [{ user_id: 'ada', item_id: '7' }],
  request_context_map: [{ budget: 2 }],
  event: [{ click_id: 'f3', user_id: 'ada', item_id: '7', price: '2.00', at: now }],
  df: [{ click_id: ['f4'], user_id: ['bob'], item_id: [7], price: ['0.50'], at: [now] }],
}

interface Described {
  readonly method: string
  readonly path: string
  readonly operation: Operation
  /** How often it is asked, as those that read history take long. */
  readonly weight: number
  readonly answers: ReadonlyMap<number, ValidateFunction | null>
}

describe(`requests made from the OpenAPI document (FUZZ_SEED=${seed})`, () => {
  test(`${count} of them: no failure, no hang, answers as documented`, { timeout: 60_000 + count * 50 }, async () => {
    await using served = await servedStore({ explain: { share: 0.01 } }, { online: 'lmdb' })
    await using _stream = await served.store.stream()
    const operations = await describedOperations(served)
    const choices = operations.flatMap((one) => Array.from({ length: one.weight }, () => one))
    const random = seededRandom(seed)
    const requests = new FuzzRequests(random, known)
    const seen = new Map<string, Map<number, number>>()
    const wrong: string[] = []
    const heap: number[] = []
    const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
    const slowest = new Map<string, number>()
    let sent = 0
    const ask = async ({ method, path, operation, answers }: Described) => {
      const asked = requests.make(method, path, operation)
      const started = performance.now()
      const answer = await exchange(served.server.url, asked, agent).catch((error: Error) => error)
      const took = Math.max(performance.now() - started, slowest.get(operation.operationId) ?? 0)
      slowest.set(operation.operationId, took)
      const reason = answer instanceof Error ? answer.message : wrongIn(answer, asked, answers)
      if (reason !== null) wrong.push(`${JSON.stringify(asked)}\n  ${reason}`)
      if (answer instanceof Error) return
      const statuses = seen.get(operation.operationId) ?? new Map<number, number>()
      seen.set(operation.operationId, statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1))
    }
    const cameThrough = ({ operation: { operationId } }: Described) => seen.get(operationId)?.has(expected[operationId] ?? 200) ?? false
    const work = async () => {
      while (sent < count && wrong.length < 10) {
        if (sent++ % Math.ceil(count / 30) === 0) heap.push(usedHeap())
        await ask(choices[random(choices.length)] as Described)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, work))
    // What is slow is asked a few times only, and may have had no luck.
    for (const one of operations) for (let tries = 0; tries < 200 && !cameThrough(one); tries++) await ask(one)
    agent.destroy()
    assert.ok(wrong.length === 0, `FUZZ_SEED=${seed}\n${wrong.join('\n')}`)
    const counts = (statuses: ReadonlyMap<number, number>) => [...statuses].sort(([a], [b]) => a - b).map((pair) => pair.join(' x '))
    const figures = [...seen].map(([id, statuses]) => `${id}: ${counts(statuses).join(', ')}; at most ${slowest.get(id)?.toFixed(0)} ms`)
    // In the first third caches fill up to their bounds.
    const [middle, last] = [heap.slice(10, 20), heap.slice(20)].map((third) => Math.min(...third)) as [number, number]
    const growth = `heap in MB: ${heap.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(' ')}`
    if (count > 3000) process.stdout.write(`${figures.join('\n')}\n${sent} requests; ${growth}\n`)
    // What is sent by chance must come through now and then: else nothing is tested.
    for (const one of operations) assert.ok(cameThrough(one), `${one.operation.operationId} never answered\n${figures.join('\n')}`)
    assert.ok(last < middle * 1.1 + 4 * 2 ** 20, growth)
  })
})

/** What else than 200 says that a request came through: the read is not kept, views pin what is to go, nothing is applied or was removed. */
const expected: Readonly<Record<string, number>> = {
  ...{ explainRead: 404, describeApply: 404, removeFeature: 409, removeGroup: 409, removeOnDemand: 409, removeView: 404 },
  ...{ restoreGroup: 404, restoreView: 404, restoreOnDemand: 404 },
}

const slow = new Set(['materializeGroup', 'explain', 'metrics'])

async function describedOperations({ send }: ServedStore): Promise<Described[]> {
  const { body } = await send('/openapi.json')
  const { paths, components } = body as unknown as { paths: Record<string, Record<string, Operation>>; components: object }
  const ajv = new Ajv2020({ strict: false })
  // References within the document are read from it.
  ajv.addSchema({ $id: 'document', components })
  const compiled = (schema: JsonSchema & { $ref?: string }) => ajv.compile(schema.$ref ? { $ref: `document${schema.$ref}` } : schema)
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method,
      path,
      operation,
      weight: weightOf(operation),
      answers: new Map(
        Object.entries(operation.responses).map(([status, { content }]) => {
          const schema = content['application/json']?.schema
          return [Number(status), schema ? compiled(schema) : null]
        }),
      ),
    })),
  )
}

function weightOf({ operationId, requestBody }: Operation): number {
  if (slow.has(operationId)) return operationId === 'explain' ? 4 : 2
  if (/^(deprecate|remove|restore)/.test(operationId)) return 8
  return requestBody ? 16 : 4
}

interface Exchanged {
  readonly status: number
  readonly type: string
  readonly text: string
}

function exchange(url: string, { method, path, body, headers }: FuzzedRequest, agent: Agent): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(url + path, { method, headers: { ...headers, ...length }, agent, timeout: mostTime }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          text: Buffer.concat(parts).toString(),
        }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${mostTime} ms`)))
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Null where an answer is as the document says. */
function wrongIn({ status, type, text }: Exchanged, { path }: FuzzedRequest, answers: Described['answers']): string | null {
  if (status >= 500 && !isDeclaredFailure(text)) return `${status}: ${text.slice(0, 500)}`
  const check = answers.get(status)
  // An empty or strange part of a path makes it another one.
  if (check === undefined)
    return status === 404 && /There is no (GET|POST)/.test(text) ? null : `${status} is not documented (${path}): ${text.slice(0, 300)}`
  if (!type.startsWith('application/json')) return null
  if (check === null) return `${type} is not documented`
  return check(JSON.parse(text)) ? null : `${status}: ${JSON.stringify(check.errors)} in ${text.slice(0, 500)}`
}

/** On-demand code of the test that throws fails a request that asks for it: the answer that is documented. */
const isDeclaredFailure = (text: string): boolean => text.includes('"ON_DEMAND_FAILED"')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function usedHeap(): number {
  collect()
  return process.memoryUsage().heapUsed
}
