import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '../lib/clock.ts'
import { momentMicros } from '../lib/moment.ts'
import { sqliteDocumentStore } from './drivers/sqlite.ts'
import { Registry } from './index.ts'
import { dayOf, type ReadCount } from './usage.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-registry-usage-'))
after(() => rmSync(folder, { recursive: true }))
const begin = momentMicros('2026-03-01T10:00:00Z')
const day = dayOf(begin)
const dayMicros = 86_400_000_000

let files = 0
function registry() {
  const clock = { now: begin }
  const made = new Registry(sqliteDocumentStore({ path: join(folder, `${files++}.sqlite`) }), { ...systemClock, now: () => clock.now })
  return { made, clock, usage: made.usage, [Symbol.asyncDispose]: () => made.close() }
}

const count = (more: Partial<ReadCount> = {}): ReadCount => ({
  caller: 'web',
  model: 'm1',
  view: 'ranking',
  version: 1,
  features: ['clicks', 'spent'],
  requests: 2,
  vectors: 20,
  first: begin,
  last: begin + 5,
  ...more,
})

test('what processes say of their reads is added up; what one says again is replaced', async () => {
  await using own = registry()
  await own.usage.write('prod', day, 'a', [count()])
  await own.usage.write('prod', day, 'a', [count({ requests: 3, vectors: 30, last: begin + 9 })])
  await own.usage.write('prod', day, 'b', [count({ features: ['spent'], first: begin - 7 }), count({ caller: 'mail', view: 'other' })])
  await own.usage.write('dev', day, 'a', [count()])
  const found = await own.usage.read('prod', { view: 'ranking' })
  assert.deepEqual(found, [
    { caller: 'web', model: 'm1', view: 'ranking', version: 1, requests: 3, vectors: 30, first: begin, last: begin + 9, feature: 'clicks' },
    {
      caller: 'web',
      model: 'm1',
      view: 'ranking',
      version: 1,
      requests: 5,
      vectors: 50,
      first: begin - 7,
      last: begin + 9,
      feature: 'spent',
    },
  ])
  assert.equal((await own.usage.read('prod')).length, 4)
  assert.deepEqual(await own.usage.read('prod', { since: begin + dayMicros }), [])
  assert.equal((await own.usage.read('prod', { since: begin + 3600_000_000 })).length, 4)
})

test('days that are over become one document, and are forgotten after 400 days', async () => {
  await using own = registry()
  for (const process of ['a', 'b', 'c']) for (const each of [day, day + 1]) await own.usage.write('prod', each, process, [count()])
  const before = await own.usage.read('prod')
  own.clock.now = begin + 3 * dayMicros
  await own.usage.write('prod', day + 3, 'd', [count({ caller: 'late', first: own.clock.now, last: own.clock.now })])
  const keys = async () => (await own.made.documents.list('usage')).map(({ key }) => key)
  assert.deepEqual(await keys(), ['prod/2026-03-01/merged', 'prod/2026-03-02/merged', 'prod/2026-03-04/d'])
  assert.deepEqual(
    (await own.usage.read('prod')).filter(({ caller }) => caller === 'web'),
    before,
  )
  own.clock.now = begin + 402 * dayMicros
  await own.usage.merge('prod')
  assert.deepEqual(await keys(), ['prod/2026-03-04/merged'])
})

test('a document that cannot be read is named', async () => {
  await using own = registry()
  await own.made.documents.commit({ puts: [{ table: 'usage', key: 'prod/2026-03-01/a', text: '{' }] })
  await assert.rejects(own.usage.read('prod'), { code: 'STORE_CORRUPT', message: /usage\/prod\/2026-03-01\/a/ })
})
