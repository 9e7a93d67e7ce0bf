import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { events, topic } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import type { EventLog, LogRecord, NewRecord } from '../eventlog/index.ts'
import type { LandedFile } from '../offline/index.ts'
import { memoryOnlineStore } from '../online/drivers/memory.ts'
import { t } from '../schema/index.ts'
import { HistoryUnit, type Landing } from './history-unit.ts'
import type { StreamEvent } from './stream-event.ts'
import { historyTable } from './tables.ts'
import { parseUnitText } from './unit-text.ts'

const source = events('clicks', { columns: { id: t.string(), at: t.timestamp() }, time: 'at', stream: topic('clicks', { key: 'id' }) })

const record = (offset: number): LogRecord => ({ partition: 2, offset, taken: offset, key: null, value: null, headers: [] })
const event = (offset: number): StreamEvent => {
  const place = { partition: 2, offset }
  return { ...place, record: record(offset), origin: { ...place, taken: offset }, cells: ['a', offset], time: offset, known: offset }
}
const range = (first: number, next: number) => Array.from({ length: next - first }, (_, at) => event(first + at))

/** A unit on a store in memory, with a landing that keeps offsets and that fails, waits and merges when asked. */
function setting() {
  const state = memoryOnlineStore()
  const dead: NewRecord[] = []
  const log = {
    partitions: async () => 1,
    createTopic: async () => {},
    append: async (_topic: string, records: readonly NewRecord[]) => {
      dead.push(...records)
      return []
    },
  } as unknown as EventLog
  const landed: { readonly file: LandedFile; readonly offsets: readonly number[] }[] = []
  const cleaned: string[][] = []
  const warnings: unknown[] = []
  const asked = { fail: 0, wait: null as Promise<void> | null, merge: false }
  const landing: Landing = {
    batch() {
      const offsets: number[] = []
      return {
        get rows() {
          return offsets.length
        },
        add: ({ offset }) => offsets.push(offset),
        async write(_partition, first, next) {
          await asked.wait
          if (asked.fail-- > 0) throw new LockstepError('STORE_UNAVAILABLE', 'The disk is full')
          const file = { path: `file ${landed.length}`, date: '1970-01-01', rows: offsets.length, first, next }
          landed.push({ file, offsets: [...offsets] })
          return [file]
        },
      }
    },
    async compact(_source, _partition, files) {
      const [first, last] = [files[0], files.at(-1)]
      if (!asked.merge || !first || !last || files.length < 2) return files
      return [{ ...first, path: `merged to ${last.path}`, next: last.next, rows: files.reduce((sum, { rows }) => sum + rows, 0) }]
    },
    async clean(_source, _partition, files) {
      cleaned.push(files.map(({ path }) => path))
    },
  }
  let now = 1e12
  const clock = { now: () => now, sleep: async () => {} }
  const pass = (seconds: number) => {
    now += seconds * 1e6
  }
  const open = () =>
    HistoryUnit.open({ source, partition: 2, state, log, landing, clock, owner: 'one', warn: (error) => warnings.push(error) })
  const stored = async () => parseUnitText(await state.readMeta(historyTable('clicks', 2)))
  /** Prepares and stores, as a worker does; tells whether there was anything. */
  const commit = async (unit: HistoryUnit, all = false) => {
    const prepared = await unit.prepare(all)
    if (!prepared) return false
    assert.ok(await state.commit?.([prepared.text], []))
    unit.committed(prepared)
    return true
  }
  return { state, open, stored, commit, pass, dead, landed, cleaned, warnings, asked }
}

test('events land together after a while, and count with the commit that follows', async () => {
  const { open, stored, commit, pass, landed } = setting()
  const unit = await open()
  await unit.take(range(0, 3), [], 3)
  pass(9)
  await unit.take(range(4, 6), [], 7)
  assert.equal(await commit(unit), false)
  assert.deepEqual([unit.position, landed.length], [7, 0])
  pass(1)
  assert.equal(await commit(unit), false, 'written meanwhile')
  await setImmediate()
  assert.equal(await commit(unit), true)
  assert.deepEqual(landed, [{ file: { path: 'file 0', date: '1970-01-01', rows: 5, first: 0, next: 7 }, offsets: [0, 1, 2, 4, 5] }])
  const text = await stored()
  assert.deepEqual([text?.position, text?.counts, text?.watermark, text?.details], [7, { events: 5, dead: 0 }, 5, [landed[0]?.file]])
  assert.equal(await commit(unit, true), false, 'nothing is new')
})

