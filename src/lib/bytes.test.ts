import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter } from './bytes.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const written = (write: (writer: ByteWriter) => unknown) => {
  const writer = new ByteWriter(1)
  write(writer)
  return hex(writer.finish())
}

test('the bytes of each kind of value', () => {
  const layouts: readonly (readonly [(writer: ByteWriter) => unknown, string])[] = [
    [(writer) => writer.byte(0).byte(255), '00ff'],
    [(writer) => writer.unsigned(0), '00'],
    [(writer) => writer.unsigned(127), '7f'],
    [(writer) => writer.unsigned(128), '8001'],
    [(writer) => writer.unsigned(16_384), '808001'],
    [(writer) => writer.unsigned(2 ** 32), '8080808010'],
    [(writer) => writer.unsigned(Number.MAX_SAFE_INTEGER), 'ffffffffffffff0f'],
    [(writer) => writer.signed(1), '0001'],
    [(writer) => writer.signed(-1), '0101'],
    [(writer) => writer.signed(-0), '0000'],
    [(writer) => writer.signed(Number.MIN_SAFE_INTEGER), '01ffffffffffffff0f'],
    [(writer) => writer.float64(1), '000000000000f03f'],
    [(writer) => writer.float64(-0), '0000000000000080'],
    [(writer) => writer.int64(-1n), 'ffffffffffffffff'],
    [(writer) => writer.int64(2n ** 63n - 1n), 'ffffffffffffff7f'],
    [(writer) => writer.bytes(Uint8Array.of(1, 2)), '020102'],
    [(writer) => writer.raw(Uint8Array.of(1, 2)), '0102'],
    [(writer) => writer.string(''), '00'],
    [(writer) => writer.string('ab'), '026162'],
    [(writer) => writer.string('aé'), '0361c3a9'],
    [(writer) => writer.string('\u{1F600}'), '04f09f9880'],
    [(writer) => writer.string('\uFEFFa'), '04efbbbf61'],
    [(writer) => writer.string('\0'), '0100'],
  ]
  for (const [write, bytes] of layouts) assert.equal(written(write), bytes)
})

test('what is written is read again, in order and to the end', () => {
  const parts = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('unsigned' as const), value: fc.maxSafeNat() }),
      fc.record({ kind: fc.constant('signed' as const), value: fc.maxSafeInteger() }),
      fc.record({ kind: fc.constant('float64' as const), value: fc.double() }),
      fc.record({ kind: fc.constant('int64' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
      fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 40 }) }),
      // Lengths around 16 units, where another way of writing begins.
      fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
      fc.record({ kind: fc.constant('string' as const), value: fc.string({ unit: 'grapheme-ascii', minLength: 14, maxLength: 18 }) }),
    ),
  )
  fc.assert(
    fc.property(parts, fc.nat(3), (values, offset) => {
      const writer = new ByteWriter(1).raw(new Uint8Array(offset))
      for (const { kind, value } of values) (writer[kind] as (value: unknown) => unknown).call(writer, value)
      const reader = new ByteReader(writer.finish(), offset)
      for (const { kind, value } of values) assert.deepEqual(reader[kind](), value)
      assert.deepEqual([reader.remaining, reader.offset], [0, writer.length])
    }),
  )
})

test('text on both sides of the length where it is written otherwise', () => {
  for (const text of [
    'a'.repeat(15),
    'a'.repeat(16),
    'a'.repeat(17),
    `${'a'.repeat(15)}é`,
    `${'a'.repeat(16)}é`,
    'é'.repeat(8),
    'a'.repeat(127),
    'a'.repeat(128),
  ]) {
    const bytes = new ByteWriter().string(text).finish()
    assert.equal(hex(bytes.subarray(text.length > 127 ? 2 : 1)), Buffer.from(text).toString('hex'))
    assert.equal(new ByteReader(bytes).string(), text)
  }
})

test('a view of a larger buffer is read from its own beginning', () => {
  const bytes = Uint8Array.of(9, 9, ...new ByteWriter().float64(1.5).int64(7n).finish()).subarray(2)
  const reader = new ByteReader(bytes)
  assert.deepEqual([reader.float64(), reader.int64()], [1.5, 7n])
})

test('a writer is used again after it is cleared; what was finished stays', () => {
  const writer = new ByteWriter(2)
  const first = writer.string('abc').finish()
  const second = writer.clear().string('xyz').finish()
  assert.deepEqual([hex(first), hex(second), writer.length], ['03616263', '0378797a', 4])
})

test('a value cut short is refused with the place', () => {
  const reads: readonly (readonly [(reader: ByteReader) => unknown, number[], string])[] = [
    [(reader) => reader.byte(), [], 'A stored value ends after 0 bytes, 1 more expected at 0'],
    [(reader) => reader.unsigned(), [0x80], 'A stored value ends after 1 bytes, 1 more expected at 1'],
    [(reader) => reader.float64(), [1, 2, 3], 'A stored value ends after 3 bytes, 8 more expected at 0'],
    [(reader) => reader.int64(), [1, 2, 3, 4, 5, 6, 7], 'A stored value ends after 7 bytes, 8 more expected at 0'],
    [(reader) => reader.bytes(), [3, 1, 2], 'A stored value ends after 3 bytes, 3 more expected at 1'],
    [(reader) => reader.string(), [2, 97], 'A stored value ends after 2 bytes, 2 more expected at 1'],
    [(reader) => reader.raw(1), [], 'A stored value ends after 0 bytes, 1 more expected at 0'],
  ]
  for (const [read, bytes, message] of reads)
    assert.throws(() => read(new ByteReader(Uint8Array.from(bytes))), { code: 'STORE_CORRUPT', message })
})
