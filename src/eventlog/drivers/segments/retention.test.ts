import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../../lib/clock.ts'
import { reader, readSome, readTopic, record, text } from '../../../testing/event-log-records.ts'
import type { EventLog } from '../../log.ts'
import { type SegmentsEventLogOptions, segmentsEventLog } from '../segments.ts'

const day = 86_400_000_000

async function withLog(
  options: Omit<SegmentsEventLogOptions, 'path'>,
  work: (log: EventLog, folder: string, open: () => EventLog) => Promise<void>,
): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'lockstep-segments-'))
  const logs: EventLog[] = []
  const open = () => {
    const log = segmentsEventLog({ path, ...options })
    logs.push(log)
    return log
  }
  try {
    const log = open()
    await log.createTopic('t', 1)
    await work(log, join(path, 't', '0'), open)
  } finally {
    for (const log of logs) await log.close()
    await rm(path, { recursive: true })
  }
}

const append = (log: EventLog, value: string) => log.append('t', [record('k', value)])

test('retention by size keeps so many bytes, in whole segments', async () => {
  await withLog({ segmentBytes: 1000, retention: { bytes: 5000 } }, async (log, folder, open) => {
    const behind = await reader(log, 't')
    for (let at = 0; at < 100; at++) {
      await append(log, `${at} ${'x'.repeat(200)}`)
      if (at === 0) assert.equal((await readSome(behind, 1))[0]?.offset, 0)
    }
    const [{ first, next } = { first: 0, next: 0 }] = await log.offsets('t')
    assert.equal(next, 100)
    assert.ok(first > 70 && first < 82, `${first} is the first`)
    const segments = (await readdir(folder)).filter((name) => name.endsWith('.log'))
    const sizes = await Promise.all(segments.map(async (name) => (await stat(join(folder, name))).size))
    const kept = sizes.reduce((sum, size) => sum + size, 0)
    // Looked at when the last segment was begun, which has grown since.
    assert.ok(kept >= 5000 && kept - (sizes[0] ?? 0) - (sizes.at(-1) ?? 0) < 5000, `${sizes}`)
    // The segment that was open when it was removed is read to its end; then the reader goes on with what is there.
    const rest: number[] = []
    while (rest.at(-1) !== 99) for (const { offset } of await behind.read(10, 1000)) rest.push(offset)
    assert.ok(rest[0] === 1 && rest.includes(first) && !rest.includes(first - 1), `${rest}`)
    const late = await reader(log, 't', { group: 'late', from: { 0: 3 } })
    assert.equal((await late.read(1, 1000))[0]?.offset, first)
    const again = open()
    assert.deepEqual(await again.offsets('t'), [{ partition: 0, first, next: 100 }])
  })
})

test('retention by age removes what is older, and never the newest', async () => {
  let now = 1_700_000_000_000_000
  const clock: Clock = { ...systemClock, now: () => now }
  await withLog({ retention: { age: '7d' }, clock }, async (log) => {
    for (let at = 0; at < 20; at++) {
      await append(log, `day ${at}`)
      now += day
    }
    const [{ first } = { first: 0 }] = await log.offsets('t')
    const kept = (await readTopic(log, 't')).get(0) ?? []
    assert.deepEqual(
      kept.map(({ value }) => text(value)),
      Array.from({ length: 20 - first }, (_, at) => `day ${first + at}`),
    )
    assert.ok(first > 0 && first <= 13, `day ${first} is the first: nothing younger than seven days is gone`)
    now += 100 * day
    await append(log, 'long after')
    // A segment is old when the first record behind it is.
    now += 7 * day
    await append(log, 'a week later')
    assert.deepEqual(
      (await readTopic(log, 't')).get(0)?.map(({ value }) => text(value)),
      ['long after', 'a week later'],
    )
  })
})

test('options that make no sense are refused', () => {
  const wrong = [{ fsync: 'sometimes' }, { segmentBytes: 0 }, { retention: { bytes: 0 } }, { retention: { bytes: Number.NaN } }]
  for (const options of wrong)
    assert.throws(
      () => segmentsEventLog({ path: '/nowhere', ...(options as object) }),
      { code: 'INVALID_ARGUMENT' },
      JSON.stringify(options),
    )
  assert.throws(() => segmentsEventLog({ path: '/nowhere', retention: { age: '7 bananas' } }), { code: 'INVALID_DURATION' })
})
