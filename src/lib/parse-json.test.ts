import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseJsonText } from './parse-json.ts'

test('keys with escapes are read as they are written, whatever was read before', () => {
  parseJsonText('{"h":[],"\\\\":0}')
  JSON.parse('{"h":[],"\\\\":0}')
  assert.deepEqual(Object.entries(parseJsonText('{"h":1,"\\"":2}') as object), [
    ['h', 1],
    ['"', 2],
  ])
  assert.deepEqual(parseJsonText('[{"a\\n":{"\\u0000":[1]}},"\\n",{}]'), [{ 'a\n': { '\0': [1] } }, '\n', {}])
})

test('what is written is read again, keys of all kinds included', () => {
  const key = fc.string({ unit: fc.constantFrom('"', '\\', '\0', '\n', '\u2028', 'é', 'a', ' ', '1', ':', '\ud800') })
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, key, fc.integer(), fc.constant(null), tie('object'), fc.array(tie('any'), { maxLength: 3 })),
    object: fc.dictionary(fc.oneof(key, fc.constantFrom('__proto__', 'x61')), tie('any'), { maxKeys: 4, noNullPrototype: true }),
  })).any
  fc.assert(
    fc.property(value, (each) => {
      const text = JSON.stringify(each)
      assert.equal(JSON.stringify(parseJsonText(text)), text)
    }),
    { numRuns: 3000 },
  )
})

test('of keys that are the same the last counts, however each is written', () => {
  assert.deepEqual(parseJsonText('{"a":1,"\\u0061":2,"a":3}'), { a: 3 })
})

test('what is no JSON is refused', () => {
  for (const text of ['{"\\x":1}', '{"a\n\\n":1}', '{"\\n":1', '{"\\\n":1}', '{\\n:1}'])
    assert.throws(() => parseJsonText(text), SyntaxError)
})
