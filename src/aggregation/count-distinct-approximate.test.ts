import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../lib/bytes.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { aggregateFunctions } from './functions.ts'
import { murmur3 } from './murmur3.ts'
import { Registers } from './registers.ts'

test('MurmurHash3 gives the verification value of SMHasher', () => {
  // The hash of the hashes of 0; 0, 1; 0, 1, 2; ... with seeds 256, 255, ...: 0xB3ECE62A for the 128-bit form of x86.
  const keys = Uint8Array.from({ length: 256 }, (_, index) => index)
  const hashes = new DataView(new ArrayBuffer(256 * 16))
  const hash = new Uint32Array(4)
  for (let length = 0; length < 256; length++) {
    murmur3(keys.subarray(0, length), 256 - length, hash)
    for (const [index, word] of hash.entries()) hashes.setUint32(length * 16 + index * 4, word, true)
  }
  murmur3(new Uint8Array(hashes.buffer), 0, hash)
  assert.equal(hash[0], 0xb3ece62a)
})

function estimates(type: TypeData, precision: number, cells: (index: number) => Cell, sizes: readonly number[]): number[] {
  const algebra = aggregateFunctions.countDistinctApproximate?.create([type], { precision })
  assert.ok(algebra)
  let state = algebra.zero()
  let index = 0
  return sizes.map((size) => {
    for (; index < size; index++) state = algebra.add(state, cells(index), 0, 0, null)
    return algebra.finish(state, 0) as number
  })
}

const sizes = [1, 2, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000]
const columns: readonly [string, TypeData, (index: number) => Cell][] = [
  ['integers', { kind: 'integer', nullable: false }, (index) => index],
  ['strings', { kind: 'string', nullable: false }, (index) => `user-${index}`],
  ['floats', { kind: 'float', nullable: false }, (index) => index / 100],
]

for (const [name, type, cells] of columns) {
  test(`estimates ${name} within three standard errors at every size`, () => {
    for (const precision of [4, 8, 12]) {
      const error = 1.04 / Math.sqrt(2 ** precision)
      for (const [place, found] of estimates(type, precision, cells, sizes).entries()) {
        const size = sizes[place] as number
        assert.ok(Math.abs(found - size) <= Math.max(3 * error * size, 0.5), `${found} for ${size} at precision ${precision}`)
      }
    }
  })
}

test('its errors are as small as the theory says, over many sets', () => {
  const [precision, size, sets] = [8, 2000, 200]
  let squares = 0
  for (let set = 0; set < sets; set++) {
    const [found] = estimates({ kind: 'string', nullable: false }, precision, (index) => `${set}/${index}`, [size])
    squares += ((found as number) / size - 1) ** 2
  }
  const ratio = Math.sqrt(squares / sets) / (1.04 / Math.sqrt(2 ** precision))
  assert.ok(ratio > 0.85 && ratio < 1.15, `${ratio} of the standard error`)
})

test('a rank counts the zeros behind the bits that choose the register', () => {
  const table: readonly [number, number, number, number][] = [
    [0xf800_0000, 0, 15, 1],
    [0x1000_0001, 0, 1, 28],
    [0x1000_0000, 0x8000_0000, 1, 29],
    [0x1000_0000, 1, 1, 60],
    [0x1000_0000, 0, 1, 61],
  ]
  for (const [upper, lower, register, rank] of table) {
    const registers = new Registers(4)
    registers.add(upper, lower)
    const writer = new ByteWriter()
    registers.encode(writer)
    assert.deepEqual([...writer.finish()], [1, 1, register, rank])
  }
})

test('the state is bounded by the number of registers, and small for few values', () => {
  const algebra = aggregateFunctions.countDistinctApproximate?.create([{ kind: 'integer', nullable: false }], {})
  assert.ok(algebra)
  const size = (values: number) => {
    let state = algebra.zero()
    for (let index = 0; index < values; index++) state = algebra.add(state, index, 0, 0, null)
    const writer = new ByteWriter()
    algebra.encode(state, writer)
    return writer.length
  }
  assert.ok(size(10) <= 32)
  assert.equal(size(100_000), 4097)
})
