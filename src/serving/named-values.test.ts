import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namedValues } from './named-values.ts'

test('each value under its name, in order, whatever the name', () => {
  const names = ['b', 'a', 'it\'s "quoted" \\ \n \u2028 `x`', '__proto__', 'constructor', 'Größe']
  const values = [1, null, 'x', [2], undefined, { y: 3 }]
  const named = namedValues(names)(values)
  assert.deepEqual(
    Object.entries(named),
    names.map((name, index) => [name, values[index]]),
  )
  assert.equal(Object.getPrototypeOf(named), Object.prototype)
  assert.deepEqual(namedValues([])([]), {})
})
