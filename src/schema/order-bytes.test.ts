import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { arbitraryCells, arbitraryType } from '../../test/support/arbitrary-cell.ts'
import { ByteWriter } from '../lib/bytes.ts'
import type { Cell } from './cell.ts'
import { compareCell } from './compare.ts'
import { orderBytes, orderEncoder } from './order-bytes.ts'
import { type TypeData, t } from './type.ts'

const orderKey = (types: readonly TypeData[], cells: readonly Cell[]) => {
  const writer = new ByteWriter()
  for (const [index, type] of types.entries()) orderEncoder(type)(cells[index] as Cell, writer)
  return writer.finish()
}

test('several cells sort by their bytes as by the cells, the first that differs deciding', () => {
  fc.assert(
    fc.property(
      fc
        .array(arbitraryType, { minLength: 1, maxLength: 3 })
        .chain((types) => fc.tuple(fc.constant(types), fc.tuple(...types.map(arbitraryCells)))),
      ([types, pairs]) => {
        const [a, b] = [pairs.map(([cell]) => cell), pairs.map(([, cell]) => cell)]
        const orders = types.map((type, index) => compareCell(type, a[index] as Cell, b[index] as Cell))
        assert.equal(Buffer.compare(orderKey(types, a), orderKey(types, b)), Math.sign(orders.find((order) => order !== 0) ?? 0))
      },
    ),
    { numRuns: 3000 },
  )
})

test('the order that people expect', () => {
  const ascending: readonly (readonly [TypeData, readonly Cell[]])[] = [
    [
      t.float().nullable().allowNaN().data,
      [null, Number.NEGATIVE_INFINITY, -1.5, -5e-324, 0, 5e-324, 1, 2, Number.POSITIVE_INFINITY, Number.NaN],
    ],
    [
      t.integer().data,
      [
        Number.MIN_SAFE_INTEGER,
        -(2 ** 48),
        -(2 ** 48) + 1,
        -65_536,
        -257,
        -256,
        -255,
        -1,
        0,
        1,
        255,
        256,
        257,
        65_535,
        65_536,
        2 ** 32 - 1,
        2 ** 32,
        2 ** 48 - 1,
        2 ** 48,
        Number.MAX_SAFE_INTEGER,
      ],
    ],
    [t.int64().data, [-(2n ** 63n), -1n, 0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]],
    [t.boolean().nullable().data, [null, false, true]],
    [
      t.string().data,
      [
        '',
        '\0',
        '\0\0',
        '\0a',
        'a',
        'a\0',
        'aa',
        'b',
        '\x7e',
        '\x7f',
        'ä',
        '\u{7fe}',
        '\u{7ff}',
        '\u{10000}',
        '😀',
        '\u{e000}',
        '\u{ffff}',
        '\u{ffff}a',
      ],
    ],
    [t.list(t.integer().nullable()).nullable().data, [null, [], [null], [null, 1], [0], [0, null], [1]]],
    [t.vector(2).data, [Float32Array.of(-1, 5), Float32Array.of(0, 0), Float32Array.of(0, 1)]],
  ]
  for (const [type, cells] of ascending) {
    for (const [index, cell] of cells.entries()) {
      for (const [otherIndex, other] of cells.entries()) {
        const expected = Math.sign(index - otherIndex)
        assert.equal(
          Buffer.compare(orderBytes(type, cell), orderBytes(type, other)),
          expected,
          `bytes of ${type.kind} ${String(cell)}, ${String(other)}`,
        )
        assert.equal(Math.sign(compareCell(type, cell, other)), expected, `${type.kind} ${String(cell)}, ${String(other)}`)
      }
    }
  }
})

test('-0 is 0', () => {
  assert.equal(compareCell(t.float().data, -0, 0), 0)
  assert.deepEqual(orderBytes(t.float().data, -0), orderBytes(t.float().data, 0))
})
