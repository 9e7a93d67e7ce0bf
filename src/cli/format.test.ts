import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOf, formatBytes, formatCount, formatSeconds, formatShare, formatValue, toJson } from './format.ts'
import { progressText } from './progress.ts'

test('numbers for people', () => {
  assert.deepEqual([0, 999, 1000, 1_234_567].map(formatCount), ['0', '999', '1,000', '1,234,567'])
  assert.deepEqual([countOf(1, 'row'), countOf(0, 'row'), countOf(2000, 'entity', 'entities')], ['1 row', '0 rows', '2,000 entities'])
  assert.deepEqual([0.123, 9.994, 10, 59.6, 200, 7500, 273_600].map(formatSeconds), [
    '0.12 s',
    '9.99 s',
    '10 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 5 min',
    '3 d 4 h',
  ])
  assert.deepEqual([0, 1023, 1024, 3.4 * 2 ** 20, 2 ** 50].map(formatBytes), ['0 B', '1023 B', '1.0 KiB', '3.4 MiB', '1024.0 TiB'])
  assert.equal(formatShare(0.1234), '12.3 %')
})

test('values for people and for programs', () => {
  const values = ['text', 1.5, null, true, ['a', 1], 2n ** 60n, Float32Array.of(0.5, 1), Number.NaN]
  assert.deepEqual(values.map(formatValue), ['text', '1.5', 'null', 'true', '["a",1]', '"1152921504606846976"', '[0.5,1]', '"NaN"'])
  assert.equal(toJson({ big: 1n, list: [Number.POSITIVE_INFINITY] }), '{"big":"1","list":["Infinity"]}')
})

test('progress says how much is done, how fast, and how long it will take', () => {
  const text = (rows: number, total: number | null, seconds: number) => progressText({ stage: 'writing', rows, total, seconds })
  assert.equal(text(0, null, 0), 'writing')
  assert.equal(text(0, 4000, 1), 'writing  4,000 rows')
  assert.equal(text(1500, null, 2), 'writing  1,500 rows  750 rows/s')
  assert.equal(text(1000, 4000, 2), 'writing  1,000 of 4,000 rows  25 %  500 rows/s  6.00 s left')
  assert.equal(text(4000, 4000, 2), 'writing  4,000 of 4,000 rows  100 %  2,000 rows/s')
})
