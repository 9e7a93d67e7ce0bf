import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { events, rows, topic } from '../definition/index.ts'
import type { EventsOptions } from '../definition/source.ts'
import { momentMicros } from '../lib/moment.ts'
import { type Cell, t } from '../schema/index.ts'
import { Duck } from './duckdb.ts'
import { LandedBatch, type LandedFile, LandedHistory, type LandedHistoryOptions } from './landed-history.ts'
import { prepareScan, type ScanOptions } from './scan.ts'

const root = mkdtempSync(join(tmpdir(), 'lockstep-landed-'))
const duck = await Duck.open({ threads: 1 })
after(async () => {
  await duck.close()
  rmSync(root, { recursive: true })
})
let folders = 0
const opened = (options?: LandedHistoryOptions) => {
  const folder = join(root, String(folders++))
  return { folder, history: new LandedHistory(folder, options) }
}

const columns = { id: t.string(), total: t.decimal(9, 2).nullable(), tags: t.list(t.string()).nullable(), at: t.timestamp() }
type Columns = typeof columns
const sourceOf = (options: Partial<EventsOptions<Columns>> = {}) =>
  events('orders', { columns, time: 'at', id: 'id', stream: topic('orders', { key: 'id' }), ...options })
const orders = sourceOf()

const micros = (text: string) => momentMicros(`2026-03-${text}`)
interface Order {
  readonly id: string
  readonly at: string
  readonly offset: number
  readonly total?: number
  readonly taken?: string
}
const event = ({ id, at, offset, total = offset * 100, taken = '09T00:00' }: Order, partition = 0) => ({
  cells: [id, total, [id], micros(at)] as Cell[],
  time: micros(at),
  taken: micros(taken),
  partition,
  offset,
})

async function land(history: LandedHistory, all: readonly Order[], range = { first: 0, next: 100 }, partition = 0): Promise<LandedFile[]> {
  const batch = new LandedBatch(orders)
  for (const one of all) batch.add(event(one, partition))
  assert.equal(batch.rows, all.length)
  return await history.write(batch, partition, range)
}

/** What a scan gives, as texts. */
async function scanned(source: ReturnType<typeof sourceOf>, options: ScanOptions, select = 'id, total'): Promise<string[]> {
  const scan = await prepareScan(duck, source, options)
  const found = await duck.rows(`SELECT concat_ws(' ', ${select}) AS row FROM (${scan.sql}) ORDER BY ALL`)
  await scan.close()
  return found.map(({ row }) => row as string)
}

const day1 = [
  { id: 'a', at: '01T10:00', offset: 0 },
  { id: 'b', at: '01T23:59:59.999999', offset: 2 },
]
const day2 = [{ id: 'c', at: '02T00:00', offset: 1 }]

