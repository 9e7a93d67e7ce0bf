import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { count, entity, events, featureGroup, featureView, snapshotOf } from '../definition/index.ts'
import { withEverApplied } from '../governance/ever-applied.ts'
import { systemClock } from '../lib/clock.ts'
import { formatMoment, momentMicros } from '../lib/moment.ts'
import { t } from '../schema/index.ts'
import { sqliteDocumentStore } from './drivers/sqlite.ts'
import { type DocumentStore, type Head, Registry, type Retention } from './index.ts'
import { trimApplies } from './trim-applies.ts'
import { dayOf } from './usage.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-retention-'))
after(() => rmSync(folder, { recursive: true }))
const day = 86_400_000_000
let files = 0

function open(retention?: Retention) {
  const path = join(folder, `${files++}.sqlite`)
  const clock = { now: momentMicros('2026-03-01T10:00:00Z') }
  const documents = sqliteDocumentStore({ path })
  const registry = new Registry(documents, { ...systemClock, now: () => clock.now }, retention)
  return { path, clock, documents, registry, [Symbol.asyncDispose]: () => registry.close() }
}

const user = entity('user', { user_id: t.string() })
const clicks = events('clicks', { columns: { user_id: t.string(), at: t.timestamp() }, time: 'at' })
/** A view of one group, another text for each number; for a name a group of its own. */
function stateOf(number: number, name = 'user_clicks') {
  const features = () => ({ [`${name}_count`]: count().over('1h') })
  const group = featureGroup({ name, description: `State ${number} ${'x'.repeat(500)}`, entity: user, source: clicks, features })
  return snapshotOf([featureView({ name: 'ranking', features: [group] })])
}

async function apply({ applies }: Registry, snapshot: ReturnType<typeof stateOf>, environment = 'dev'): Promise<Head> {
  const base = await applies.head(environment)
  return await applies.append({ kind: 'apply', by: 'ada', message: '', environment, base, snapshot })
}

const keysOf = async (documents: DocumentStore, table: string) => (await documents.list(table)).map(({ key }) => key)

test('what makes no sense as a retention is refused', () => {
  const documents = sqliteDocumentStore({ path: join(folder, 'none.sqlite') })
  const wrong: [object, RegExp][] = [
    [{ applies: 0 }, /0 applies/],
    [{ applies: 1.5 }, /1.5 applies/],
    [{ usage: '29d' }, /30 days/],
    [{ audit: '1d' }, /no retention of audit/],
  ]
  for (const [retention, message] of wrong)
    assert.throws(() => new Registry(documents, systemClock, retention as Retention), { code: 'INVALID_ARGUMENT', message })
  assert.throws(() => new Registry(documents, systemClock, { runs: 'long' }), { code: 'INVALID_DURATION' })
})

test('a file levels off, however often one applies, reads and computes', { timeout: 120_000 }, async () => {
  await using own = open({ applies: 20, runs: '30d', statistics: '30d', usage: '30d' })
  const { registry, clock, documents, path } = own
  const sizes: number[] = []
  for (let step = 1; step <= 300; step++) {
    clock.now += day
    await apply(registry, stateOf(step))
    const at = { view: 'ranking', version: 1, features: ['clicks'], requests: 1, vectors: 1, first: clock.now, last: clock.now }
    const callers = Array.from({ length: 20 }, (_, index) => ({ caller: `caller ${index}`, model: 'm', ...at }))
    await registry.usage.write('dev', dayOf(clock.now), `server ${step}`, callers)
    const run = {
      kind: 'materialize',
      environment: 'dev',
      subject: 'user_clicks@1',
      by: 'ada',
      rows: 1,
      bytes: 1,
      outcome: 'done',
    } as const
    await registry.runs.record(clock.now, { ...run, started: formatMoment(clock.now), seconds: 1, error: null })
    // Half of the features are gone soon, and nobody writes of them any more.
    const feature = step % 2 === 0 ? 'clicks' : `gone_${step}`
    await registry.statistics.keep([{ ...described(clock.now), feature }])
    if (step % 50 === 0) await registry.trim()
    if (step % 100 === 0) sizes.push(statSync(path).size + statSync(`${path}-wal`).size)
  }
  const tables = ['applies', 'items', 'runs', 'statistics', 'usage']
  const left = Object.fromEntries(await Promise.all(tables.map(async (table) => [table, (await keysOf(documents, table)).length])))
  assert.deepEqual(left, { applies: 20, items: 3 + 21, runs: 31, statistics: 31, usage: 31 })
  const [first, , last] = sizes as [number, number, number]
  assert.ok(last <= 1.1 * first, sizes.join(', '))
})

