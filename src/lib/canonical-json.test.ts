import assert from 'node:assert/strict'
import { test } from 'node:test'
import { canonicalHash, canonicalJson } from './canonical-json.ts'

test('keys come by code unit, whatever they look like', () => {
  assert.equal(canonicalJson({ b: 1, 9: 2, 10: 3, a: { ü: 1, z: undefined } }), '{"10":3,"9":2,"a":{"ü":1},"b":1}')
  assert.equal(canonicalJson(JSON.parse('{"__proto__":1,"A":2}')), '{"A":2,"__proto__":1}')
})

test('bigints, vectors, dates and missing values', () => {
  assert.equal(
    canonicalJson([1n, Float32Array.of(0.5, 2), new Date(0), undefined, null]),
    '[{"$int64":"1"},{"$vector":[0.5,2]},"1970-01-01T00:00:00.000Z",null,null]',
  )
})

test('equal data have equal hashes', () => {
  assert.equal(canonicalHash({ a: 1, b: [2] }), canonicalHash({ b: [2], a: 1 }))
  assert.notEqual(canonicalHash({ a: 1 }), canonicalHash({ a: '1' }))
})
