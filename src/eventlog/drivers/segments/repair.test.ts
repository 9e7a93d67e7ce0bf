import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../../lib/clock.ts'
import { reader, readSome, readTopic, record, text } from '../../../testing/event-log-records.ts'
import type { EventLog } from '../../log.ts'
import { type SegmentsEventLogOptions, segmentsEventLog } from '../segments.ts'

type Options = Omit<SegmentsEventLogOptions, 'path'>

/** A log with a topic of one partition, and what its folder holds. */
async function withLog(options: Options, work: (open: (other?: Options) => EventLog, folder: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-segments-'))
  const logs: EventLog[] = []
  const open = (other: Options = {}) => {
    const log = segmentsEventLog({ path, ...options, ...other })
    logs.push(log)
    return log
  }
  try {
    const log = open()
    await log.createTopic('t', 1)
    await work(open, join(path, 't', '0'))
  } finally {
    for (const log of logs) await log.close()
    await rm(path, { recursive: true })
  }
}

const values = async (log: EventLog): Promise<(string | null)[]> =>
  ((await readTopic(log, 't')).get(0) ?? []).map(({ value }) => text(value))
const append = (log: EventLog, ...those: string[]) =>
  log.append(
    't',
    those.map((each) => record('k', each)),
  )
const segments = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith('.log')).sort()

async function flip(path: string, at: number): Promise<void> {
  const stored = await readFile(path)
  stored[at] = (stored[at] as number) ^ 1
  await writeFile(path, stored)
}

test('a torn end is cut off, what is before it stays', async () => {
  await withLog({}, async (open, folder) => {
    const first = open()
    await append(first, 'a', 'b')
    await append(first, 'c')
    await first.close()
    const path = join(folder, '0000000000000000.log')
    const whole = await readFile(path)
    for (const torn of [whole.subarray(0, 20), whole.subarray(0, 45), Buffer.alloc(5000), Buffer.from('LSB1'.repeat(30))]) {
      await appendFile(path, torn)
      const log = open()
      assert.deepEqual(await values(log), ['a', 'b', 'c'])
      assert.equal((await readFile(path)).length, whole.length)
      await log.close()
    }
    const last = open()
    assert.deepEqual(await append(last, 'd'), [{ partition: 0, offset: 3 }])
    assert.deepEqual(await values(last), ['a', 'b', 'c', 'd'])
  })
})

test('what a writer has left that failed is written over', async () => {
  await withLog({}, async (open, folder) => {
    const log = open()
    await append(log, 'a')
    await appendFile(join(folder, '0000000000000000.log'), 'x'.repeat(1000))
    await append(log, 'b')
    assert.deepEqual(await values(log), ['a', 'b'])
  })
})

test('a flushed record that is not as it was written is refused, wherever it lies', async () => {
  await withLog({ segmentBytes: 400 }, async (open, folder) => {
    const first = open()
    for (let at = 0; at < 20; at++) await append(first, `${at} ${'x'.repeat(50)}`)
    await first.close()
    const names = await segments(folder)
    assert.ok(names.length > 3)
    for (const name of [names[0], names[1], names.at(-1)]) {
      const path = join(folder, name ?? '')
      const stored = await readFile(path)
      for (const at of [0, 4, 9, 13, 17, 50, stored.length - 1]) {
        await flip(path, at)
        const log = open()
        await assert.rejects(values(log), { code: 'STORE_CORRUPT', where: path }, `byte ${at} of ${name}`)
        await log.close()
        await writeFile(path, stored)
      }
      await truncate(path, stored.length - 1)
      const log = open()
      await assert.rejects(values(log), { code: 'STORE_CORRUPT', where: path }, `${name} cut short`)
      await log.close()
      await writeFile(path, stored)
    }
    assert.equal((await values(open())).length, 20)
  })
})

