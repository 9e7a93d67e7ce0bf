import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Consumer } from '../eventlog/index.ts'
import { type Case, reader, readSome, readTopic, record, text, until } from './event-log-records.ts'
import { SharedProgress } from './event-log-worker.ts'

/** Cases of several readers, and of slow ones. */
export const groupCases: Record<string, Case> = {
  'what was read without progress is read again': async ({ log, topic }) => {
    await log.createTopic(topic, 1)
    await log.append(
      topic,
      Array.from({ length: 100 }, (_, at) => record('k', `${at}`)),
    )
    const first = await reader(log, topic)
    await readSome(first, 60, 60)
    await first.report(new Map([[0, 60]]))
    await first.close()
    // Where to go on from is the reader's to say, whatever was reported.
    const second = await reader(log, topic, { from: { 0: 30 } })
    const again = await readSome(second, 70)
    assert.deepEqual(
      again.map(({ offset }) => offset),
      Array.from({ length: 70 }, (_, at) => 30 + at),
    )
  },

  'each group reads all': async ({ log, topic }) => {
    await log.createTopic(topic, 3)
    const readers = [await reader(log, topic, { group: 'a' }), await reader(log, topic, { group: 'b/ü *' })]
    await log.append(
      topic,
      Array.from({ length: 300 }, (_, at) => record(`${at}`, `${at}`)),
    )
    for (const each of readers) assert.equal(new Set((await readSome(each, 300)).map(({ value }) => text(value))).size, 300)
  },

  'partitions are handed over after the one who had them has let go': async ({ log, topic }) => {
    await log.createTopic(topic, 4)
    const told: string[] = []
    let released = false
    const first = await log.consume(topic, {
      group: 'g',
      assigned: (partitions) => Promise.resolve(new Map(partitions.map((partition) => [partition, 0]))),
      revoked: async (partitions) => {
        told.push(`first lets go of ${partitions.length}`)
        await setTimeout(400)
        released = true
        told.push('first has let go')
      },
    })
    await until('the first has all', () => first.assignment.length === 4)
    const second = await log.consume(topic, {
      group: 'g',
      assigned: (partitions) => {
        assert.ok(released, 'nobody gets what another still has')
        told.push(`second gets ${partitions.length}`)
        return Promise.resolve(new Map(partitions.map((partition) => [partition, 0])))
      },
      revoked: () => Promise.resolve(),
    })
    await drainUntil('the second has its share', [first, second], () => second.assignment.length === 2 && first.assignment.length === 2)
    assert.deepEqual(told, ['first lets go of 2', 'first has let go', 'second gets 2'])
    const [mine, theirs] = [new Set(first.assignment), new Set(second.assignment)]
    assert.deepEqual([...mine, ...theirs].sort(), [0, 1, 2, 3])
    await log.append(
      topic,
      [0, 1, 2, 3].map((partition) => record('k', `${partition}`, partition)),
    )
    for (const [consumer, own] of [
      [first, mine],
      [second, theirs],
    ] as const)
      assert.deepEqual(new Set((await readSome(consumer, 2)).map(({ partition }) => partition)), own)
  },

  'readers come and go while records flow, and each record counts once, in order': async ({ log, topic, another }) => {
    const [partitions, keys] = [6, 60]
    await log.createTopic(topic, partitions)
    const progress = new SharedProgress()
    let flowing = true
    const flow = (async () => {
      for (let step = 0; ; step++) {
        await log.append(
          topic,
          Array.from({ length: keys }, (_, key) => record(`key ${key}`, `${step}`)),
        )
        if (!flowing) return step + 1
        await setTimeout(2)
      }
    })()
    const other = log.capabilities.sharedByProcesses ? await another() : log
    const a = await progress.worker(log, topic)
    await until('one has all', () => a.partitions === partitions && a.taken > 500)
    const b = await progress.worker(other, topic)
    await until('two share', () => a.partitions === 3 && b.partitions === 3 && b.taken > 200)
    const c = await progress.worker(log, topic)
    await until('three share', () => a.partitions === 2 && b.partitions === 2 && c.partitions === 2 && c.taken > 200)
    await a.close()
    await until('two have it all', () => b.partitions === 3 && c.partitions === 3)
    await Promise.all([b.close(), c.close()])
    const d = await progress.worker(other, topic)
    await until('the last has all', () => d.partitions === partitions && d.taken > 500)
    flowing = false
    const steps = await flow
    await until('all has been taken', () => progress.total >= steps * keys)
    await d.close()
    const there = await readTopic(log, topic)
    for (let partition = 0; partition < partitions; partition++)
      assert.deepEqual(
        progress.records(partition),
        there.get(partition)?.map(({ offset, key, value }) => `${offset} ${text(key)} ${text(value)}`),
        `partition ${partition}: each record once, in order`,
      )
  },

  'what `assigned` throws comes out of `read`, and others take over': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    await log.append(topic, [record('k', '1', 0), record('k', '2', 1)])
    const failing = await log.consume(topic, {
      group: 'g',
      assigned: () => Promise.reject(new RangeError('no state')),
      revoked: () => Promise.resolve(),
    })
    await assert.rejects(failing.read(10, 30_000), /no state/)
    const sound = await reader(log, topic, { group: 'g' })
    await readSome(sound, 2)
    await failing.close()
  },

  'a position beyond the end is refused': async ({ log, topic }) => {
    await log.createTopic(topic, 1)
    await log.append(topic, [record('k', '0'), record('k', '1')])
    const atEnd = await reader(log, topic, { group: 'a', from: { 0: 2 } })
    assert.deepEqual(await atEnd.read(10, 200), [])
    const beyond = await reader(log, topic, { group: 'b', from: { 0: 3 } })
    await assert.rejects(beyond.read(10, 30_000), { code: 'INVALID_ARGUMENT' })
    await log.append(topic, [record('k', '2')])
    assert.deepEqual(
      (await readSome(atEnd, 1)).map(({ offset }) => offset),
      [2],
    )
    await beyond.close()
  },

  'a slow reader holds little, and appending goes on': async ({ log, topic }) => {
    await log.createTopic(topic, 2)
    const consumer = await reader(log, topic)
    await log.append(topic, [record('k', 'first', 0)])
    await readSome(consumer, 1)
    const before = heldBytes()
    const value = new Uint8Array(64 * 1024)
    for (let call = 0; call < 40; call++)
      await log.append(
        topic,
        Array.from({ length: 16 }, (_, at) => ({ key: null, value, partition: at % 2 })),
      )
    const some = await consumer.read(1, 10_000)
    await setTimeout(200)
    // What is under way, or was let go of just now, counts for a while.
    let held = heldBytes() - before
    for (let look = 0; look < 20 && held >= 20 * 1024 * 1024; look++) {
      await setTimeout(100)
      held = heldBytes() - before
    }
    assert.ok(held < 20 * 1024 * 1024, `${Math.round(held / 1024 / 1024)} MiB are held of 40`)
    const rest = await readSome(consumer, 40 * 16 - some.length, 100)
    assert.equal(new Set(rest.map(({ partition, offset }) => `${partition}/${offset}`)).size, rest.length)
  },
}

/** Reads, as those do that take part in rebalancing only while they read. */
async function drainUntil(what: string, consumers: readonly Consumer[], isSo: () => boolean): Promise<void> {
  let reading = true
  const loops = consumers.map(async (consumer) => {
    while (reading) await consumer.read(100, 50)
  })
  try {
    await until(what, isSo)
  } finally {
    reading = false
    await Promise.all(loops)
  }
}

/** The bytes of buffers that are in use, after what is not was let go of. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().arrayBuffers
}
