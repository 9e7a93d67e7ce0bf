import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { sqlType } from './physical.ts'
import { type TypeData, t } from './type.ts'

const expected: readonly (readonly [TypeData, string])[] = [
  [t.string().data, 'VARCHAR'],
  [t.oneOf('a', 'b').data, 'VARCHAR'],
  [t.boolean().data, 'BOOLEAN'],
  [t.integer().data, 'BIGINT'],
  [t.int64().data, 'BIGINT'],
  [t.float().data, 'DOUBLE'],
  [t.decimal(12, 2).data, 'DECIMAL(12,2)'],
  [{ kind: 'decimal', nullable: false, precision: 18, scale: 2 }, 'DECIMAL(18,2)'],
  [t.timestamp().data, 'TIMESTAMP'],
  [t.date().data, 'DATE'],
  [t.list(t.list(t.float())).data, 'DOUBLE[][]'],
  [t.vector(3).data, 'FLOAT[3]'],
  [t.struct().data, 'JSON'],
]

test('every kind has a type, which DuckDB knows and Parquet keeps', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-physical-'))
  context.after(() => rm(folder, { recursive: true }))
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const path = join(folder, 'types.parquet').replaceAll("'", "''")
  for (const [type, name] of expected) assert.equal(sqlType(type), name)
  await connection.run(`COPY (SELECT ${expected.map(([type], index) => `NULL::${sqlType(type)} AS c${index}`).join(', ')}) TO '${path}'`)
  const rows = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`)
  const kept = rows.getRowObjects().map((row) => row.column_type)
  const inParquet = (name: string) => (name === 'FLOAT[3]' ? 'FLOAT[]' : name)
  assert.deepEqual(
    kept,
    expected.map(([, name]) => inParquet(name)),
  )
})
