import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { RecordBatchReader, type Table, tableFromIPC } from 'apache-arrow'
import { Duck } from '../offline/index.ts'
import { writeArrow } from './write-arrow.ts'

let folder: string
let duck: Duck

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-arrow-'))
  duck = await Duck.open({ threads: 1, temporaryFolder: folder })
})

after(async () => {
  await duck.close()
  await rm(folder, { recursive: true })
})

async function written(select: string): Promise<Table> {
  const path = join(folder, 'rows.arrow')
  await writeArrow(duck, select, path)
  return tableFromIPC(await readFile(path))
}

const typesOf = (table: Table) => Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, String(type)]))
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && Symbol.iterator in value ? Array.from(value as Iterable<unknown>, plain) : value
const valuesOf = (table: Table, name: string) => plain(table.getChild(name))
/** The integers that a column holds, as they lie in the file: its reader would make numbers of them. */
const storedOf = (table: Table, name: string) => {
  const stored: Uint8Array = table.getChild(name)?.data[0]?.values ?? new Uint8Array()
  return [...new BigInt64Array(stored.buffer, stored.byteOffset, stored.byteLength / 8)]
}

test('numbers, booleans and texts', async () => {
  const table = await written(`
    SELECT * FROM (VALUES
      (true,  -1::TINYINT, 300::SMALLINT, 70000,       9007199254740993::BIGINT,     255::UTINYINT, 0.5::FLOAT, 0.1::DOUBLE, 'é漢🙂'),
      (false, NULL,        NULL,          NULL,        NULL,                         NULL,          NULL,       NULL,        NULL),
      (NULL,  1,           -300,          -2147483648, (-9223372036854775807 - 1)::BIGINT, 0,             -0.25,      'nan',       '')
    ) AS t(flag, tiny, small, whole, big, byte, single, double, name)`)
  assert.deepEqual(typesOf(table), {
    flag: 'Bool',
    tiny: 'Int8',
    small: 'Int16',
    whole: 'Int32',
    big: 'Int64',
    byte: 'Uint8',
    single: 'Float32',
    double: 'Float64',
    name: 'Utf8',
  })
  assert.deepEqual(valuesOf(table, 'flag'), [true, false, null])
  assert.deepEqual(valuesOf(table, 'tiny'), [-1, null, 1])
  assert.deepEqual(valuesOf(table, 'small'), [300, null, -300])
  assert.deepEqual(valuesOf(table, 'whole'), [70_000, null, -2_147_483_648])
  assert.deepEqual(valuesOf(table, 'big'), [9_007_199_254_740_993n, null, -9_223_372_036_854_775_808n])
  assert.deepEqual(valuesOf(table, 'byte'), [255, null, 0])
  assert.deepEqual(valuesOf(table, 'single'), [0.5, null, -0.25])
  assert.deepEqual(valuesOf(table, 'double'), [0.1, null, Number.NaN])
  assert.deepEqual(valuesOf(table, 'name'), ['é漢🙂', null, ''])
})

test('decimals keep their digits', async () => {
  const table = await written(`
    SELECT * FROM (VALUES (12.50::DECIMAL(12, 2), '-99999999999999999999999999999999999.999'::DECIMAL(38, 3)), (-0.01, NULL), (NULL, NULL)) AS t(price, wide)`)
  assert.deepEqual(typesOf(table), { price: 'Decimal[12e+2]', wide: 'Decimal[38e+3]' })
  assert.deepEqual(storedOf(table, 'price').slice(0, 4), [1_250n, 0n, -1n, -1n])
  const [low = 0n, high = 0n] = storedOf(table, 'wide')
  assert.equal((high << 64n) | BigInt.asUintN(64, low), -(10n ** 38n - 1n))
  assert.equal(table.getChild('price')?.get(2), null)
})

