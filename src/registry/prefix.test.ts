import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { afterPrefix } from './prefix.ts'

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const text = fc.string({ unit: 'binary', maxLength: 4 })

test('the bound of a prefix parts the texts that begin so from those above', () => {
  for (const [prefix, bound] of [
    ['', null],
    ['a', 'b'],
    ['dev/', 'dev0'],
    ['\ud7ff', '\ue000'],
    ['a\u{10ffff}\u{10ffff}', 'b'],
    ['\u{10ffff}', null],
  ] as const)
    assert.equal(afterPrefix(prefix), bound)
  fc.assert(
    fc.property(text, text, fc.boolean(), (prefix, other, begins) => {
      const key = begins ? prefix + other : other
      const bound = afterPrefix(prefix)
      const isWithin = compare(key, prefix) >= 0 && (bound === null || compare(key, bound) < 0)
      assert.equal(isWithin, key.startsWith(prefix))
    }),
    { numRuns: 2000 },
  )
})
