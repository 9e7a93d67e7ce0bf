import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimit } from './rate-limit.ts'

test('one second of requests may come at once, then as many as time brings', () => {
  let now = 100
  const limit = new RateLimit(() => now)
  const taken = Array.from({ length: 7 }, () => limit.take('a', 5))
  assert.deepEqual(taken, [0, 0, 0, 0, 0, 0.2, 0.2])
  assert.equal(limit.take('b', 5), 0, 'another caller has a share of its own')
  now += 0.2
  assert.deepEqual([limit.take('a', 5), limit.take('a', 5) > 0], [0, true])
  now += 3600
  assert.deepEqual(
    Array.from({ length: 6 }, () => limit.take('a', 5) === 0),
    [true, true, true, true, true, false],
    'what is not taken does not pile up',
  )
})

test('less than one a second', () => {
  let now = 0
  const limit = new RateLimit(() => now)
  assert.deepEqual([limit.take('a', 0.1), limit.take('a', 0.1)], [0, 10])
  now = 9.5
  assert.equal(Math.round(limit.take('a', 0.1) * 1000), 500)
  now = 10
  assert.equal(limit.take('a', 0.1), 0)
})

test('a new rate counts at once', () => {
  const limit = new RateLimit(() => 0)
  assert.deepEqual([limit.take('a', 1), limit.take('a', 1), limit.take('a', 2), limit.take('a', 2), limit.take('a', 2)], [0, 1, 0, 0, 0.5])
})

test('callers who could take all again are forgotten, the others not', () => {
  let now = 0
  const limit = new RateLimit(() => now)
  for (let caller = 0; caller < 10_000; caller++) limit.take(`c${caller}`, caller === 0 ? 0.001 : 1)
  assert.equal(limit.callers, 10_000)
  now = 2
  limit.take('new', 1)
  assert.equal(limit.callers, 2)
  assert.ok(limit.take('c0', 0.001) > 900)
})
