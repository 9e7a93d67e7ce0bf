import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { IdHashes } from './id-hashes.ts'

const id = fc.oneof(
  fc.nat({ max: 30 }).map((n) => [n]),
  fc.nat({ max: 30 }).map((n) => [`order ${n}`]),
  fc.nat({ max: 30 }).map((n) => [n, `line ${n}`, BigInt(n)]),
)

test('an id that was added and not taken back may be known', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(id, fc.boolean()), { maxLength: 200, size: 'max' }), (steps) => {
      const hashes = new IdHashes()
      const counts = new Map<string, number>()
      for (const [one, adds] of steps) {
        const text = one.map(String).join()
        const count = counts.get(text) ?? 0
        if (adds) hashes.add(one)
        else if (count > 0) hashes.remove(one)
        counts.set(text, adds ? count + 1 : Math.max(count - 1, 0))
        assert.ok(hashes.mayHave(one) || counts.get(text) === 0)
      }
    }),
  )
})

test('of many ids hardly one is taken for known that is not, and nothing is left when all have gone', () => {
  const hashes = new IdHashes()
  for (let n = 0; n < 100_000; n++) hashes.add([n])
  assert.ok(hashes.bytes < 100_000 * 12)
  let mistaken = 0
  for (let n = 100_000; n < 200_000; n++) mistaken += Number(hashes.mayHave([n]))
  assert.ok(mistaken < 20, `${mistaken}`)
  for (let n = 0; n < 100_000; n++) hashes.remove([n])
  for (let n = 0; n < 100_000; n++) assert.equal(hashes.mayHave([n]), false)
  assert.ok(hashes.bytes < 10_000)
})
