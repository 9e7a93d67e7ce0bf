import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { events, parquet, type SourceData } from '../../definition/index.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { type Cell, type ColumnType, type TypeData, t } from '../../schema/index.ts'
import { cellAt } from '../batch.ts'
import { Duck } from '../duckdb.ts'
import { transportSql } from '../physical.ts'
import { prepareScan } from '../scan.ts'
import { quoteIdentifier } from '../sql.ts'
import { ParquetRows } from './parquet-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'lockstep-parquet-'))
const path = join(folder, 'rows.parquet')
const duck = await Duck.open({ threads: 1 })
after(async () => {
  await duck.close()
  rmSync(folder, { recursive: true })
})

const safe = fc.maxSafeInteger()
const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const text = fc.string({
  unit: fc.oneof(fc.constantFrom('\0', 'é', '🙂', '"', '\uffff'), fc.string({ minLength: 1, maxLength: 1 })),
  maxLength: 60,
})
const double = fc.double().map((value) => value + 0)
const scaled = (digits: number) => fc.integer({ min: -(10 ** digits) + 1, max: 10 ** digits - 1 })
const kinds: readonly (readonly [ColumnType, fc.Arbitrary<Cell>])[] = [
  [t.string(), text],
  [t.oneOf('a', 'bb'), fc.constantFrom('a', 'bb')],
  [t.boolean(), fc.boolean()],
  [t.integer(), safe],
  [t.int64(), big],
  [t.float().allowNaN(), double],
  [t.decimal(15, 2), scaled(15)],
  [t.decimal(4, 0), scaled(4)],
  [t.timestamp(), safe],
  [t.date(), fc.integer({ min: -104_249, max: 104_249 })],
  [t.list(t.string().nullable()), fc.array(fc.option(text))],
  [t.list(t.decimal(9, 3)), fc.array(scaled(9))],
  [t.list(t.timestamp()), fc.array(safe)],
  [t.list(t.boolean().nullable()), fc.array(fc.option(fc.boolean()))],
  [t.list(t.list(t.int64().nullable())), fc.array(fc.array(fc.option(big)))],
  [t.list(t.list(t.float().allowNaN())), fc.array(fc.array(double))],
  [
    t.vector(3),
    fc
      .array(
        fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
        { minLength: 3, maxLength: 3 },
      )
      .map((items) => Float32Array.from(items)),
  ],
  [
    t.struct(),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', ''), fc.oneof(text, fc.integer())).map((value) => canonicalJson(value)),
  ],
]

const sourceOf = (columns: Readonly<Record<string, ColumnType>>): SourceData =>
  events('rows', { columns: { ...columns, at: t.timestamp() }, time: 'at' } as never)

/** What a scan gives of a file of these rows. */
async function scanned(source: SourceData, rows: readonly (readonly Cell[])[]): Promise<Cell[][]> {
  const file = new ParquetRows(source.columns)
  for (const row of rows) file.add(row)
  assert.equal(file.rows, rows.length)
  writeFileSync(path, Buffer.concat(await file.file()))
  const scan = await prepareScan(duck, source, { history: parquet(path) })
  const columns = Object.entries(source.columns)
  const found: Cell[][] = []
  const selected = columns.map(([name, type]) => transportSql(type, quoteIdentifier(name)))
  const types = columns.map(([, type]) => type)
  for await (const batch of duck.stream(`SELECT ${selected.join(', ')} FROM (${scan.sql})`, types)) {
    for (let row = 0; row < batch.count; row++)
      found.push(types.map((type, place) => cellAt(type, batch.columns[place] as (typeof batch.columns)[number], row)))
  }
  await scan.close()
  return found
}

test('rows of every type are scanned as they were added', async () => {
  const columns = Object.fromEntries(
    kinds.flatMap(([type], at) => [
      [`c${at}`, type],
      [`n${at}`, type.nullable()],
    ]),
  )
  const source = sourceOf(columns)
  const row = fc.tuple(...kinds.flatMap(([, cells]) => [cells, fc.option(cells)]), safe)
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 80 }), async (rows) => assert.deepEqual(await scanned(source, rows), rows)),
    { numRuns: 12 },
  )
})

test('many rows, longer than any buffer was', async () => {
  const source = sourceOf({ text: t.string().nullable(), whole: t.integer(), flag: t.boolean().nullable(), tags: t.list(t.string()) })
  const rows = Array.from({ length: 70_001 }, (_, at): Cell[] => {
    const word = 'x'.repeat(at % 300)
    return [at % 7 === 0 ? null : word, at * 1_000_003, at % 3 === 0 ? null : at % 2 === 0, at % 5 === 0 ? [word, ''] : [], at]
  })
  assert.deepEqual(await scanned(source, rows), rows)
})

test('its statistics are those of the rows', async () => {
  const types: Readonly<Record<string, TypeData>> = {
    whole: t.integer().nullable().data,
    big: t.int64().data,
    money: t.decimal(12, 2).data,
    at: t.timestamp().data,
    day: t.date().data,
    text: t.string().nullable().data,
  }
  const file = new ParquetRows(types)
  file.add([-5, 7n, -150, -1, 20_000, 'a'])
  file.add([null, -(2n ** 63n), 99, 1_000_000, -1, null])
  file.add([2 ** 53 - 1, 0n, 0, 0, 0, null])
  writeFileSync(path, Buffer.concat(await file.file()))
  const found = await duck.rows(`SELECT path_in_schema AS name, stats_null_count AS nulls, stats_min_value AS low, stats_max_value AS high
    FROM parquet_metadata('${path}')`)
  assert.deepEqual(
    found.map(({ name, nulls, low, high }) => [name, Number(nulls), low, high]),
    [
      ['whole', 1, '-5', '9007199254740991'],
      ['big', 0, '-9223372036854775808', '7'],
      ['money', 0, '-1.50', '0.99'],
      ['at', 0, '1969-12-31 23:59:59.999999', '1970-01-01 00:00:01'],
      ['day', 0, '1969-12-31', '2024-10-04'],
      ['text', 2, null, null],
    ],
  )
  const described = await duck.rows(`DESCRIBE SELECT * FROM '${path}'`)
  assert.deepEqual(
    described.map(({ column_type }) => column_type),
    ['BIGINT', 'BIGINT', 'DECIMAL(12,2)', 'TIMESTAMP', 'DATE', 'VARCHAR'],
  )
})
