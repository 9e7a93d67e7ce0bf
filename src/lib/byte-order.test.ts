import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compareBytes, sortedByBytes } from './byte-order.ts'

test('bytes compare as unsigned numbers from the left, a beginning before what it begins', () => {
  const ordered = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0]].map((bytes) => Uint8Array.from(bytes))
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) assert.equal(Math.sign(compareBytes(a, b)), Math.sign(i - j), `${a} and ${b}`)
  }
})

test('items are sorted by their bytes and equal ones keep their order', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ maxLength: 12 }),
    fc.uint8Array({ maxLength: 9 }).map((tail) => Uint8Array.of(7, 7, ...tail)),
  )
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 60 }), (all) => {
      const items = all.map((key, at) => ({ key, at }))
      const expected = items.toSorted((a, b) => Buffer.compare(a.key, b.key))
      assert.deepEqual(
        sortedByBytes(items, (item) => item.key),
        expected,
      )
    }),
  )
})

test('what is in order already is not copied', () => {
  const items = [Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1, 0), Uint8Array.of(2)]
  assert.equal(
    sortedByBytes(items, (item) => item),
    items,
  )
})
