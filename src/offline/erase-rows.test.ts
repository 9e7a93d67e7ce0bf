import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { Duck } from './duckdb.ts'
import { countRows, eraseFromFile, type RowFile, type RowMatch } from './erase-rows.ts'

const text = { kind: 'string', nullable: false } as const
const whole = { kind: 'integer', nullable: false } as const
const u1: RowMatch = [[{ column: 'user', type: text, cell: 'u1' }], [{ column: 'friend', type: text, cell: 'u1' }]]

test('rows are erased from files of all formats, all others stay', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-erase-'))
  await using duck = await Duck.open({ threads: 1 })
  try {
    const place = (name: string) => join(folder, name)
    const erased = async (file: RowFile, match: RowMatch, rows: number, matching: number) => {
      assert.deepEqual(await countRows(duck, file, match), { rows, matching }, file.path)
      await eraseFromFile(duck, file, match)
      assert.deepEqual(await countRows(duck, file, match), { rows: rows - matching, matching: 0 }, file.path)
    }
    const csv = 'user;friend;n\r\n"u1";x;1\r\nu2;"a ""u1"";\nb";2\r\n u3 ;u1;3\r\nu11;u12;4'
    await writeFile(place('a.csv'), csv)
    await erased({ path: place('a.csv'), format: 'csv' }, u1, 4, 2)
    assert.equal(await readFile(place('a.csv'), 'utf8'), 'user;friend;n\r\nu2;"a ""u1"";\nb";2\r\nu11;u12;4')
    await writeFile(place('b.csv'), '1,u1\n2,u2\n')
    await erased({ path: place('b.csv'), format: 'csv', columns: ['n', 'user'] }, u1, 2, 1)
    await erased({ path: place('b.csv'), format: 'csv', columns: ['n', 'user'] }, [[{ column: 'n', type: whole, cell: 2 }]], 1, 1)
    await writeFile(place('c.ndjson'), '{"user":"u1","n":1}\nno json\n{"user":"u2", "n":2}\n{"n":1,"friend":"u1"}\n')
    await erased({ path: place('c.ndjson'), format: 'ndjson' }, u1, 4, 2)
    assert.equal(await readFile(place('c.ndjson'), 'utf8'), 'no json\n{"user":"u2", "n":2}\n')
    await duck.run(`COPY (SELECT 'u' || (i % 5) AS "user", i AS n, DATE '2026-01-01' + (i % 3)::INTEGER AS day,
      '{"user_id": "u' || (i % 4) || '"}' AS keys FROM range(20) t(i)) TO '${place('d.parquet')}'`)
    const file: RowFile = { path: place('d.parquet'), format: 'parquet' }
    await erased(file, u1, 20, 4)
    await erased(file, [[{ column: 'n', type: whole, cell: 2 }]], 16, 1)
    await erased(file, [[{ column: 'keys', member: 'user_id', type: text, cell: 'u3' }]], 15, 4)
    await erased(file, [[{ column: 'day', type: { kind: 'date', nullable: false }, cell: 20454 }]], 11, 4)
    await erased(file, [[{ column: 'absent', type: text, cell: 'u1' }]], 7, 0)
    assert.deepEqual((await readdir(folder)).sort(), ['a.csv', 'b.csv', 'c.ndjson', 'd.parquet'])
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('text files stay what they are: compressed, large, of any bytes, links, and readable by the same users', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-erase-'))
  await using duck = await Duck.open({ threads: 1 })
  try {
    const place = (name: string) => join(folder, name)
    const erase = async (name: string, format: 'csv' | 'ndjson', rows: number, matching: number) => {
      const file = { path: place(name), format }
      assert.deepEqual(await countRows(duck, file, u1), { rows, matching }, name)
      await eraseFromFile(duck, file, u1)
    }
    await writeFile(place('a.csv.gz'), gzipSync('user,n\nu1,1\nu2,2\n'))
    await erase('a.csv.gz', 'csv', 2, 1)
    assert.equal(gunzipSync(await readFile(place('a.csv.gz'))).toString(), 'user,n\nu2,2\n')
    await writeFile(place('b.ndjson.zst'), zstdCompressSync('{"user":"u2"}\n{"user":"u1"}'))
    await erase('b.ndjson.zst', 'ndjson', 2, 1)
    assert.equal(zstdDecompressSync(await readFile(place('b.ndjson.zst'))).toString(), '{"user":"u2"}\n')

    const latin = Buffer.from('user,n\nna\xefve,1\nu1,2\nu3,5" pipe\nu4,"6"\n', 'latin1')
    await writeFile(place('c.csv'), latin, { mode: 0o600 })
    await symlink(place('c.csv'), place('link.csv'))
    await erase('link.csv', 'csv', 4, 1)
    assert.deepEqual(await readFile(place('c.csv')), Buffer.from('user,n\nna\xefve,1\nu3,5" pipe\nu4,"6"\n', 'latin1'))
    assert.equal((await stat(place('c.csv'))).mode & 0o777, 0o600)

    // More than one read of the file, with records across their ends.
    const others = Array.from({ length: 60_000 }, (_, at) => `u${at + 2},"line ${at}\nand “more”"\n`)
    await writeFile(place('d.csv'), `user,n\n${[...others.slice(0, 30_000), 'u1,"a\nb"\n', ...others.slice(30_000)].join('')}`)
    await erase('d.csv', 'csv', 60_001, 1)
    assert.equal(await readFile(place('d.csv'), 'utf8'), `user,n\n${others.join('')}`)
    await writeFile(place('e.csv.gz'), 'no gzip')
    await assert.rejects(erase('e.csv.gz', 'csv', 0, 0), { code: 'SOURCE_SCHEMA' })
  } finally {
    await rm(folder, { recursive: true })
  }
})