describe('history that streams write', () => {
  test('is in a file for each day, with the place of each event', async () => {
    const { folder, history } = opened()
    const files = await land(history, [...day1, ...day2], { first: 0, next: 7 }, 3)
    assert.deepEqual(
      files.map(({ path, ...rest }) => ({ path: path.replace(/[0-9a-f]{8}\.parquet$/, '*'), ...rest })),
      [
        { path: 'orders/date=2026-03-01/3-0-7-*', date: '2026-03-01', rows: 2, first: 0, next: 7 },
        { path: 'orders/date=2026-03-02/3-0-7-*', date: '2026-03-02', rows: 1, first: 0, next: 7 },
      ],
    )
    const found = await duck.rows(`SELECT id, CAST(total AS VARCHAR) AS total, epoch_us("__taken") AS taken, "__partition", "__offset"
      FROM read_parquet('${folder}/**/*.parquet') ORDER BY id`)
    assert.deepEqual(
      found.map((row) => Object.values(row).map(String)),
      [
        ['a', '0.00', String(micros('09T00:00')), '3', '0'],
        ['b', '2.00', String(micros('09T00:00')), '3', '2'],
        ['c', '1.00', String(micros('09T00:00')), '3', '1'],
      ],
    )
    assert.deepEqual(
      readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('partial')),
      [],
    )
  })

  test('a batch that could not be written is written again, under other names', async () => {
    const { folder, history } = opened()
    const batch = new LandedBatch(orders)
    for (const one of [...day1, ...day2]) batch.add(event(one))
    // In the place of the second folder is a file.
    mkdirSync(join(folder, 'orders'), { recursive: true })
    writeFileSync(join(folder, 'orders', 'date=2026-03-02'), '')
    const range = { first: 0, next: 3 }
    await assert.rejects(history.write(batch, 0, range), { code: 'STORE_UNAVAILABLE' })
    rmSync(join(folder, 'orders', 'date=2026-03-02'))
    const files = await history.write(batch, 0, range)
    const landed = files.map((file) => history.pathOf(file))
    assert.deepEqual(await scanned(orders, { landed }), ['a 0.00', 'b 2.00', 'c 1.00'])
    assert.equal(readdirSync(join(folder, 'orders', 'date=2026-03-01')).length, 2)
  })

  test('small files become one, eight of a day that goes on', async () => {
    const { history } = opened()
    let files: readonly LandedFile[] = []
    for (let at = 0; at < 9; at++) {
      const order = { id: `k${at}`, at: '01T10:00', offset: at }
      files = [...files, ...(await land(history, [order], { first: at, next: at + 1 }))]
      const compacted = await history.compact(orders, 0, files)
      if (at < 7) assert.equal(compacted, files, 'nothing to do')
      files = compacted
    }
    assert.deepEqual(
      files.map(({ rows, first, next }) => ({ rows, first, next })),
      [
        { rows: 8, first: 0, next: 8 },
        { rows: 1, first: 8, next: 9 },
      ],
    )
    const landed = files.map((file) => history.pathOf(file))
    assert.deepEqual(
      await scanned(orders, { landed }, 'id, total, tags, epoch_us("at")'),
      Array.from({ length: 9 }, (_, at) => `k${at} ${at}.00 [k${at}] ${micros('01T10:00')}`),
    )
    assert.deepEqual(
      await duck.rows(`SELECT count(DISTINCT ("__offset", "__partition", "__taken")) AS n FROM read_parquet(['${landed.join("','")}'])`),
      [{ n: 9n }],
    )
    await history.close()
  })

  test('what does not count goes, once nobody can be reading it', async () => {
    const hour = 3_600_000
    const { folder, history } = opened()
    const counts = await land(history, day1, { first: 0, next: 3 }, 1)
    const other = await land(history, day1, { first: 0, next: 3 }, 10)
    const left = await land(history, [...day1, ...day2], { first: 0, next: 3 }, 1)
    const partial = `${history.pathOf(left[0] as LandedFile)}.partial`
    writeFileSync(partial, '')
    const all = [...counts, ...other, ...left].map((file) => history.pathOf(file))
    const there = () => [...all, partial].filter((path) => existsSync(path))
    await history.clean(orders, 1, counts)
    assert.deepEqual(there(), [...all, partial], 'all are new')
    const old = (paths: readonly string[]) => {
      for (const path of paths) utimesSync(path, new Date(), new Date(Date.now() - 2 * hour))
    }
    old([...all.slice(1), partial])
    await history.clean(orders, 1, counts)
    assert.deepEqual(there(), [...all.slice(0, 3), partial], 'the merged file of the first day is new')
    old(all.slice(0, 1))
    await new LandedHistory(folder, { grace: 3 * hour }).clean(orders, 1, counts)
    assert.deepEqual(there(), [...all.slice(0, 3), partial], 'a longer grace')
    await history.clean(orders, 1, counts)
    assert.deepEqual(there(), all.slice(0, 2), 'partition 10 is another')
    await history.clean(sourceOf(), 5, [])
    assert.deepEqual(there(), all.slice(0, 2))
  })
})