test('moments keep their microseconds, and their zone', async () => {
  const table = await written(`
    SELECT * FROM (VALUES
      (TIMESTAMP '2026-01-05 10:00:00.000001', TIMESTAMPTZ '2026-01-05 10:00:00.000001+01', DATE '2026-01-05'),
      (TIMESTAMP '1969-12-31 23:59:59.999999', NULL, DATE '1969-12-31'),
      (NULL, NULL, NULL)
    ) AS t("at", instant, day)`)
  assert.deepEqual(typesOf(table), { at: 'Timestamp<MICROSECOND>', instant: 'Timestamp<MICROSECOND, UTC>', day: 'Date32<DAY>' })
  assert.deepEqual(storedOf(table, 'at').slice(0, 2), [1_767_607_200_000_001n, -1n])
  assert.equal(storedOf(table, 'instant')[0], 1_767_603_600_000_001n)
  assert.deepEqual(valuesOf(table, 'day'), [Date.UTC(2026, 0, 5), -86_400_000, null])
})

test('lists, lists of lists, and vectors', async () => {
  const table = await written(`
    SELECT * FROM (VALUES
      (['a', NULL], [[1, 2], NULL, []], [1.5, -2]::FLOAT[2], [1, 2]::DOUBLE[2]),
      ([],          [],                 NULL,                NULL),
      (NULL,        NULL,               [0, 3]::FLOAT[2],    [3, 4]::DOUBLE[2])
    ) AS t(names, nested, embedding, pair)`)
  assert.deepEqual(typesOf(table), {
    names: 'List<Utf8>',
    nested: 'List<List<Int32>>',
    embedding: 'FixedSizeList[2]<Float32>',
    pair: 'List<Float64>',
  })
  assert.deepEqual(valuesOf(table, 'names'), [['a', null], [], null])
  assert.deepEqual(valuesOf(table, 'nested'), [[[1, 2], null, []], [], null])
  assert.deepEqual(valuesOf(table, 'embedding'), [[1.5, -2], null, [0, 3]])
  assert.deepEqual(valuesOf(table, 'pair'), [[1, 2], null, [3, 4]])
})

test('what has no equal is text', async () => {
  const table = await written(`SELECT {'a': 1} AS struct, 18446744073709551615::UBIGINT AS huge, 'x'::ENUM('x', 'y') AS one_of`)
  assert.deepEqual(typesOf(table), { struct: 'Utf8', huge: 'Utf8', one_of: 'Utf8' })
  assert.deepEqual(table.get(0)?.toJSON(), { struct: "{'a': 1}", huge: '18446744073709551615', one_of: 'x' })
})

test('no rows: the columns alone', async () => {
  const table = await written(`SELECT 1 AS "an ""odd"" name", 'x' AS name WHERE false`)
  assert.deepEqual(typesOf(table), { 'an "odd" name': 'Int32', name: 'Utf8' })
  assert.equal(table.numRows, 0)
})

test('many rows are many record batches, in the order of the query', async () => {
  const rows = 200_000
  const table = await written(`SELECT i AS number, 'name ' || i AS name, CASE WHEN i % 3 = 0 THEN i END AS third FROM range(${rows}) t(i)`)
  assert.equal(table.numRows, rows)
  assert.ok(table.batches.length >= 3 && table.batches.every(({ numRows }) => numRows < 100_000), `${table.batches.length} batches`)
  const numbers = table.getChild('number')
  const names = table.getChild('name')
  const thirds = table.getChild('third')
  for (let row = 0; row < rows; row += 997) {
    assert.equal(numbers?.get(row), BigInt(row))
    assert.equal(names?.get(row), `name ${row}`)
    assert.equal(thirds?.get(row), row % 3 === 0 ? BigInt(row) : null)
  }
})

test('the file is a stream: it ends with its mark, and a reader takes it batch by batch', async () => {
  const path = join(folder, 'stream.arrow')
  await writeArrow(duck, 'SELECT i FROM range(100000) t(i)', path)
  const bytes = await readFile(path)
  assert.equal((await stat(path)).size % 8, 0)
  assert.deepEqual([...bytes.subarray(-8)], [255, 255, 255, 255, 0, 0, 0, 0])
  let rows = 0
  for (const batch of RecordBatchReader.from(bytes)) rows += batch.numRows
  assert.equal(rows, 100_000)
})
