import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { t } from '../schema/index.ts'
import { Duck } from './duckdb.ts'
import { findRepeatedIds } from './repeated-ids.ts'

const duck = await Duck.open({ threads: 2 })
after(() => duck.close())

const count = 100_000
/** Every id once, and those divisible by 1000 twice. */
const ids = `SELECT i FROM range(${count}) r(i) UNION ALL SELECT i FROM range(0, ${count}, 1000) r(i)`
const cases = [
  ['close integers', `SELECT i - 50000 AS id FROM (${ids})`, { id: t.integer().data }],
  ['far integers', `SELECT (i - 50000) * 1000003 AS id FROM (${ids})`, { id: t.integer().data }],
  ['int64', `SELECT i * 7 AS id FROM (${ids})`, { id: t.int64().data }],
  ['texts', `SELECT 'order ' || i AS id FROM (${ids})`, { id: t.string().data }],
  ['pairs', `SELECT (i // 10)::VARCHAR AS id, i % 10 AS line FROM (${ids})`, { id: t.string().data, line: t.integer().data }],
] as const

describe('findRepeatedIds', () => {
  for (const [name, base, types] of cases) {
    for (const few of [0, 1e9]) {
      it(`finds exactly the ids that occur twice: ${name}, ${few === 0 ? 'by bits' : 'by aggregation'}`, async () => {
        const table = duck.uniqueName('repeated')
        assert.equal(await findRepeatedIds(duck, base, types, count, table, few), count / 1000)
        const columns = Object.keys(types).join(', ')
        const expected = `SELECT ${columns} FROM (${base}) GROUP BY ${columns} HAVING count(*) > 1`
        assert.deepEqual(await duck.rows(`(${expected}) EXCEPT (FROM ${table})`), [])
        assert.equal(await findRepeatedIds(duck, `SELECT DISTINCT * FROM (${base})`, types, count, duck.uniqueName('repeated'), few), 0)
      })
    }
  }

  it('finds them in little memory: with fewer bits, by aggregation where these are too few, and where most are repeated', async () => {
    await using small = await Duck.open({ threads: 1, memoryLimitBytes: 16 * 2 ** 20 })
    const texts = (sql: string) => `SELECT 'order ' || i AS id FROM (${sql})`
    const types = { id: t.string().data }
    for (const rows of [count, 4_000_000, 40_000_000])
      assert.equal(await findRepeatedIds(small, texts(ids), types, rows, small.uniqueName('repeated'), 0), count / 1000)
    const twice = `FROM range(300_000) r(i), range(2) again`
    assert.equal(await findRepeatedIds(small, texts(twice), types, 600_000, small.uniqueName('repeated'), 0), 300_000)
  })

  it('stays exact where its bits are too few', async () => {
    assert.equal(await findRepeatedIds(duck, cases[3][1], cases[3][2], 64, 'crowded', 0), count / 1000)
  })
})
