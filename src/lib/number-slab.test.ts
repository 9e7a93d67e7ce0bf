import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NumberSlab } from './number-slab.ts'

test('arrays have the length asked for, begin as zeros and share nothing', () => {
  const slab = new NumberSlab()
  const arrays = Array.from({ length: 200 }, (_, index) => slab.take(index === 100 ? 20_000 : index))
  for (const [index, array] of arrays.entries()) {
    assert.equal(array.length, index === 100 ? 20_000 : index)
    assert.ok(array.every((number) => number === 0))
    array.fill(index)
  }
  for (const [index, array] of arrays.entries()) assert.ok(array.every((number) => number === index))
})
