import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { segmentsEventLog } from './drivers/segments.ts'
import { prefixedLog } from './prefixed-log.ts'

test('logs with other prefixes share a place and do not meet', async () => {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-prefixed-'))
  const log = segmentsEventLog({ path })
  const [dev, prod] = [prefixedLog(log, 'dev.'), prefixedLog(log, 'prod.')]
  const value = Buffer.from('a')
  for (const each of [dev, prod]) await each.createTopic('clicks', 2)
  await dev.append('clicks', [{ key: null, value, partition: 1 }])
  assert.deepEqual(await log.topics(), ['dev.clicks', 'prod.clicks'])
  assert.deepEqual([await dev.topics(), await prod.topics()], [['clicks'], ['clicks']])
  const total = async (each: typeof dev) => (await each.offsets('clicks')).reduce((sum, { next }) => sum + next, 0)
  assert.deepEqual([await total(dev), await total(prod)], [1, 0])
  // One name of a group: each reader gets all partitions of its own topic.
  const options = {
    group: 'lockstep.clicks',
    assigned: (partitions: readonly number[]) => Promise.resolve(new Map(partitions.map((one) => [one, 0]))),
    revoked: () => Promise.resolve(),
  }
  const readers = await Promise.all([dev, prod].map((each) => each.consume('clicks', options)))
  const read = await Promise.all(readers.map((reader) => reader.read(10, 300)))
  assert.deepEqual(
    read.map((records) => records.length),
    [1, 0],
  )
  assert.deepEqual(
    readers.map(({ assignment }) => assignment),
    [
      [0, 1],
      [0, 1],
    ],
  )
  await assert.rejects(dev.append('', []), { code: 'INVALID_ARGUMENT' })
  await log.close()
  await rm(path, { recursive: true })
})
