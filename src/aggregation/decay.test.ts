import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decompose, powerOfTwo } from './double.ts'
import { halfPowerOfTwo } from './exp2.ts'
import { aggregateFunctions } from './functions.ts'
import { ratioToNumber } from './rational.ts'

/** Bits behind the point of the reference. */
const places = 400n
const one = 1n << places

function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + value / root) >> 1n
    if (next >= root) return root
    root = next
  }
}

/** 2^(1/2), 2^(1/4), 2^(1/8), ... in units of 2^-400. */
const roots: bigint[] = []
for (let root = 2n * one; roots.length < 120; ) {
  root = squareRoot(root << places)
  roots.push(root)
}

/** 2^(numerator / denominator) for a fraction from 0 to 1, in units of 2^-400, right to about 2^-118. */
function power(numerator: bigint, denominator: bigint): bigint {
  let rest = numerator
  let value = one
  for (const root of roots) {
    rest *= 2n
    if (rest < denominator) continue
    rest -= denominator
    value = (value * root) >> places
  }
  return value
}

test('2^x is right to two units in the last place', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constantFrom(0, 0.5, 2 ** -60, 1 - 2 ** -53)),
      (fraction) => {
        const { mantissa, exponent } = decompose(fraction)
        const exact = ratioToNumber(power(mantissa, 1n << BigInt(-Math.min(exponent, 0))), one, -1)
        assert.ok(Math.abs(halfPowerOfTwo(fraction) - exact) <= 2 ** -52, `2^(${fraction} - 1)`)
      },
    ),
    { numRuns: 2000 },
  )
})

const float = { kind: 'float', nullable: false } as const
const decayed = (halfLife: number) => {
  const algebra = aggregateFunctions.decayedSum?.create([float], { halfLife })
  assert.ok(algebra)
  return algebra
}

test('decays as the definition says, within a relative error of 2^-50 of the magnitudes', () => {
  const event = fc.record({ value: fc.double({ min: -1e9, max: 1e9, noNaN: true }), age: fc.integer({ min: 1, max: 10 ** 13 }) })
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 20 }),
      fc.integer({ min: -(10 ** 14), max: 10 ** 15 }),
      fc.integer({ min: 10 ** 9, max: 10 ** 14 }),
      (events, asOf, halfLife) => {
        const algebra = decayed(halfLife)
        const state = events.reduce((sofar: unknown, { value, age }, id) => algebra.add(sofar, value, asOf - age, id, null), algebra.zero())
        // 2^-a = 2^(1 - frac(a)) / 2^(floor(a) + 1), in units of 2^-1474.
        let sum = 0n
        let magnitude = 0n
        for (const { value, age } of events) {
          const { mantissa, exponent } = decompose(value)
          const whole = Math.floor(age / halfLife)
          const weight = power(BigInt(halfLife - (age % halfLife)), BigInt(halfLife)) >> 1n
          const part = ((mantissa << BigInt(exponent + 1074)) * weight) >> BigInt(whole)
          sum += part
          magnitude += part < 0n ? -part : part
        }
        const exact = ratioToNumber(sum, one, -1074)
        const bound = ratioToNumber(magnitude, one, -1074) * 2 ** -50 + Number.MIN_VALUE * 1000
        assert.ok(Math.abs((algebra.finish(state, asOf) as number) - exact) <= bound)
      },
    ),
    { numRuns: 500 },
  )
})

test('after a whole number of half-lives exactly the power of two is left', () => {
  const day = 86_400_000_000
  const algebra = aggregateFunctions.decayedCount?.create([], { halfLife: day })
  assert.ok(algebra)
  for (const time of [0, 1, 1_767_225_600_123_456, -5]) {
    const state = algebra.add(algebra.zero(), null, time, 0, null)
    for (const lives of [0, 1, 2, 10, 1000, 1020]) assert.equal(algebra.finish(state, time + lives * day), powerOfTwo(-lives))
    assert.equal(algebra.finish(state, time + 1076 * day), 0)
  }
})

test('what cancelled long ago leaves no trace, and what is too old counts nothing', () => {
  const algebra = decayed(1000)
  let state = algebra.zero()
  for (const value of [1e300, -1e300, 3]) state = algebra.add(state, value, 0, 0, null)
  assert.equal(algebra.finish(state, 1000), 1.5)
  assert.equal(algebra.finish(state, 1_076_000), 0)
})
