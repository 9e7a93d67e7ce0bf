import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Duck } from '../offline/index.ts'
import { Spill } from './spill.ts'

const rows = 40_000
const partitions = 12
/** Partition 5 has no rows. */
const dealt = (first: number, end: number): string =>
  `SELECT i, repeat('long ', 200) || i AS text, p AS __part FROM (SELECT i, i % 11 + (i % 11 >= 5)::INTEGER AS p FROM range(${rows}) r(i)) WHERE p BETWEEN ${first} AND ${end - 1}`

for (const [name, options, several] of [
  ['at once', {}, false],
  ['in passes, where memory has room for few partitions', { memoryLimitBytes: 64 * 2 ** 20 }, true],
] as const) {
  test(`rows are dealt ${name}: each is in its partition, once`, async () => {
    await using duck = await Duck.open({ threads: 2, ...options })
    await using spill = await Spill.open(duck.folder)
    let passes = 0
    await spill.deal(duck, 'history', partitions, 1000, dealt, () => passes++)
    assert.equal(passes > 1, several)
    for (let partition = 0; partition < partitions; partition++) {
      const found = await spill.rows('history', partition)
      if (partition === 5) assert.equal(found, null)
      else {
        const facts = 'count(*)::DOUBLE AS count, sum(i)::DOUBLE AS sum, count(DISTINCT text)::DOUBLE AS texts'
        const [expected] = await duck.rows(`SELECT ${facts} FROM (${dealt(partition, partition + 1)})`)
        assert.deepEqual(await duck.rows(`SELECT ${facts} FROM ${found}`), [expected])
      }
    }
  })
}