const described = (moment: number) => ({
  environment: 'dev',
  group: 'user_clicks@1',
  from: formatMoment(moment),
  to: formatMoment(moment),
  toMicros: moment,
  origin: 'materialize' as const,
  trainingSet: null,
  sampledKeys: null,
  computed: formatMoment(moment),
  ...{ count: 1, nulls: 0, zeros: 0, notNumbers: null, distinct: 1, minimum: 1, maximum: 1, mean: 1, deviation: 0 },
  ...{ quantiles: null, histogram: null, top: null },
})

test('without a trim by hand the applies that are kept stay few, and one can go back to each of them', async () => {
  await using own = open({ applies: 10 })
  const { registry, documents } = own
  for (let step = 1; step <= 35; step++) await apply(registry, stateOf(step))
  const head = (await registry.applies.head('dev')) as Head
  const numbers = (await registry.applies.history('dev')).map(({ number }) => number)
  assert.deepEqual(
    numbers,
    Array.from({ length: 10 }, (_, back) => 35 - back),
  )
  for (const number of numbers) {
    const items = await registry.applies.items(await registry.applies.stateAfter(head, number))
    assert.deepEqual(items, stateOf(number))
  }
  await assert.rejects(registry.applies.stateAfter(head, 25), {
    code: 'INVALID_ARGUMENT',
    message: /no apply 25 of dev; there are 26 to 35/,
  })
  const texts = (await documents.list('items')).map(({ text }) => text).join()
  assert.ok(!texts.includes('State 20 ') && texts.includes('State 25 '), 'what apply 26 changed it can be told from')
})

test('an item stays as long as another environment, another apply, or what was stored once refers to it', async () => {
  await using own = open({ applies: 2 })
  const { registry, documents } = own
  await apply(registry, stateOf(1))
  await apply(registry, stateOf(1), 'prod')
  await apply(registry, stateOf(2, 'user_visits'))
  for (let step = 3; step <= 6; step++) await apply(registry, stateOf(step, 'user_visits'))
  const head = (await registry.applies.head('prod')) as Head
  assert.deepEqual(await registry.applies.items(head), stateOf(1))
  const once = await registry.applies.former('dev')
  assert.deepEqual(
    once.map((references) => [...references.keys()].toSorted()),
    [
      ['entity:user', 'group:user_clicks@1', 'source:clicks'],
      ['entity:user', 'group:user_clicks@1', 'source:clicks', 'view:ranking@1'],
    ],
    'it may be stored still: forget has to know it; but not each of its texts',
  )
  for (let step = 7; step <= 9; step++) await apply(registry, stateOf(step, 'user_visits'), 'prod')
  const texts = (await documents.list('items')).map(({ text }) => text).join()
  assert.ok(texts.includes('State 1 ') && !texts.includes('State 3 '))
  for (const items of once) assert.equal((await registry.applies.items({ items })).size, items.size)
  const catalogue = { views: [], groups: [], onDemand: [], sources: [], entities: [] }
  const { groups } = await withEverApplied(catalogue, registry, 'dev')
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['user_visits', 'user_clicks'],
  )
})

test('what is applied again while it is trimmed stays', async () => {
  await using own = open({ applies: 1000 })
  const { registry, documents } = own
  for (const step of [1, 2, 3, 4]) await apply(registry, stateOf(step))
  const between: DocumentStore = Object.assign(Object.create(documents), {
    snapshot: async <T>(work: Parameters<DocumentStore['snapshot']>[0]) => {
      const found = (await documents.snapshot(work)) as T
      await apply(registry, stateOf(1))
      return found
    },
    commit: (commit: Parameters<DocumentStore['commit']>[0]) => documents.commit(commit),
  })
  assert.deepEqual(await trimApplies(between, 'dev', 1), { applies: 0, items: 0 })
  assert.deepEqual(await registry.applies.items((await registry.applies.head('dev')) as Head), stateOf(1))
  assert.deepEqual(await trimApplies(documents, 'dev', 1), { applies: 4, items: 2 })
  assert.deepEqual(await registry.applies.items((await registry.applies.head('dev')) as Head), stateOf(1))
})

test('what keeps old applies from being removed is told, and the apply is made', async (context) => {
  await using own = open()
  const { documents } = own
  const broken: DocumentStore = Object.assign(Object.create(documents) as DocumentStore, {
    snapshot: () => Promise.reject(new Error('The disk is full')),
    read: documents.read.bind(documents),
    commit: documents.commit.bind(documents),
  })
  const warned = context.mock.method(process, 'emitWarning', () => {})
  const registry = new Registry(broken, systemClock, { applies: 1 })
  await apply(registry, stateOf(1))
  assert.equal((await apply(registry, stateOf(2))).apply, 2)
  const messages = warned.mock.calls.map(({ arguments: [message] }) => String(message))
  assert.equal(messages.filter((message) => message === 'Applies that are not kept could not be removed: The disk is full').length, 1)
})
