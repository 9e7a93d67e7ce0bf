import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LandedFile } from './landed-history.ts'
import { mergesOf } from './landed-merges.ts'

const file = (date: string, rows: number, first = 0): LandedFile => ({
  path: `${date}/${rows}/${first}`,
  date,
  rows,
  first,
  next: first + rows,
})
const many = (count: number, date: string, rows: number) => Array.from({ length: count }, (_, at) => file(date, rows, at * rows))

test('eight files of like size of the newest day are merged, others are not', () => {
  assert.deepEqual(mergesOf([]), [])
  assert.deepEqual(mergesOf(many(7, '2026-03-02', 100)), [])
  const eight = many(8, '2026-03-02', 100)
  assert.deepEqual(mergesOf([...eight, file('2026-03-02', 10_000), file('2026-03-01', 100)]), [eight])
})

test('of earlier days all small files are merged, once there are eight', () => {
  const mixed = [...many(4, '2026-03-01', 10), ...many(3, '2026-03-01', 5000)]
  const newest = file('2026-03-02', 1)
  assert.deepEqual(mergesOf([...mixed, newest]), [])
  const eighth = file('2026-03-01', 1, 7)
  assert.deepEqual(mergesOf([...mixed, newest, eighth]), [[...mixed, eighth]])
})

test('large files are left alone', () => {
  assert.deepEqual(mergesOf([...many(20, '2026-03-01', 4_000_000), file('2026-03-02', 1)]), [])
})

test('each row is written again a few times, and few files remain', () => {
  let files: LandedFile[] = []
  let written = 0
  for (let at = 0; at < 8640; at++) {
    files.push(file('2026-03-02', 50 + (at % 100), at * 200))
    for (const merged of mergesOf(files)) {
      const rows = merged.reduce((sum, one) => sum + one.rows, 0)
      written += rows
      files = [...files.filter((one) => !merged.includes(one)), file('2026-03-02', rows, at)]
    }
  }
  const rows = files.reduce((sum, one) => sum + one.rows, 0)
  assert.ok(files.length < 50, `${files.length} files`)
  assert.ok(written / rows < 7, `each row was written ${written / rows} times again`)
})
