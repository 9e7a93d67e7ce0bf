import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { t } from '../schema/index.ts'
import { floorOf, nearestDouble, unitsOf, unitsOfOne } from './number.ts'

const float = t.float().data

test('a float is its units over the units of one', () => {
  const finite = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(5e-324, -5e-324, 2 ** -1022, Number.MAX_VALUE),
  )
  fc.assert(fc.property(finite, (value) => assert.equal(nearestDouble(unitsOf(float, value), unitsOfOne(float)), value + 0)))
})

test('a decimal is the float that its text reads as', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 15 }), (units, scale) =>
      assert.equal(nearestDouble(BigInt(units), 10n ** BigInt(scale)), Number(`${units}e-${scale}`) + 0),
    ),
  )
})

test('the nearest of two doubles, the even one in the middle, Infinity beyond the last', () => {
  const half = 2n ** 53n
  assert.equal(nearestDouble(half + 1n, 1n), 2 ** 53)
  assert.equal(nearestDouble(half + 3n, 1n), 2 ** 53 + 4)
  assert.equal(nearestDouble((half + 1n) * 1000n + 1n, 1000n), 2 ** 53 + 2)
  assert.equal(nearestDouble(-half - 1n, 1n), -(2 ** 53))
  assert.equal(nearestDouble(1n, 2n * unitsOfOne(float)), 0)
  assert.equal(nearestDouble(3n, 2n * unitsOfOne(float)), 2 * 5e-324)
  assert.equal(nearestDouble(2n ** 1024n - 2n ** 970n, 1n), Number.POSITIVE_INFINITY)
  assert.equal(nearestDouble(2n ** 1024n - 2n ** 970n - 1n, 1n), Number.MAX_VALUE)
})

test('sums of floats are those of math.fsum', () => {
  const cases: readonly { name: string; values: string; sum: string }[] = JSON.parse(
    readFileSync(new URL('../aggregation/exact-sum.cases.json', import.meta.url), 'utf8'),
  )
  const doubles = (hex: string) => Array.from({ length: hex.length / 16 }, (_, index) => Buffer.from(hex, 'hex').readDoubleBE(index * 8))
  for (const { name, values, sum } of cases) {
    const finite = doubles(values)
    if (!finite.every(Number.isFinite)) continue
    const units = finite.reduce((total, value) => total + unitsOf(float, value), 0n)
    assert.equal(nearestDouble(units, unitsOfOne(float)), (doubles(sum)[0] as number) + 0, name)
  }
})

test('floor goes down, also below zero', () => {
  assert.deepEqual([floorOf(7n, 2n), floorOf(-7n, 2n), floorOf(-8n, 2n), floorOf(-1n, 1000n)], [3n, -4n, -4n, -1n])
})
