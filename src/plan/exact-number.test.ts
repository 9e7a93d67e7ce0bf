import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryInteger } from '../../test/support/arbitrary-cell.ts'
import { call } from '../definition/expression.ts'
import { LockstepError } from '../errors.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { compileExpression } from './evaluate-expression.ts'
import { exactProduct, exactQuotient, floorDivide, floorRemainder, scaledSum } from './exact-number.ts'

const view = new DataView(new ArrayBuffer(8))

/** The doubles just below and above a positive one. */
function neighbours(value: number): readonly number[] {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  return [-1n, 1n].map((step) => {
    view.setBigUint64(0, bits + step)
    return view.getFloat64(0)
  })
}

/** A positive double as a fraction, by halves. */
function fraction(value: number): readonly [bigint, bigint] {
  let denominator = 1n
  let whole = value
  while (!Number.isInteger(whole)) {
    whole *= 2
    denominator *= 2n
  }
  return [BigInt(whole), denominator]
}

/** How far `value` is from `numerator / denominator`, times both denominators and `scale`. */
function distance(value: number, numerator: bigint, denominator: bigint, scale: bigint): bigint {
  const [top, bottom] = fraction(value)
  const difference = top * denominator - numerator * bottom
  return ((difference < 0n ? -difference : difference) * scale) / bottom
}

test('a quotient is the double nearest to the exact one', () => {
  const positive = fc.oneof(
    fc.bigInt({ min: 1n, max: 10n ** 34n }),
    fc.bigInt({ min: 1n, max: 100n }),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 54n }),
  )
  fc.assert(
    fc.property(positive, positive, (numerator, denominator) => {
      const quotient = exactQuotient(numerator, denominator)
      const scale = 2n ** 400n
      const error = distance(quotient, numerator, denominator, scale)
      for (const other of neighbours(quotient))
        assert.ok(error <= distance(other, numerator, denominator, scale), `${other} is nearer than ${quotient}`)
      assert.equal(exactQuotient(-numerator, denominator), -quotient)
      assert.equal(exactQuotient(numerator, -denominator), -quotient)
      assert.equal(exactQuotient(-numerator, -denominator), quotient)
    }),
    { numRuns: 2000 },
  )
})

test('a quotient half way between two doubles goes to the even one', () => {
  assert.equal(exactQuotient(2n ** 53n + 1n, 1n), 2 ** 53)
  assert.equal(exactQuotient(2n ** 53n + 3n, 1n), 2 ** 53 + 4)
  assert.equal(exactQuotient((2n ** 53n + 1n) * 3n, 3n), 2 ** 53)
  assert.equal(exactQuotient((2n ** 53n + 1n) * 10n ** 15n + 1n, 10n ** 15n), 2 ** 53 + 2)
  assert.equal(exactQuotient(-(2n ** 53n + 1n) * 10n ** 15n - 1n, 10n ** 15n), -(2 ** 53 + 2))
  assert.equal(exactQuotient(0n, -5n), 0)
})

test('products and sums of scaled integers are exact or refused', () => {
  const factor = fc.nat(15).map((power) => 10 ** power)
  fc.assert(
    fc.property(arbitraryInteger(), factor, arbitraryInteger(), factor, fc.boolean(), (a, aFactor, b, bFactor, minus) => {
      const product = BigInt(a) * BigInt(aFactor)
      assert.equal(exactProduct(a, aFactor), Number.isSafeInteger(Number(product)) ? Number(product) : product)
      const sum = product + BigInt(b) * BigInt(bFactor) * (minus ? -1n : 1n)
      const given = () => scaledSum(a, aFactor, b, minus ? -bFactor : bFactor)
      if (sum >= BigInt(Number.MIN_SAFE_INTEGER) && sum <= BigInt(Number.MAX_SAFE_INTEGER)) assert.equal(given(), Number(sum))
      else assert.throws(given, { code: 'NUMBER_OUT_OF_RANGE' })
    }),
    { numRuns: 2000 },
  )
})

test('floor division is exact at every edge of the safe integers', () => {
  const divisor = fc.oneof(fc.constantFrom(1, 10, 7, 10 ** 15, 60_000_000, 86_400_000_000), fc.integer({ min: 1, max: 1000 }))
  const nearMultiple = fc
    .tuple(fc.integer({ min: -104_249, max: 104_249 }), fc.integer({ min: -1, max: 1 }))
    .map(([days, step]) => days * 86_400_000_000 + step)
  fc.assert(
    fc.property(fc.oneof(arbitraryInteger(), nearMultiple), divisor, (value, by) => {
      const [a, b] = [BigInt(value), BigInt(by)]
      const remainder = ((a % b) + b) % b
      assert.equal(floorDivide(value, by), Number((a - remainder) / b))
      assert.equal(floorRemainder(value, by), Number(remainder))
    }),
    { numRuns: 3000 },
  )
})

test('integer, int64 and decimal arithmetic is that of bigints, within its range', () => {
  const scales: Readonly<Record<string, TypeData>> = {
    integer: { kind: 'integer', nullable: false },
    int64: { kind: 'int64', nullable: false },
    decimal: { kind: 'decimal', nullable: false, precision: 15, scale: 2 },
    fine: { kind: 'decimal', nullable: false, precision: 15, scale: 11 },
  }
  const operand = fc.constantFrom(...Object.values(scales)).chain((type) => {
    const cell: fc.Arbitrary<Cell> =
      type.kind === 'int64'
        ? fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -(2n ** 32n), max: 2n ** 32n }))
        : fc.oneof(arbitraryInteger(), arbitraryInteger(100_000_000))
    return cell.map((value) => ({ type, value }))
  })
  fc.assert(
    fc.property(fc.constantFrom('add', 'subtract', 'multiply'), operand, operand, (name, left, right) => {
      fc.pre(
        !(left.type.kind === 'decimal' && right.type.kind === 'int64') && !(left.type.kind === 'int64' && right.type.kind === 'decimal'),
      )
      const [a, b] = [left, right].map(({ type }, index) => ({ node: 'column', name: String(index), type }) as const)
      if (!a || !b) return
      fc.pre(name !== 'multiply' || (left.type.scale ?? 0) + (right.type.scale ?? 0) <= 15)
      const { node } = call(name, [a, b])
      const evaluate = compileExpression(node, (leaf) => () => (leaf === a ? left : right).value)
      const [aScale, bScale, scale] = [left.type, right.type, node.type].map((type) => BigInt(type.scale ?? 0)) as [bigint, bigint, bigint]
      const [x, y] = [BigInt(left.value as number), BigInt(right.value as number)]
      const [sumX, sumY] = [x * 10n ** (name === 'multiply' ? 0n : scale - aScale), y * 10n ** (name === 'multiply' ? 0n : scale - bScale)]
      const exact = name === 'add' ? sumX + sumY : name === 'subtract' ? sumX - sumY : x * y
      const fits =
        node.type.kind === 'int64'
          ? BigInt.asIntN(64, exact) === exact
          : exact <= Number.MAX_SAFE_INTEGER && exact >= Number.MIN_SAFE_INTEGER
      if (fits) assert.equal(evaluate(0), node.type.kind === 'int64' ? exact : Number(exact))
      else
        assert.throws(
          () => evaluate(0),
          (error) => error instanceof LockstepError && error.code === 'NUMBER_OUT_OF_RANGE',
        )
    }),
    { numRuns: 4000 },
  )
})
