import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PairMap } from './pair-map.ts'

test('a value belongs to both of its keys, in their order', () => {
  const map = new PairMap<string, string, number>()
  assert.equal(map.get('a', 'b'), undefined)
  assert.equal(map.set('a', 'b', 1), 1)
  map.set('b', 'a', 2)
  map.set('a', 'c', 3)
  map.set('a', 'b', 4)
  assert.deepEqual([map.get('a', 'b'), map.get('b', 'a'), map.get('a', 'c'), map.get('b', 'c')], [4, 2, 3, undefined])
  assert.deepEqual([...map.values()], [4, 3, 2])
})
