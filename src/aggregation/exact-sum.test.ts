import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter } from '../lib/bytes.ts'
import { decompose, powerOfTwo, productError } from './double.ts'
import { ExactSum } from './exact-sum.ts'
import { ratioToNumber } from './rational.ts'

const cases: readonly { name: string; values: string; sum: string }[] = JSON.parse(
  readFileSync(new URL('./exact-sum.cases.json', import.meta.url), 'utf8'),
)

const fromBits = (hex: string) => Buffer.from(hex, 'hex').readDoubleBE(0)
function toBits(value: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}

function sumOf(values: readonly number[]): ExactSum {
  const sum = new ExactSum()
  for (const value of values) sum.add(value)
  return sum
}

function bytesOf(sum: ExactSum): string {
  const writer = new ByteWriter()
  sum.encode(writer)
  return Buffer.from(writer.finish()).toString('hex')
}

/** The exact sum over a divisor in whole units of 2^-1074, as the slow reference. */
function reference(values: readonly number[], divisor = 1n): number {
  const units = values.reduce((sum, value) => {
    const { mantissa, exponent } = decompose(value)
    return sum + (mantissa << BigInt(exponent + 1074))
  }, 0n)
  return ratioToNumber(units, divisor, -1074)
}

const hostile = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ noNaN: true, min: -1, max: 1 }),
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((cents) => cents / 100),
  fc.tuple(fc.constantFrom(-1, 1, 1.5, -1.9999999999999998), fc.integer({ min: -1074, max: 1023 })).map(([m, e]) => m * powerOfTwo(e)),
  fc.constantFrom(Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324, -0, 2 ** 970, 2 ** 53, 1 - 2 ** -53),
)
const hostileList = fc.array(hostile, { maxLength: 40 })

test('equals math.fsum of Python bit for bit', () => {
  assert.ok(cases.length > 300)
  for (const { name, values, sum } of cases) {
    const numbers = (values.match(/.{16}/g) ?? []).map(fromBits)
    assert.equal(toBits(sumOf(numbers).toNumber()), sum, name)
  }
})

test('the cases of math.fsum survive the codec, merging in halves, and removal', () => {
  for (const { name, values, sum } of cases) {
    const numbers = (values.match(/.{16}/g) ?? []).map(fromBits)
    const middle = numbers.length >> 1
    const whole = sumOf(numbers)
    const halves = sumOf(numbers.slice(0, middle))
    halves.merge(sumOf(numbers.slice(middle)))
    assert.equal(toBits(halves.toNumber()), sum, name)
    assert.equal(bytesOf(halves), bytesOf(whole), name)
    const decoded = ExactSum.decode(new ByteReader(Buffer.from(bytesOf(whole), 'hex')))
    assert.equal(toBits(decoded.toNumber()), sum, name)
    assert.equal(bytesOf(decoded), bytesOf(whole), name)
    for (const number of numbers) whole.remove(number)
    assert.equal(bytesOf(whole), bytesOf(new ExactSum()), name)
  }
})

test('is the rounded exact sum, whatever is added and removed on the way', () => {
  fc.assert(
    fc.property(hostileList, hostileList, (kept, removed) => {
      const sum = sumOf([...removed, ...kept])
      for (const value of removed) sum.remove(value)
      assert.equal(toBits(sum.toNumber()), toBits(reference(kept)))
      assert.equal(bytesOf(sum), bytesOf(sumOf(kept.toReversed())))
    }),
    { numRuns: 2000 },
  )
})

test('divides with one rounding', () => {
  fc.assert(
    fc.property(
      hostileList,
      fc.oneof(
        fc.integer({ min: 1, max: 1000 }),
        fc.maxSafeNat().map((n) => n + 1),
      ),
      (values, divisor) => {
        const expected = toBits(reference(values, BigInt(divisor)))
        assert.equal(toBits(sumOf(values).dividedBy(divisor)), expected)
        assert.equal(toBits(sumOf(values).dividedBy(BigInt(divisor))), expected)
      },
    ),
    { numRuns: 3000 },
  )
})

