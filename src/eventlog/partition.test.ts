import assert from 'node:assert/strict'
import { test } from 'node:test'
import { murmur2, partitionOfKey } from './partition.ts'

/** From the tests of Apache Kafka (UtilsTest.testMurmur2). */
const known: Record<string, number> = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
}

test('the hash is that of Kafka', () => {
  for (const [text, hash] of Object.entries(known)) assert.equal(murmur2(Buffer.from(text)), hash, text)
})

test('keys spread over all partitions', () => {
  const keys = Array.from({ length: 8000 }, (_, at) => Buffer.from(`user ${at}`))
  const shares = Map.groupBy(keys, (key) => partitionOfKey(key, 8))
  assert.deepEqual([...shares.keys()].sort(), [0, 1, 2, 3, 4, 5, 6, 7])
  for (const [partition, { length }] of shares) assert.ok(length > 850 && length < 1150, `${partition} has ${length}`)
})
