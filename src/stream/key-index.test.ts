import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KeyIndex } from './key-index.ts'

const latin1 = fc.array(fc.nat({ max: 255 }), { maxLength: 12 }).map((bytes) => String.fromCharCode(...bytes))
const key = fc.oneof(
  { weight: 8, arbitrary: fc.nat({ max: 40 }).map((n) => `key ${n}`) },
  { weight: 2, arbitrary: latin1 },
  { weight: 1, arbitrary: fc.constantFrom(254, 255, 256, 70_000).map((length) => 'x'.repeat(length)) },
)

test('an index of keys answers as a Map does', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 200, size: 'max' }), (steps) => {
      const index = new KeyIndex()
      const map = new Map<string, number>()
      const free: number[] = []
      let made = 0
      for (const [text, adds] of steps) {
        const place = map.get(text)
        assert.equal(index.find(text), place ?? -1)
        if (adds && place === undefined) {
          const own = free.pop() ?? made++
          map.set(text, own)
          index.add(text, own)
        } else if (!adds && place !== undefined) {
          index.remove(place)
          map.delete(text)
          free.push(place)
        }
      }
      assert.equal(index.size, map.size)
      for (const [text, place] of map) {
        assert.equal(index.find(text), place)
        assert.equal(Buffer.from(index.bytesAt(place)).toString('latin1'), text)
      }
    }),
    { numRuns: 300 },
  )
})

test('an index of many keys grows, and loses none as others go', () => {
  const index = new KeyIndex()
  const texts = Array.from({ length: 5000 }, (_, place) => `user ${place}`)
  for (const [place, text] of texts.entries()) index.add(text, place)
  for (let place = 0; place < texts.length; place += 3) index.remove(place)
  for (const [place, text] of texts.entries()) assert.equal(index.find(text), place % 3 === 0 ? -1 : place)
  assert.ok(index.bytes / index.size < 40)
})
