import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import type { LockstepError } from '../errors.ts'
import { type Cell, type TypeData, t } from '../schema/index.ts'
import { cellAt, columnOf } from './batch.ts'
import { Duck } from './duckdb.ts'
import { transportSql } from './physical.ts'
import { quoteIdentifier, quoteLiteral } from './sql.ts'

const duck = await Duck.open({ threads: 2 })
after(() => duck.close())

async function readCells(sql: string, types: readonly TypeData[], from = duck): Promise<Cell[][]> {
  const found: Cell[][] = []
  for await (const batch of from.stream(sql, types)) {
    for (let row = 0; row < batch.count; row++)
      found.push(types.map((type, index) => cellAt(type, batch.columns[index] as (typeof batch.columns)[number], row)))
  }
  return found
}

const safe = fc.maxSafeInteger()
const samples: readonly (readonly [TypeData, fc.Arbitrary<Cell>])[] = [
  [t.integer().nullable().data, safe],
  [t.int64().nullable().data, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  [t.float().nullable().data, fc.double({ noNaN: true }).map((value) => value + 0)],
  [t.decimal(15, 3).nullable().data, fc.integer({ min: -(10 ** 15) + 1, max: 10 ** 15 - 1 }).map((value) => value + 0)],
  [t.decimal(4, 4).nullable().data, fc.integer({ min: -9999, max: 9999 })],
  [{ kind: 'decimal', nullable: true, precision: 18, scale: 2 }, safe],
  [t.timestamp().nullable().data, safe],
  [t.date().nullable().data, fc.integer({ min: -104_000, max: 104_000 })],
  [t.boolean().nullable().data, fc.boolean()],
  [t.string().nullable().data, fc.string({ unit: 'grapheme', maxLength: 20 })],
  [t.struct().nullable().data, fc.constantFrom('{"a":1,"b":[null,"x"]}', '{}')],
  [t.list(t.string().nullable()).nullable().data, fc.array(fc.option(fc.string({ unit: 'grapheme' })), { maxLength: 4 })],
  [t.list(t.decimal(12, 2)).nullable().data, fc.array(fc.integer({ min: -100_000, max: 100_000 }), { maxLength: 4 })],
  [t.list(t.list(t.integer())).nullable().data, fc.array(fc.array(safe, { maxLength: 3 }), { maxLength: 3 })],
  [
    t.vector(3).nullable().data,
    fc
      .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 3, maxLength: 3 })
      .map((items) => Float32Array.from(items, (item) => item + 0)),
  ],
]

