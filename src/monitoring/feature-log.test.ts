import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { servedRead } from '../../test/support/served-read.ts'
import { momentMicros } from '../lib/moment.ts'
import { Duck } from '../offline/index.ts'
import type { TypeData } from '../schema/index.ts'
import { FeatureLog } from './feature-log.ts'

const root = mkdtempSync(join(tmpdir(), 'lockstep-feature-log-'))
after(() => rmSync(root, { recursive: true }))
const freshFolder = () => mkdtempSync(join(root, 'folder-'))
const served = momentMicros('2026-03-01T10:00:00.000250Z')
const files = (folder: string) => globSync('**/*.parquet', { cwd: folder }).sort()

async function rowsOf(folder: string, select = '*'): Promise<Record<string, unknown>[]> {
  await using duck = await Duck.open()
  return await duck.rows(`SELECT ${select} FROM read_parquet('${folder}/*/*/*.parquet', union_by_name = true) ORDER BY __read_id, __row`)
}

test('served vectors lie in a file of their view and day, with all that was known of them', async () => {
  const folder = freshFolder()
  {
    await using log = await FeatureLog.open({ folder, share: 1 })
    log.record(
      servedRead({
        knownAt: served,
        moment: served - 250,
        keys: [{ user_id: 'ada' }, { user_id: 17n }],
        requests: [{ budget: 2.5 }],
        cells: [3, 'home', 0, null],
        statuses: ['PRESENT', 'PRESENT', 'NOT_FOUND', 'NOT_FOUND'],
      }),
    )
    log.record(servedRead({ id: 'r2', knownAt: served + 86_400_000_000, version: 2 }))
  }
  assert.deepEqual(
    files(folder).map((path) => path.replace(/[^/]+\.parquet$/, '')),
    ['ranking@1/date=2026-03-01/', 'ranking@2/date=2026-03-02/'],
  )
  const [first, second, other] = await rowsOf(
    folder,
    '* EXCLUDE (__moment, __known, date), __moment::VARCHAR AS at, __known::VARCHAR AS served',
  )
  assert.deepEqual(first, {
    __read_id: 'r1',
    __row: 0n,
    __caller: 'web',
    __model: 'm1',
    __version: 1n,
    __keys: '{"user_id":"ada"}',
    __request: '{"budget":2.5}',
    __groups: ['user_clicks@1:abc'],
    __micros: 250n,
    user_click_count_1h: 3n,
    user_click_count_1h__status: 'PRESENT',
    user_last_page: 'home',
    user_last_page__status: 'PRESENT',
    at: '2026-03-01 10:00:00',
    served: '2026-03-01 10:00:00.00025',
  })
  assert.deepEqual(
    [second?.__row, second?.__keys, second?.user_last_page, second?.user_last_page__status],
    [1n, '{"user_id":"17"}', null, 'NOT_FOUND'],
  )
  assert.deepEqual([other?.__read_id, other?.__version], ['r2', 2n])
})

test('values of every type come back as they were; those not asked for are null', async () => {
  const folder = freshFolder()
  const types: Record<string, TypeData> = {
    whole: { kind: 'int64', nullable: false },
    money: { kind: 'decimal', nullable: false, precision: 12, scale: 2 },
    share: { kind: 'float', nullable: false },
    day: { kind: 'date', nullable: true },
    is: { kind: 'boolean', nullable: false },
    top: { kind: 'list', nullable: false, element: { kind: 'string', nullable: false } },
    taste: { kind: 'vector', nullable: false, length: 2 },
  }
  const vector = Float32Array.of(0.5, -1)
  {
    await using log = await FeatureLog.open({ folder, share: 1 })
    const cells = [2n ** 62n, 1250, 0.1 + 0.2, 20513, true, ['a', 'b'], vector]
    log.record(servedRead({ features: Object.keys(types), types: Object.values(types), cells }))
    vector.fill(9)
    log.record(servedRead({ id: 'r2', features: ['is'], types: [types.is as TypeData], cells: [false] }))
  }
  assert.equal(files(folder).length, 1)
  const [all, some] = await rowsOf(
    folder,
    'whole, money::VARCHAR AS money, share, day::VARCHAR AS day, "is", top, taste, whole__status, is__status',
  )
  assert.deepEqual(all, {
    whole: 2n ** 62n,
    money: '12.50',
    share: 0.1 + 0.2,
    day: '2026-03-01',
    is: true,
    top: ['a', 'b'],
    taste: [0.5, -1],
    whole__status: 'PRESENT',
    is__status: 'PRESENT',
  })
  assert.deepEqual([some?.whole, some?.whole__status, some?.is, some?.is__status], [null, null, false, 'PRESENT'])
})

test('a share of the reads, by seed', async () => {
  const logged = async (share: number, seed: number) => {
    await using log = await FeatureLog.open({ folder: freshFolder(), share, seed })
    for (let read = 0; read < 1000; read++) log.record(servedRead())
    await log.flush()
    return log.logged
  }
  assert.deepEqual([await logged(0, 1), await logged(1, 1)], [0, 1000])
  const some = await logged(0.1, 1)
  assert.ok(some > 60 && some < 140, `${some}`)
  assert.equal(await logged(0.1, 1), some)
})

test('what does not fit the queue is dropped and counted, and later reads are logged again', async () => {
  const folder = freshFolder()
  await using log = await FeatureLog.open({ folder, share: 1, queue: 20 })
  for (let read = 0; read < 15; read++) log.record(servedRead())
  assert.equal(log.dropped, 5)
  await log.flush()
  log.record(servedRead())
  await log.flush()
  assert.deepEqual([log.dropped, log.logged, (await rowsOf(folder)).length], [5, 11, 11])
})

test('files are rolled by rows and by seconds', async () => {
  const folder = freshFolder()
  await using log = await FeatureLog.open({ folder, share: 1, rows: 4, seconds: 0.1 })
  for (let read = 0; read < 9; read++) log.record(servedRead())
  await setTimeout(600)
  assert.deepEqual([files(folder).length, log.logged], [3, 9])
})

test('a folder that cannot be written: reads go on, and are counted as dropped', async () => {
  const folder = freshFolder()
  const warned: unknown[] = []
  await using log = await FeatureLog.open({ folder, share: 1, warn: (error) => warned.push(error) })
  writeFileSync(join(folder, 'ranking@1'), 'no folder')
  log.record(servedRead())
  await log.flush()
  assert.deepEqual([log.dropped, log.logged, warned.length], [1, 0, 1])
  rmSync(join(folder, 'ranking@1'))
  log.record(servedRead())
  await log.flush()
  assert.deepEqual([log.dropped, log.logged], [1, 1])
  assert.ok(readdirSync(folder).length > 0)
})

test('what makes no sense is refused', async () => {
  for (const wrong of [{ share: 2 }, { share: Number.NaN }, { share: 1, rows: 0 }, { share: 1, seconds: -1 }])
    await assert.rejects(FeatureLog.open({ folder: freshFolder(), ...wrong }), { code: 'INVALID_ARGUMENT' })
})