test('where the ends are lost the segments tell them, and a broken record is told from a torn one', async () => {
  await withLog({ segmentBytes: 400 }, async (open, folder) => {
    const first = open()
    for (let at = 0; at < 20; at++) await append(first, `${at} ${'x'.repeat(50)}`)
    const expected = await values(first)
    const { taken = 0 } = (await readTopic(first, 't')).get(0)?.at(-2) ?? {}
    await first.close()
    const ends = join(folder, '..', 'ends')
    for (const broken of ['', 'x'.repeat(64)]) {
      await writeFile(ends, broken)
      const log = open({ clock: { ...systemClock, now: () => 0 } })
      assert.deepEqual(await values(log), expected)
      await log.close()
    }
    const path = join(folder, (await segments(folder)).at(-1) ?? '')
    const stored = await readFile(path)
    const last = stored.lastIndexOf('LSB1')
    assert.ok(last > 0, 'the last segment has several blocks')
    await rm(ends)
    await flip(path, 60)
    const corrupt = open()
    await assert.rejects(corrupt.offsets('t'), { code: 'STORE_CORRUPT', where: path })
    await corrupt.close()
    await writeFile(path, stored)
    await flip(path, last + 60)
    const log = open({ clock: { ...systemClock, now: () => 0 } })
    assert.deepEqual(await values(log), expected.slice(0, -1))
    await append(log, 'new')
    const [again] = (await readTopic(log, 't')).get(0)?.slice(-1) ?? []
    assert.equal(again?.taken, taken + 1, 'the moment goes on where it was, also when the clock has gone back')
  })
})

test('offsets of records that were seen and then lost are not given again', async () => {
  await withLog({ fsync: 'never' }, async (open, folder) => {
    const first = open()
    await append(first, 'a', 'b')
    await append(first, 'lost', 'lost')
    const [ends, path] = [join(folder, '..', 'ends'), join(folder, '0000000000000000.log')]
    const [known, stored] = [await readFile(ends), await readFile(path)]
    await first.close()
    // As a loss of power may leave it.
    await writeFile(ends, known)
    await writeFile(path, stored.subarray(0, stored.lastIndexOf('LSB1') + 10))
    const log = open()
    assert.deepEqual(await append(log, 'c'), [{ partition: 0, offset: 4 }])
    await append(log, 'd')
    const consumer = await reader(log, 't')
    const shown = (await readSome(consumer, 4)).map(({ offset, value }) => `${offset} ${text(value)}`)
    assert.deepEqual(shown, ['0 a', '1 b', '4 c', '5 d'])
    await log.close()
    await rm(ends)
    const behind = await reader(open(), 't', { from: { 0: 3 } })
    assert.deepEqual(
      (await readSome(behind, 2)).map(({ offset }) => offset),
      [4, 5],
    )
  })
})

test('a segment that is missing is found out', async () => {
  await withLog({ segmentBytes: 400 }, async (open, folder) => {
    const first = open()
    for (let at = 0; at < 20; at++) await append(first, `${at} ${'x'.repeat(50)}`)
    await first.close()
    await rm(join(folder, (await segments(folder)).at(-1) ?? ''))
    await assert.rejects(values(open()), { code: 'STORE_CORRUPT' })
  })
})

test('an index only makes reading faster', async () => {
  await withLog({}, async (open, folder) => {
    const first = open()
    const value = 'x'.repeat(1000)
    for (let at = 0; at < 40; at++) await append(first, ...Array.from({ length: 50 }, (_, index) => `${at * 50 + index} ${value}`))
    await first.close()
    const index = join(folder, '0000000000000000.index')
    const stored = await readFile(index)
    assert.ok(stored.length >= 4 * 16)
    const lying = Buffer.from(stored)
    for (let at = 8; at < lying.length; at += 16) lying.writeDoubleLE(1e15 + at, at)
    for (const each of [stored, lying, Buffer.alloc(100), Buffer.alloc(0), null]) {
      if (each === null) await rm(index)
      else await writeFile(index, each)
      const log = open()
      for (const from of [0, 777, 1999]) {
        const consumer = await reader(log, 't', { from: { 0: from } })
        assert.equal(text((await readSome(consumer, 1, 1))[0]?.value ?? null), `${from} ${value}`)
        await consumer.close()
      }
      await log.close()
    }
  })
})

test('files of another layout are refused', async () => {
  await withLog({}, async (open, folder) => {
    const path = join(folder, '..', 'topic.json')
    for (const stored of ['{"layout":2,"partitions":1}', '{', '']) {
      await writeFile(path, stored)
      await assert.rejects(open().offsets('t'), { code: 'STORE_CORRUPT', where: path })
    }
  })
})
