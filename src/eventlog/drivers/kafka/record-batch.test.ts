import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as protocol from '@platformatic/kafka'
import fc from 'fast-check'
import type { NewRecord } from '../../log.ts'
import { type DecodeOptions, decodeBatches, encodeBatch, recordBytes } from './record-batch.ts'

const origin = { producerId: 7n, producerEpoch: 3, sequence: 5, timestamp: 1_700_000_000_000 }
const encode = (records: readonly NewRecord[]) => encodeBatch(records, origin, protocol.crc32c)
const decode = (bytes: Buffer, options: Partial<DecodeOptions> = {}) =>
  decodeBatches(bytes, { partition: 2, from: 0, takenFrom: 0, aborted: [], ...options }, protocol)

/** The batch as the log stores it: at an offset, and with other attributes where a test needs them. */
function stored(batch: Buffer, offset: number, change: (batch: Buffer) => void = () => undefined): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(offset), 0)
  change(copy)
  copy.writeUInt32BE(protocol.crc32c(copy.subarray(21)), 17)
  return copy
}

const bytes = fc.uint8Array({ maxLength: 300 })
const record: fc.Arbitrary<NewRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ name: fc.string({ unit: 'binary', maxLength: 20 }), value: bytes }), { maxLength: 3 }),
})
const plain = (field: Uint8Array | null | undefined) => (field === null || field === undefined ? null : [...field])

test('what is encoded is decoded, here and by the library', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 70 }), (records) => {
      const batch = encode(records)
      assert.ok(batch.length <= records.reduce((sum, each) => sum + recordBytes(each), 61))
      const { records: decoded, next } = decode(stored(batch, 100))
      assert.equal(next, 100 + records.length)
      const [theirs] = protocol.readRecordsBatches(protocol.Reader.from(batch))
      assert.equal(theirs?.crc, protocol.crc32c(batch.subarray(21)))
      assert.deepEqual([theirs?.producerId, theirs?.producerEpoch, theirs?.firstSequence], [7n, 3, 5])
      for (const [index, { key, value, headers }] of records.entries()) {
        const found = decoded[index]
        assert.deepEqual([found?.partition, found?.offset, found?.taken], [2, 100 + index, origin.timestamp * 1000])
        assert.deepEqual([plain(found?.key), plain(found?.value)], [plain(key), plain(value)])
        const expected = headers?.map((header) => [Buffer.from(header.name).toString(), plain(header.value)])
        assert.deepEqual(
          found?.headers.map((header) => [header.name, plain(header.value)]),
          expected,
        )
        const other: protocol.KafkaRecord | undefined = theirs?.records[index]
        assert.deepEqual([plain(other?.key), plain(other?.value)], [plain(key), plain(value)])
        assert.deepEqual(
          other?.headers.map(([name, header]) => [name?.toString(), plain(header)]),
          expected,
        )
      }
    }),
  )
})

test('several batches, from an offset within the first, the last one cut short', () => {
  const batch = encode([1, 2, 3].map((value) => ({ key: null, value: Uint8Array.of(value) })))
  const log = Buffer.concat([stored(batch, 10), stored(batch, 20), stored(batch, 30).subarray(0, -1)])
  const { records, next } = decode(log, { from: 11 })
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [11, 12, 20, 21, 22],
  )
  assert.equal(next, 23)
  assert.deepEqual(decode(log.subarray(0, 40), { from: 10 }), { records: [], next: 10 })
})

test('moments are those of the log where it states them, and never go back', () => {
  const batch = encode([{ key: null, value: null }])
  const at = (millis: number) => (copy: Buffer) => copy.writeBigInt64BE(BigInt(millis), 27)
  const byLog = (copy: Buffer) => {
    copy.writeInt16BE(0b1000, 21)
    copy.writeBigInt64BE(9_000n, 35)
  }
  const log = Buffer.concat([stored(batch, 0, at(2_000)), stored(batch, 1, at(1_000)), stored(batch, 2, byLog)])
  const taken = (from: number) => decode(log, { takenFrom: from }).records.map((each) => each.taken)
  assert.deepEqual(taken(0), [2_000_000, 2_000_000, 9_000_000])
  assert.deepEqual(taken(5_000_000), [5_000_000, 5_000_000, 9_000_000])
})

test('a compressed batch is decompressed', () => {
  const batch = encode([{ key: Buffer.from('k'), value: Buffer.from('v'.repeat(1000)) }])
  const packed = Buffer.concat([batch.subarray(0, 61), gzipSync(batch.subarray(61))])
  packed.writeInt32BE(packed.length - 12, 8)
  const [found] = decode(stored(packed, 0, (copy) => copy.writeInt16BE(1, 21))).records
  assert.equal(Buffer.from(found?.value ?? []).toString(), 'v'.repeat(1000))
})

test('records of aborted transactions are left out, those of others are not', () => {
  const batch = encode([{ key: null, value: Uint8Array.of(1) }])
  const of = (producer: bigint, offset: number, attributes: number) =>
    stored(batch, offset, (copy) => {
      copy.writeBigInt64BE(producer, 43)
      copy.writeInt16BE(attributes, 21)
    })
  const marker = (producer: bigint, offset: number, type: number) => {
    const control = encode([{ key: Uint8Array.of(0, 0, 0, type), value: null }])
    return stored(control, offset, (copy) => {
      copy.writeBigInt64BE(producer, 43)
      copy.writeInt16BE(0b110000, 21)
    })
  }
  const transactional = 0b10000
  const log = Buffer.concat([
    of(1n, 0, transactional),
    of(2n, 1, transactional),
    of(9n, 2, 0),
    marker(1n, 3, 0),
    of(1n, 4, transactional),
    marker(2n, 5, 1),
    marker(1n, 6, 1),
  ])
  const { records, next } = decode(log, { aborted: [{ producerId: 1n, firstOffset: 0n }] })
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [1, 2, 4],
  )
  assert.equal(next, 7)
})

test('a changed byte is found', () => {
  const batch = stored(encode([{ key: null, value: Buffer.from('value') }]), 0)
  batch[batch.length - 3] = 0
  assert.throws(() => decode(batch), { code: 'STORE_CORRUPT' })
})