test('all lands at once where it is asked, also what was taken while another batch was written', async () => {
  const { open, stored, commit, landed, asked } = setting()
  const unit = await open()
  await unit.take(range(0, 2), [], 2)
  const held = Promise.withResolvers<void>()
  asked.wait = held.promise
  const first = commit(unit, true)
  await setImmediate()
  await unit.take(range(2, 5), [], 5)
  const second = unit.prepare(true)
  held.resolve()
  await first
  await second
  assert.deepEqual(
    landed.map(({ offsets }) => offsets),
    [
      [0, 1],
      [2, 3, 4],
    ],
  )
  await commit(unit, true)
  assert.deepEqual([(await stored())?.position, (await stored())?.counts.events], [5, 5])
})

test('a batch that could not be written is written again, before what came later', async () => {
  const { open, stored, commit, landed, asked, warnings } = setting()
  const unit = await open()
  await unit.take(range(0, 2), [], 2)
  asked.fail = 2
  assert.equal(await commit(unit, true), false)
  await unit.take(range(2, 3), [], 3)
  assert.equal(await commit(unit, true), false)
  assert.deepEqual([landed.length, warnings.length, (await stored())?.position], [0, 2, 0])
  assert.equal(await commit(unit, true), true)
  assert.deepEqual(
    landed.map(({ file: { first, next }, offsets }) => [first, next, offsets]),
    [
      [0, 2, [0, 1]],
      [2, 3, [2]],
    ],
  )
  assert.equal((await stored())?.position, 3)
})

test('while many events wait that cannot be written none is taken', async () => {
  const { open, landed, asked } = setting()
  const unit = await open()
  await unit.take(range(0, 100_000), [], 100_000)
  asked.fail = 2
  const [refused, one] = [{ code: 'STORE_UNAVAILABLE' }, range(200_000, 200_001)]
  await assert.rejects(unit.take(range(100_000, 200_000), [], 200_000), refused)
  assert.equal(unit.position, 100_000)
  await unit.take(range(100_000, 200_000), [], 200_000)
  await assert.rejects(unit.take(one, [], 200_001), refused)
  await unit.take(one, [], 200_001)
  assert.deepEqual([unit.position, landed.map(({ offsets }) => offsets.length)], [200_001, [100_000, 100_000]])
})

test('whoever takes over goes on from what counts', async () => {
  const { state, open, stored, commit, landed, cleaned } = setting()
  const unit = await open()
  await unit.take(range(0, 4), [], 4)
  await commit(unit, true)
  await unit.take(range(4, 9), [], 9)
  const next = await open()
  assert.deepEqual([next.position, cleaned.at(-1)], [4, ['file 0']])
  const late = await unit.prepare(true)
  assert.ok(late)
  assert.equal(await state.commit?.([late.text], []), false)
  await next.take(range(4, 9), [], 9)
  await commit(next, true)
  const text = await stored()
  assert.deepEqual([text?.position, text?.counts.events, text?.epoch], [9, 9, 2])
  assert.deepEqual(text?.details, [landed[0]?.file, landed[2]?.file], 'file 1 is of the one that lost the unit')
})

test('merged files are cleaned away once the commit is stored that does without them', async () => {
  const { state, open, commit, cleaned, asked } = setting()
  const unit = await open()
  const before = cleaned.length
  await unit.take(range(0, 1), [], 1)
  await commit(unit, true)
  asked.merge = true
  await unit.take(range(1, 2), [], 2)
  const prepared = await unit.prepare(true)
  assert.equal(cleaned.length, before, 'not before')
  assert.ok(prepared)
  await state.commit?.([prepared.text], [])
  unit.committed(prepared)
  assert.deepEqual(cleaned.slice(before), [['merged to file 1']])
  asked.merge = false
  await unit.take(range(2, 3), [], 3)
  await commit(unit, true)
  assert.equal(cleaned.length, before + 1, 'nothing was merged')
})

test('records that are no events are set aside and counted', async () => {
  const { open, stored, commit, dead } = setting()
  const unit = await open()
  await unit.take(range(0, 1), [{ record: record(1), reason: 'the record is not UTF-8' }], 2)
  await commit(unit, true)
  assert.deepEqual((await stored())?.counts, { events: 1, dead: 1 })
  assert.equal(
    Buffer.from(dead[0]?.headers?.find(({ name }) => name === 'lockstep-reason')?.value ?? []).toString(),
    'the record is not UTF-8',
  )
})