test('divides near the middle between two doubles', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2 ** 52, max: 2 ** 53 - 1 }),
      fc.integer({ min: 1, max: 4000 }),
      fc.constantFrom(0, 1, -1, 2 ** -40, -(2 ** -40), 2 ** -46, -(2 ** -46), 2 ** -52, -(2 ** -52)),
      (mantissa, divisor, nudge) => {
        const product = mantissa * divisor
        const terms = [product, productError(mantissa, divisor, product), divisor / 2, nudge]
        assert.equal(toBits(sumOf(terms).dividedBy(divisor)), toBits(reference(terms, BigInt(divisor))))
      },
    ),
    { numRuns: 3000 },
  )
})

test('compares exact sums where the rounded ones are equal', () => {
  const a = sumOf([1, 2 ** -200])
  const b = sumOf([1, 2 ** -201])
  assert.equal(a.toNumber(), b.toNumber())
  assert.equal(a.compare(b), 1)
  assert.equal(b.compare(a), -1)
  assert.equal(a.compare(sumOf([2 ** -200, 1])), 0)
  assert.equal(sumOf([NaN]).compare(sumOf([Infinity])), 1)
  const beyond = [Number.MAX_VALUE, Number.MAX_VALUE]
  assert.equal(sumOf(beyond).compare(sumOf([...beyond, -1])), 1)
  assert.equal(sumOf(beyond).compare(sumOf([Infinity])), -1)
})

test('NaN and infinities can be removed again', () => {
  const sum = sumOf([1, Infinity, -Infinity, NaN])
  assert.equal(sum.toNumber(), NaN)
  sum.remove(NaN)
  assert.equal(sum.toNumber(), NaN)
  sum.remove(-Infinity)
  assert.equal(sum.toNumber(), Infinity)
  assert.equal(sum.dividedBy(3), Infinity)
  sum.remove(Infinity)
  assert.equal(bytesOf(sum), bytesOf(sumOf([1])))
})

test('never gives -0', () => {
  for (const values of [[-0], [1, -1], [-0, -0], [-5e-324, 5e-324]]) {
    assert.ok(Object.is(sumOf(values).toNumber(), 0))
    assert.ok(Object.is(sumOf(values).dividedBy(3), 0))
  }
  assert.ok(Object.is(sumOf([-5e-324]).dividedBy(3), 0))
})

test('a ratio is rounded once, ties to even, down to the subnormals and up to infinity', () => {
  const table: readonly [bigint, bigint, number, number][] = [
    [1n, 3n, 0, 1 / 3],
    [-2n, 3n, 0, -2 / 3],
    [2n ** 53n + 1n, 1n, 0, 2 ** 53],
    [2n ** 53n + 3n, 1n, 0, 2 ** 53 + 4],
    [2n ** 54n + 3n, 2n, 0, 2 ** 53 + 2],
    [1n, 1n, -1074, 5e-324],
    [1n, 2n, -1074, 0],
    [3n, 2n, -1074, 1e-323],
    [3n, 4n, -1074, 5e-324],
    [-1n, 4n, -1074, 0],
    [2n ** 53n - 1n, 1n, 971, Number.MAX_VALUE],
    [2n ** 54n - 1n, 1n, 970, Infinity],
    [2n ** 55n - 3n, 1n, 969, Number.MAX_VALUE],
    [-1n, 1n, 1024, -Infinity],
    [10n ** 400n, 10n ** 395n, 0, 1e5],
  ]
  for (const [numerator, denominator, exponent, expected] of table) {
    assert.equal(toBits(ratioToNumber(numerator, denominator, exponent)), toBits(expected), `${numerator} / ${denominator} * 2^${exponent}`)
  }
})
