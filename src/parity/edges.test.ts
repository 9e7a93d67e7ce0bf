import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { count, entity, events, every, featureGroup, rows as history, table } from '../definition/index.ts'
import { oracleValues } from '../oracle/index.ts'
import { t } from '../schema/index.ts'
import { edgesOf } from './edges.ts'

const user = entity('user', { user_id: t.integer() })
const clicks = events('clicks', {
  columns: { user_id: t.integer(), ends: t.boolean(), at: t.timestamp() },
  time: 'at',
  history: history([]),
})

const live = featureGroup({
  name: 'live',
  entity: user,
  source: clicks,
  features: (click) => ({
    lifetime: count(),
    sliding: count().over('7us'),
    delayed: count().over('5us').delay('4us'),
    coarse: count().over('12us', { resolution: '5us' }),
    bucket: count().tumbling('6us'),
    complete: count().tumbling('6us', 'last').delay('2us'),
    visit: count().session('3us'),
    since: count().since(click.ends),
  }),
})
const daily = featureGroup({
  name: 'daily',
  entity: user,
  source: clicks,
  refresh: every('9us', { delay: '2us' }),
  features: () => ({ sliding: count().over('7us'), visit: count().session('3us') }),
})
const profiles = featureGroup({
  name: 'profiles',
  entity: user,
  source: table('profiles', { columns: { user_id: t.integer(), ends: t.boolean(), at: t.timestamp() }, time: 'at', history: history([]) }),
  ttl: '8us',
  features: (row) => ({ ends: row.ends }),
})

for (const group of [live, daily, profiles]) {
  test(`values of ${group.name} change within a microsecond of an edge, and nowhere else`, () => {
    const edges = edgesOf(group)
    const rowsOf = fc.array(fc.record({ at: fc.integer({ min: -30, max: 60 }), ends: fc.boolean() }), { maxLength: 6 })
    fc.assert(
      fc.property(rowsOf, (given) => {
        const rows = given.map((row) => ({ ...row, user_id: 1 }))
        const asked = new Set(rows.flatMap(({ at }) => edges.flatMap((edge) => [edge(at) - 1, edge(at), edge(at) + 1])))
        let before = ''
        for (let q = -60; q < 120; q++) {
          const now = JSON.stringify(oracleValues(group, rows, { user_id: 1 }, q))
          if (q > -60 && now !== before) assert.ok(asked.has(q) && asked.has(q - 1), `the values change from ${q - 1} to ${q}`)
          before = now
        }
      }),
      { numRuns: 150 },
    )
  })
}
