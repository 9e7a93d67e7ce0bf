import assert from 'node:assert/strict'
import { test } from 'node:test'
import { momentOfKey, timeKey, timePrefix } from './time-key.ts'

test('keys of moments list in their order, and tell them', () => {
  const moments = [-1, 0, 1, 999, 1000, 1_000_000, 1_767_607_200_000_000, 1_767_607_200_000_001, 1_767_607_200_123_000]
  const keys = moments.map(timeKey)
  assert.deepEqual(keys.toSorted(), keys)
  assert.deepEqual(keys.map(momentOfKey), moments)
  assert.equal(timePrefix(1_767_607_200_123_000), '2026-01-05T10:00:00.123000Z')
})

test('keys of one moment list in the order in which they were made', () => {
  const keys = Array.from({ length: 1000 }, () => timeKey(0))
  assert.deepEqual(keys.toSorted(), keys)
  assert.equal(new Set(keys).size, keys.length)
})
