import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from './lenient-json.ts'

test('JSON is read as it is, also null and what is empty', () => {
  for (const text of ['null', '0', '""', '[]', '{}', ' {"a": [1, "x", null]} ', '"nan, ]"', '{"inf":",}"}'])
    assert.deepEqual(parseJson(text), JSON.parse(text))
})

test('trailing commas are passed over, and NaN and infinity are texts', () => {
  assert.deepEqual(parseJson('{"a":[1,2,],"b":{"c":1 , } }'), { a: [1, 2], b: { c: 1 } })
  assert.deepEqual(parseJson('[NaN,-nan,inf,-Infinity, "NaN, inf" ]'), ['NaN', '-nan', 'inf', '-Infinity', 'NaN, inf'])
  assert.deepEqual(
    parseJson('["\\"nan", nan]', undefined, () => 'null'),
    ['"nan', null],
  )
})

test('what is no JSON is undefined', () => {
  for (const text of ['', 'nan1', '{', '[,]', '[1,,]', "{'a':1}", '{a:1}', '01', '"\\ud83d"', '{"\\uDE42":1}', '[["\\udbff x"]]'])
    assert.equal(parseJson(text), undefined, text)
  assert.equal(parseJson('"\\ud83d\\ude42"'), '🙂')
  assert.equal(parseJson('"\\\\ud83d"'), '\\ud83d')
})