describe('Duck', () => {
  it('reads back every kind of cell that it appends, nulls and extremes included', async () => {
    const types = samples.map(([type]) => type)
    const columns = Object.fromEntries(types.map((type, index) => [`c${index}`, type]))
    const row = fc.tuple(...samples.map(([, arbitrary]) => fc.option(arbitrary, { freq: 5 })))
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 40 }), fc.constantFrom(1, 70), async (rows, times) => {
        const cells = Array.from({ length: times }, () => rows).flat()
        await duck.createTable('kinds', columns)
        await duck.append(
          'kinds',
          types,
          types.map((type, index) =>
            columnOf(
              type,
              cells.map((values) => values[index] as Cell),
            ),
          ),
          cells.length,
        )
        const sql = `SELECT ${types.map((type, index) => transportSql(type, `c${index}`)).join(', ')} FROM kinds`
        assert.deepEqual(await readCells(sql, types), cells)
      }),
      { numRuns: 25 },
    )
  })

  it('appends columns given as cells as it does typed arrays', async () => {
    const types = [t.integer().nullable().data, t.boolean().nullable().data, t.float().nullable().data]
    await duck.createTable('plain', { a: types[0] as TypeData, b: types[1] as TypeData, c: types[2] as TypeData })
    const cells: Cell[][] = [
      [-1, true, 0.5],
      [null, null, null],
      [2 ** 53 - 1, false, -2],
    ]
    await duck.append(
      'plain',
      types,
      [0, 1, 2].map((index) => ({ values: cells.map((values) => values[index] as Cell), nulls: null })),
      3,
    )
    assert.deepEqual(
      await readCells(
        `SELECT ${['a', 'b', 'c'].map((name, index) => transportSql(types[index] as TypeData, name)).join(', ')} FROM plain`,
        types,
      ),
      cells,
    )
  })

  it('appends nulls, whatever number lies under them', async () => {
    const kinds = [t.integer(), t.float(), t.decimal(15, 9), t.decimal(12, 2), t.timestamp(), t.date(), t.boolean()]
    const types = kinds.map((type) => type.nullable().data)
    const names = types.map((_, index) => `column_${index}`)
    for (const under of [7.1469e-319, Number.NaN, Number.POSITIVE_INFINITY, -1e300]) {
      await duck.createTable('nulls', Object.fromEntries(names.map((name, index) => [name, types[index] as TypeData])))
      const column = { values: Float64Array.of(1, under), nulls: Uint8Array.of(0, 1) }
      await duck.append(
        'nulls',
        types,
        types.map(() => column),
        2,
      )
      const sql = `SELECT ${names.map((name, index) => transportSql(types[index] as TypeData, name)).join(', ')} FROM nulls`
      const [first, second] = await readCells(sql, types)
      assert.deepEqual(
        first?.map(Number),
        types.map(() => 1),
      )
      assert.deepEqual(
        second,
        types.map(() => null),
      )
    }
  })

  it('tells short texts apart that share all but a byte, and finds those again that recur', async () => {
    const numbers = Array.from({ length: 10_000 }, (_, number) => String(number).padStart(4, '0'))
    const four = ['', 'some', 'someothe'].flatMap((before) => numbers.map((number) => `${before}${number}`.padEnd(12, '.')))
    const texts = [...four, ...numbers, '', '\0', 'a', 'a\0', 'a\0\0', 'é', '\u{FEFF}', ...numbers]
    await duck.createTable('short_texts', { text: t.string().data })
    await duck.append('short_texts', [t.string().data], [columnOf(t.string().data, texts)], texts.length)
    const read = await readCells('SELECT text FROM short_texts', [t.string().data])
    assert.deepEqual([read.length, texts.findIndex((text, index) => text !== read[index]?.[0])], [texts.length, -1])
  })

  it('gives no negative zero', async () => {
    const type = t.float().data
    const [[value]] = (await readCells(`SELECT ${transportSql(type, 'x')} FROM (SELECT unnest([CAST('-0.0' AS DOUBLE)]) AS x)`, [
      type,
    ])) as [[number]]
    assert.ok(Object.is(value, 0))
  })

  it('keeps the order that the SQL asks for while it reads ahead', async () => {
    const types = [t.integer().data]
    let next = 100_000
    for await (const batch of duck.stream('SELECT CAST(i AS DOUBLE) FROM range(100000) r(i) ORDER BY i DESC', types)) {
      const values = batch.columns[0]?.values as Float64Array
      for (let row = 0; row < batch.count; row++) assert.equal(values[row], --next)
    }
    assert.equal(next, 0)
  })

  it('can be left in the midst of a stream, and used on', async () => {
    for (let round = 0; round < 5; round++) {
      for await (const batch of duck.stream('SELECT CAST(i AS DOUBLE) FROM range(1000000) r(i)', [t.integer().data])) {
        assert.equal(batch.count, 2048)
        break
      }
    }
    assert.deepEqual(await duck.rows('SELECT 1 AS one'), [{ one: 1 }])
  })

  it('carries several streams and queries at once', async () => {
    const count = async () => {
      let rows = 0
      for await (const batch of duck.stream('SELECT CAST(i AS DOUBLE) FROM range(300000) r(i)', [t.integer().data])) rows += batch.count
      return rows
    }
    assert.deepEqual(await Promise.all([count(), count(), count(), duck.rows('SELECT 2 AS two')]), [
      300_000,
      300_000,
      300_000,
      [{ two: 2 }],
    ])
  })

  it('stops what runs when it is interrupted, and what would come next', async () => {
    await using stopped = await Duck.open({ threads: 1 })
    const work = stopped.rows('SELECT count(*) FROM range(100000000) a(i), range(1000) b(j) WHERE hash(i + j) = 3')
    setTimeout(() => stopped.interrupt(), 50)
    const isInterrupted = (error: LockstepError) => error.code === 'INTERRUPTED'
    await assert.rejects(work, isInterrupted)
    await assert.rejects(stopped.rows('SELECT 1'), isInterrupted)
    await assert.rejects(stopped.stream('SELECT 1::DOUBLE', [t.float().data]).next(), isInterrupted)
  })

  it('says what an error means and keeps the SQL out of the message', async () => {
    await assert.rejects(
      duck.rows("SELECT * FROM 'no/such/*.parquet'"),
      (error: LockstepError) => error.code === 'SOURCE_NOT_FOUND' && /no\/such/.test(error.message),
    )
    await assert.rejects(
      duck.rows('SELECT nowhere_to_be_found FROM range(3)'),
      (error: Error) => !error.message.includes('SELECT') && (error.cause as Error).message.includes('SELECT'),
    )
  })

  it('spills sorted data beyond its memory, and removes what it spilled', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-test-'))
    try {
      const small = await Duck.open({ threads: 1, memoryLimitBytes: 40 * 2 ** 20, temporaryFolder: folder })
      let rows = 0
      for await (const batch of small.stream('SELECT CAST(i AS DOUBLE), hash(i)::VARCHAR FROM range(1500000) r(i) ORDER BY hash(i)', [
        t.integer().data,
        t.string().data,
      ]))
        rows += batch.count
      assert.equal(rows, 1_500_000)
      assert.equal(readdirSync(folder).length, 1)
      await small.close()
      assert.deepEqual(readdirSync(folder), [])
      const tiny = await Duck.open({ threads: 1, memoryLimitBytes: 5 * 2 ** 20, temporaryFolder: folder })
      await assert.rejects(
        tiny.rows('SELECT length(string_agg(hash(i)::VARCHAR)) FROM range(1500000) r(i)'),
        (error: LockstepError) => error.code === 'OUT_OF_MEMORY',
      )
      await tiny.close()
    } finally {
      rmSync(folder, { recursive: true })
    }
    assert.ok(!existsSync(folder))
  })

  it('quotes names and texts', async () => {
    for (const name of ['at', 'order', 'a"b', "it's", 'Großes Ä']) {
      assert.deepEqual(await duck.rows(`SELECT ${quoteLiteral(name)} AS ${quoteIdentifier(name)}`), [{ [name]: name }])
    }
  })

  it('neither loads nor installs an extension', async () => {
    await assert.rejects(duck.run("SELECT * FROM 'https://example.invalid/x.parquet'"))
    assert.deepEqual(
      await duck.rows("SELECT extension_name FROM duckdb_extensions() WHERE loaded AND install_mode <> 'STATICALLY_LINKED'"),
      [],
    )
  })
})
