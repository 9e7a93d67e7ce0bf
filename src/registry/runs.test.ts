import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { freshRegistry } from '../../test/support/fresh-registry.ts'
import { formatMoment } from '../lib/moment.ts'
import { type Run, Runs } from './runs.ts'

const run = (started: number, more: Partial<Run> = {}): Omit<Run, 'id'> => ({
  kind: 'materialize',
  environment: 'dev',
  subject: 'user_orders@1',
  by: 'ada',
  started: formatMoment(started),
  seconds: 2,
  rows: 1000,
  bytes: 50_000,
  outcome: 'done',
  error: null,
  ...more,
})

test('runs are listed from the newest on, by kind, subject and environment, page by page', async () => {
  await using own = freshRegistry()
  const { registry, clock } = own
  const { runs } = registry
  for (let index = 0; index < 700; index++) {
    const [kind, subject] = index % 2 === 0 ? (['materialize', 'a@1'] as const) : (['backfill', 'b@1'] as const)
    await runs.record(clock.now + index, run(clock.now + index, { kind, subject, rows: index }))
  }
  await runs.record(
    clock.now + 1000,
    run(clock.now, { environment: 'prod', outcome: 'failed', error: { code: 'ROW_REFUSED', message: 'no' } }),
  )
  assert.deepEqual(
    (await runs.list({ limit: 2 })).map(({ environment, rows }) => [environment, rows]),
    [
      ['prod', 1000],
      ['dev', 699],
    ],
  )
  const backfills = await runs.list({ kind: 'backfill', subject: 'b@1', environment: 'dev', limit: 1000 })
  assert.equal(backfills.length, 350)
  assert.equal(backfills.at(-1)?.rows, 1)
  const [, second] = backfills
  assert.deepEqual(
    (await runs.list({ kind: 'backfill', before: second?.id, limit: 1 })).map(({ rows }) => rows),
    [695],
  )
  assert.deepEqual((await runs.list({ environment: 'prod' }))[0]?.error, { code: 'ROW_REFUSED', message: 'no' })
})

test('the rate of a kind comes from the newest runs that were done and had rows', async () => {
  await using own = freshRegistry()
  const { registry, clock } = own
  const { runs } = registry
  assert.equal((await runs.rates('materialize'))(), null)
  for (let index = 0; index < 20; index++)
    await runs.record(clock.now + index, run(clock.now, { rows: index < 10 ? 1 : 3000, bytes: 6000 }))
  await runs.record(clock.now + 30, run(clock.now, { outcome: 'failed', rows: 9 }))
  await runs.record(clock.now + 31, run(clock.now, { rows: 0 }))
  const rate = await runs.rates('materialize')
  assert.deepEqual(rate('user_orders@1'), { rowsPerSecond: 1500, bytesPerRow: 2, runs: 10 })
  assert.equal(rate('other@1'), null)
  assert.deepEqual(rate(), rate('user_orders@1'))
})

test('the oldest runs go', async () => {
  await using own = freshRegistry()
  const { registry, clock } = own
  const runs = new Runs(registry.documents, registry.clock, undefined, { most: 20, trimEvery: 1 })
  for (let index = 0; index < 50; index++) await runs.record(clock.now + index, run(clock.now, { rows: index }))
  const left = await runs.list()
  assert.deepEqual([left.length, left[0]?.rows, left.at(-1)?.rows], [20, 49, 30])
})

test('a run is there while it goes on, once it ended, and as lost where its process is gone or silent', async () => {
  await using own = freshRegistry()
  const { runs, documents } = own.registry
  const now = own.clock.now
  const begun = { kind: 'train', environment: 'dev', subject: 'view:ranking@1', by: 'ada', started: '2026-03-01T10:00:00Z' } as const
  const id = await runs.begin(now, begun)
  const outcomes = async () => (await runs.list()).map(({ outcome }) => outcome)
  assert.deepEqual(await runs.list(), [{ ...begun, id, seconds: 0, rows: 0, bytes: 0, outcome: 'running', error: null }])
  assert.equal(await runs.record(now, { ...begun, seconds: 1, rows: 5, bytes: 9, outcome: 'done', error: null }, id), id)
  assert.deepEqual(await outcomes(), ['done'])
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  for (const [holder, outcome] of [
    [{ machine: hostname(), process: process.pid, seen: now }, 'running'],
    [{ machine: hostname(), process: child.pid, seen: now }, 'lost'],
    [{ machine: 'another', process: child.pid, seen: now }, 'running'],
    [{ machine: 'another', process: process.pid, seen: now - 121_000_000 }, 'lost'],
  ] as const) {
    await documents.commit({ puts: [{ table: 'runs', key: id, text: JSON.stringify({ ...begun, outcome: 'running', holder }) }] })
    assert.deepEqual(await outcomes(), [outcome])
  }
})
