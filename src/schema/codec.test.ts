import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryCell, arbitraryCells, arbitraryType } from '../../test/support/arbitrary-cell.ts'
import { LockstepError } from '../errors.ts'
import { ByteReader, ByteWriter } from '../lib/bytes.ts'
import type { Cell } from './cell.ts'
import { decodeCell, encodeCell, encodeKey } from './codec.ts'
import { compareCell } from './compare.ts'
import { type TypeData, t } from './type.ts'

const bytesOf = (type: TypeData, cell: Cell): Uint8Array => {
  const writer = new ByteWriter()
  encodeCell(type, cell, writer)
  return writer.finish()
}
const hex = (type: TypeData, cell: Cell): string => Buffer.from(bytesOf(type, cell)).toString('hex')
const corrupt = (error: unknown) => error instanceof LockstepError && error.code === 'STORE_CORRUPT'

test('a decoded cell is the cell that was encoded, and its bytes end where they say', () => {
  fc.assert(
    fc.property(
      arbitraryType.chain((type) => fc.record({ type: fc.constant(type), cells: fc.array(arbitraryCell(type), { maxLength: 5 }) })),
      ({ type, cells }) => {
        const writer = new ByteWriter(1)
        for (const cell of cells) encodeCell(type, cell, writer)
        const reader = new ByteReader(writer.finish())
        assert.deepEqual(
          cells.map(() => decodeCell(type, reader)),
          cells,
        )
        assert.equal(reader.remaining, 0)
      },
    ),
    { numRuns: 1000 },
  )
})

test('cells are equal exactly where their bytes are', () => {
  fc.assert(
    fc.property(
      arbitraryType.chain((type) => fc.tuple(fc.constant(type), arbitraryCells(type))),
      ([type, [a, b]]) => {
        assert.equal(hex(type, a) === hex(type, b), compareCell(type, a, b) === 0)
      },
    ),
    { numRuns: 2000 },
  )
})

test('known bytes', () => {
  const cases: readonly (readonly [TypeData, Cell, string])[] = [
    [t.integer().data, 0, '00'],
    [t.integer().data, 63, '3f'],
    [t.integer().data, -63, '7f'],
    [t.integer().data, 64, '8001'],
    [t.integer().data, -8191, 'ff7f'],
    [t.integer().data, 8192, '808001'],
    [t.integer().data, Number.MAX_SAFE_INTEGER, 'bfffffffffffff1f'],
    [t.integer().nullable().data, null, '00'],
    [t.integer().nullable().data, 5, '0105'],
    [t.decimal(12, 2).data, -1250, 'e213'],
    [t.float().data, 1, '000000000000f03f'],
    [t.float().data, -0, '0000000000000000'],
    [t.float().allowNaN().data, Number.NaN, '000000000000f87f'],
    [t.int64().data, -1n, 'ffffffffffffffff'],
    [t.string().data, 'ä', '02c3a4'],
    [t.string().data, '\u{feff}x', '04efbbbf78'],
    [t.oneOf('a', 'b').data, 'b', '01'],
    [t.boolean().data, true, '01'],
    [t.list(t.integer().nullable()).data, [1, null], '02010100'],
    [t.vector(2).data, Float32Array.of(1, -0), '0000803f00000000'],
    [t.struct().data, '{"a":1}', '077b2261223a317d'],
  ]
  for (const [type, cell, expected] of cases) assert.equal(hex(type, cell), expected, `${type.kind} ${String(cell)}`)
})

test('texts of every length survive, short and long, ASCII and not', () => {
  for (let length = 0; length < 140; length++) {
    for (const text of ['x'.repeat(length), `${'x'.repeat(length)}ä`, `😀${'x'.repeat(length)}`]) {
      assert.equal(decodeCell(t.string().data, new ByteReader(bytesOf(t.string().data, text))), text)
    }
  }
})

test('bytes that no encoder wrote are refused', () => {
  const decode =
    (type: TypeData, ...bytes: number[]) =>
    () =>
      decodeCell(type, new ByteReader(Uint8Array.from(bytes)))
  assert.throws(decode(t.integer().nullable().data, 2), corrupt)
  assert.throws(decode(t.boolean().data, 9), corrupt)
  assert.throws(decode(t.oneOf('a').data, 1), corrupt)
  assert.throws(decode(t.float().data, 1, 2), corrupt)
  assert.throws(decode(t.string().data, 5, 65), corrupt)
  assert.throws(decode(t.vector(2).data, 1, 2, 3, 4), corrupt)
  assert.throws(decode(t.list(t.boolean()).data, 200, 1, 1), corrupt)
})

test('a value outside a oneOf is not written', () => {
  assert.throws(() => bytesOf(t.oneOf('a').data, 'b'), { code: 'INVALID_VALUE' })
})

test('composite keys do not run into each other, and lie in their order', () => {
  const key = (types: TypeData[], cells: Cell[]) => Buffer.from(encodeKey(types, cells)).toString('hex')
  const integers = [t.integer().data, t.integer().data]
  const texts = [t.string().data, t.string().data]
  assert.notEqual(key(integers, [1, 11]), key(integers, [11, 1]))
  assert.notEqual(key(texts, ['a', 'bc']), key(texts, ['ab', 'c']))
  assert.equal(key([t.oneOf('x', 'y').data], ['y']), key([t.oneOf('y').data], ['y']))
  fc.assert(
    fc.property(
      fc
        .array(arbitraryType, { minLength: 1, maxLength: 3 })
        .chain((types) => fc.tuple(fc.constant(types), fc.tuple(...types.map(arbitraryCells)))),
      ([types, pairs]) => {
        const [a, b] = [pairs.map(([cell]) => cell), pairs.map(([, cell]) => cell)]
        const orders = types.map((type, index) => compareCell(type, a[index] as Cell, b[index] as Cell))
        assert.equal(Buffer.compare(encodeKey(types, a), encodeKey(types, b)), Math.sign(orders.find((order) => order !== 0) ?? 0))
      },
    ),
    { numRuns: 1000 },
  )
})

test('a vector is read from a pooled Buffer as from its own bytes', () => {
  const type: TypeData = { kind: 'vector', nullable: false, length: 3 }
  const writer = new ByteWriter()
  encodeCell(type, Float32Array.of(1, 2, 3), writer)
  assert.deepEqual(decodeCell(type, new ByteReader(Buffer.from(writer.finish()))), Float32Array.of(1, 2, 3))
})