describe('a scan of what has landed', () => {
  test('is of a stream alone, or beside a history; without either of nothing', async () => {
    const { history } = opened()
    const landed = (await land(history, [...day1, ...day2])).map((file) => history.pathOf(file))
    assert.deepEqual(await scanned(orders, { landed }), ['a 0.00', 'b 2.00', 'c 1.00'])
    assert.deepEqual(await scanned(orders, {}), [])
    assert.deepEqual(await scanned(orders, { landed: [] }), [])
    const declared = rows([{ id: 'z', total: '5', at: '2026-03-01' }])
    assert.deepEqual(await scanned(orders, { history: declared, landed }), ['a 0.00', 'b 2.00', 'c 1.00', 'z 5.00'])
    const scan = await prepareScan(duck, orders, { landed })
    assert.deepEqual(await scan.report(), { source: 'orders', rows: 3, setAside: 0, problems: [] })
    assert.deepEqual(
      scan.files.map(({ path }) => path),
      landed,
    )
    await scan.close()
  })

  test('of versions of an event the one taken last counts; a history without known times counts as known first', async () => {
    const { history } = opened()
    const versions = [
      { id: 'a', at: '01T10:00', offset: 0, total: 100, taken: '09T01:00' },
      { id: 'a', at: '02T10:00', offset: 1, total: 50, taken: '09T02:00' },
      { id: 'b', at: '01T10:00', offset: 2, total: 700, taken: '09T03:00' },
      { id: 'b', at: '01T10:00', offset: 3, total: 700, taken: '09T03:00' },
    ]
    const landed = (await land(history, versions)).map((file) => history.pathOf(file))
    const declared = rows([
      { id: 'a', total: '99', at: '2026-03-03' },
      { id: 'c', total: '1', at: '2026-03-03' },
    ])
    const options = { history: declared, landed }
    assert.deepEqual(await scanned(orders, options), ['a 0.50', 'b 7.00', 'c 1.00'])
    const times = 'id, total, coalesce(epoch_us("__known")::VARCHAR, \'always\'), coalesce(epoch_us("__superseded")::VARCHAR, \'never\')'
    const [one, two, three] = ['09T01:00', '09T02:00', '09T03:00'].map(micros)
    assert.deepEqual(await scanned(orders, { ...options, versions: 'all' }, times), [
      `a 0.50 ${two} never`,
      `a 1.00 ${one} ${two}`,
      `a 99.00 always ${one}`,
      `b 7.00 ${three} never`,
      'c 1.00 always never',
    ])
  })

  test('a declared known time counts before that of the log', async () => {
    const known = sourceOf({ known: 'at' })
    const { history } = opened()
    const versions = [
      { id: 'a', at: '02T10:00', offset: 0, taken: '09T01:00' },
      { id: 'a', at: '01T10:00', offset: 1, taken: '09T02:00' },
    ]
    const landed = (await land(history, versions)).map((file) => history.pathOf(file))
    assert.deepEqual(await scanned(known, { landed }, 'total, epoch_us("at")'), [`0.00 ${micros('02T10:00')}`])
  })

  test('without an id each record is an event', async () => {
    const plain = sourceOf({ id: [] as never })
    const { history } = opened()
    const landed = (await land(history, [day1[0] as Order, { ...(day1[0] as Order), offset: 1, total: 0 }])).map((file) =>
      history.pathOf(file),
    )
    assert.deepEqual(await scanned(plain, { landed }), ['a 0.00', 'a 0.00'])
  })

  test('is by the schema of today', async () => {
    const { history } = opened()
    const landed = (await land(history, [...day1, { id: 'd', at: '01T11:00', offset: 5, total: 123 }])).map((file) => history.pathOf(file))
    const changed = (change: object) =>
      events('orders', {
        columns: { ...columns, ...change },
        time: 'at',
        id: 'id',
        invalidRows: 'setAside',
        stream: topic('orders', { key: 'id' }),
      } as never) as never
    assert.deepEqual(await scanned(changed({ more: t.integer().nullable() }), { landed }, 'id, coalesce(more, -1)'), [
      'a -1',
      'b -1',
      'd -1',
    ])
    await assert.rejects(scanned(changed({ more: t.integer() }), { landed }), {
      code: 'SOURCE_SCHEMA',
      message: 'The column more was declared after events had landed without it (source orders)',
    })
    assert.deepEqual(
      await scanned(changed({ total: t.decimal(9, 1).nullable() }), { landed }),
      ['a 0.0', 'b 2.0'],
      '1.23 has a digit too many',
    )
    assert.deepEqual(await scanned(changed({ total: t.float().nullable().range(1, 3) }), { landed }), ['b 2.0', 'd 1.23'])
    const strict = events('orders', {
      columns: { ...columns, id: t.oneOf('a', 'b') },
      time: 'at',
      id: 'id',
      stream: topic('orders', { key: 'id' }),
    })
    await assert.rejects(scanned(strict as never, { landed }), (error: Error) => {
      assert.match(error.message, /1 of 3 rows violate the schema: id is none of a, b, 1 row, first in .*parquet row 3: "d"/)
      return true
    })
    assert.ok(dirname(landed[0] as string).endsWith('date=2026-03-01'))
  })
})
