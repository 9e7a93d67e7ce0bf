import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepFreeze } from './deep-freeze.ts'

test('arrays and plain objects are frozen to the core, within frozen ones too', () => {
  const value = {
    list: [{ a: 1 }],
    inner: Object.freeze({ b: [2] }),
    none: Object.assign(Object.create(null) as object, { c: [3] }),
    text: 'x',
    nothing: null,
  }
  assert.equal(deepFreeze(value), value)
  for (const part of [value, value.list, value.list[0], value.inner.b, value.none, Object.values(value.none)[0]])
    assert.ok(Object.isFrozen(part))
})

test('instances are left as they are', () => {
  const value = deepFreeze({ vector: Float32Array.of(1), date: new Date(0) })
  value.vector[0] = 2
  assert.deepEqual([Object.isFrozen(value), Object.isFrozen(value.date), value.vector[0]], [true, false, 2])
})
